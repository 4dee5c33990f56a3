"""A foreign key whose type is not that of the column it references."""

from collections.abc import Iterator
from typing import Final

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.declared import declared, foreign_keys
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
            if own is None or other is None or not {own.name, other.name} <= _FAMILIES.keys():
                continue
            pair = f"{column} is {own}, {references}.{target} is {other}"
            if not _comparable(own, other):
                yield Hazard(
                    f"{pair}: they cannot be compared, and the migration fails here.",
                    class_="gate",
                    severity="error",
                )
            elif _INTEGERS.get(own.name, 8) < _INTEGERS.get(other.name, 0):
                yield Hazard(
                    f"{pair}: writes fail as soon as a key of {references} does not fit any more."
                )


def _comparable(own: TypeName, other: TypeName) -> bool:
    """Whether PostgreSQL has an equality for the two; for arrays only of one element type."""
    if own.array or other.array:
        return own.array == other.array and own.name == other.name
    family, wanted = _FAMILIES[own.name], _FAMILIES[other.name]
    return family == wanted or (family, wanted) in _WIDENS


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


def _primary_key(step: Step, references: Name) -> tuple[str, ...]:
    key = step.catalog.key(references)
    for table, constraint in declared(step.operation):
        if constraint.kind == "primary_key" and step.catalog.key(table) == key:
            return constraint.columns
    known = step.catalog.table(references)
    constraints = known.constraints.values() if known is not None else ()
    return next((c.columns for c in constraints if c.kind == "primary_key"), ())
