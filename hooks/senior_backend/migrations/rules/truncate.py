"""TRUNCATE."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import Truncate

_SETUP = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE sessions (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
"""

RULE = Rule(
    id="truncate",
    title="TRUNCATE deletes every row, with CASCADE those of referencing tables too",
    class_="gate",
    severity="error",
    why="""
All rows are gone at once, without a trigger `ON DELETE` having fired, and only a backup brings them
back. With `CASCADE` so are the rows of every table that has a foreign key to the table, whatever
its `ON DELETE` says, and of the tables that reference those; the server mentions them in a NOTICE.

Each of these tables is locked with ACCESS EXCLUSIVE until the transaction ends, and `TRUNCATE` is
not MVCC-safe: a transaction that began earlier and looks later finds the table empty.

Delete in batches what is to go, or name all tables in one `TRUNCATE` without `CASCADE`: it then
fails if there is another that references them.
""",
    source="TRUNCATE",
    bad=Example(
        sql="TRUNCATE customers CASCADE;",
        setup=_SETUP,
        proof=("customers ACCESS EXCLUSIVE", "sessions ACCESS EXCLUSIVE"),
    ),
    good=(
        Example(
            sql="""
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE customer_id IS NULL ORDER BY id LIMIT 1000
);
""",
            setup=_SETUP,
            transaction="statement",
        ),
    ),
    operations=(Truncate,),
    silent=(
        Example("CREATE TABLE scratch (id int); TRUNCATE scratch;"),
        Example("CREATE TEMPORARY TABLE scratch (id int); TRUNCATE scratch;"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """Emptied tables that were there before."""
    truncate = step.the(Truncate)
    named = [table for table in truncate.tables if not step.is_new(table)]
    if not named:
        return
    names = {table.name for table in truncate.tables}
    others = [e.relation for e in step.existing if e.name.name not in names]
    through = ""
    if truncate.cascade:
        found = ", ".join(others) if others else "every table with a foreign key to it"
        through = f" and, through CASCADE, of {found}"
    yield Hazard(
        f"Deletes every row of {', '.join(map(str, named))}{through}: only a backup brings them "
        "back. ACCESS EXCLUSIVE is held until the transaction ends; reads and writes wait.",
    )
