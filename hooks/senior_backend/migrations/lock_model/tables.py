"""Effects of what happens to tables and partitions as a whole."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from senior_backend.catalog.model import Table
from senior_backend.migrations.lock_model.database import Database
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.migrations.lock_model.implication import implies_bound
from senior_backend.migrations.lock_model.indexes import BOTH, is_same
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.tables import (
    AttachPartition,
    Cluster,
    ClusterOn,
    CreateTable,
    DetachPartition,
    Inherit,
    LockTable,
    OtherTableAction,
    PartitionBound,
    SetAccessMethod,
    SetPersistence,
    SetReplicaIdentity,
    SetRowSecurity,
    SetTableOptions,
    SetTablespace,
    SetTriggers,
    TableOperation,
    Truncate,
    Vacuum,
)

_PLAN: Final = "the plan of its query"
_EXCLUSIVE_OPTIONS: Final = frozenset(
    {"user_catalog_table", "security_barrier", "security_invoker", "check_option"}
)
"""Storage parameters of tables and views whose change needs ACCESS EXCLUSIVE (reloptions.c)."""


def create_table(operation: CreateTable, database: Database) -> Iterator[Effect]:
    """CREATE TABLE: what it refers to is locked; the new table concerns nobody."""
    if operation.if_not_exists and database.catalog.table(operation.table) is not None:
        return
    for read in operation.reads:
        for member in database.read_with(read) if operation.with_data else [read]:
            scan = None if operation.with_data else False
            yield database.on(member, Lock.ACCESS_SHARE, scan=scan, unknown=_PLAN)
    for like in operation.likes:
        yield database.on(like.table, Lock.ACCESS_SHARE)
    for parent in operation.inherits:
        yield database.on(parent, Lock.SHARE_UPDATE_EXCLUSIVE)
    if operation.partition_of is not None:
        parent = operation.partition_of
        yield database.on(parent, Lock.ACCESS_EXCLUSIVE)
        if operation.bound is not None and not operation.bound.default:
            yield from _default_partition(parent, operation.bound, database)
        yield from _keys_of_parent(parent, database)
    for constraint in _foreign_keys(operation):
        if constraint.references is not None and (
            database.catalog.key(constraint.references) != database.catalog.key(operation.table)
        ):
            yield from database.on_family(constraint.references, Lock.SHARE_ROW_EXCLUSIVE)


def _foreign_keys(operation: CreateTable) -> Iterator[Constraint]:
    for column in operation.columns:
        yield from (c for c in column.constraints if c.kind == "foreign_key")
    yield from (c for c in operation.constraints if c.kind == "foreign_key")


def _default_partition(parent: Name, bound: PartitionBound, database: Database) -> Iterator[Effect]:
    """A new partition takes rows from the default one, which is searched for them."""
    default = database.catalog.default_partition(parent)
    if default is None:
        return
    holder = database.catalog.table(parent)
    # Only a CHECK that excludes the new bound spares the scan: not modelled when one reads the key.
    keys = set(holder.partition_by.columns) if holder and holder.partition_by else set()
    checked = any(keys & set(c.columns) for c in default.constraints.values() if c.kind == "check")
    for member in database.family(default.name):
        yield database.on(
            member,
            Lock.ACCESS_EXCLUSIVE,
            scan=None if checked else True,
            unknown="whether a CHECK of the default partition excludes the bound"
            if checked
            else "",
        )


def _keys_of_parent(
    parent: Name, database: Database, child: Name | None = None
) -> Iterator[Effect]:
    """Foreign keys from and to a partitioned table are made for each partition as well.

    A ``child`` with rows is checked for those that it has not.
    """
    table = database.catalog.table(parent)
    if table is None:
        return
    own = database.catalog.table(child) if child is not None else None
    for constraint in table.constraints.values():
        if constraint.references is None:
            continue
        scan = child is not None and not (own is not None and _has_reference(own, constraint))
        references = constraint.references
        yield from database.on_family(references, Lock.SHARE_ROW_EXCLUSIVE, scan=scan)
        if scan and child is not None:
            yield database.on(child, Lock.ACCESS_EXCLUSIVE, scan=True)
    lock = Lock.SHARE_ROW_EXCLUSIVE if database.major >= 15 else Lock.ACCESS_SHARE
    for holder, _ in database.catalog.foreign_keys_to(parent):
        yield database.on(holder.name, lock)


def _has_reference(table: Table, wanted: Constraint) -> bool:
    return any(
        constraint.references == wanted.references
        and constraint.columns == wanted.columns
        and not constraint.not_valid
        for constraint in table.constraints.values()
    )


def attach_partition(operation: AttachPartition, database: Database) -> Iterator[Effect]:
    """ATTACH PARTITION: its rows are checked against the bound unless a CHECK proves it."""
    parent, child = operation.table, operation.partition
    yield database.on(parent, Lock.SHARE_UPDATE_EXCLUSIVE)
    index_build, missing = _index_missing(parent, child, database)
    proved, why = _proves_bound(operation, database)
    scan = True if index_build or proved is False else (None if proved is None else False)
    for member in database.family(child):
        yield database.on(
            member,
            Lock.ACCESS_EXCLUSIVE,
            scan=scan,
            index_build=index_build,
            unknown=why or missing,
        )
    if not operation.bound.default:
        yield from _default_partition(parent, operation.bound, database)
    yield from _keys_of_parent(parent, database, child)


def _proves_bound(operation: AttachPartition, database: Database) -> tuple[bool | None, str]:
    table = database.catalog.table(operation.partition)
    parent = database.catalog.table(operation.table)
    if operation.bound.default:
        siblings = bool(parent and parent.partitions) or parent is None
        return (None, "whether a CHECK excludes the other bounds") if siblings else (True, "")
    if table is None or parent is None:
        return None, "whether a CHECK of the partition proves the bound"
    proved, why = implies_bound(table, parent, operation.bound)
    if proved is False and not table.complete:
        return None, "whether a CHECK of the partition proves the bound"
    return proved, why


def _index_missing(parent: Name, child: Name, database: Database) -> tuple[bool | None, str]:
    """Whether an index of the parent has no match on the table that becomes a partition."""
    wanted = [index for index in database.catalog.indexes_of(parent) if index.method]
    table = database.catalog.table(child)
    if not wanted:
        known = database.knows(parent) is not None
        return (False, "") if known else (None, "the indexes of the partitioned table")
    if table is None or not table.complete:
        return None, "the indexes of the partition"
    own = database.catalog.indexes_of(child)
    return not all(any(is_same(index, other) for index in own) for other in wanted), ""


def detach_partition(operation: DetachPartition, database: Database) -> Iterator[Effect]:
    """DETACH PARTITION: brief; CONCURRENTLY lets reads and writes of the parent go on."""
    if operation.concurrently or operation.finalize:
        yield database.on(operation.table, Lock.SHARE_UPDATE_EXCLUSIVE)
        # Only in its second transaction, after those that use the parent (docs, ALTER TABLE).
        yield database.on(operation.partition, Lock.ACCESS_EXCLUSIVE)
        return
    yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)
    yield from database.on_family(operation.partition, Lock.ACCESS_EXCLUSIVE)
    default = database.catalog.default_partition(operation.table)
    if default is not None:
        yield database.on(default.name, Lock.ACCESS_EXCLUSIVE)
    table = database.catalog.table(operation.table)
    for constraint in table.constraints.values() if table is not None else ():
        if constraint.references is not None:
            yield from database.on_family(constraint.references, Lock.SHARE_ROW_EXCLUSIVE)
    for holder, _ in database.catalog.foreign_keys_to(operation.table):
        # No row may reference the partition that goes.
        yield from database.on_family(holder.name, Lock.ACCESS_EXCLUSIVE, scan=True)


def inherit(operation: Inherit, database: Database) -> Iterator[Effect]:
    """INHERIT and NO INHERIT: brief."""
    yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)
    lock = Lock.ACCESS_SHARE if operation.remove else Lock.SHARE_UPDATE_EXCLUSIVE
    yield database.on(operation.parent, lock)


def set_persistence(operation: SetPersistence, database: Database) -> Iterator[Effect]:
    """SET LOGGED and UNLOGGED: a rewrite unless it is so already."""
    table = database.catalog.table(operation.table)
    if table is None or not table.complete:
        unknown = "whether it is so already"
        yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE, rewrite=None, unknown=unknown)
        return
    changed = table.persistence != operation.persistence
    yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE, rewrite=changed)
    if changed and database.major >= 15:  # sequences have a persistence of their own since then
        for sequence in database.sequences_of(operation.table):
            yield database.on(sequence, Lock.ACCESS_EXCLUSIVE)


def set_tablespace(operation: SetTablespace, database: Database) -> Iterator[Effect]:
    """SET TABLESPACE: every block is copied unless it is there already."""
    label = database.label(operation.table)
    if operation.kind == "index":
        index = database.catalog.index(operation.table)
        if index is not None:
            yield Effect(database.label(index.table), Lock.ACCESS_SHARE, blocks=BOTH)
    if operation.kind != "index" and database.is_partitioned(operation.table):
        yield Effect(label, Lock.ACCESS_EXCLUSIVE)
    elif operation.tablespace == "pg_default":
        unknown = "the tablespace in which it is now"
        yield Effect(label, Lock.ACCESS_EXCLUSIVE, rewrite=None, unknown=unknown)
    else:
        yield Effect(label, Lock.ACCESS_EXCLUSIVE, rewrite=True)


def set_access_method(operation: SetAccessMethod, database: Database) -> Iterator[Effect]:
    """SET ACCESS METHOD: a rewrite unless it has that one already."""
    if database.is_partitioned(operation.table):
        yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)
    elif operation.method in (None, "heap"):
        unknown = "the access method that it has now"
        yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE, rewrite=None, unknown=unknown)
    else:
        yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE, rewrite=True)


def set_table_options(operation: SetTableOptions, database: Database) -> Iterator[Effect]:
    """SET (...) and RESET (...)."""
    exclusive = not _EXCLUSIVE_OPTIONS.isdisjoint(operation.names)
    lock = Lock.ACCESS_EXCLUSIVE if exclusive else Lock.SHARE_UPDATE_EXCLUSIVE
    yield database.on(operation.table, lock)


def set_triggers(operation: SetTriggers, database: Database) -> Iterator[Effect]:
    """ENABLE and DISABLE TRIGGER or RULE."""
    if operation.rule:
        yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)
        return
    yield database.on(operation.table, Lock.SHARE_ROW_EXCLUSIVE)
    table = database.catalog.table(operation.table)
    if table is not None and table.triggers and not operation.only:
        for partition in database.partitions(operation.table):
            yield database.on(partition, Lock.SHARE_ROW_EXCLUSIVE)


def cluster_on(operation: ClusterOn, database: Database) -> Iterator[Effect]:
    """CLUSTER ON: only a mark."""
    yield database.on(operation.table, Lock.SHARE_UPDATE_EXCLUSIVE)


def truncate(operation: Truncate, database: Database) -> Iterator[Effect]:
    """TRUNCATE: brief (new, empty files); CASCADE takes every table that references it along."""
    catalog = database.catalog
    waiting = [
        member
        for table in operation.tables
        for member in ([catalog.key(table)] if table in operation.only else database.family(table))
    ]
    seen: dict[Name, None] = {}
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen[name] = None
        if operation.cascade:
            for holder, _ in catalog.foreign_keys_to(name):
                waiting += database.family(holder.name)
    for name in seen:
        yield database.on(name, Lock.ACCESS_EXCLUSIVE)
        if operation.restart_identity:
            for sequence in database.sequences_of(name):
                yield database.on(sequence, Lock.ACCESS_EXCLUSIVE)


def lock_table(operation: LockTable, database: Database) -> Iterator[Effect]:
    """LOCK TABLE: held until the transaction ends."""
    lock = Lock[operation.mode.upper().replace(" ", "_")]
    for table in operation.tables:
        for member in [table] if table in operation.only else database.read_with(table):
            yield database.on(member, lock)


def vacuum(operation: Vacuum, database: Database) -> Iterator[Effect]:
    """VACUUM and ANALYZE; VACUUM FULL writes the table anew."""
    for table in operation.tables or _all_tables(database):
        for member in database.family(table):
            if operation.full:
                yield database.on(member, Lock.ACCESS_EXCLUSIVE, rewrite=True)
            elif operation.analyze_only:
                yield database.on(member, Lock.SHARE_UPDATE_EXCLUSIVE)
            else:
                unknown = "how much of it was vacuumed before"
                yield database.on(member, Lock.SHARE_UPDATE_EXCLUSIVE, scan=None, unknown=unknown)


def _all_tables(database: Database) -> list[Name]:
    kinds = ("table", "materialized view")
    return [table.name for table in database.catalog.tables.values() if table.kind in kinds]


def cluster(operation: Cluster, database: Database) -> Iterator[Effect]:
    """CLUSTER: the table is written anew in the order of an index."""
    if operation.table is not None:
        for member in [operation.table, *database.partitions(operation.table)]:
            yield database.on(member, Lock.ACCESS_EXCLUSIVE, rewrite=True)


def _exclusive(operation: TableOperation, database: Database) -> Iterator[Effect]:
    """A change of the catalogs only, of this table only."""
    yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)


def dropped(
    table: Table | None, name: Name, *, cascade: bool, database: Database
) -> Iterator[Effect]:
    """DROP TABLE: brief; the other sides of its foreign keys are locked as well."""
    catalog = database.catalog
    for member in database.family(name):
        yield database.on(member, Lock.ACCESS_EXCLUSIVE)
    if table is None:
        return
    if table.partition_of is not None:
        yield database.on(table.partition_of, Lock.ACCESS_EXCLUSIVE)
        default = catalog.default_partition(table.partition_of)
        if default is not None:
            yield database.on(default.name, Lock.ACCESS_EXCLUSIVE)
    parent = catalog.table(table.partition_of) if table.partition_of is not None else None
    for member in database.family(name):
        known = catalog.table(member)
        for constraint in known.constraints.values() if known is not None else ():
            if parent is not None and _has_reference(parent, constraint):
                continue  # its triggers on the other side belong to the whole, which stays
            if constraint.references is not None:
                others = database.family(constraint.references)
                if database.major < 15 and database.is_partitioned(constraint.references):
                    others = others[1:]  # there the triggers stand on the partitions only
                for other in others:
                    yield database.on(other, Lock.ACCESS_EXCLUSIVE)
    for sequence in database.sequences_of(name):
        yield database.on(sequence, Lock.ACCESS_EXCLUSIVE)
    if cascade:
        whole = [table.partition_of] if table.partition_of is not None else []
        for referenced in (name, *whole):
            for holder, _ in catalog.foreign_keys_to(referenced):
                yield from database.on_family(holder.name, Lock.ACCESS_EXCLUSIVE)
        for view in database.views_over(name):
            yield database.on(view, Lock.ACCESS_EXCLUSIVE)


EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    AttachPartition: attach_partition,
    Cluster: cluster,
    ClusterOn: cluster_on,
    CreateTable: create_table,
    DetachPartition: detach_partition,
    Inherit: inherit,
    LockTable: lock_table,
    OtherTableAction: _exclusive,
    SetAccessMethod: set_access_method,
    SetPersistence: set_persistence,
    SetReplicaIdentity: _exclusive,
    SetRowSecurity: _exclusive,
    SetTableOptions: set_table_options,
    SetTablespace: set_tablespace,
    SetTriggers: set_triggers,
    Truncate: truncate,
    Vacuum: vacuum,
}
