"""DETACH PARTITION without CONCURRENTLY."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import DetachPartition

_PARENT = """
CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
"""

RULE = Rule(
    id="detach-partition-not-concurrent",
    title="DETACH PARTITION locks the whole partitioned table, not only the partition",
    class_="gate",
    severity="warning",
    why="""
A plain `DETACH PARTITION` takes ACCESS EXCLUSIVE on the parent, the partition and the DEFAULT
partition. The work itself takes a moment, but the lock queues behind every open transaction that
has touched any part of the partitioned table, and everything that comes later, reads included,
queues behind it.

`DETACH PARTITION ... CONCURRENTLY` (PostgreSQL 14) takes SHARE UPDATE EXCLUSIVE on the parent and
waits for old transactions without blocking new ones. It must run outside a transaction, in a
migration of its own, and is not possible when there is a DEFAULT partition. If it is interrupted,
finish it with `DETACH PARTITION ... FINALIZE`.
""",
    source="ALTER TABLE, DETACH PARTITION",
    bad=Example(
        sql="ALTER TABLE events DETACH PARTITION events_2025;",
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
    operations=(DetachPartition,),
    silent=(
        Example(
            "CREATE TABLE logs (id int) PARTITION BY LIST (id); "
            "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1); "
            "ALTER TABLE logs DETACH PARTITION logs_1;"
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A detach that locks a parent in use."""
    detach = step.the(DetachPartition)
    if detach.concurrently or detach.finalize or step.is_new(detach.table):
        return
    default = step.catalog.default_partition(detach.table)
    message = (
        f"Takes ACCESS EXCLUSIVE on {detach.table} as a whole: the work is short, but reads and "
        "writes of all its partitions wait until it has got the lock, behind every open "
        "transaction that uses one of them."
    )
    if default is None:
        yield Hazard(message)
    else:
        yield Hazard(
            f"{message} CONCURRENTLY is not possible beside the DEFAULT partition "
            f"{default.name.name}.",
            class_="hygiene",
        )
