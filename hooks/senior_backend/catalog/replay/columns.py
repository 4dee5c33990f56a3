"""Replay of operations on columns."""

from dataclasses import replace

from senior_backend.catalog.model import Catalog, Column, Table
from senior_backend.catalog.replay import constraints, indexes, names
from senior_backend.catalog.replay.known import (
    children,
    drop_foreign_keys_to,
    edit,
    edit_column,
    family,
    indexes_on,
)
from senior_backend.operations import columns
from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import ColumnRead, Name


def add_column(catalog: Catalog, operation: columns.AddColumn, number: int) -> None:
    """ADD COLUMN, with its constraints, and on what is below the table."""
    table = edit(catalog, operation.table)
    if operation.column in table.columns and operation.if_not_exists:
        return
    definition = operation.definition
    add_sequence(catalog, table, definition, number)
    inline = definition.constraints
    for heir in family(catalog, table.name, only=operation.only):
        if heir.name == table.name or operation.column not in heir.columns:
            heir.columns[operation.column] = Column(definition, number, heir.name != table.name)
    for constraint in ordered(inline):
        constraints.add(catalog, table.name, constraint, number, only=operation.only)


def ordered(found: tuple[Constraint, ...]) -> list[Constraint]:
    """In the order in which the server makes them: checks, primary key, other keys, foreign."""
    if len(found) < 2:
        return list(found)
    return sorted(found, key=lambda constraint: _ORDER.get(constraint.kind, 2))


_ORDER = {"check": 0, "not_null": 0, "primary_key": 1, "foreign_key": 3}


def add_sequence(catalog: Catalog, table: Table, definition: ColumnDefinition, number: int) -> None:
    """The sequence of a serial or identity column."""
    if not (definition.serial or definition.identity):
        return
    name = names.relation(catalog, table.name, definition.name, "seq")
    key = Name(table.name.schema, name)
    catalog.tables[key] = Table(
        key,
        kind="sequence",
        persistence="temporary" if table.persistence == "temporary" else "permanent",
        owned_by=(table.name, definition.name),
        created_by=number,
    )
    if table.name.schema == "pg_temp":
        catalog.temporary.add(name)


def drop_column(catalog: Catalog, operation: columns.DropColumn, number: int) -> None:
    """DROP COLUMN, with the indexes and constraints that use it, in the whole family."""
    table = edit(catalog, operation.table)
    if table.complete and operation.column not in table.columns:
        return
    _drop(catalog, table.name, operation.column, cascade=operation.cascade)
    for child in children(catalog, table, only=operation.only):
        _drop_inherited(catalog, child, operation.column, cascade=operation.cascade)


def _drop_inherited(catalog: Catalog, key: Name, column: str, *, cascade: bool) -> None:
    """In a child: its own definition of the column stays, save that of a partition."""
    table = catalog.tables[key]
    known = table.columns.get(column)
    if known is None or not (known.inherited or table.partition_of):
        return
    _drop(catalog, key, column, cascade=cascade)
    for child in children(catalog, table):
        _drop_inherited(catalog, child, column, cascade=cascade)


def _drop(catalog: Catalog, key: Name, column: str, *, cascade: bool) -> None:
    table = edit(catalog, key)
    table.columns.pop(column, None)
    for name, constraint in list(table.constraints.items()):
        if column in constraint.columns:
            constraints.remove(catalog, key, name)
    for index in indexes_on(catalog, key):
        if column in indexes.columns_of(index):
            if index.constraint:
                constraints.remove(catalog, key, index.constraint)
            indexes.remove(catalog, index.name)
    drop_foreign_keys_to(catalog, key, frozenset({column}))
    for sequence in catalog.sequences_of(key):
        if sequence.owned_by == (key, column):
            del catalog.tables[sequence.name]
    if cascade:
        for view in catalog.views_reading(key):
            if catalog.reads(view, key, column):
                catalog.tables.pop(view.name, None)


def alter_type(catalog: Catalog, operation: columns.AlterColumnType, number: int) -> None:
    """ALTER COLUMN TYPE."""
    for table in family(catalog, operation.table, only=operation.only):
        edit_column(table, operation.column, type=operation.type, collation=operation.collation)


def set_default(catalog: Catalog, operation: columns.SetDefault, number: int) -> None:
    """SET DEFAULT."""
    for table in family(catalog, operation.table, only=operation.only):
        edit_column(table, operation.column, default=operation.default, serial=False)


