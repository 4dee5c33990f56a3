"""SET EXPRESSION of a stored generated column."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import certainty, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import SetExpression

_ORDERS = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, net numeric, vat numeric,\n"
    "  gross numeric GENERATED ALWAYS AS (net) STORED);"
)

RULE = Rule(
    id="set-expression-rewrite",
    title="A new expression of a stored generated column rewrites the table",
    class_="gate",
    severity="error",
    why="""\
`SET EXPRESSION` (PostgreSQL 17) computes the stored value of every row again: the whole table and
all its indexes are written anew under `ACCESS EXCLUSIVE`, and nobody reads or writes it until
that is done.

`DROP EXPRESSION` takes an instant and keeps the values as those of a plain column. Then let a
trigger compute the new expression for each write, and bring the old rows up to date in batches. A
`VIRTUAL` column of PostgreSQL 18 stores nothing, and its expression changes in an instant.""",
    source="ALTER TABLE, SET EXPRESSION AS and DROP EXPRESSION",
    bad=Example(
        "ALTER TABLE orders ALTER COLUMN gross SET EXPRESSION AS (net + vat);",
        setup=_ORDERS,
        since=17,
        proof=("orders ACCESS EXCLUSIVE", "orders rewrite"),
    ),
    good=(
        Example(
            "ALTER TABLE orders ALTER COLUMN gross DROP EXPRESSION;\n"
            "CREATE FUNCTION orders_gross() RETURNS trigger LANGUAGE plpgsql AS $$\n"
            "BEGIN\n  NEW.gross := NEW.net + NEW.vat;\n  RETURN NEW;\nEND $$;\n"
            "CREATE TRIGGER orders_gross BEFORE INSERT OR UPDATE ON orders\n"
            "  FOR EACH ROW EXECUTE FUNCTION orders_gross();",
            setup=_ORDERS,
        ),
    ),
    operations=(SetExpression,),
    silent=(
        Example(
            "CREATE TABLE lines (net numeric, gross numeric GENERATED ALWAYS AS (net) STORED);\n"
            "ALTER TABLE lines ALTER COLUMN gross SET EXPRESSION AS (net * 2);",
            since=17,
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A generated column whose stored values are computed again."""
    change = step.the(SetExpression)
    if step.is_new(change.table):
        return
    rewrite = certainty(step, "rewrite")
    if rewrite is False:
        return
    condition = "" if rewrite else "If it is stored, "
    message = (
        f"{condition}{change.table}.{change.column} is computed again for every row: PostgreSQL "
        f"{work(step, change.table, 'rewrite')}."
    )
    yield graded(step, change.table, message, certain=bool(rewrite))
