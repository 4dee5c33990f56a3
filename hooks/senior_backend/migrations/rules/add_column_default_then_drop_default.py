"""ADD COLUMN ... NOT NULL DEFAULT, then DROP DEFAULT before the old code is gone."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import DropDefault

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="add-column-default-then-drop-default",
    title="The default that old code needs is dropped in the deploy that adds the column",
    class_="gate",
    severity="error",
    why="""\
The default fills the rows that are there, and dropping it right away looks tidy; several ORMs
(Django's `AddField` with a default, for one) do it on their own. But the code that runs while the
migration runs, and until the deploy ends, does not know the column. Its `INSERT` names the others
only, finds no default, and fails: *null value in column violates not-null constraint*. A rolling
deploy, or a rollback of the code, turns that into an outage of every write to the table.

Keep the default in the database until no release that ignores the column is running, and drop it
in a later deploy, if at all. In Django 5 that is `db_default`. On a nullable column the order does
no harm.""",
    source="ALTER TABLE, SET/DROP DEFAULT; 5.2 Default Values",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN paid boolean DEFAULT false NOT NULL;\n"
        "ALTER TABLE orders ALTER COLUMN paid DROP DEFAULT;",
        setup=_ORDERS,
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN paid boolean DEFAULT false NOT NULL;", setup=_ORDERS
        ),
    ),
    operations=(DropDefault,),
    silent=(
        Example(
            "ALTER TABLE orders ADD COLUMN note text DEFAULT '';\n"
            "ALTER TABLE orders ALTER COLUMN note DROP DEFAULT;",
            setup=_ORDERS,
        ),
        Example(
            "CREATE TABLE orders (id bigint PRIMARY KEY, paid boolean DEFAULT false NOT NULL);\n"
            "ALTER TABLE orders ALTER COLUMN paid DROP DEFAULT;"
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A default dropped from a NOT NULL column that this deploy added to an existing table."""
    dropped = step.the(DropDefault)
    column = step.catalog.column(dropped.table, dropped.column)
    if column is None or step.is_new(dropped.table) or not column.definition.not_null:
        return
    if column.definition.default is None or not step.is_from_this_deploy(column.created_by):
        return
    yield Hazard(
        f"{dropped.column} was added NOT NULL in this deploy and loses its default here: every "
        f"INSERT into {dropped.table} by the code still running fails, because it does not name "
        "the column. Drop the default in a later deploy."
    )
