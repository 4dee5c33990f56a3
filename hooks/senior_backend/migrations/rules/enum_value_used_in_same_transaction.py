"""ALTER TYPE ... ADD VALUE, and a use of the value before the commit."""

from collections.abc import Iterator

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import OpenTransaction, Step
from senior_backend.operations.columns import AddColumn, SetDefault
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.data import ChangeRows
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.names import Expression, Name, TypeName
from senior_backend.operations.objects import AddEnumValue, CreateEnum
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import CreateTable

_SCHEMA = (
    "CREATE TYPE state AS ENUM ('new');\n"
    "CREATE TABLE orders (id bigint PRIMARY KEY, state state, note text);"
)

RULE = Rule(
    id="enum-value-used-in-same-transaction",
    title="A new enum value cannot be used before its transaction commits",
    class_="gate",
    severity="error",
    why="""\
`ALTER TYPE ... ADD VALUE` may run in a transaction, but the value may not be used until that has
committed: *unsafe use of new value of enum type*. Every use counts, be it in an `UPDATE`, a
default, a `CHECK` or the `WHERE` of an index. It fails on an empty table too, and it is easily
missed: the statements pass one by one in psql, and fail when the tool wraps the file into a
transaction or sends it as one query.

Add the value in a migration of its own, and use it in the next one. With a tool that puts one
transaction around the whole run (Alembic, unless `transaction_per_migration` is set) two
migrations are not enough: the first has to commit, or run outside the transaction.

If the type itself was created in the same transaction its values may be used at once.""",
    source="ALTER TYPE, Notes",
    bad=Example(
        "ALTER TYPE state ADD VALUE 'paid';\n"
        "ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'paid';",
        setup=_SCHEMA,
        proof=("error: unsafe use of new value",),
    ),
    good=(
        Example("ALTER TYPE state ADD VALUE 'paid';", setup=_SCHEMA),
        Example("ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'paid';"),
    ),
    operations=(AddColumn, SetDefault, AddConstraint, ChangeRows, CreateIndex, CreateTable),
    silent=(
        Example(
            "ALTER TYPE state ADD VALUE 'paid';\n"
            "UPDATE orders SET note = 'paid' WHERE id = 1 AND note = 'x';",
            setup="CREATE TYPE state AS ENUM ('new');\n"
            "CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
        ),
        Example(
            "ALTER TYPE state ADD VALUE 'paid';\nUPDATE orders SET state = 'paid' WHERE id = 1;",
            setup=_SCHEMA,
            transaction="statement",
        ),
        Example(
            "ALTER TYPE state ADD VALUE 'paid';\n"
            "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'paid';",
            setup=_SCHEMA,
        ),
        Example(
            "CREATE TYPE mood AS ENUM ('good');\nALTER TYPE mood ADD VALUE 'bad';\n"
            "CREATE TABLE people (mood mood DEFAULT 'bad');"
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A label, added earlier in the open transaction, where its type is expected."""
    if step.transaction is None:
        return
    for added in _added(step.transaction, step.catalog):
        certain = _uses(step.operation, added, step.catalog)
        if certain is not False:
            yield Hazard(
                f"{'Fails' if certain else 'May fail'}: '{added.label}' was added to "
                f"{added.type} in the same transaction and cannot be used before it commits.",
                severity="error" if certain else "warning",
            )


def _added(transaction: OpenTransaction, catalog: Catalog) -> Iterator[AddEnumValue]:
    """Values added in the transaction to types that were there before it."""
    for step in transaction.steps:
        if isinstance(step.operation, AddEnumValue):
            name = step.operation.type
            if not _is_created_in(transaction, name, catalog):
                yield step.operation


def _is_created_in(transaction: OpenTransaction, name: Name, catalog: Catalog) -> bool:
    key = catalog.key(name)
    return any(
        isinstance(step.operation, CreateEnum) and catalog.key(step.operation.name) == key
        for step in transaction.steps
    )


def _uses(operation: Operation, added: AddEnumValue, catalog: Catalog) -> bool | None:
    """Whether the operation uses the value: None when the type of a column is not known."""
    if isinstance(operation, AddColumn):
        default = operation.definition.default
        return _mentions(default, added.label) and _is(operation.definition.type, added, catalog)
    if isinstance(operation, CreateTable):
        return any(
            _mentions(c.default, added.label) and _is(c.type, added, catalog)
            for c in operation.columns
        )
    if isinstance(operation, SetDefault):
        if not _mentions(operation.default, added.label):
            return False
        column = catalog.column(operation.table, operation.column)
        return None if column is None else _is(column.type, added, catalog)
    if isinstance(operation, AddConstraint):
        return _in_expression(operation.table, operation.constraint.expression, added, catalog)
    if isinstance(operation, CreateIndex):
        return _in_expression(operation.table, operation.where, added, catalog)
    if isinstance(operation, ChangeRows) and added.label in operation.literals:
        return _in_rows(operation, added, catalog)
    return False


def _mentions(expression: Expression | None, label: str) -> bool:
    return expression is not None and "'" + label.replace("'", "''") + "'" in expression.sql


def _is(type_name: TypeName, added: AddEnumValue, catalog: Catalog) -> bool:
    return catalog.key(Name(type_name.schema, type_name.name)) == catalog.key(added.type)


def _in_expression(
    table: Name, expression: Expression | None, added: AddEnumValue, catalog: Catalog
) -> bool | None:
    if expression is None or not _mentions(expression, added.label):
        return False
    of_type = _columns_of_type(table, added, catalog)
    return None if of_type is None else not of_type.isdisjoint(expression.columns)


def _in_rows(change: ChangeRows, added: AddEnumValue, catalog: Catalog) -> bool | None:
    of_type = _columns_of_type(change.table, added, catalog)
    if of_type is None:
        return None
    if not of_type.isdisjoint({*change.columns, *change.equals}):
        return True
    if change.action == "insert":
        return bool(of_type) and not change.columns
    return None if of_type and change.has_where else False


def _columns_of_type(table: Name, added: AddEnumValue, catalog: Catalog) -> set[str] | None:
    """The columns of the type; None when the table is not known in full."""
    known = catalog.table(table)
    if known is None or not known.complete:
        return None
    return {name for name, column in known.columns.items() if _is(column.type, added, catalog)}
