"""Statements whose time grows with a table although nobody waits for themselves.

They do harm only in a transaction that holds a strong lock from before.
"""

from collections.abc import Iterable

from senior_backend.migrations.row_changes import extent
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint, ValidateConstraint
from senior_backend.operations.data import ChangeRows
from senior_backend.operations.names import Name
from senior_backend.operations.objects import CreateMaterializedView, RefreshMaterializedView
from senior_backend.operations.tables import CreateTable


def is_long(step: Step) -> bool:
    """Whether it reads or changes rows in proportion to a table that was there before."""
    operation = step.operation
    if isinstance(operation, ChangeRows):
        if operation.action == "delete" and not operation.has_where:
            return False  # a DELETE of everything has a rule of its own
        return extent(step, operation) != "few"
    if isinstance(operation, CreateTable):
        return operation.as_query and _reads_much(step, operation.reads)
    if isinstance(operation, CreateMaterializedView):
        return operation.with_data and _reads_much(step, operation.reads)
    if isinstance(operation, RefreshMaterializedView):
        return operation.with_data and (operation.concurrently or step.is_new(operation.name))
    if isinstance(operation, ValidateConstraint):
        if step.is_new(operation.table) or step.is_small(operation.table):
            return False
        return not _was_added_here(step, operation)
    return False


def is_first_since(step: Step, since: Step) -> bool:
    """Whether no other long statement came before it under the lock taken by ``since``."""
    after = False
    for earlier in step.transaction.steps if step.transaction is not None else ():
        after = after or earlier is since
        if after and is_long(earlier):
            return False
    return True


def _reads_much(step: Step, tables: Iterable[Name]) -> bool:
    return any(not step.is_new(table) and not step.is_small(table) for table in tables)


def _was_added_here(step: Step, validate: ValidateConstraint) -> bool:
    """NOT VALID and VALIDATE in one transaction are the business of another rule."""
    return any(
        isinstance(s.operation, AddConstraint)
        and s.operation.table == validate.table
        and s.operation.constraint.name == validate.name
        for s in (step.transaction.steps if step.transaction is not None else ())
    )
