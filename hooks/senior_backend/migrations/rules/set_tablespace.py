"""SET TABLESPACE."""

from collections.abc import Iterator

from senior_backend.migrations import blocking
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import Other
from senior_backend.operations.tables import SetTablespace

RULE = Rule(
    id="set-tablespace",
    title="SET TABLESPACE copies the files under ACCESS EXCLUSIVE",
    class_="gate",
    severity="error",
    why="""
Moving a table copies its files to the other tablespace, block by block and through the log, under
ACCESS EXCLUSIVE: reads and writes wait until all of it is copied. Its indexes stay where they are.
Moving an index locks only the index, but every query of its table locks the index too, so queries
wait just the same.

Indexes have an online way: `REINDEX INDEX CONCURRENTLY` with `(TABLESPACE ...)` (PostgreSQL 14).
For tables there is none in PostgreSQL itself; `pg_repack` moves them with short locks, or copy in
batches into a new table there and exchange the names.
""",
    source="ALTER TABLE, SET TABLESPACE; REINDEX",
    bad=Example(
        sql="ALTER TABLE events SET TABLESPACE fast;",
        setup="CREATE TABLE events (id bigint PRIMARY KEY, body text);",
        proof=('error: tablespace "fast" does not exist',),
    ),
    good=(
        Example(
            sql="REINDEX (TABLESPACE pg_default) INDEX CONCURRENTLY events_pkey;",
            setup="CREATE TABLE events (id bigint PRIMARY KEY, body text);",
            transaction="statement",
        ),
    ),
    operations=(SetTablespace, Other),
    silent=(
        Example("CREATE TABLE scratch (id int); ALTER TABLE scratch SET TABLESPACE pg_default;"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A table or an index with rows in it is moved."""
    move = step.operation
    if isinstance(move, Other):
        if move.kind == "AlterTableMoveAllStmt":
            yield Hazard(
                "Moves everything in a tablespace, copying each table under ACCESS EXCLUSIVE: "
                "reads and writes of it wait until it is copied."
            )
        return
    if not isinstance(move, SetTablespace):
        return
    if move.kind == "index":
        index = step.catalog.index(move.table)
        if index is not None and step.is_from_this_deploy(index.created_by):
            return
        table = f" of {index.table.name}" if index is not None else ""
        yield Hazard(
            f"Copies the index {move.table} under ACCESS EXCLUSIVE on it: queries{table} lock "
            "every index of their table, so reads and writes wait until it is copied."
        )
        return
    known = step.catalog.table(move.table)
    if step.is_new(move.table) or (known is not None and known.partition_by is not None):
        return
    yield blocking.graded(
        step,
        move.table,
        f"Copies {move.table} to tablespace {move.tablespace} under ACCESS EXCLUSIVE: every read "
        "and write of it waits until the copy ends.",
    )
