"""REINDEX without CONCURRENTLY."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import Reindex

_ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, status text);
CREATE INDEX orders_status_idx ON orders (status);
"""

RULE = Rule(
    id="reindex-not-concurrent",
    title="REINDEX without CONCURRENTLY blocks writes, and reads that plan with the index",
    class_="gate",
    severity="error",
    why="""\
`REINDEX` takes `SHARE` on the table, so all writes wait while the index is built anew, and
`ACCESS EXCLUSIVE` on the index itself. Planning a query locks every index of its tables, therefore
most reads wait as well: in effect the table is closed for as long as the build takes. `REINDEX
TABLE`, `SCHEMA` and `DATABASE` do it index after index.

`REINDEX ... CONCURRENTLY` builds a second index beside the first and swaps them; reads and writes
go on. It needs room for both, cannot run in a transaction block, and leaves an index with the
suffix `_ccnew` or `_ccold` to drop when it fails.
""",
    source="REINDEX, Rebuilding Indexes Concurrently",
    bad=Example(
        setup=_ORDERS,
        sql="REINDEX INDEX orders_status_idx;",
        proof=("orders SHARE", "orders index build"),
    ),
    good=(Example("REINDEX INDEX CONCURRENTLY orders_status_idx;", transaction="statement"),),
    silent=(
        Example("REINDEX TABLE CONCURRENTLY orders;", setup=_ORDERS, transaction="statement"),
        Example(f"{_ORDERS}\nREINDEX TABLE orders;"),
    ),
    operations=(Reindex,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A rebuild under lock of what is in use."""
    reindex = step.the(Reindex)
    if reindex.concurrently:
        return
    if reindex.kind not in ("index", "table") or reindex.name is None:
        if step.transaction is None:  # else it fails: see concurrently-in-transaction
            yield Hazard(
                f"REINDEX {reindex.kind.upper()} takes, table by table, SHARE on the table and "
                "ACCESS EXCLUSIVE on its indexes while they are built: writes wait, and reads too."
            )
        return
    table = reindex.name
    if reindex.kind == "index":
        index = step.catalog.index(reindex.name)
        if index is None:
            yield Hazard(_message(f"REINDEX INDEX {reindex.name}", "its table"))
            return
        table = index.table
    if not step.is_new(table):
        what = f"REINDEX {reindex.kind.upper()} {reindex.name}"
        yield graded(step, table, _message(what, step.label(table)))


def _message(what: str, table: str) -> str:
    return (
        f"{what} takes SHARE on {table} and ACCESS EXCLUSIVE on the index until it is built anew: "
        f"writes to {table} wait, and so does every query that is planned on it. "
        "Write REINDEX ... CONCURRENTLY."
    )
