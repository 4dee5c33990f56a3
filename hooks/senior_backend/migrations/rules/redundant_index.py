"""An index that another one makes superfluous."""

from collections.abc import Iterator

from senior_backend.catalog.checks import covers
from senior_backend.catalog.model import Index
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import DropConstraint
from senior_backend.operations.indexes import CreateIndex, DropIndex, IndexKey
from senior_backend.operations.names import Name

_ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, created_at timestamptz, code text);
CREATE INDEX orders_customer_created_idx ON orders (customer_id, created_at);
"""

RULE = Rule(
    id="redundant-index",
    title="An index repeats another one, or is the beginning of it",
    class_="hygiene",
    severity="warning",
    why="""\
A B-tree on `(a, b)` also serves every query that an index on `(a)` serves: it can be searched by
its leading columns. A second index costs each `INSERT` and most `UPDATE`s a further write, takes
memory and WAL, and gives the planner nothing. The most frequent form is an index on a column that
is `UNIQUE` or the primary key already, whose constraint has its own.

Leave the narrower one out, or drop it (`DROP INDEX CONCURRENTLY`) once the wider one is there. It
may stay when it is unique, partial, of another operator class or so much smaller that you have
measured a difference.
""",
    source="Multicolumn Indexes",
    bad=Example(
        setup=_ORDERS,
        sql="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);",
        transaction="statement",
    ),
    good=(
        Example(
            "CREATE INDEX CONCURRENTLY orders_code_idx ON orders (code, customer_id);",
            setup=_ORDERS,
            transaction="statement",
        ),
    ),
    silent=(
        Example(
            """\
CREATE INDEX CONCURRENTLY ON orders (created_at);
CREATE UNIQUE INDEX CONCURRENTLY ON orders (customer_id);
CREATE INDEX CONCURRENTLY ON orders (code) WHERE customer_id IS NULL;
CREATE INDEX CONCURRENTLY ON orders (code text_pattern_ops);
CREATE INDEX CONCURRENTLY ON orders (code);
CREATE INDEX CONCURRENTLY ON orders USING hash (customer_id);
""",
            setup=_ORDERS,
            transaction="statement",
        ),
        Example(
            """\
CREATE INDEX CONCURRENTLY orders_wide_idx ON orders (customer_id, created_at, code);
DROP INDEX CONCURRENTLY orders_customer_created_idx;
""",
            setup=_ORDERS,
            transaction="statement",
        ),
    ),
    operations=(CreateIndex,),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A new index that an old one covers, or that covers an old one which stays."""
    new = step.the(CreateIndex)
    index = _as_index(step, new)
    if not index.keys or (new.if_not_exists and index.name in step.catalog.indexes):
        return
    leaving = {step.catalog.key(o.index) for o in step.later if isinstance(o, DropIndex)}
    constraints = {o.name for o in step.later if isinstance(o, DropConstraint)}
    for old in step.catalog.indexes_of(new.table):
        if old.name in leaving or old.constraint in constraints or not old.keys:
            continue
        name = new.name or "this index"
        if covers(old, index):
            same = "repeats" if len(old.keys) == len(new.keys) else "is the beginning of"
            yield Hazard(
                f"{name} ({_columns(new.keys)}) {same} {old.name.name} ({_columns(old.keys)}), "
                "which serves the same queries: every write maintains both."
            )
            return
        if covers(index, old):
            yield Hazard(
                f"{name} ({_columns(new.keys)}) serves all queries of {old.name.name} "
                f"({_columns(old.keys)}), which stays: every write maintains both.",
                severity="info",
            )
            return


def _as_index(step: Step, new: CreateIndex) -> Index:
    table = step.catalog.key(new.table)
    return Index(
        name=Name(table.schema, new.name or ""),
        table=table,
        keys=new.keys,
        include=new.include,
        method=new.method,
        unique=new.unique,
        where=new.where,
        only=new.only,
        nulls_not_distinct=new.nulls_not_distinct,
    )


def _columns(keys: tuple[IndexKey, ...]) -> str:
    return ", ".join(key.column or key.expression or "?" for key in keys)
