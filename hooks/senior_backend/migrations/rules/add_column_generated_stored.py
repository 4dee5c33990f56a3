"""ADD COLUMN ... GENERATED ALWAYS AS (...) STORED."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, net numeric, vat numeric);"

RULE = Rule(
    id="add-column-generated-stored",
    title="A stored generated column rewrites the table",
    class_="gate",
    severity="error",
    why="""\
The value of a `STORED` generated column lies in every row, so adding one computes and writes all
rows and all indexes anew under `ACCESS EXCLUSIVE`: nobody reads or writes the table until then.

From PostgreSQL 18 on a `VIRTUAL` generated column is computed when it is read and is added in an
instant. Otherwise add a plain column, keep it right with a trigger or in the application, and
fill the old rows in batches. A view that computes the value may be all that you need; an index
on the expression makes it searchable and can be built concurrently.""",
    source="ALTER TABLE, Notes; 5.4 Generated Columns",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN gross numeric GENERATED ALWAYS AS (net + vat) STORED;",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders rewrite"),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN gross numeric;\n"
            "CREATE FUNCTION orders_gross() RETURNS trigger LANGUAGE plpgsql AS $$\n"
            "BEGIN\n  NEW.gross := NEW.net + NEW.vat;\n  RETURN NEW;\nEND $$;\n"
            "CREATE TRIGGER orders_gross BEFORE INSERT OR UPDATE ON orders\n"
            "  FOR EACH ROW EXECUTE FUNCTION orders_gross();",
            setup=_ORDERS,
        ),
        Example(
            "-- repeat until no row is left\n"
            "UPDATE orders SET gross = net + vat\n"
            "WHERE id IN (SELECT id FROM orders WHERE gross IS NULL LIMIT 1000);",
            transaction="statement",
        ),
    ),
    operations=(AddColumn,),
    silent=(
        Example(
            "CREATE TABLE orders (net numeric, vat numeric,\n"
            "  gross numeric GENERATED ALWAYS AS (net + vat) STORED);"
        ),
        Example("ALTER TABLE orders ADD COLUMN gross numeric DEFAULT 0;", setup=_ORDERS),
        Example(
            "ALTER TABLE orders ADD COLUMN gross numeric GENERATED ALWAYS AS (net + vat) VIRTUAL;",
            setup=_ORDERS,
            since=18,
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A stored generated column on an existing table."""
    added = added_column(step)
    if added is None or added.definition.generated != "stored":
        return
    message = (
        f"{added.column} is computed and stored in every row, so PostgreSQL "
        f"{work(step, added.table, 'rewrite')}."
    )
    yield graded(step, added.table, message)
