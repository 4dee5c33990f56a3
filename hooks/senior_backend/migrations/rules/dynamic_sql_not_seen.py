"""EXECUTE of a string that is put together at run time."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import Do

RULE = Rule(
    id="dynamic-sql-not-seen",
    title="What EXECUTE runs is put together at run time and was not checked",
    class_="note",
    severity="info",
    why="""
A `DO` block can put a statement together and `EXECUTE` it. What it will be cannot be known from the
file, so none of its locks, rewrites or drops are reported: that nothing is reported for these lines
does not mean that they are safe. An `EXECUTE` of a plain string is read and checked like any other
statement.

Where it is possible, write the statement out. Else look at what it runs yourself, and set a
`lock_timeout` before it.
""",
    source="43.5.4 Executing Dynamic Commands",
    bad=Example(
        sql="""
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relname LIKE 'invoices\\_%' LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN note text', name);
    END LOOP;
END
$$;
""",
    ),
    good=(
        Example(
            sql="ALTER TABLE invoices_2026 ADD COLUMN note text;",
            setup="CREATE TABLE invoices_2026 (id bigint PRIMARY KEY);",
        ),
    ),
    operations=(Do,),
    silent=(Example("DO $$ BEGIN RAISE NOTICE 'nothing to see'; END $$;"),),
)


def check(step: Step) -> Iterator[Hazard]:
    """A DO block with statements that cannot be seen."""
    lines = sorted({place.line for body in step.bodies for place in body.dynamic})
    if lines:
        shown = ", ".join(map(str, lines[:5])) + (" and more" if len(lines) > 5 else "")
        yield Hazard(
            f"EXECUTE on line{'s' * (len(lines) > 1)} {shown} runs a statement that is put "
            "together at run time: it could not be checked."
        )
