"""Effects of statements that read or change rows."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from senior_backend.migrations.lock_model.database import Database
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.operations.data import ChangeRows, Select
from senior_backend.operations.names import Name

_PLAN: Final = "the plan of the query"


def change_rows(operation: ChangeRows, database: Database) -> Iterator[Effect]:
    """INSERT, UPDATE, DELETE, MERGE, COPY: only the rows themselves are kept from others."""
    table = operation.table
    scan = _scans(operation, database)
    unknown = _PLAN if scan is None else ""
    yield database.on(table, Lock.ROW_EXCLUSIVE, scan=scan, unknown=unknown)
    if operation.action in ("update", "delete", "merge") and not operation.bounded:
        for member in database.family(table)[1:]:
            yield database.on(member, Lock.ROW_EXCLUSIVE, scan=scan, unknown=unknown)
    for read in operation.reads:
        for member in database.read_with(read):
            yield database.on(member, Lock.ACCESS_SHARE, scan=None, unknown=_PLAN)
    yield from _foreign_keys(operation, database)


def _scans(operation: ChangeRows, database: Database) -> bool | None:
    """Whether every row is read; what a condition reads is only known for keys."""
    if operation.action in ("insert", "copy"):
        return False
    if (
        operation.action in ("update", "delete")
        and not operation.has_where
        and not operation.bounded
    ):
        return None if operation.joins else True
    if operation.bounded and _equals_key(operation, database):
        return False
    return None


def _equals_key(operation: ChangeRows, database: Database) -> bool:
    return any(
        index.where is None and index.keys and index.keys[0].column in operation.equals
        for index in database.catalog.indexes_of(operation.table)
    )


def _foreign_keys(operation: ChangeRows, database: Database) -> Iterator[Effect]:
    catalog = database.catalog
    table = catalog.table(operation.table)
    if operation.action != "delete" and table is not None:
        every = operation.action in ("insert", "copy") and not operation.columns
        for constraint in table.constraints.values():
            if constraint.references is not None and (
                every or not set(constraint.columns).isdisjoint(operation.columns)
            ):
                yield database.on(constraint.references, Lock.ROW_SHARE)
    if operation.action == "delete":
        for holder, constraint in catalog.foreign_keys_to(operation.table):
            changed = constraint.on_delete in ("cascade", "set null", "set default")
            lock = Lock.ROW_EXCLUSIVE if changed else Lock.ROW_SHARE
            yield _looked_up(holder.name, constraint.columns, lock, database)


def _looked_up(name: Name, columns: tuple[str, ...], lock: Lock, database: Database) -> Effect:
    """The referencing table, searched for each row that goes: without an index, in full."""
    indexed = any(
        index.where is None and {key.column for key in index.keys[: len(columns)]} == set(columns)
        for index in database.catalog.indexes_of(name)
    )
    if indexed:
        return database.on(name, lock)
    return database.on(name, lock, scan=None, unknown="whether its foreign key has an index")


def select(operation: Select, database: Database) -> Iterator[Effect]:
    """SELECT; FOR UPDATE and its kin lock the rows that they read."""
    lock = Lock.ROW_SHARE if operation.for_update else Lock.ACCESS_SHARE
    for read in operation.reads:
        for member in database.read_with(read):
            yield database.on(member, lock, scan=None, unknown=_PLAN)


EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    ChangeRows: change_rows,
    Select: select,
}
