"""Effects of what ALTER TABLE does to columns."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from senior_backend.catalog.model import Index, Table
from senior_backend.migrations.lock_model import types
from senior_backend.migrations.lock_model.database import Database
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.migrations.lock_model.functions import is_volatile
from senior_backend.migrations.lock_model.implication import has_no_nulls, proves_not_null
from senior_backend.operations.columns import (
    AddColumn,
    AlterColumnType,
    AlterIdentity,
    ColumnDefinition,
    ColumnOperation,
    DropColumn,
    DropDefault,
    DropExpression,
    DropNotNull,
    SetColumnOptions,
    SetColumnStatistics,
    SetCompression,
    SetDefault,
    SetExpression,
    SetNotNull,
    SetStorage,
)
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name


def add_column(operation: AddColumn, database: Database) -> Iterator[Effect]:
    """ADD COLUMN: a rewrite when rows get different values, a scan when they must be checked."""
    definition = operation.definition
    known = database.catalog.table(operation.table)
    if operation.if_not_exists and known is not None and operation.column in known.columns:
        yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)
        return
    rewrite, why = _rewrite_to_add(definition, database)
    kinds = {constraint.kind for constraint in definition.constraints}
    has_values = (
        definition.default is not None
        or definition.serial
        or definition.identity
        or definition.generated == "stored"
    )
    foreign_keys = [c for c in definition.constraints if c.kind == "foreign_key"]
    index_build = bool(kinds & {"unique", "primary_key", "exclude"})
    checked = "check" in kinds or (definition.not_null and not has_values)
    validated = bool(foreign_keys) and bool(has_values)
    yield from database.on_family(
        operation.table,
        Lock.ACCESS_EXCLUSIVE,
        rewrite=rewrite,
        scan=checked or validated or index_build,
        index_build=index_build,
        unknown=why,
    )
    for foreign_key in foreign_keys:
        if foreign_key.references is not None:
            yield from database.on_family(
                foreign_key.references, Lock.SHARE_ROW_EXCLUSIVE, scan=validated
            )


def _rewrite_to_add(definition: ColumnDefinition, database: Database) -> tuple[bool | None, str]:
    if definition.serial or definition.identity:
        return True, ""
    if definition.generated is not None:
        return definition.generated == "stored", ""
    constrained, why = types.may_be_constrained(definition.type, database)
    if constrained:
        return True, ""
    default = definition.default
    if default is None:
        domain = database.catalog.domain(definition.type)
        default = domain.default if domain is not None else None
    if default is None:
        return constrained, why
    volatile, because = is_volatile(default, database.catalog)
    if volatile:
        return True, ""
    return (constrained, why) if constrained is None else (volatile, because)


def drop_column(operation: DropColumn, database: Database) -> Iterator[Effect]:
    """DROP COLUMN: the column is only marked; what depends on it goes with it."""
    yield from database.on_family(operation.table, Lock.ACCESS_EXCLUSIVE)
    table = database.catalog.table(operation.table)
    if table is None:
        return
    for constraint in table.constraints.values():
        if constraint.references is not None and operation.column in constraint.columns:
            yield from database.on_family(constraint.references, Lock.ACCESS_EXCLUSIVE)
    if operation.cascade:
        for holder, constraint in database.catalog.foreign_keys_to(operation.table):
            if operation.column in constraint.referenced_columns:
                yield from database.on_family(holder.name, Lock.ACCESS_EXCLUSIVE)
        for view in database.views_over(operation.table, operation.column):
            yield database.on(view, Lock.ACCESS_EXCLUSIVE)
    for sequence in database.sequences_of(operation.table, operation.column):
        yield database.on(sequence, Lock.ACCESS_EXCLUSIVE)


def alter_column_type(operation: AlterColumnType, database: Database) -> Iterator[Effect]:
    """ALTER COLUMN TYPE: the table and its foreign keys' other sides are rewritten or proved."""
    cost = _cost_of_type(operation, database)
    for member in database.family(operation.table):
        yield _retyped(member, operation, cost, database)
    if (table := database.catalog.table(operation.table)) is None:
        return
    for sequence in database.sequences_of(operation.table, operation.column):
        column = table.columns.get(operation.column)
        if column is not None and column.definition.identity:
            yield database.on(sequence, Lock.SHARE_ROW_EXCLUSIVE)
    revalidated = cost.rewrite
    for constraint in table.constraints.values():
        if constraint.references is None or operation.column not in constraint.columns:
            continue
        scan = False if _unchecked(constraint) else revalidated
        yield from database.on_family(
            constraint.references, Lock.ACCESS_EXCLUSIVE, scan=scan, unknown=cost.unknown
        )
    for holder, constraint in database.catalog.foreign_keys_to(operation.table):
        if operation.column in _referenced_columns(constraint, table):
            scan = False if _unchecked(constraint) else revalidated
            yield from database.on_family(
                holder.name, Lock.ACCESS_EXCLUSIVE, scan=scan, unknown=cost.unknown
            )


def _retyped(
    name: Name, operation: AlterColumnType, cost: types.TypeChange, database: Database
) -> Effect:
    table = database.catalog.table(name)
    column = operation.column
    index_build = _indexes_built(name, operation, cost, database)
    checked = table is not None and any(
        c.kind == "check" and column in c.columns and not _unchecked(c)
        for c in table.constraints.values()
    )
    return database.on(
        name,
        Lock.ACCESS_EXCLUSIVE,
        rewrite=cost.rewrite,
        scan=True if checked or index_build else index_build,
        index_build=index_build,
        unknown=cost.unknown or ("its indexes" if index_build is None else ""),
    )


