"""A foreign key whose type is not that of the column it references."""

from collections.abc import Iterator
from typing import Final

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.constraints import AddConstraint, Constraint
from senior_backend.operations.declared import foreign_keys
from senior_backend.operations.names import Name, TypeName
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import CreateTable

_CUSTOMERS = "CREATE TABLE customers (id bigint PRIMARY KEY, code text UNIQUE);"

_INTEGERS: Final = {"smallint": 2, "integer": 4, "bigint": 8}
_FAMILIES: Final = {
    **dict.fromkeys(_INTEGERS, "integer"),
    "text": "text",
    "character varying": "text",
    "character": "text",
    "uuid": "uuid",
    "boolean": "boolean",
    "bytea": "bytea",
    "inet": "inet",
    "date": "date",
    "timestamp without time zone": "date",
    "timestamp with time zone": "date",
    "numeric": "numeric",
}
_WIDENS: Final = {("integer", "numeric")}
"""A foreign key of the first family may reference a key of the second: the cast is implicit."""

RULE = Rule(
    id="fk-type-mismatch",
    title="A foreign key has another type than the key that it references",
    class_="hygiene",
    severity="warning",
    why="""\
Types of different families (`text` against `uuid`, `uuid` against `bigint`) cannot be compared, and
the statement fails: *foreign key constraint cannot be implemented*.

A smaller integer against a `bigint` key is accepted, and fails much later: on the day when the key
passes 2,147,483,647, every `INSERT` that refers to a new row does. Changing the type then rewrites
the table under an exclusive lock. Give the column the type of the key that it references.

A wider integer is harmless: it is what a key looks like half-way through its own widening.
""",
    source="CREATE TABLE, REFERENCES",
    bad=Example(
        setup=_CUSTOMERS,
        sql="""\
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id integer REFERENCES customers (id));
CREATE INDEX ON orders (customer_id);
""",
    ),
    good=(
        Example(
            """\
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE INDEX ON orders (customer_id);
""",
            setup=_CUSTOMERS,
        ),
    ),
    silent=(
        Example(
            """\
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_code varchar(20) REFERENCES customers (code),
  parent_id bigint REFERENCES orders
);
""",
            setup=_CUSTOMERS,
        ),
        Example(
            "CREATE TABLE orders (customer_id bigint REFERENCES customers (id));",
            setup="CREATE TABLE customers (id integer PRIMARY KEY);",
        ),
    ),
    operations=(AddConstraint, AddColumn, CreateTable),
)


def check(step: Step) -> Iterator[Hazard]:
    """Every pair of columns whose two types are known."""
    for table, constraint, references in foreign_keys(step.operation):
        targets = constraint.referenced_columns or _primary_key(step, references)
        for column, target in zip(constraint.columns, targets, strict=False):
            own = _type(step, table, column)
            other = _type(step, references, target)
            if own is None or other is None:
                continue
            family, wanted = _family(own), _family(other)
            pair = f"{column} is {own}, {references}.{target} is {other}"
            if family is None or wanted is None:
                continue
            if own.array != other.array or (family != wanted and (family, wanted) not in _WIDENS):
                yield Hazard(
                    f"{pair}: they cannot be compared, and the migration fails here.",
                    class_="gate",
                    severity="error",
                )
            elif _INTEGERS.get(own.name, 8) < _INTEGERS.get(other.name, 0):
                yield Hazard(
                    f"{pair}: writes fail as soon as a key of {references} does not fit any more."
                )


def _family(type_name: TypeName) -> str | None:
    return _FAMILIES.get(type_name.name)


def _type(step: Step, table: Name, column: str) -> TypeName | None:
    """The column's type, that of its domain where it is one."""
    written = _written(step.catalog, step.operation, table, column)
    known = step.catalog.column(table, column)
    found = written or (known.type if known is not None else None)
    domain = step.catalog.domain(found) if found is not None else None
    return domain.type if domain is not None else found


def _written(catalog: Catalog, operation: Operation, table: Name, column: str) -> TypeName | None:
    """The type as the statement itself defines it."""
    if isinstance(operation, CreateTable) and catalog.key(operation.table) == catalog.key(table):
        return next((c.type for c in operation.columns if c.name == column), None)
    if isinstance(operation, AddColumn) and operation.column == column:
        same = catalog.key(operation.table) == catalog.key(table)
        return operation.definition.type if same else None
    return None


def _primary_key(step: Step, table: Name) -> tuple[str, ...]:
    operation, catalog = step.operation, step.catalog
    known = catalog.table(table)
    constraints: list[Constraint] = list(known.constraints.values()) if known else []
    if isinstance(operation, CreateTable) and catalog.key(operation.table) == catalog.key(table):
        constraints = [
            *operation.constraints,
            *(
                Constraint(kind=constraint.kind, columns=(column.name,))
                for column in operation.columns
                for constraint in column.constraints
            ),
        ]
    return next((c.columns for c in constraints if c.kind == "primary_key"), ())
