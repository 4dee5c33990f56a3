"""Constraints, and what ALTER TABLE does to them."""

from dataclasses import dataclass
from typing import Literal

from senior_backend.operations.names import Expression, Name
from senior_backend.operations.operation import Operation

ConstraintKind = Literal["check", "foreign_key", "unique", "primary_key", "exclude", "not_null"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint as it is written, on its table or inline on a column.

    ``columns`` are its own columns (of a check: those that it reads). ``name`` is None where the
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AddConstraint(Operation):
    """ALTER TABLE ... ADD CONSTRAINT."""

    table: Name
    constraint: Constraint


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateConstraint(Operation):
    """ALTER TABLE ... VALIDATE CONSTRAINT."""

    table: Name
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConstraint(Operation):
    """ALTER TABLE ... DROP CONSTRAINT."""

    table: Name
    name: str
    cascade: bool = False
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterConstraint(Operation):
    """ALTER TABLE ... ALTER CONSTRAINT (deferrability, enforcement, inheritance)."""

    table: Name
    name: str