def _indexes_built(
    name: Name, operation: AlterColumnType, cost: types.TypeChange, database: Database
) -> bool | None:
    """Whether indexes that use the column are built anew though the table is not rewritten."""
    using = [i for i in database.catalog.indexes_of(name) if _reads(i, operation.column)]
    plain = [
        i for i in using if i.where is None and i.parent is None and all(k.column for k in i.keys)
    ]
    if len(plain) < len(using):
        # Expressions and predicates are not compared (CheckIndexCompatible), and what belongs to
        # the index of a partitioned table is made anew with it.
        return True
    keyed = any(key.column == operation.column for i in plain for key in i.keys)
    if keyed and (cost.new_operators or _new_collation(operation, database)):
        return True
    if keyed and cost.new_operators is None:
        return None
    return False if database.knows(name) is not None or cost.new_operators is False else None


def _new_collation(operation: AlterColumnType, database: Database) -> bool:
    column = database.catalog.column(operation.table, operation.column)
    old = column.definition.collation if column is not None else None
    return (old.name if old else None) != (
        operation.collation.name if operation.collation else None
    )


def _reads(index: Index, column: str) -> bool:
    if index.where is not None and column in index.where.columns:
        return True
    return column in index.include or any(
        key.column == column or column in key.reads for key in index.keys
    )


def _unchecked(constraint: Constraint) -> bool:
    return constraint.not_valid or constraint.not_enforced


def _referenced_columns(constraint: Constraint, table: Table) -> tuple[str, ...]:
    if constraint.referenced_columns:
        return constraint.referenced_columns
    keys = [c.columns for c in table.constraints.values() if c.kind == "primary_key"]
    return keys[0] if keys else ()


def _cost_of_type(operation: AlterColumnType, database: Database) -> types.TypeChange:
    using = operation.using
    casts = using.casts if using is not None else ()
    if casts is None or (using is not None and operation.column not in using.columns):
        return types.REWRITE
    column = database.catalog.column(operation.table, operation.column)
    if column is None or not column.type.name:
        return types.TypeChange(None, None, f"the present type of {operation.column}")
    if column.definition.generated is not None:
        return types.REWRITE
    steps = [*casts, operation.type]
    costs = [
        types.change(old, new, database)
        for old, new in zip([column.type, *steps], steps, strict=False)
    ]
    if any(cost.rewrite for cost in costs):
        return types.REWRITE
    unknown = next((cost for cost in costs if cost.rewrite is None), None)
    if unknown is not None:
        return unknown
    return types.TypeChange(False, types.other_operators(column.type, operation.type, database))


def set_not_null(operation: SetNotNull, database: Database) -> Iterator[Effect]:
    """SET NOT NULL: a scan unless the column has no nulls already or a valid CHECK proves it."""
    top = database.catalog.table(operation.table)
    if top is not None and has_no_nulls(top, operation.column):
        yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)  # and goes no further down
        return
    for member in database.family(operation.table):
        table = database.catalog.table(member)
        if table is None:
            proved: bool | None = None
        elif has_no_nulls(table, operation.column) or proves_not_null(table, operation.column):
            proved = True
        else:
            proved = False if table.complete or operation.column in table.columns else None
        if proved is None:
            unknown = "whether a CHECK or NOT NULL constraint proves it already"
            yield database.on(member, Lock.ACCESS_EXCLUSIVE, scan=None, unknown=unknown)
        else:
            yield database.on(member, Lock.ACCESS_EXCLUSIVE, scan=not proved)


def set_expression(operation: SetExpression, database: Database) -> Iterator[Effect]:
    """SET EXPRESSION: a rewrite, unless the column is virtual."""
    column = database.catalog.column(operation.table, operation.column)
    virtual = column is not None and column.definition.generated == "virtual"
    yield from database.on_family(operation.table, Lock.ACCESS_EXCLUSIVE, rewrite=not virtual)


def alter_identity(operation: AlterIdentity, database: Database) -> Iterator[Effect]:
    """ADD, SET and DROP of an identity: its sequence is changed or goes."""
    yield from database.on_family(operation.table, Lock.ACCESS_EXCLUSIVE)
    column = database.catalog.column(operation.table, operation.column)
    if column is not None and not column.definition.identity:
        return  # it has a sequence of its own from now on; one that it owned otherwise stays
    lock = Lock.ACCESS_EXCLUSIVE if operation.action == "drop" else Lock.SHARE_ROW_EXCLUSIVE
    for sequence in database.sequences_of(operation.table, operation.column):
        yield database.on(sequence, lock)


def _exclusive(operation: ColumnOperation, database: Database) -> Iterator[Effect]:
    """A change of the catalogs only."""
    yield from database.on_family(operation.table, Lock.ACCESS_EXCLUSIVE)


def _exclusive_here(operation: ColumnOperation, database: Database) -> Iterator[Effect]:
    """A change of the catalogs only that does not go down to partitions."""
    yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)


def _statistics(operation: SetColumnStatistics, database: Database) -> Iterator[Effect]:
    yield from database.on_family(operation.table, Lock.SHARE_UPDATE_EXCLUSIVE)


def _options(operation: SetColumnOptions, database: Database) -> Iterator[Effect]:
    yield database.on(operation.table, Lock.SHARE_UPDATE_EXCLUSIVE)


EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    AddColumn: add_column,
    AlterColumnType: alter_column_type,
    AlterIdentity: alter_identity,
    DropColumn: drop_column,
    DropDefault: _exclusive,
    DropExpression: _exclusive,
    DropNotNull: _exclusive,
    SetColumnOptions: _options,
    SetColumnStatistics: _statistics,
    SetCompression: _exclusive_here,
    SetDefault: _exclusive,
    SetExpression: set_expression,
    SetNotNull: set_not_null,
    SetStorage: _exclusive,
}
