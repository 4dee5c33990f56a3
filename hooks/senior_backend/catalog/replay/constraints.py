"""Replay of operations on constraints."""

from collections.abc import Sequence
from dataclasses import replace

from senior_backend.catalog.model import Catalog, Index, Table
from senior_backend.catalog.replay import indexes, names
from senior_backend.catalog.replay.known import (
    children,
    drop_foreign_keys_to,
    edit,
    edit_column,
    edit_index,
    family,
    indexes_on,
)
from senior_backend.operations.constraints import (
    AddConstraint,
    AlterConstraint,
    Constraint,
    DropConstraint,
    ValidateConstraint,
)
from senior_backend.operations.names import Name

_LABELS = {"primary_key": "pkey", "unique": "key", "exclude": "excl"}


def add_constraint(catalog: Catalog, operation: AddConstraint, number: int) -> None:
    """ADD CONSTRAINT."""
    table = edit(catalog, operation.table)
    if operation.constraint.name in table.constraints:
        return  # the server refuses it; DO blocks that go on then are common
    add(catalog, table.name, operation.constraint, number, only=operation.only)


def add(
    catalog: Catalog,
    key: Name,
    constraint: Constraint,
    number: int,
    *,
    only: bool = False,
    taken: Sequence[str] = (),
) -> None:
    """Put a constraint on a table that is already a copy, and on what is below it."""
    table = catalog.tables[key]
    if constraint.kind in _LABELS:
        _add_indexed(catalog, table, constraint, number, only=only)
    elif constraint.kind == "not_null":
        for column in constraint.columns:
            _not_null(catalog, key, column, constraint)
    elif constraint.kind == "check":
        name = constraint.name or check_name(catalog, table, constraint, taken)
        _inherit(catalog, key, name, constraint, only=only or constraint.no_inherit)
    else:
        add_foreign_key(catalog, table, constraint)


def _add_indexed(
    catalog: Catalog, table: Table, constraint: Constraint, number: int, *, only: bool
) -> None:
    """PRIMARY KEY, UNIQUE, EXCLUDE: the index has the name of the constraint."""
    label = _LABELS[constraint.kind]
    if constraint.using_index:
        index = _take_over(catalog, table, constraint)
        if index is None:
            table.constraints[constraint.name or constraint.using_index] = constraint
            return
    else:
        index = Index(
            name=Name(table.name.schema, constraint.name or ""),
            table=table.name,
            keys=constraint.keys or indexes.on_columns(constraint.columns),
            include=constraint.include,
            method=constraint.method,
            unique=constraint.kind != "exclude",
            where=constraint.where,
            only=only,
            valid=not only or not table.partitions,
            nulls_not_distinct=constraint.nulls_not_distinct,
            created_by=number,
        )
    columns = tuple(key.column for key in index.keys if key.column)
    if constraint.kind == "primary_key":
        for column in columns:
            _not_null(catalog, table.name, column, None, only=only)
    constraint = replace(constraint, columns=columns)
    indexes.add(catalog, index, only=only, label=label, constraint=constraint)


def _take_over(catalog: Catalog, table: Table, constraint: Constraint) -> Index | None:
    """USING INDEX: the index becomes that of the constraint, and takes its name."""
    key = Name(table.name.schema, constraint.using_index or "")
    if key not in catalog.indexes:
        return None
    index = edit_index(catalog, key)
    if constraint.name and constraint.name != key.name:
        del catalog.indexes[key]
        index.name = Name(key.schema, constraint.name)
        catalog.indexes[index.name] = index
    return index


def check_name(
    catalog: Catalog, table: Table, constraint: Constraint, taken: Sequence[str] = ()
) -> str:
    """The server's name of a check: the column stands in it when it reads only one."""
    column = constraint.columns[0] if len(constraint.columns) == 1 else None
    return names.constraint(catalog, table.name, column, "check", taken)


def _inherit(
    catalog: Catalog, key: Name, name: str, constraint: Constraint, *, only: bool = False
) -> None:
    for table in family(catalog, key, only=only):
        table.constraints[name] = constraint


