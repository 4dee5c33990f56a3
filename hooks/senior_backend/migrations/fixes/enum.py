"""A new enum value used when it has been committed."""

from typing import Final

from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import ColumnOperation
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.data import ChangeRows
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import CreateTable

RULES: Final = ("enum-value-used-in-same-transaction",)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The use in a migration of its own, after the one that adds the value."""
    if step.transaction is None:
        return None
    kind = step.transaction.kind
    if kind == "run":
        return Remedy(
            reason="all migrations of a run share one transaction: set transaction_per_migration, "
            "or add the value in an autocommit block"
        )
    phase = Phase(f"use_new_value_in_{_table(step.operation)}", (step.statement.sql,))
    return Remedy(phases=(phase,), safe=True, apart=True)


def _table(operation: Operation) -> str:
    match operation:
        case ColumnOperation() | AddConstraint() | ChangeRows():
            return operation.table.name
        case CreateIndex() | CreateTable():
            return operation.table.name
    return "it"
