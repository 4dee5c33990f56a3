"""Effects of what happens to indexes.

A lock on an index alone blocks as well: planning a query locks every index of its tables.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from senior_backend.catalog.model import Index
from senior_backend.migrations.lock_model.database import Database
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.operations.indexes import (
    AttachIndex,
    CreateIndex,
    DropIndex,
    Reindex,
    SetIndexOptions,
)
from senior_backend.operations.names import Name

BOTH: Final = ("reads", "writes")
_UNKNOWN_TABLE: Final = "the index's table, which no migration shows"
_EXCLUSIVE_OPTIONS: Final = frozenset(
    {"buffering", "fastupdate", "gin_pending_list_limit", "pages_per_range", "autosummarize"}
)
"""Storage parameters whose change needs ACCESS EXCLUSIVE (reloptions.c)."""


def create_index(operation: CreateIndex, database: Database) -> Iterator[Effect]:
    """CREATE INDEX: writes wait while it is built, on every partition; not so CONCURRENTLY."""
    table = operation.table
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if operation.concurrently else Lock.SHARE
    schema = database.catalog.key(table).schema
    exists = operation.name is not None and (
        database.catalog.index(Name(schema, operation.name)) is not None
    )
    if exists and operation.if_not_exists:
        yield database.on(table, lock)
        return
    if operation.only and database.is_partitioned(table):
        yield database.on(table, lock)
        return
    yield database.on(table, lock, scan=True, index_build=True)
    for partition in database.partitions(table):
        built = not any(
            is_same(index, operation) for index in database.catalog.indexes_of(partition)
        )
        yield database.on(partition, lock, scan=built, index_build=built)


def is_same(index: Index, other: Index | CreateIndex) -> bool:
    """Whether an index of a partition can be attached to one of its parent."""
    return (
        index.keys == other.keys
        and index.method == other.method
        and index.unique == other.unique
        and index.include == other.include
        and (index.where.sql if index.where else None) == (other.where.sql if other.where else None)
    )


def drop_index(operation: DropIndex, database: Database) -> Iterator[Effect]:
    """DROP INDEX: brief, but reads and writes of its table wait for it, and it for them."""
    index = database.catalog.index(operation.index)
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if operation.concurrently else Lock.ACCESS_EXCLUSIVE
    if index is None:
        yield Effect(database.label(operation.index), lock, unknown=_UNKNOWN_TABLE)
        return
    yield database.on(index.table, lock)
    if not index.only:
        for partition in database.partitions(index.table):
            yield database.on(partition, lock)


def reindex(operation: Reindex, database: Database) -> Iterator[Effect]:
    """REINDEX: writes wait, and reads for the index itself; not so CONCURRENTLY."""
    if operation.kind == "index" and operation.name is not None:
        index = database.catalog.index(operation.name)
        if index is None:
            yield _index_of_unknown(operation, database)
            return
        if database.is_partitioned(index.table):
            yield _looked_through(index.table, operation, database)
            for part in _leaves(index, database):
                yield from _reindexed(part.table, [part], operation.concurrently, database)
        else:
            yield from _reindexed(index.table, [index], operation.concurrently, database)
        return
    for name in _tables_of(operation, database):
        if database.is_partitioned(name):
            yield _looked_through(name, operation, database)
            # Also CONCURRENTLY, until it has the list of them; seen on 14 to 18.
            for member in database.partitions(name):
                yield database.on(member, Lock.SHARE)
        for member in [name, *database.partitions(name)]:
            if not database.is_partitioned(member):
                indexes = database.catalog.indexes_of(member)
                yield from _reindexed(member, indexes, operation.concurrently, database)


def _looked_through(table: Name, operation: Reindex, database: Database) -> Effect:
    """The partitioned table, locked while its partitions are looked up."""
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if operation.concurrently else Lock.SHARE
    return database.on(table, lock)


def _leaves(index: Index, database: Database) -> Iterator[Index]:
    """The indexes of partitions that belong to a partitioned one and hold rows."""
    for part in database.catalog.indexes.mentioning(index.name.name):
        if part.parent == index.name:
            if database.is_partitioned(part.table):
                yield from _leaves(part, database)
            else:
                yield part


def _tables_of(operation: Reindex, database: Database) -> list[Name]:
    if operation.kind == "table" and operation.name is not None:
        return [operation.name]
    schema = operation.name.name if operation.kind == "schema" and operation.name else None
    return [
        table.name
        for key, table in database.catalog.tables.items()
        if table.kind in ("table", "materialized view")
        and operation.kind != "system"
        and schema in (None, key.schema)
    ]


def _index_of_unknown(operation: Reindex, database: Database) -> Effect:
    label = database.label(operation.name) if operation.name else ""
    if operation.concurrently:
        lock = Lock.SHARE_UPDATE_EXCLUSIVE
        return Effect(label, lock, index_build=True, unknown=_UNKNOWN_TABLE)
    return Effect(label, Lock.ACCESS_EXCLUSIVE, index_build=True, unknown=_UNKNOWN_TABLE)


def _reindexed(
    table: Name, indexes: list[Index], concurrently: bool, database: Database
) -> Iterator[Effect]:
    known = database.knows(table) is not None
    builds = bool(indexes) or not known
    if concurrently:
        yield database.on(table, Lock.SHARE_UPDATE_EXCLUSIVE, scan=builds, index_build=builds)
        return
    effect = database.on(table, Lock.SHARE, scan=builds, index_build=builds)
    yield replace(effect, blocks=BOTH) if builds else effect
    for index in indexes:
        yield Effect(database.label(index.name), Lock.ACCESS_EXCLUSIVE, index_build=True)


def attach_index(operation: AttachIndex, database: Database) -> Iterator[Effect]:
    """ALTER INDEX ... ATTACH PARTITION: brief; the child index is locked from its readers."""
    yield Effect(database.label(operation.index), Lock.SHARE_UPDATE_EXCLUSIVE)
    child = database.catalog.index(operation.child)
    if child is not None:
        yield Effect(database.label(child.table), Lock.ACCESS_SHARE, blocks=BOTH)
    yield Effect(database.label(operation.child), Lock.ACCESS_EXCLUSIVE)


def set_index_options(operation: SetIndexOptions, database: Database) -> Iterator[Effect]:
    """ALTER INDEX ... SET: only the index is locked."""
    exclusive = not _EXCLUSIVE_OPTIONS.isdisjoint(operation.names)
    lock = Lock.ACCESS_EXCLUSIVE if exclusive else Lock.SHARE_UPDATE_EXCLUSIVE
    yield Effect(database.label(operation.index), lock)


EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    AttachIndex: attach_index,
    CreateIndex: create_index,
    DropIndex: drop_index,
    Reindex: reindex,
    SetIndexOptions: set_index_options,
}
