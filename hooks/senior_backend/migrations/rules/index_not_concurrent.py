"""CREATE INDEX without CONCURRENTLY."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.names import Name

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);"
_EVENTS = """
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
"""

RULE = Rule(
    id="index-not-concurrent",
    title="CREATE INDEX without CONCURRENTLY blocks writes until the index is built",
    class_="gate",
    severity="error",
    why="""\
A plain `CREATE INDEX` takes a `SHARE` lock on the table and keeps it for the whole build. Reads go
on; every `INSERT`, `UPDATE` and `DELETE` waits. On a table of some size that is minutes, in which
writing requests pile up until the connection pool is empty. In a migration that runs in one
transaction the lock lasts until its end, whatever follows.

`CREATE INDEX CONCURRENTLY` lets writes go on. It reads the table twice, waits for older
transactions, and cannot run in a transaction block, so it belongs in a migration of its own. When
it fails it leaves an `INVALID` index behind: drop that before trying again.

A partitioned table refuses `CONCURRENTLY`. Create the index `ON ONLY` the parent (an instant),
build one concurrently on each partition, and attach each with `ALTER INDEX ... ATTACH PARTITION`;
the parent's index becomes valid with the last one.
""",
    source="CREATE INDEX, Building Indexes Concurrently",
    bad=Example(
        setup=_ORDERS,
        sql="CREATE INDEX orders_customer_id_idx ON orders (customer_id);",
        proof=("orders SHARE", "orders scan", "orders index build"),
    ),
    good=(
        Example(
            sql="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);",
            transaction="statement",
        ),
    ),
    silent=(
        Example(f"{_ORDERS}\nCREATE INDEX ON orders (customer_id);"),
        Example("CREATE INDEX ON ONLY events (id);", setup=_EVENTS),
        Example(
            "CREATE INDEX ON daily_sales (day);",
            setup="CREATE MATERIALIZED VIEW daily_sales AS SELECT current_date AS day;",
        ),
    ),
    operations=(CreateIndex,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A build on a table that is in use; an index ON ONLY the parent builds nothing."""
    index = step.the(CreateIndex)
    if index.concurrently or index.only or step.is_new(index.table):
        return
    name = Name(index.table.schema, index.name or "")
    if index.if_not_exists and step.catalog.index(name) is not None:
        return  # nothing is built
    known = step.catalog.table(index.table)
    if known is not None and known.kind == "materialized view":
        return  # nobody writes to it but REFRESH
    if known is not None and known.partition_by is not None:
        message = (
            f"CREATE INDEX takes SHARE on {index.table} and on every partition until all of them "
            "have their index: writes to any of them wait. CONCURRENTLY is refused on a "
            "partitioned table: build per partition and attach."
        )
    else:
        end = "the transaction ends" if step.transaction is not None else "the index is built"
        message = (
            f"CREATE INDEX takes SHARE on {index.table} and builds under it: every write to "
            f"{index.table} waits until {end}. Write CREATE INDEX CONCURRENTLY."
        )
    yield graded(step, index.table, message)
