"""A timeout that cuts a concurrent index build short."""

from collections.abc import Iterator
from typing import Final

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import CreateIndex, DropIndex, Reindex
from senior_backend.operations.tables import DetachPartition

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);"

ENOUGH_MS: Final = {"lock_timeout": 10 * 60 * 1000.0, "statement_timeout": 60 * 60 * 1000.0}
"""From here on a timeout is taken to be chosen for a concurrent build."""

RULE = Rule(
    id="lock-timeout-with-concurrently",
    title="A short timeout ends a concurrent build half-way and leaves an INVALID index",
    class_="hygiene",
    severity="warning",
    why="""\
A concurrent build waits, by design and several times, for every transaction that is older than it:
a report, a dump, a forgotten session. Those waits count as lock waits, so `lock_timeout` ends the
build when one of them lasts longer, after the table has been read once or twice.
`statement_timeout` ends it when the build as a whole takes longer. Either way an `INVALID` index
stays that costs every write and serves no query, and the migration has failed.

Nobody waits for a concurrent build, so it needs no such limit: `SET lock_timeout = 0` and
`SET statement_timeout = 0` before it, and the short ones again after it. The same holds for
`DROP INDEX`, `REINDEX` and `DETACH PARTITION` with `CONCURRENTLY`.
""",
    source="CREATE INDEX, Building Indexes Concurrently; Client Connection Defaults",
    bad=Example(
        setup=_ORDERS,
        sql="""\
SET lock_timeout = '2s';
CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
""",
        transaction="statement",
    ),
    good=(
        Example(
            sql="""\
SET lock_timeout = 0;
SET statement_timeout = 0;
CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
""",
            transaction="statement",
        ),
    ),
    silent=(
        Example(
            """\
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN note text;
RESET lock_timeout;
CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
""",
            setup=_ORDERS,
            transaction="statement",
        ),
        Example(
            "SET lock_timeout = '1h'; CREATE INDEX CONCURRENTLY ON orders (customer_id);",
            setup=_ORDERS,
            transaction="statement",
        ),
    ),
    operations=(CreateIndex, DropIndex, Reindex, DetachPartition),
)


def check(step: Step) -> Iterator[Hazard]:
    """The timeouts under which a concurrent statement runs."""
    operation = step.operation
    if not isinstance(operation, CreateIndex | DropIndex | Reindex | DetachPartition):
        return
    if not operation.concurrently or step.transaction is not None:
        return
    if isinstance(operation, CreateIndex) and step.is_new(operation.table):
        return
    short = []
    for name, enough in ENOUGH_MS.items():
        limit = step.session.timeout_ms(name)
        if limit is not None and limit < enough:
            short.append(f"{name} = {step.session.variables[name]}")
    if not short:
        return
    ends = "ends" if len(short) == 1 else "end"
    left = {
        CreateIndex: "leaves an INVALID index",
        DropIndex: "leaves the index INVALID",
        Reindex: "leaves an INVALID copy of the index",
        DetachPartition: "leaves the partition half detached",
    }[type(operation)]
    yield Hazard(
        "CONCURRENTLY waits for every older transaction, and "
        f"{' and '.join(short)} {ends} it when that takes longer: the migration fails and {left}."
    )
