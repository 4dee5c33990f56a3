"""ALTER COLUMN ... TYPE to a type that holds less."""

from collections.abc import Iterator

from senior_backend.migrations import casts
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AlterColumnType

_ORDERS = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, price numeric(10,2), code varchar(20));\n"
    "INSERT INTO orders VALUES (1, 9.99, 'ABCDEFGHIJKL');"
)

RULE = Rule(
    id="type-narrowing-data-loss",
    title="The new type holds less: values are changed, or the migration fails",
    class_="gate",
    severity="error",
    why="""\
Two things can happen to values that the new type cannot hold. Either the statement fails, on the
first string too long for `varchar(10)`, the first number out of range for `integer`: in
production, after it passed on a small test database. Or PostgreSQL changes them **without a
word**: decimals are rounded to the new scale, the time of day of a `timestamp` made a `date` is
gone, and an explicit cast in `USING` cuts strings. No rollback brings that back. The code still
running fails when it writes such a value.

State the limit as a `CHECK ... NOT VALID` first and validate it: that shows whether all values
fit, without stopping anybody. Often the check is all that was wanted. If values have to be
shortened, do so in an `UPDATE` of its own that can be read and reviewed. The way over a new column
that `plan` writes stops at the first value that does not fit, before anything is swapped.""",
    source="ALTER TABLE, SET DATA TYPE; 10.4 Value Storage",
    bad=Example(
        "ALTER TABLE orders ALTER COLUMN code TYPE varchar(10);",
        setup=_ORDERS,
        also=("column-type-rewrite",),
        proof=("error: value too long",),
    ),
    good=(
        Example(
            "ALTER TABLE orders\n"
            "  ADD CONSTRAINT orders_code_short CHECK (length(code) <= 10) NOT VALID;",
            setup=_ORDERS,
        ),
    ),
    operations=(AlterColumnType,),
    silent=(
        Example("ALTER TABLE orders ALTER COLUMN code TYPE varchar(30);", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN price TYPE numeric(12,2);", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN price TYPE numeric(12,4);", setup=_ORDERS),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A type that cannot hold every value of the old one."""
    change = step.the(AlterColumnType)
    column = step.catalog.column(change.table, change.column)
    if column is None or step.is_new(change.table):
        return
    loss = casts.loss(column.type, change.type, step.catalog, cast=change.using is not None)
    if loss is None:
        return
    yield Hazard(
        f"{change.table}.{change.column} from {column.type} to {change.type} holds less: "
        f"{loss.text}. The code still running may write such values.",
        severity="error" if loss.silent else "warning",
    )
