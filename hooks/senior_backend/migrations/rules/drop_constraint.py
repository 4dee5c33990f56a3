"""Dropping a constraint that protects data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from senior_backend.catalog.model import Table
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import DropColumn, SetNotNull
from senior_backend.operations.constraints import (
    AddConstraint,
    Constraint,
    ConstraintKind,
    DropConstraint,
)
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop
from senior_backend.operations.operation import Operation

_USERS = """
CREATE TABLE users (
  id bigint PRIMARY KEY,
  email text CONSTRAINT users_email_key UNIQUE,
  age integer CONSTRAINT users_age_check CHECK (age > 0),
  name text CONSTRAINT users_name_check CHECK (name IS NOT NULL)
);
"""

RULE = Rule(
    id="drop-constraint",
    title="Dropping a constraint lets in what it kept out",
    class_="gate",
    severity="warning",
    why="""\
From this statement on rows may come in that the constraint refused. Adding it again later fails
until they are found and corrected, so going back is not one statement. The lock is
`ACCESS EXCLUSIVE`, for an instant.

For a primary key or a unique constraint something breaks at once: `INSERT ... ON CONFLICT` on its
columns fails without the index, and without its primary key a table that is logically replicated
refuses every `UPDATE` and `DELETE` unless it has another replica identity. The loss of another
constraint breaks nothing at once and is reported as hygiene.

Add what replaces the constraint first (a new check `NOT VALID`, validated; a unique index built
concurrently), deploy code that no longer needs the old one, then drop it.
""",
    source="ALTER TABLE, DROP CONSTRAINT; INSERT, ON CONFLICT; Logical Replication, Publication",
    bad=Example(
        setup=_USERS,
        sql="ALTER TABLE users DROP CONSTRAINT users_email_key;",
        proof=("users ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            "CREATE UNIQUE INDEX CONCURRENTLY users_email_idx ON users (email);",
            setup=_USERS,
            transaction="statement",
        ),
        Example("ALTER TABLE users DROP CONSTRAINT users_email_key;"),
    ),
    silent=(
        Example(
            """\
ALTER TABLE users DROP CONSTRAINT users_age_check;
ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age >= 0) NOT VALID;
""",
            setup=_USERS,
        ),
        Example(
            """\
ALTER TABLE users ALTER COLUMN name SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_name_check;
""",
            setup=_USERS,
        ),
        Example(f"{_USERS}\nALTER TABLE users DROP CONSTRAINT users_email_key;"),
    ),
    operations=(DropConstraint,),
    downs=False,
)


@dataclass(frozen=True, slots=True)
class _Loss:
    """What goes without a constraint of a kind, and whether something breaks by it."""

    text: str
    breaks: bool


_LOSSES: dict[ConstraintKind | None, _Loss] = {
    "unique": _Loss(
        "duplicates may come in, and INSERT ... ON CONFLICT on its columns fails from now on", True
    ),
    "primary_key": _Loss(
        "duplicates may come in, ON CONFLICT on it fails, and where the table is published for "
        "logical replication every UPDATE and DELETE does",
        True,
    ),
    "exclude": _Loss("conflicting rows may come in", False),
    "foreign_key": _Loss("rows may lose what they refer to, and its ON DELETE action ends", False),
    "check": _Loss("rows that it refused may come in", False),
    "not_null": _Loss("NULL may come in, which readers do not expect", False),
    None: _Loss("rows that it refused may come in", False),
}
_UNIQUE: Final = {"unique", "primary_key"}
_SUFFIXES: dict[str, ConstraintKind] = {
    "_pkey": "primary_key",
    "_key": "unique",
    "_fkey": "foreign_key",
    "_check": "check",
}
"""How PostgreSQL ends the names that it gives itself, for constraints that were never seen."""


def check(step: Step) -> Iterator[Hazard]:
    """A guarantee that ends: not one that is replaced, implied by another, or gone with a table."""
    drop = step.the(DropConstraint)
    if step.is_new(drop.table):
        return
    table = step.catalog.table(drop.table)
    constraint = table.constraints.get(drop.name) if table is not None else None
    if table is not None and constraint is None and table.complete:
        return  # IF EXISTS of what is not there, or a failure of another kind
    if _replaced(step, drop, constraint):
        return
    if table is not None and constraint is not None and _implied(step, table, constraint):
        return
    kind = constraint.kind if constraint is not None else _kind_by_name(drop)
    loss = _LOSSES[kind]
    yield Hazard(
        f"Without {drop.name} on {drop.table} {loss.text}. It cannot be added again before such "
        "rows are corrected.",
        class_="gate" if loss.breaks else "hygiene",
    )


def _kind_by_name(drop: DropConstraint) -> ConstraintKind | None:
    if not drop.name.startswith(drop.table.name):
        return None
    return next((k for end, k in _SUFFIXES.items() if drop.name.endswith(end)), None)


def _replaced(step: Step, drop: DropConstraint, constraint: Constraint | None) -> bool:
    """Whether the migration itself has or brings something in its place, or ends the need."""
    key = step.catalog.key(drop.table)
    return any(
        _replaces(step, operation, key, drop.name, constraint) for operation in step.operations
    )


def _replaces(
    step: Step, operation: Operation, table: Name, name: str, old: Constraint | None
) -> bool:
    match operation:
        case AddConstraint(constraint=new) if step.catalog.key(operation.table) == table:
            if new.name == name:
                return True
            if old is None:
                return False
            if new.kind != old.kind:
                return {new.kind, old.kind} == _UNIQUE and set(new.columns) == set(old.columns)
            return bool(set(new.columns) & set(old.columns)) or new.using_index is not None
        case CreateIndex(unique=True, keys=keys) if step.catalog.key(operation.table) == table:
            return old is not None and {key.column for key in keys} == set(old.columns)
        case DropColumn(column=column) if step.catalog.key(operation.table) == table:
            return old is not None and column in old.columns
        case SetNotNull(column=column) if step.catalog.key(operation.table) == table:
            return old is not None and _only_not_null(old, column)
        case Drop(kind="table", name=dropped):
            return step.catalog.key(dropped) == table
    return False


def _implied(step: Step, table: Table, old: Constraint) -> bool:
    """Whether what else is there keeps the same rows out."""
    if old.kind in ("unique", "primary_key"):
        return any(
            index.unique
            and index.constraint is None
            and index.where is None
            and {key.column for key in index.keys} == set(old.columns)
            for index in step.catalog.indexes_of(table.name)
        )
    if old.kind == "check":
        return any(
            column.definition.not_null and _only_not_null(old, name)
            for name, column in table.columns.items()
        )
    return any(
        other is not old and other.kind == old.kind and other.columns == old.columns
        for other in table.constraints.values()
    )


def _only_not_null(constraint: Constraint, column: str) -> bool:
    expression = constraint.expression
    return expression is not None and expression.sql == f"{column} IS NOT NULL"
