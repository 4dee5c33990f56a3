"""The same column twice in an index."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import CreateIndex

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, code text);"

RULE = Rule(
    id="duplicate-column-in-index",
    title="An index names the same column twice",
    class_="hygiene",
    severity="warning",
    why="""\
PostgreSQL accepts `(customer_id, customer_id)`, and a key column again in `INCLUDE`. The second
mention makes the index larger and serves no query. Mostly another column was meant, and the query
that should have become fast stays slow.
""",
    source="CREATE INDEX",
    bad=Example(
        setup=_ORDERS,
        sql="CREATE INDEX CONCURRENTLY ON orders (customer_id, code, customer_id);",
        transaction="statement",
    ),
    good=(
        Example(
            "CREATE INDEX CONCURRENTLY ON orders (customer_id, code);", transaction="statement"
        ),
    ),
    silent=(
        Example(
            """\
CREATE INDEX CONCURRENTLY ON orders (code, code text_pattern_ops);
CREATE INDEX CONCURRENTLY ON orders (code, lower(code));
""",
            setup=_ORDERS,
            transaction="statement",
        ),
    ),
    operations=(CreateIndex,),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A column that stands twice, unless another operator class or collation makes it another."""
    index = step.the(CreateIndex)
    seen = set()
    for key in index.keys:
        what = (key.column or key.expression, key.operator_class, key.collation)
        if what in seen:
            yield _hazard(index, what[0])
            return
        seen.add(what)
    columns = {key.column for key in index.keys}
    for position, column in enumerate(index.include):
        if column in columns or column in index.include[:position]:
            yield _hazard(index, column)
            return


def _hazard(index: CreateIndex, column: str | None) -> Hazard:
    return Hazard(
        f"The index on {index.table} holds {column} twice: larger for no query. "
        "Was another column meant?"
    )
