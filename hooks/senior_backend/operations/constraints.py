"""Constraints, and what ALTER TABLE does to them."""

from dataclasses import dataclass
from typing import Literal

from senior_backend.operations.indexes import IndexKey
from senior_backend.operations.names import Expression, Name
from senior_backend.operations.operation import Operation, operation

ConstraintKind = Literal["check", "foreign_key", "unique", "primary_key", "exclude", "not_null"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint as it is written, on its table or inline on a column.

    ``columns`` are its own columns (of a check: those that it reads). ``name`` is None where the
    server chooses it. What is not enforced is not valid either. ``include``, ``method`` and
    ``where`` are those of the index behind it; ``keys`` are those of an exclusion constraint.
    """

    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    name: str | None = None
    expression: Expression | None = None
    references: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    on_delete: str | None = None
    """``cascade``, ``set null``, ``set default``, ``restrict``, ``no action``; None if unsaid."""
    on_update: str | None = None
    using_index: str | None = None
    not_valid: bool = False
    not_enforced: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    nulls_not_distinct: bool = False
    no_inherit: bool = False
    include: tuple[str, ...] = ()
    method: str = "btree"
    where: Expression | None = None
    keys: tuple[IndexKey, ...] = ()
    abridged: bool = False
    """Whether more is said of it than is kept here: MATCH FULL, ON DELETE of some columns, periods,
    storage parameters or the tablespace of the index behind it."""


@operation
class ConstraintOperation(Operation):
    """What happens to one constraint of a table.

    ``only`` and ``if_table_exists`` as in ALTER TABLE IF EXISTS ONLY.
    """

    table: Name
    only: bool = False
    if_table_exists: bool = False


@operation
class AddConstraint(ConstraintOperation):
    """ALTER TABLE ... ADD CONSTRAINT."""

    constraint: Constraint


@operation
class ValidateConstraint(ConstraintOperation):
    """ALTER TABLE ... VALIDATE CONSTRAINT."""

    name: str


@operation
class DropConstraint(ConstraintOperation):
    """ALTER TABLE ... DROP CONSTRAINT."""

    name: str
    cascade: bool = False
    if_exists: bool = False


@operation
class AlterConstraint(ConstraintOperation):
    """ALTER TABLE ... ALTER CONSTRAINT; None is what it does not speak of."""

    name: str
    deferrable: bool | None = None
    initially_deferred: bool | None = None
    enforced: bool | None = None
