"""SET LOGGED, SET UNLOGGED."""

from collections.abc import Iterator

from senior_backend.migrations import blocking
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import SetPersistence

_SETUP = "CREATE TABLE events (id bigint PRIMARY KEY, body text);"

RULE = Rule(
    id="set-persistence-rewrite",
    title="SET LOGGED and SET UNLOGGED rewrite the table under ACCESS EXCLUSIVE",
    class_="gate",
    severity="error",
    why="""
Changing whether a table writes to the log copies it into new files and builds all its indexes
anew, under ACCESS EXCLUSIVE: nobody reads or writes it meanwhile. `SET LOGGED` writes the whole
table into the log as well, which every replica has to take in.

An unlogged table is **empty after a crash** and does not exist on replicas or in a restored
backup.

Create another table of the wanted kind, copy rows in batches while a trigger on the old table keeps
both equal, and exchange their names in one short transaction.
""",
    source="ALTER TABLE, SET { LOGGED | UNLOGGED }; CREATE TABLE, UNLOGGED",
    bad=Example(
        sql="ALTER TABLE events SET UNLOGGED;",
        setup=_SETUP,
        proof=("events ACCESS EXCLUSIVE", "events rewrite"),
    ),
    good=(
        Example(
            sql="CREATE UNLOGGED TABLE events_new (LIKE events INCLUDING ALL);",
            setup=_SETUP,
        ),
    ),
    operations=(SetPersistence,),
    silent=(
        Example("ALTER TABLE events SET LOGGED;", setup=_SETUP),
        Example("CREATE TABLE scratch (id int); ALTER TABLE scratch SET UNLOGGED;"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A change of persistence of a table that others use, unless it has it already."""
    change = step.the(SetPersistence)
    if step.is_new(change.table) or blocking.certainty(step, "rewrite") is False:
        return
    message = f"SET {change.persistence.upper()} {blocking.work(step, change.table, 'rewrite')}."
    if change.persistence == "unlogged":
        yield Hazard(f"{message} After a crash of the server the table is empty.")
    else:
        logged = message.replace("SET PERMANENT", "SET LOGGED")
        yield blocking.graded(step, change.table, logged)
