"""DROP COLUMN or TYPE of a column that a view or a generated column reads."""

from collections.abc import Iterator

from senior_backend.catalog.model import Table
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AlterColumnType, DropColumn
from senior_backend.operations.names import Name

_SCHEMA = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(10));\n"
    "CREATE VIEW order_codes AS SELECT id, code FROM orders;"
)

RULE = Rule(
    id="dependent-view",
    title="A view or generated column reads the column",
    class_="gate",
    severity="error",
    why="""\
A view holds on to the columns that it reads. Changing the type of one fails with *cannot alter
type of a column used by a view or rule*, however harmless the change; dropping one fails with
*other objects depend on it*. A generated column does the same.

`CASCADE` is not the way out: it drops the views as well, and every view on top of them, and the
code that queries them fails.

Drop and create the view in the same transaction around the change; when the change itself takes
an instant, readers of the view only wait for that. Grants on the view have to be given again.""",
    source="5.15 Dependency Tracking; ALTER TABLE, DROP COLUMN and SET DATA TYPE",
    bad=Example(
        "ALTER TABLE orders ALTER COLUMN code TYPE text;",
        setup=_SCHEMA,
        proof=("error: cannot alter type of a column used by a view",),
    ),
    good=(
        Example(
            "DROP VIEW order_codes;\n"
            "ALTER TABLE orders ALTER COLUMN code TYPE text;\n"
            "CREATE VIEW order_codes AS SELECT id, code FROM orders;",
            setup=_SCHEMA,
        ),
    ),
    operations=(AlterColumnType, DropColumn),
    silent=(
        Example(
            "ALTER TABLE orders ALTER COLUMN note TYPE text;",
            setup="CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(9));\n"
            "CREATE VIEW order_ids AS SELECT id FROM orders;",
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """What reads the column, and so forbids the change or falls with it."""
    operation = step.operation
    if not isinstance(operation, AlterColumnType | DropColumn):
        return
    column = operation.column
    views = [
        view
        for view in step.catalog.views_reading(operation.table)
        if step.catalog.reads(view, operation.table, column)
    ]
    table = step.catalog.table(operation.table)
    generated = [
        name
        for name, other in (table.columns if table else {}).items()
        if other.definition.generation and column in other.definition.generation.columns
    ]
    if not views and not generated:
        return
    certain = bool(generated) or any(_is_certain(step, v, operation.table, column) for v in views)
    readers = ", ".join(
        [f"view {v.name.name}" for v in views] + [f"generated column {name}" for name in generated]
    )
    what = f"{operation.table}.{column}"
    if isinstance(operation, DropColumn) and operation.cascade:
        perhaps = "" if certain else ", unless that is another column of the same name"
        message = f"CASCADE drops what reads {what}{perhaps}: {readers}. Code that uses it fails."
    else:
        fails = "Fails" if certain else "Fails unless the views read other columns of the same name"
        action = "dropped" if isinstance(operation, DropColumn) else "given another type"
        message = f"{fails}: {what} cannot be {action} while it is read by {readers}."
    yield Hazard(message, severity="error" if certain else "warning")


def _is_certain(step: Step, view: Table, table: Name, column: str) -> bool:
    """Whether the name can only mean the column of this table."""
    key = step.catalog.key(table)
    if any(read.of == key and read.column in (column, "*") for read in view.columns_read):
        return True
    others = [step.catalog.table(read) for read in view.reads if step.catalog.key(read) != key]
    if all(read.column != column for read in view.columns_read):
        return not others  # it is read by way of an asterisk
    return all(other is not None and column not in other.columns for other in others)
