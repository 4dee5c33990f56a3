"""ALTER COLUMN ... TYPE that writes the table anew."""

from collections.abc import Iterator

from senior_backend.migrations import casts
from senior_backend.migrations.blocking import certainty, depends_on, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AlterColumnType

_ORDERS = (
    "CREATE TABLE orders (\n"
    "  id bigint PRIMARY KEY, pieces integer, code varchar(10),\n"
    "  net numeric(10,2), flags varbit(8)\n"
    ");"
)

RULE = Rule(
    id="column-type-rewrite",
    title="Changing the type of a column rewrites the table",
    class_="gate",
    severity="error",
    why="""\
Unless the old values are valid values of the new type byte for byte, PostgreSQL converts each of
them: it writes the whole table and all its indexes anew under `ACCESS EXCLUSIVE`, and validates
foreign keys on the column again. Nobody reads or writes the table until it is done, and it needs
the disk space twice. Afterwards prepared statements that return the column fail once with *cached
plan must not change result type*.

Free, because only the catalog changes: a longer or no limit (`varchar(10)` to `varchar(20)`, to
`varchar`, to `text`; `varbit(8)` to `varbit(16)`), more digits at the same scale (`numeric(10,2)`
to `numeric(12,2)`, to `numeric`).

Otherwise add a column of the new type, let a trigger copy every write, fill it in batches, move
the code over, and drop the old column in a later deploy.""",
    source="ALTER TABLE, Notes (changing the type of an existing column)",
    bad=Example(
        "ALTER TABLE orders ALTER COLUMN pieces TYPE bigint;",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders rewrite"),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN pieces_big bigint;\n"
            "CREATE FUNCTION orders_pieces_big() RETURNS trigger LANGUAGE plpgsql AS $$\n"
            "BEGIN\n  NEW.pieces_big := NEW.pieces;\n  RETURN NEW;\nEND $$;\n"
            "CREATE TRIGGER orders_pieces_big BEFORE INSERT OR UPDATE ON orders\n"
            "  FOR EACH ROW EXECUTE FUNCTION orders_pieces_big();",
            setup=_ORDERS,
        ),
        Example(
            "-- repeat until no row is left; then move the code to pieces_big\n"
            "UPDATE orders SET pieces_big = pieces\n"
            "WHERE id IN (SELECT id FROM orders\n"
            "             WHERE pieces_big IS NULL AND pieces IS NOT NULL LIMIT 1000);",
            transaction="statement",
        ),
    ),
    operations=(AlterColumnType,),
    silent=(
        Example("ALTER TABLE orders ALTER COLUMN code TYPE varchar(20);", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN code TYPE text;", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN net TYPE numeric(12,2);", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN net TYPE numeric;", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN flags TYPE varbit(16);", setup=_ORDERS),
        Example(
            "CREATE TABLE lines (pieces integer);\n"
            "ALTER TABLE lines ALTER COLUMN pieces TYPE bigint;"
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A type change that rewrites an existing table, or may."""
    change = step.the(AlterColumnType)
    if step.is_new(change.table):
        return
    rewrite = certainty(step, "rewrite")
    if rewrite is False:
        return
    column = step.catalog.column(change.table, change.column)
    if column is not None:
        moments = casts.between_timestamps(column.type, change.type, step.catalog)
        if moments and not (change.using and change.using.functions):
            return  # timestamp-to-timestamptz
        castable = casts.assignable(column.type, change.type, step.catalog)
        if change.using is None and castable is False:
            return  # type-change-missing-using: it fails before it rewrites anything
    what = f"{change.table}.{change.column}"
    if rewrite:
        old = f"from {column.type} " if column is not None else ""
        message = (
            f"Converting {what} {old}to {change.type} {work(step, change.table, 'rewrite')}. "
            "Code that binds the old type may fail afterwards."
        )
    else:
        message = (
            f"Whether changing {what} to {change.type} is free depends on {depends_on(step)}; if "
            f"it is not, PostgreSQL {work(step, change.table, 'rewrite')}."
        )
    yield graded(step, change.table, message, certain=rewrite is True)
