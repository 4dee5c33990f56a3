"""CREATE or DROP INDEX CONCURRENTLY on a partitioned table."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import CreateIndex, DropIndex

_EVENTS = """
CREATE TABLE events (id bigint, account_id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX events_id_idx ON events (id);
"""

RULE = Rule(
    id="concurrent-index-on-partitioned-table",
    title="CONCURRENTLY is refused on a partitioned table",
    class_="gate",
    severity="error",
    why="""\
PostgreSQL neither creates nor drops an index concurrently on a partitioned table: the statement
fails and the deploy stops there. Without `CONCURRENTLY` it would succeed, with `SHARE` on the
parent and on every partition until the last index is built.

The way that blocks nobody: `CREATE INDEX ... ON ONLY parent` makes an empty, invalid index in an
instant; `CREATE INDEX CONCURRENTLY` builds one on each partition; `ALTER INDEX parent_index ATTACH
PARTITION partition_index` joins them, and the parent's index becomes valid with the last one. New
partitions get theirs from then on.

To drop one there is only the plain `DROP INDEX` on the parent's, under a short `lock_timeout`.
""",
    source="CREATE INDEX, Building Indexes Concurrently",
    bad=Example(
        setup=_EVENTS,
        sql="CREATE INDEX CONCURRENTLY events_account_id_idx ON events (account_id);",
        transaction="statement",
        proof=('error: cannot create index on partitioned table "events" concurrently',),
    ),
    good=(
        Example("CREATE INDEX events_account_id_idx ON ONLY events (account_id);"),
        Example(
            "CREATE INDEX CONCURRENTLY events_2025_account_id_idx ON events_2025 (account_id);",
            transaction="statement",
        ),
        Example(
            "ALTER INDEX events_account_id_idx ATTACH PARTITION events_2025_account_id_idx;",
        ),
    ),
    silent=(
        Example(
            "CREATE INDEX CONCURRENTLY ON events_2025 (account_id);",
            setup=_EVENTS,
            transaction="statement",
        ),
        Example("REINDEX TABLE CONCURRENTLY events;", setup=_EVENTS, transaction="statement"),
        Example("DROP INDEX events_id_idx;", setup=_EVENTS),
    ),
    operations=(CreateIndex, DropIndex),
)


def check(step: Step) -> Iterator[Hazard]:
    """A statement that fails, on a new table just as well."""
    operation = step.operation
    if isinstance(operation, CreateIndex):
        table, verb = operation.table, "CREATE INDEX"
    elif isinstance(operation, DropIndex):
        index = step.catalog.index(operation.index)
        if index is None:
            return
        table, verb = index.table, "DROP INDEX"
    else:
        return
    known = step.catalog.table(table)
    if not operation.concurrently or known is None or known.partition_by is None:
        return
    yield Hazard(
        f"{step.label(table)} is partitioned, where PostgreSQL refuses {verb} CONCURRENTLY: "
        "the migration fails here."
    )
