"""The constraints that a statement declares, wherever they stand in it."""

from collections.abc import Iterator
from dataclasses import replace

from senior_backend.operations.columns import AddColumn, ColumnDefinition
from senior_backend.operations.constraints import AddConstraint, Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import CreateTable


def declared(operation: Operation) -> Iterator[tuple[Name, Constraint]]:
    """Each constraint with its table; inline ones have their column in ``columns``."""
    if isinstance(operation, AddConstraint):
        yield operation.table, operation.constraint
    elif isinstance(operation, AddColumn):
        for constraint in _inline(operation.definition):
            yield operation.table, constraint
    elif isinstance(operation, CreateTable):
        for column in operation.columns:
            for constraint in _inline(column):
                yield operation.table, constraint
        for constraint in operation.constraints:
            yield operation.table, constraint


def _inline(column: ColumnDefinition) -> Iterator[Constraint]:
    for constraint in column.constraints:
        yield constraint if constraint.columns else replace(constraint, columns=(column.name,))


def foreign_keys(operation: Operation) -> Iterator[tuple[Name, Constraint, Name]]:
    """Each foreign key with the table that holds it and the one that it references."""
    for table, constraint in declared(operation):
        if constraint.kind == "foreign_key" and constraint.references is not None:
            yield table, constraint, constraint.references
