"""An index that another one makes superfluous."""

from collections.abc import Iterator
from dataclasses import dataclass

from senior_backend.catalog.model import Index
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import DropConstraint
from senior_backend.operations.indexes import CreateIndex, DropIndex, IndexKey
from senior_backend.operations.names import Expression

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


@dataclass(frozen=True, slots=True)
class _Shape:
    """What decides which queries an index can serve."""

    keys: tuple[IndexKey, ...]
    include: frozenset[str]
    method: str
    unique: bool
    where: Expression | None

    @classmethod
    def of(cls, index: CreateIndex | Index) -> "_Shape":
        return cls(index.keys, frozenset(index.include), index.method, index.unique, index.where)

    def serves_all_of(self, other: "_Shape") -> bool:
        """Whether ``other`` adds nothing: no order, no guarantee, no column."""
        if self.method != other.method or _sql(self.where) != _sql(other.where):
            return False
        columns = self.include | {key.column for key in self.keys}
        if not other.include <= columns:
            return False
        if self.keys == other.keys:
            return self.unique or not other.unique
        leading = self.keys[: len(other.keys)]
        return self.method == "btree" and not other.unique and leading == other.keys


def check(step: Step) -> Iterator[Hazard]:
    """A new index that an old one covers, or that covers an old one which stays."""
    new = step.the(CreateIndex)
    if not new.keys:
        return
    shape = _Shape.of(new)
    leaving = {step.catalog.key(o.index) for o in step.later if isinstance(o, DropIndex)}
    constraints = {o.name for o in step.later if isinstance(o, DropConstraint)}
    for old in step.catalog.indexes_of(new.table):
        if old.name in leaving or old.constraint in constraints or not old.keys or old.only:
            continue
        if new.if_not_exists and old.name.name == new.name:
            return  # nothing is created
        name = new.name or "this index"
        if _Shape.of(old).serves_all_of(shape):
            same = "repeats" if len(old.keys) == len(new.keys) else "is the beginning of"
            yield Hazard(
                f"{name} ({_columns(new.keys)}) {same} {old.name.name} ({_columns(old.keys)}), "
                "which serves the same queries: every write maintains both."
            )
            return
        if shape.serves_all_of(_Shape.of(old)) and old.constraint is None:
            yield Hazard(
                f"{name} ({_columns(new.keys)}) serves all queries of {old.name.name} "
                f"({_columns(old.keys)}), which stays: every write maintains both.",
                severity="info",
            )
            return


def _sql(where: Expression | None) -> str | None:
    return where.sql if where is not None else None


def _columns(keys: tuple[IndexKey, ...]) -> str:
    return ", ".join(key.column or key.expression or "?" for key in keys)
