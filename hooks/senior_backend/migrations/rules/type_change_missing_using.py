"""ALTER COLUMN ... TYPE between types that PostgreSQL does not cast by itself."""

from collections.abc import Iterator

from senior_backend.migrations import casts
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AlterColumnType

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, pieces text DEFAULT '1', note varchar(9));"

RULE = Rule(
    id="type-change-missing-using",
    title="The type change fails: PostgreSQL does not cast these types by itself",
    class_="gate",
    severity="error",
    why="""\
`ALTER COLUMN ... TYPE` converts the values as an assignment would. Where there is no assignment
cast (`text` to `integer`, `integer` to `boolean`, `text` to an enum) it fails with *column cannot
be cast automatically*, on an empty table too.

`USING` names the conversion: `USING pieces::integer`. The default of the column is **not**
converted by it: *default for column cannot be cast automatically*. Drop the default first, in the
same `ALTER TABLE`, and set the new one after the type.

With that it runs, and rewrites the whole table under `ACCESS EXCLUSIVE`: on a table of any size
go through a new column instead.""",
    source="ALTER TABLE, SET DATA TYPE; CREATE CAST (AS ASSIGNMENT)",
    bad=Example(
        "ALTER TABLE orders ALTER COLUMN pieces TYPE integer;",
        setup=_ORDERS,
        proof=("error: cannot be cast automatically to type integer",),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN pieces_number integer;",
            setup=_ORDERS,
        ),
        Example(
            "-- repeat until no row is left; the code writes both columns meanwhile\n"
            "UPDATE orders SET pieces_number = pieces::integer\n"
            "WHERE id IN (SELECT id FROM orders\n"
            "             WHERE pieces_number IS NULL AND pieces IS NOT NULL LIMIT 1000);",
            transaction="statement",
        ),
    ),
    operations=(AlterColumnType,),
    silent=(
        Example("ALTER TABLE orders ALTER COLUMN pieces TYPE varchar(20);", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN id TYPE text;", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN id TYPE numeric;", setup=_ORDERS),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """Values, or a default, for which there is no assignment cast."""
    change = step.the(AlterColumnType)
    column = step.catalog.column(change.table, change.column)
    if column is None or casts.assignable(column.type, change.type, step.catalog) is not False:
        return
    what = f"{change.table}.{change.column}"
    if change.using is None:
        yield Hazard(
            f"Fails: {what} is {column.type}, which PostgreSQL does not cast to "
            f"{change.type} by itself. It needs USING."
        )
        return
    default = column.definition.default
    if default is None or not default.constant or default.sql.upper() == "NULL":
        return
    if column.type.name in casts.STRINGS and not default.sql.startswith("'"):
        return
    yield Hazard(
        f"Fails: USING does not convert the default {default.sql} of {what}, which "
        f"PostgreSQL cannot cast to {change.type} by itself. Drop the default first."
    )
