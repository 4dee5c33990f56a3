"""DROP INDEX without CONCURRENTLY."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import DropIndex

_ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, status text);
CREATE INDEX orders_status_idx ON orders (status);
"""

RULE = Rule(
    id="drop-index-not-concurrent",
    title="DROP INDEX without CONCURRENTLY locks the whole table",
    class_="hygiene",
    severity="warning",
    why="""\
`DROP INDEX` takes `ACCESS EXCLUSIVE` not only on the index but on its table. The work itself is
over in an instant. The wait for the lock is not: it queues behind the longest transaction that has
touched the table, and every later query on the table, reads included, queues behind it. Inside a
longer transaction the lock stays until that ends.

`DROP INDEX CONCURRENTLY` waits for the same transactions without making anybody wait for it. It
cannot run in a transaction block, takes one index at a time and no `CASCADE`. The index of a
partitioned table and that of a constraint cannot be dropped this way: set a short `lock_timeout`.
""",
    source="DROP INDEX",
    bad=Example(
        setup=_ORDERS,
        sql="DROP INDEX orders_status_idx;",
        proof=("orders ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="DROP INDEX CONCURRENTLY orders_status_idx;",
            transaction="statement",
        ),
    ),
    silent=(
        Example(f"{_ORDERS}\nDROP INDEX orders_status_idx;"),
        Example(
            "DROP INDEX events_id_idx;",
            setup="""
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE INDEX events_id_idx ON events (id);
""",
        ),
    ),
    operations=(DropIndex,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A drop that locks a table in use, where a concurrent one is possible."""
    drop = step.the(DropIndex)
    if drop.concurrently:
        return
    table = "its table"
    known = step.catalog.index(drop.index)
    if known is not None:
        if known.constraint is not None or step.is_new(known.table):
            return
        owner = step.catalog.table(known.table)
        if owner is not None and (owner.partition_by or owner.kind == "materialized view"):
            return
        table = step.label(known.table)
    yield Hazard(
        f"DROP INDEX {drop.index} takes ACCESS EXCLUSIVE on {table}, for an instant once it has "
        f"it: it waits for every open transaction on {table}, and all reads and writes wait "
        "behind it. Write DROP INDEX CONCURRENTLY."
    )
