"""ADD COLUMN of a serial type."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="add-column-serial",
    title="A serial column numbers every row, which rewrites the table",
    class_="gate",
    severity="error",
    why="""\
`serial` is an integer column with `DEFAULT nextval(...)`. On a table that has rows each of them
needs a number of its own, so the whole table and all its indexes are written anew under
`ACCESS EXCLUSIVE`; nobody reads or writes it meanwhile. The order of the numbers is that of the
rows on disk, not of anything that means something to you.

Create the sequence yourself, add a plain `bigint` column, let the sequence be its default from
now on, and number the old rows in batches. A plain `serial` also ends at 2,147,483,647.""",
    source="ALTER TABLE, Notes; 8.1.4 Serial Types",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN number serial;",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders rewrite"),
    ),
    good=(
        Example(
            "CREATE SEQUENCE orders_number_seq;\n"
            "ALTER TABLE orders ADD COLUMN number bigint;\n"
            "ALTER SEQUENCE orders_number_seq OWNED BY orders.number;\n"
            "ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('orders_number_seq');",
            setup=_ORDERS,
        ),
        Example(
            "-- repeat until no row is left\n"
            "UPDATE orders SET number = nextval('orders_number_seq')\n"
            "WHERE id IN (SELECT id FROM orders WHERE number IS NULL LIMIT 1000);",
            transaction="statement",
        ),
    ),
    operations=(AddColumn,),
    silent=(
        Example("CREATE TABLE orders (id bigserial PRIMARY KEY, number serial);"),
        Example("ALTER TABLE orders ADD COLUMN number integer;", setup=_ORDERS),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A serial column on an existing table."""
    added = added_column(step)
    if added is None or not added.definition.serial:
        return
    message = (
        f"Every row of {added.table} gets a number for {added.column}, so PostgreSQL "
        f"{work(step, added.table, 'rewrite')}."
    )
    yield graded(step, added.table, message)
