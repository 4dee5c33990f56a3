"""Effects of what ALTER TABLE does to constraints."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from senior_backend.migrations.lock_model.database import Database
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.migrations.lock_model.implication import has_no_nulls, proves_not_null
from senior_backend.operations.constraints import (
    AddConstraint,
    AlterConstraint,
    Constraint,
    DropConstraint,
    ValidateConstraint,
)
from senior_backend.operations.names import Name


def add_constraint(operation: AddConstraint, database: Database) -> Iterator[Effect]:
    """ADD CONSTRAINT: existing rows are checked unless NOT VALID; keys build an index."""
    constraint = operation.constraint
    if constraint.kind == "foreign_key":
        yield from _add_foreign_key(operation.table, constraint, database)
    elif constraint.kind in ("unique", "primary_key", "exclude"):
        yield from _add_key(operation.table, constraint, database)
    elif constraint.kind == "not_null":
        scanned = not constraint.not_valid
        for member in database.family(operation.table):
            table = database.catalog.table(member)
            proved = table is not None and all(
                has_no_nulls(table, column) or proves_not_null(table, column)
                for column in constraint.columns
            )
            yield database.on(member, Lock.ACCESS_EXCLUSIVE, scan=scanned and not proved)
    else:
        top = database.catalog.key(operation.table)
        for member in database.family(operation.table):
            inherited = member == top or not constraint.no_inherit
            if inherited or database.major >= 18:  # which locks them before it looks
                scan = _checked(constraint) and inherited
                yield database.on(member, Lock.ACCESS_EXCLUSIVE, scan=scan)


def _add_foreign_key(table: Name, constraint: Constraint, database: Database) -> Iterator[Effect]:
    scan = _checked(constraint)
    yield database.on(table, Lock.SHARE_ROW_EXCLUSIVE, scan=scan)
    partitioned = database.is_partitioned(table)  # tables that inherit do not get it
    if partitioned or database.major >= 18:  # which locks them before it looks
        for member in database.below(table):
            yield database.on(member, Lock.SHARE_ROW_EXCLUSIVE, scan=scan and partitioned)
    if constraint.references is not None:
        yield from database.on_family(constraint.references, Lock.SHARE_ROW_EXCLUSIVE, scan=scan)


def _add_key(name: Name, constraint: Constraint, database: Database) -> Iterator[Effect]:
    table = database.catalog.table(name)
    primary = constraint.kind == "primary_key"
    proved = (
        primary
        and table is not None
        and all(
            has_no_nulls(table, column) or proves_not_null(table, column)
            for column in constraint.columns
        )
    )
    if constraint.using_index is not None:
        yield _key_of_index(name, constraint, database)
        return
    yield database.on(name, Lock.ACCESS_EXCLUSIVE, scan=True, index_build=True)
    # Up to 17 as in CREATE INDEX, but for SET NOT NULL on the way; seen on 14 to 18.
    strong = database.major >= 18 or (primary and not proved)
    partitioned = database.is_partitioned(name)  # tables that inherit do not get it
    if strong or partitioned:
        lock = Lock.ACCESS_EXCLUSIVE if strong else Lock.SHARE
        for member in database.below(name):
            scan = partitioned or (primary and not proved)
            yield database.on(member, lock, scan=scan, index_build=partitioned)


def _key_of_index(name: Name, constraint: Constraint, database: Database) -> Effect:
    """ADD ... USING INDEX: brief, but a primary key checks columns that may be null."""
    if constraint.kind != "primary_key":
        return database.on(name, Lock.ACCESS_EXCLUSIVE)
    table = database.catalog.table(name)
    index = database.catalog.index(
        Name(database.catalog.key(name).schema, constraint.using_index or "")
    )
    columns = [key.column for key in index.keys] if index is not None else []
    if table is None or not columns:
        unknown = "whether the index's columns are NOT NULL already"
        return database.on(name, Lock.ACCESS_EXCLUSIVE, scan=None, unknown=unknown)
    proved = all(
        column is not None and (has_no_nulls(table, column) or proves_not_null(table, column))
        for column in columns
    )
    if not proved and not table.complete:
        unknown = "whether the index's columns are NOT NULL already"
        return database.on(name, Lock.ACCESS_EXCLUSIVE, scan=None, unknown=unknown)
    return database.on(name, Lock.ACCESS_EXCLUSIVE, scan=not proved)


def _checked(constraint: Constraint) -> bool:
    return not (constraint.not_valid or constraint.not_enforced)


def validate_constraint(operation: ValidateConstraint, database: Database) -> Iterator[Effect]:
    """VALIDATE CONSTRAINT: rows are read while reads and writes go on."""
    table = database.catalog.table(operation.table)
    constraint = table.constraints.get(operation.name) if table is not None else None
    if constraint is None:
        unknown = "the constraint, which no migration creates"
        yield from database.on_family(
            operation.table, Lock.SHARE_UPDATE_EXCLUSIVE, scan=None, unknown=unknown
        )
        return
    scan = constraint.not_valid
    if constraint.references is None:
        yield from database.on_family(operation.table, Lock.SHARE_UPDATE_EXCLUSIVE, scan=scan)
        return
    yield from database.on_family(operation.table, Lock.SHARE_UPDATE_EXCLUSIVE, scan=scan)
    if scan:
        yield from database.on_family(constraint.references, Lock.ROW_SHARE, scan=True)


def drop_constraint(operation: DropConstraint, database: Database) -> Iterator[Effect]:
    """DROP CONSTRAINT: brief; a foreign key's other side is locked as well."""
    yield from database.on_family(operation.table, Lock.ACCESS_EXCLUSIVE)
    table = database.catalog.table(operation.table)
    constraint = table.constraints.get(operation.name) if table is not None else None
    if constraint is None or table is None:
        return
    if constraint.references is not None:
        yield from database.on_family(constraint.references, Lock.ACCESS_EXCLUSIVE)
    elif operation.cascade and constraint.kind in ("primary_key", "unique"):
        for holder, foreign_key in database.catalog.foreign_keys_to(operation.table):
            columns = foreign_key.referenced_columns
            if columns == constraint.columns or (not columns and constraint.kind == "primary_key"):
                yield from database.on_family(holder.name, Lock.ACCESS_EXCLUSIVE)


def alter_constraint(operation: AlterConstraint, database: Database) -> Iterator[Effect]:
    """ALTER CONSTRAINT: only the catalogs change, but ENFORCED checks the rows."""
    scan = bool(operation.enforced)
    yield from database.on_family(operation.table, Lock.ACCESS_EXCLUSIVE, scan=scan)
    table = database.catalog.table(operation.table)
    constraint = table.constraints.get(operation.name) if table is not None else None
    if operation.enforced is None or constraint is None or constraint.references is None:
        return
    lock = Lock.SHARE_ROW_EXCLUSIVE if scan else Lock.ACCESS_EXCLUSIVE
    yield from database.on_family(constraint.references, lock, scan=scan)


EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    AddConstraint: add_constraint,
    AlterConstraint: alter_constraint,
    DropConstraint: drop_constraint,
    ValidateConstraint: validate_constraint,
}
