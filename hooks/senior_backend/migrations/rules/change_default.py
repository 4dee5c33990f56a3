"""SET DEFAULT and DROP DEFAULT of a column that running code may leave to its default."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import DropDefault, SetDefault

_ORDERS = (
    "CREATE TABLE orders (\n"
    "  id bigint PRIMARY KEY, state text NOT NULL DEFAULT 'new', note text, code text DEFAULT ''\n"
    ");"
)

RULE = Rule(
    id="change-default",
    title="Running code that leaves the column to its default gets another value, or fails",
    class_="hygiene",
    severity="warning",
    why="""\
A default is part of what an `INSERT` that does not name the column means. Dropping that of a
NOT NULL column makes every such `INSERT` fail; replacing it changes what old code writes, before
the code that knows the new value is there. The rows that are there keep their values; the lock is
brief.

Let the code name the column explicitly first, then change the default. Where the default is
replaced (not dropped) nothing fails, which is reported as a note.""",
    source="ALTER TABLE, SET/DROP DEFAULT; 5.2 Default Values",
    bad=Example("ALTER TABLE orders ALTER COLUMN state DROP DEFAULT;", setup=_ORDERS),
    good=(Example("ALTER TABLE orders ALTER COLUMN state DROP NOT NULL;", setup=_ORDERS),),
    operations=(SetDefault, DropDefault),
    silent=(
        Example("ALTER TABLE orders ALTER COLUMN note SET DEFAULT '';", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN code DROP DEFAULT;", setup=_ORDERS),
        Example("ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'new';", setup=_ORDERS),
        Example(
            "CREATE TABLE drafts (state text NOT NULL DEFAULT 'new');\n"
            "ALTER TABLE drafts ALTER COLUMN state DROP DEFAULT;"
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A known default that goes or changes under running code."""
    operation = step.operation
    if not isinstance(operation, SetDefault | DropDefault) or step.is_new(operation.table):
        return
    column = step.catalog.column(operation.table, operation.column)
    if column is None or step.is_from_this_deploy(column.created_by):
        return
    default, what = column.definition.default, f"{operation.table}.{operation.column}"
    if default is None or default.sql.upper() == "NULL":
        return
    if isinstance(operation, DropDefault):
        replaced = any(
            isinstance(o, SetDefault) and (o.table, o.column) == (operation.table, operation.column)
            for o in step.later
        )
        if column.definition.not_null and not replaced:
            yield Hazard(
                f"{what} is NOT NULL and loses its default {default.sql}: an INSERT by code still "
                "running that does not name it fails."
            )
    elif default.sql != operation.default.sql:
        yield Hazard(
            f"An INSERT by code still running that does not name {what} writes "
            f"{operation.default.sql} from here on, not {default.sql}.",
            severity="info",
            class_="note",
        )
