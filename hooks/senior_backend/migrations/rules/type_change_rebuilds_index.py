"""ALTER COLUMN ... TYPE that keeps the table and builds its indexes anew."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import certainty, depends_on, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AlterColumnType

_ORDERS = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(10), note text);\n"
    "CREATE INDEX orders_code ON orders (code);"
)

RULE = Rule(
    id="type-change-rebuilds-index",
    title="The type change spares the table and rebuilds its indexes",
    class_="gate",
    severity="error",
    why="""\
Some type changes leave the rows as they are and change how values compare: another collation,
`text` to `citext`, `timestamp` to `timestamptz` in UTC. The table is not rewritten, but the
indexes on the column (expression indexes and `WHERE` conditions included) are sorted by the old
rules, so PostgreSQL builds them anew, one after the other, under `ACCESS EXCLUSIVE`. Nobody reads
or writes the table until the last one stands.

Drop the indexes concurrently before, change the type, which then takes an instant, and create
them concurrently after it. Where queries cannot do without, go through a new column.""",
    source="ALTER TABLE, SET DATA TYPE and Notes",
    bad=Example(
        'ALTER TABLE orders ALTER COLUMN code TYPE varchar(10) COLLATE "C";',
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders index build"),
    ),
    good=(
        Example("DROP INDEX CONCURRENTLY orders_code;", setup=_ORDERS, transaction="statement"),
        Example('ALTER TABLE orders ALTER COLUMN code TYPE varchar(10) COLLATE "C";'),
        Example("CREATE INDEX CONCURRENTLY orders_code ON orders (code);", transaction="statement"),
    ),
    operations=(AlterColumnType,),
    silent=(
        Example("ALTER TABLE orders ALTER COLUMN code TYPE varchar(20);", setup=_ORDERS),
        Example('ALTER TABLE orders ALTER COLUMN note TYPE text COLLATE "C";', setup=_ORDERS),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """Indexes that are built anew while the table stays as it is."""
    change = step.the(AlterColumnType)
    if step.is_new(change.table) or certainty(step, "rewrite") is not False:
        return
    build = certainty(step, "index_build")
    what = f"{change.table}.{change.column}"
    if build:
        message = (
            f"Changing {what} to {change.type} keeps the rows, but for every index on it "
            f"PostgreSQL {work(step, change.table, 'index_build')}."
        )
        yield graded(step, change.table, message)
    elif build is None:
        message = (
            f"Whether changing {what} to {change.type} spares its indexes depends on "
            f"{depends_on(step)}; if not, PostgreSQL {work(step, change.table, 'index_build')}."
        )
        yield graded(step, change.table, message, certain=False)
