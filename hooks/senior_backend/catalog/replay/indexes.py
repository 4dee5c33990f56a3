"""Replay of operations on indexes."""

from collections.abc import Iterator, Sequence
from copy import copy

from senior_backend.catalog.model import Catalog, Index, Table
from senior_backend.catalog.replay import names
from senior_backend.catalog.replay.known import children, edit, edit_index, indexes_on
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.indexes import AttachIndex, CreateIndex, DropIndex, IndexKey
from senior_backend.operations.names import Name


def create_index(catalog: Catalog, operation: CreateIndex, number: int) -> None:
    """CREATE INDEX, on every partition as well."""
    table = catalog.key(operation.table)
    if operation.name and operation.if_not_exists:
        known = Name(table.schema, operation.name)
        if known in catalog.indexes or known in catalog.tables:
            return
    if table not in catalog.tables:
        edit(catalog, table)
    index = Index(
        name=Name(table.schema, operation.name or ""),
        table=table,
        keys=operation.keys,
        include=operation.include,
        method=operation.method,
        unique=operation.unique,
        where=operation.where,
        only=operation.only,
        valid=not operation.only or not catalog.tables[table].partitions,
        nulls_not_distinct=operation.nulls_not_distinct,
        abridged=operation.abridged,
        created_by=number,
    )
    add(catalog, index, only=operation.only)


def add(
    catalog: Catalog,
    index: Index,
    *,
    only: bool = False,
    label: str = "idx",
    constraint: Constraint | None = None,
) -> Index:
    """Put an index into the catalog, named when it has no name, and clones on partitions.

    ``constraint`` is the one that it backs, which gets its name; ``label`` is what ends the name:
    ``pkey``, ``key``, ``excl`` for those of constraints.
    """
    if not index.name.name:
        index.name = Name(index.table.schema, _name(catalog, index, label))
    catalog.indexes.pop(index.name, None)
    catalog.indexes[index.name] = index
    if constraint is not None:
        index.constraint = index.name.name
        edit(catalog, index.table).constraints[index.constraint] = constraint
    table = catalog.tables.get(index.table)
    if table is not None and table.partitions and not only:
        for partition in children(catalog, table):
            attach_or_clone(catalog, index, partition, label)
    return index


def _name(catalog: Catalog, index: Index, label: str) -> str:
    columns = None
    if label != "pkey":
        keys = [key.column or key.label for key in index.keys]
        columns = names.key_names([*keys, *index.include])
    return names.relation(catalog, index.table, columns, label, constraint=label != "idx")


def label_of(catalog: Catalog, index: Index) -> str:
    """How the name of an index like this one ends."""
    table = catalog.tables.get(index.table)
    constraint = table.constraints.get(index.constraint or "") if table else None
    if constraint is None:
        return "idx"
    return {"primary_key": "pkey", "exclude": "excl"}.get(constraint.kind, "key")


def attach_or_clone(catalog: Catalog, index: Index, partition: Name, label: str) -> None:
    """Give a partition the index of its parent: one that it has, or a new one."""
    for known in indexes_on(catalog, partition):
        free = known.parent is None and bool(known.constraint) >= bool(index.constraint)
        if free and same_definition(known, index):
            edit_index(catalog, known.name).parent = index.name
            return
    clone = copy(index)
    clone.name = Name(partition.schema, "")
    clone.table, clone.parent, clone.constraint, clone.only = partition, index.name, None, False
    clone.valid = True
    constraint = catalog.tables[index.table].constraints.get(index.constraint or "")
    add(catalog, clone, label=label, constraint=constraint)


def same_definition(one: Index, other: Index) -> bool:
    """Whether two indexes, of whatever tables, hold the same."""
    return (
        one.keys == other.keys
        and one.include == other.include
        and one.method == other.method
        and one.unique == other.unique
        and (one.where.sql if one.where else None) == (other.where.sql if other.where else None)
    )


def drop_index(catalog: Catalog, operation: DropIndex, number: int) -> None:
    """DROP INDEX."""
    key = catalog.key(operation.index)
    if key in catalog.indexes:
        remove(catalog, key)


def remove(catalog: Catalog, key: Name) -> None:
    """Take an index out, with those of the partitions that hang on it."""
    catalog.indexes.pop(key, None)
    for child in [i.name for i in catalog.indexes.mentioning(key.name) if i.parent == key]:
        index = catalog.indexes[child]
        if index.constraint and index.table in catalog.tables:
            edit(catalog, index.table).constraints.pop(index.constraint, None)
        remove(catalog, child)


def attach(catalog: Catalog, operation: AttachIndex, number: int) -> None:
    """ALTER INDEX ATTACH PARTITION; the parent's is valid when every partition has one."""
    key, child = catalog.key(operation.index), catalog.key(operation.child)
    if key not in catalog.indexes or child not in catalog.indexes:
        return
    edit_index(catalog, child).parent = key
    index = catalog.indexes[key]
    table = catalog.tables.get(index.table)
    covered = {i.table for i in catalog.indexes.mentioning(key.name) if i.parent == key}
    if table and covered.issuperset(table.partitions):
        edit_index(catalog, key).valid = True


def columns_of(index: Index) -> Iterator[str]:
    """Every column that an index reads."""
    for key in index.keys:
        if key.column:
            yield key.column
        yield from key.reads
    yield from index.include
    if index.where:
        yield from index.where.columns


def on_columns(columns: Sequence[str]) -> tuple[IndexKey, ...]:
    """The keys of the index behind a constraint on some columns."""
    return tuple(map(IndexKey, columns))


def clone_for(catalog: Catalog, parent: Table, partition: Name) -> None:
    """All indexes of a partitioned table, for a new partition."""
    for index in indexes_on(catalog, parent.name):
        attach_or_clone(catalog, index, partition, label_of(catalog, index))


def move(catalog: Catalog, old: Name, new: Name) -> None:
    """Give an index another name or schema; those attached to it follow."""
    index = copy(catalog.indexes.pop(old))
    index.name = new
    catalog.indexes[new] = index
    for child in catalog.indexes.mentioning(old.name):
        if child.parent == old:
            edit_index(catalog, child.name).parent = new