def drop_default(catalog: Catalog, operation: columns.DropDefault, number: int) -> None:
    """DROP DEFAULT."""
    for table in family(catalog, operation.table, only=operation.only):
        edit_column(table, operation.column, default=None, serial=False)


def set_not_null(catalog: Catalog, operation: columns.SetNotNull, number: int) -> None:
    """SET NOT NULL."""
    for table in family(catalog, operation.table, only=operation.only):
        edit_column(table, operation.column, not_null=True)


def drop_not_null(catalog: Catalog, operation: columns.DropNotNull, number: int) -> None:
    """DROP NOT NULL, and its constraint where that has a name of its own."""
    for table in family(catalog, operation.table, only=operation.only):
        edit_column(table, operation.column, not_null=False)
        for name, constraint in list(table.constraints.items()):
            if constraint.kind == "not_null" and operation.column in constraint.columns:
                del table.constraints[name]


def set_expression(catalog: Catalog, operation: columns.SetExpression, number: int) -> None:
    """SET EXPRESSION."""
    for table in family(catalog, operation.table, only=operation.only):
        edit_column(table, operation.column, generation=operation.expression)


def drop_expression(catalog: Catalog, operation: columns.DropExpression, number: int) -> None:
    """DROP EXPRESSION: the column keeps its values and becomes a plain one."""
    for table in family(catalog, operation.table, only=operation.only):
        edit_column(table, operation.column, generation=None, generated=None)


def alter_identity(catalog: Catalog, operation: columns.AlterIdentity, number: int) -> None:
    """ADD GENERATED, SET GENERATED, DROP IDENTITY."""
    if operation.action == "set":
        return
    table = edit(catalog, operation.table)
    edit_column(
        table,
        operation.column,
        identity="by default" if operation.action == "add" else None,
    )
    if operation.action == "add" and operation.column in table.columns:
        add_sequence(catalog, table, table.columns[operation.column].definition, number)
    else:
        owner = (table.name, operation.column)
        for sequence in catalog.sequences_of(table.name):
            if sequence.owned_by == owner:
                del catalog.tables[sequence.name]


def rename_column(catalog: Catalog, table: Name, old: str, new: str) -> None:
    """RENAME COLUMN: in the family, its indexes and constraints, and keys that reference it."""
    for heir in family(catalog, table):
        _rename(catalog, heir, old, new)


def _rename(catalog: Catalog, table: Table, old: str, new: str) -> None:
    def renamed(names_: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in names_)

    table.columns = {
        new if name == old else name: (
            replace(column, definition=replace(column.definition, name=new))
            if name == old
            else column
        )
        for name, column in table.columns.items()
    }
    for name, constraint in table.constraints.items():
        if old in constraint.columns:
            table.constraints[name] = replace(constraint, columns=renamed(constraint.columns))
    if table.partition_by:
        key = table.partition_by
        table.partition_by = replace(key, columns=renamed(key.columns))
    for index in indexes_on(catalog, table.name):
        if old in indexes.columns_of(index):
            keys = tuple(
                replace(
                    key,
                    column=new if key.column == old else key.column,
                    reads=renamed(key.reads),
                )
                for key in index.keys
            )
            where = index.where
            if where:
                where = where._replace(columns=renamed(where.columns))
            catalog.indexes[index.name] = replace(
                index, keys=keys, include=renamed(index.include), where=where
            )
    for holder, constraint in catalog.foreign_keys_to(table.name):
        if old in constraint.referenced_columns:
            columns_ = renamed(constraint.referenced_columns)
            copy = edit(catalog, holder.name)
            for name, known in copy.constraints.items():
                if known is constraint:
                    copy.constraints[name] = replace(known, referenced_columns=columns_)
    for sequence in catalog.sequences_of(table.name):
        if sequence.owned_by == (table.name, old):
            edit(catalog, sequence.name).owned_by = (table.name, new)
    for view in catalog.views_reading(table.name):
        edit(catalog, view.name).columns_read = tuple(
            followed
            for read in view.columns_read
            for followed in _followed(read, table.name, old, new)
        )


def _followed(read: ColumnRead, table: Name, old: str, new: str) -> tuple[ColumnRead, ...]:
    """What a view reads after RENAME COLUMN: perhaps both, where the column has no prefix."""
    if read.column != old or read.of not in (None, table):
        return (read,)
    other = read._replace(column=new)
    return (other,) if read.of else (read, other)
