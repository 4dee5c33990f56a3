"""DROP TABLE of a partition."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model import wording
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import Drop

_PARENT = """
CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
"""

RULE = Rule(
    id="drop-partition-locks-parent",
    title="Dropping a partition locks the whole partitioned table",
    class_="gate",
    severity="warning",
    why="""
`DROP TABLE` of a partition takes ACCESS EXCLUSIVE on its parent and on the DEFAULT partition, not
only on the partition: it queues behind every open transaction that has touched any part of the
partitioned table, and all later reads and writes queue behind it. The rows are gone.

Detach first: `ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY` (PostgreSQL 14) lets reads and
writes pass. What was detached is a table of its own, which a later migration drops without a lock
on the parent, after somebody had the time to look at it.
""",
    source="5.12.2.2 Partition Maintenance; DROP TABLE",
    bad=Example(
        sql="DROP TABLE events_2025;",
        setup=_PARENT,
        proof=("events ACCESS EXCLUSIVE", "events_2025 ACCESS EXCLUSIVE"),
    ),
    good=(
        Example(
            sql="ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY;",
            setup=_PARENT,
            transaction="statement",
        ),
    ),
    operations=(Drop,),
    silent=(
        Example(
            "CREATE TABLE events_2027 PARTITION OF events "
            "FOR VALUES FROM ('2027-01-01') TO ('2028-01-01'); DROP TABLE events_2027;",
            setup=_PARENT,
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A dropped partition of a parent in use."""
    drop = step.the(Drop)
    known = step.catalog.table(drop.name) if "table" in drop.kind and not drop.cascade else None
    if known is None or known.partition_of is None or step.is_new(drop.name):
        return
    parent = known.partition_of
    if step.is_new(parent):
        return
    others = [e for e in step.existing if e.name.name != drop.name.name]
    waits = wording.waits_phrase(others) or f"reads and writes of {parent.name} wait"
    yield Hazard(
        f"Drops the partition {drop.name} with its rows under ACCESS EXCLUSIVE on {parent.name} as "
        f"a whole: {waits}, behind every open transaction that uses one of its partitions."
    )
