"""VACUUM FULL, CLUSTER."""

from collections.abc import Iterator

from senior_backend.migrations import blocking
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import Cluster, Vacuum

_SETUP = "CREATE TABLE events (id bigint PRIMARY KEY, body text);"

RULE = Rule(
    id="vacuum-full-or-cluster",
    title="VACUUM FULL and CLUSTER rewrite the table under ACCESS EXCLUSIVE",
    class_="gate",
    severity="error",
    why="""
Both copy every live row into new files and build all indexes anew. Nobody reads or writes the table
from beginning to end, the copy needs as much disk again, and all of it goes through the log to the
replicas.

Plain `VACUUM` makes the space of dead rows usable again beside reads and writes, which is nearly
always enough. To give space back to the system or to sort a table while it is in use, `pg_repack`
and `pg_squeeze` do the copy with short locks; bloated indexes are rebuilt with
`REINDEX ... CONCURRENTLY`.
""",
    source="VACUUM; CLUSTER; 25.1.2 Recovering Disk Space",
    bad=Example(
        sql="CLUSTER events USING events_pkey;",
        setup=_SETUP,
        proof=("events ACCESS EXCLUSIVE", "events rewrite"),
    ),
    good=(Example(sql="VACUUM (ANALYZE) events;", setup=_SETUP, transaction="statement"),),
    operations=(Vacuum, Cluster),
    silent=(
        Example("VACUUM events;", setup=_SETUP, transaction="statement"),
        Example("ALTER TABLE events CLUSTER ON events_pkey;", setup=_SETUP),
        Example("CREATE TABLE scratch (id int PRIMARY KEY); CLUSTER scratch USING scratch_pkey;"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A table, or all of them, is copied under lock."""
    operation = step.operation
    if isinstance(operation, Vacuum):
        if not operation.full:
            return
        verb, tables = "VACUUM FULL", operation.tables
        nothing_named = "every table of the database"
    elif isinstance(operation, Cluster):
        verb, tables = "CLUSTER", (operation.table,) if operation.table else ()
        nothing_named = "every table that was clustered before"
    else:
        return
    for table in tables:
        if not step.is_new(table):
            yield blocking.graded(step, table, f"{verb} {blocking.work(step, table, 'rewrite')}.")
            return
    if not tables:
        yield Hazard(
            f"{verb} rewrites {nothing_named}, each under ACCESS EXCLUSIVE: its reads and writes "
            "wait until it is done."
        )