def _not_null(
    catalog: Catalog,
    key: Name,
    column: str,
    constraint: Constraint | None,
    *,
    only: bool = False,
) -> None:
    """NOT NULL of a column; only a named one can be looked up as a constraint.

    One that is NOT VALID says nothing of the rows that are there.
    """
    for table in family(catalog, key, only=only):
        if constraint is None or not constraint.not_valid:
            edit_column(table, column, not_null=True)
        if constraint is not None:
            name = constraint.name or names.constraint(catalog, table.name, column, "not_null")
            table.constraints[name] = constraint


def add_foreign_key(catalog: Catalog, table: Table, constraint: Constraint) -> None:
    """FOREIGN KEY: the table it references becomes certain, and its columns where known."""
    if constraint.references is None:
        return
    target = catalog.key(constraint.references)
    columns = constraint.referenced_columns
    known = catalog.tables.get(target)
    if not columns and known is not None:
        primary = next((c for c in known.constraints.values() if c.kind == "primary_key"), None)
        columns = primary.columns if primary else ()
    constraint = replace(constraint, references=target, referenced_columns=columns)
    second = "_".join(constraint.columns)
    name = constraint.name or names.constraint(catalog, table.name, second, "fkey")
    _inherit_foreign_key(catalog, table.name, name, constraint)


def _inherit_foreign_key(catalog: Catalog, key: Name, name: str, constraint: Constraint) -> None:
    table = edit(catalog, key)
    table.constraints[name] = constraint
    for partition in table.partitions:
        if partition in catalog.tables:
            _inherit_foreign_key(catalog, partition, name, constraint)


def validate(catalog: Catalog, operation: ValidateConstraint, number: int) -> None:
    """VALIDATE CONSTRAINT."""
    for table in family(catalog, operation.table, only=operation.only):
        known = table.constraints.get(operation.name)
        if known is not None and known.not_valid:
            table.constraints[operation.name] = replace(known, not_valid=False)
            if known.kind == "not_null":
                for column in known.columns:
                    edit_column(table, column, not_null=True)


def alter_constraint(catalog: Catalog, operation: AlterConstraint, number: int) -> None:
    """ALTER CONSTRAINT; one that becomes enforced is validated."""
    for table in family(catalog, operation.table, only=operation.only):
        known = table.constraints.get(operation.name)
        if known is None:
            continue
        if operation.deferrable is not None:
            known = replace(known, deferrable=operation.deferrable)
        if operation.initially_deferred is not None:
            known = replace(known, initially_deferred=operation.initially_deferred)
        if operation.enforced is not None:
            changed = not operation.enforced
            known = replace(known, not_enforced=changed, not_valid=changed)
        table.constraints[operation.name] = known


def drop_constraint(catalog: Catalog, operation: DropConstraint, number: int) -> None:
    """DROP CONSTRAINT; a NOT NULL of PostgreSQL 18 by the name that the server gave it."""
    table = edit(catalog, operation.table)
    known = table.constraints.get(operation.name)
    if known is None:
        for column in table.columns:
            if names.joined(table.name.name, column, "not_null") == operation.name:
                edit_column(table, column, not_null=False)
        return
    if known.kind == "not_null":
        for column in known.columns:
            edit_column(table, column, not_null=False)
    remove(catalog, table.name, operation.name)
    if known.kind in ("check", "foreign_key", "not_null") and not operation.only:
        for child in children(catalog, table):
            for heir in family(catalog, child):
                heir.constraints.pop(operation.name, None)


def remove(catalog: Catalog, key: Name, name: str) -> None:
    """Take a constraint out, with its index and the foreign keys that reference it."""
    table = edit(catalog, key)
    known = table.constraints.pop(name, None)
    if known is None or known.kind not in _LABELS:
        return
    for index in indexes_on(catalog, key):
        if index.constraint == name:
            indexes.remove(catalog, index.name)
    if known.kind != "exclude":
        drop_foreign_keys_to(catalog, key, frozenset(known.columns))
