"""ADD COLUMN ... NOT NULL without a default."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn, ColumnDefinition

_ORDERS = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);\n"
    "INSERT INTO orders VALUES (1, 10);"
)

RULE = Rule(
    id="add-column-required",
    title="A NOT NULL column without a default fails, or makes old code fail",
    class_="gate",
    severity="error",
    why="""\
If the table has a single row the statement fails at once: the row has no value for the column.
If it has none, on a developer's machine for instance, it passes, and then every `INSERT` of the
code that is still running fails, because it does not name the column.

Give the column a constant default: on PostgreSQL 11 and later that is stored in the catalog and
rewrites nothing. If there is no sensible default, add the column nullable, have the code write
it, fill the old rows in batches, and only then require it: `CHECK (... IS NOT NULL) NOT VALID`,
`VALIDATE`, `SET NOT NULL`.""",
    source="ALTER TABLE, ADD COLUMN; 5.5.2 Not-Null Constraints",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN currency text NOT NULL;",
        setup=_ORDERS,
        proof=("error: contains null values",),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN currency text NOT NULL DEFAULT 'EUR';", setup=_ORDERS
        ),
    ),
    operations=(AddColumn,),
    silent=(
        Example("ALTER TABLE orders ADD COLUMN currency text;", setup=_ORDERS),
        Example("ALTER TABLE orders ADD COLUMN number bigserial NOT NULL;", setup=_ORDERS),
        Example("CREATE TABLE orders (id bigint PRIMARY KEY, currency text NOT NULL);"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A column that must not be NULL and gets no value."""
    added = added_column(step)
    if added is not None and required(added.definition):
        yield Hazard(
            f"{added.column} is NOT NULL and has no default: this fails as soon as {added.table} "
            "has a row, and on an empty table every INSERT of the code still running fails, "
            "because it does not name the column."
        )


def required(column: ColumnDefinition) -> bool:
    """Whether a row that does not name the column is refused."""
    key = any(c.kind == "primary_key" for c in column.constraints)
    if not (column.not_null or key) or column.serial or column.identity or column.generated:
        return False
    return column.default is None or column.default.sql.upper() == "NULL"
