"""ADD COLUMN ... CHECK."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column, certainty, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY);"

RULE = Rule(
    id="add-column-inline-check",
    title="A new column with CHECK reads the whole table under an exclusive lock",
    class_="gate",
    severity="error",
    why="""\
The new column holds the same value in every row, so the check could be decided without looking.
PostgreSQL looks all the same: it runs the condition on every row under `ACCESS EXCLUSIVE`, and
nobody reads or writes the table until it has seen all of them.

Add the column first and the constraint after it with `NOT VALID`, which takes an instant; new
rows are checked from then on. `VALIDATE CONSTRAINT` in a migration of its own then reads the
table without stopping reads or writes.""",
    source="ALTER TABLE, Notes (scanning the table to check a constraint)",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN pieces integer CHECK (pieces > 0);",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders scan"),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN pieces integer;\n"
            "ALTER TABLE orders ADD CONSTRAINT pieces_positive CHECK (pieces > 0) NOT VALID;",
            setup=_ORDERS,
        ),
        Example("ALTER TABLE orders VALIDATE CONSTRAINT pieces_positive;"),
    ),
    operations=(AddColumn,),
    silent=(
        Example("ALTER TABLE orders ADD COLUMN pieces integer DEFAULT 1;", setup=_ORDERS),
        Example("CREATE TABLE lines (pieces integer CHECK (pieces > 0));", setup=_ORDERS),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A check with a new column, unless a rewrite reads the rows anyway."""
    added = added_column(step)
    if added is None or certainty(step, "rewrite"):
        return
    if any(c.kind == "check" and not c.not_enforced for c in added.definition.constraints):
        message = f"For the CHECK PostgreSQL {work(step, added.table, 'scan')}."
        yield graded(step, added.table, message)
