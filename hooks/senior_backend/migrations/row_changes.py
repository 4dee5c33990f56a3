"""How many rows an UPDATE or a copy may touch: what its duration depends on."""

from typing import Final, Literal

from senior_backend.migrations.step import Step
from senior_backend.operations.data import Call, ChangeRows

Extent = Literal["few", "some", "all"]
"""Visibly few rows; those with one value of a column that is no key; a whole table's."""

_KEY_NAMES: Final = frozenset({"id", "uuid", "guid", "key", "slug", "code", "name", "email"})
"""Of columns that identify a row, where the table's constraints are not known."""


def extent(step: Step, change: ChangeRows) -> Extent:
    """How many rows of tables that were there before the deploy it may read or change."""
    if change.action == "copy":
        return "few" if step.is_new(change.table) else "all"
    if change.action == "insert":
        return _of_source(step, change)
    if step.is_new(change.table) or step.is_small(change.table):
        return "few"
    if change.equals:
        return "few" if _is_key(step, change) else "some"
    if change.bounded or (change.has_where and _is_batch(step)):
        return "few"
    return "all"


def _of_source(step: Step, change: ChangeRows) -> Extent:
    """INSERT ... SELECT takes as long as what it reads."""
    if change.bounded or change.rows is not None:
        return "few"
    read = [t for t in change.reads if not step.is_new(t) and not step.is_small(t)]
    return "all" if read else "few"


def _is_key(step: Step, change: ChangeRows) -> bool:
    """Whether the columns that are compared with constants identify a row."""
    equals = set(change.equals)
    table = step.catalog.table(change.table)
    if table is None or not table.complete:
        return bool(equals & _KEY_NAMES)
    unique = (set(c.columns) for c in table.constraints.values() if c.kind in _UNIQUE)
    if any(columns and columns <= equals for columns in unique):
        return True
    return any(
        index.unique and index.where is None and {key.column for key in index.keys} <= equals
        for index in step.catalog.indexes_of(change.table)
    )


_UNIQUE: Final = ("primary_key", "unique")


def _is_batch(step: Step) -> bool:
    """Whether it stands in a procedure, or in a DO block that commits between its batches."""
    within = step.within
    if within is None:
        return False
    if isinstance(within.operation, Call):
        return True
    return any(s.kind == "TransactionStmt" for body in within.bodies for s in body.statements)
