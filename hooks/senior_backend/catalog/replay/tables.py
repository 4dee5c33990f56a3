"""Replay of operations on whole tables, partitions and inheritance."""

from dataclasses import replace

from senior_backend.catalog.model import Catalog, Column, Index, Table
from senior_backend.catalog.replay import columns, constraints, indexes
from senior_backend.catalog.replay.known import (
    children,
    drop_foreign_keys_to,
    edit,
    edit_column,
    indexes_on,
    is_below,
    new_key,
)
from senior_backend.operations import tables
from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.tables import CreateTable, Like


def create_table(catalog: Catalog, operation: CreateTable, number: int) -> None:
    """CREATE TABLE in all its forms."""
    key = new_key(catalog, operation.table, operation.persistence)
    if key in catalog.tables:
        if operation.if_not_exists:
            return
        drop(catalog, key)
    table = Table(
        key,
        kind="foreign table" if operation.foreign else "table",
        persistence=operation.persistence,
        partition_by=operation.partition_by,
        bound=operation.bound,
        reads=tuple(map(catalog.key, operation.reads)),
        created_by=number,
        complete=not operation.as_query,
    )
    for parent in operation.inherits:
        if catalog.key(parent) != key:
            _inherit(catalog, table, catalog.key(parent), number)
    if operation.partition_of is not None and catalog.key(operation.partition_of) != key:
        table.partition_of = catalog.key(operation.partition_of)
        _inherit_columns(catalog, table, table.partition_of, number)
    for like in operation.likes:
        _like_columns(catalog, table, like, number)
    for definition in operation.columns:
        columns.add_sequence(catalog, table, definition, number)
        table.columns[definition.name] = Column(_merged(table, definition), number)
    catalog.tables[key] = table
    _add_constraints(catalog, table, operation, number)
    if table.partition_of is not None:
        above = edit(catalog, table.partition_of)
        above.partitions.append(key)
        _take_from_parent(catalog, above, table)


def _merged(table: Table, definition: ColumnDefinition) -> ColumnDefinition:
    """A column that is also inherited: what is said here is added to what is there."""
    known = table.columns.get(definition.name)
    if known is None:
        return definition
    inherited = known.definition
    return replace(
        definition,
        type=definition.type if definition.type.name else inherited.type,
        not_null=definition.not_null or inherited.not_null,
        default=definition.default or inherited.default,
        serial=definition.serial or inherited.serial,
    )


def _add_constraints(catalog: Catalog, table: Table, operation: CreateTable, number: int) -> None:
    """In the server's order: checks, keys, what LIKE brings, foreign keys."""
    found = [c for d in operation.columns for c in d.constraints] + list(operation.constraints)
    found = columns.ordered(tuple(found))
    keys: list[Constraint] = []
    for constraint in found:
        if constraint.kind == "foreign_key":
            continue
        if constraint.kind in ("primary_key", "unique"):
            if any(_same_key(constraint, key) for key in keys):
                continue
            keys.append(constraint)
        taken = tuple(c.name for c in found if c.name and c.kind == "check")
        constraints.add(catalog, table.name, constraint, number, taken=taken)
    for like in operation.likes:
        _like_indexes(catalog, table, like, number)
    for constraint in found:
        if constraint.kind == "foreign_key":
            constraints.add(catalog, table.name, constraint, number)


def _same_key(one: Constraint, other: Constraint) -> bool:
    """Whether the server makes one index for two keys (transformIndexConstraints)."""
    return (
        one.name is None
        and one.columns == other.columns
        and one.include == other.include
        and one.deferrable == other.deferrable
        and one.nulls_not_distinct == other.nulls_not_distinct
    )


def _inherit(catalog: Catalog, table: Table, parent: Name, number: int) -> None:
    table.inherits.append(parent)
    _inherit_columns(catalog, table, parent, number)
    edit(catalog, parent).heirs.append(table.name)


def _inherit_columns(catalog: Catalog, table: Table, parent: Name, number: int) -> None:
    known = catalog.tables.get(parent)
    if known is None or not known.complete:
        table.complete = False
    if known is None:
        return
    for name, column in known.columns.items():
        inherited = column.definition
        if inherited.identity and table.partition_of is None:
            inherited = replace(inherited, identity=None)
        table.columns.setdefault(name, Column(inherited, number, inherited=True))
    for name, constraint in known.constraints.items():
        if constraint.kind in ("check", "not_null") and not constraint.no_inherit:
            table.constraints[name] = constraint


def _like_columns(catalog: Catalog, table: Table, like: Like, number: int) -> None:
    known = catalog.table(like.table)
    if known is None or not known.complete:
        table.complete = False
    if known is None:
        return
    kept = like.including
    for name, column in known.columns.items():
        definition = replace(
            column.definition,
            constraints=(),
            serial=column.definition.serial and "defaults" in kept,
            default=column.definition.default if "defaults" in kept else None,
            identity=column.definition.identity if "identity" in kept else None,
            generated=column.definition.generated if "generated" in kept else None,
            generation=column.definition.generation if "generated" in kept else None,
        )
        if definition.identity:
            columns.add_sequence(catalog, table, definition, number)
        table.columns[name] = Column(definition, number)
    if "constraints" in kept:
        for name, constraint in known.constraints.items():
            if constraint.kind == "check":
                table.constraints[name] = constraint


def _like_indexes(catalog: Catalog, table: Table, like: Like, number: int) -> None:
    known = catalog.table(like.table)
    if known is None or "indexes" not in like.including:
        return
    for index in indexes_on(catalog, known.name):
        label = indexes.label_of(catalog, index)
        clone: Index = replace(
            index,
            name=Name(table.name.schema, ""),
            table=table.name,
            constraint=None,
            parent=None,
            only=False,
            valid=True,
            created_by=number,
        )
        constraint = known.constraints.get(index.constraint or "")
        indexes.add(catalog, clone, label=label, constraint=constraint)
        if constraint is not None and label == "pkey":
            for column in constraint.columns:
                edit_column(catalog.tables[table.name], column, not_null=True)


def _take_from_parent(catalog: Catalog, parent: Table, partition: Table) -> None:
    """What a partition gets besides columns: indexes, foreign keys, triggers."""
    indexes.clone_for(catalog, parent, partition.name)
    partition = edit(catalog, partition.name)
    own = list(partition.constraints.values())
    for name, constraint in parent.constraints.items():
        if constraint.kind == "foreign_key" and not any(
            _same_reference(constraint, c) for c in own
        ):
            partition.constraints[name] = constraint
    partition.triggers |= parent.triggers
    for child in children(catalog, partition):
        _take_from_parent(catalog, partition, catalog.tables[child])


def _same_reference(one: Constraint, other: Constraint) -> bool:
    return (
        one.kind == other.kind
        and one.columns == other.columns
        and one.references == other.references
        and one.referenced_columns == other.referenced_columns
    )


def attach_partition(catalog: Catalog, operation: tables.AttachPartition, number: int) -> None:
    """ATTACH PARTITION: what the parent has and the partition has not is made on it."""
    if is_below(catalog, catalog.key(operation.table), catalog.key(operation.partition)):
        return
    parent = edit(catalog, operation.table)
    partition = edit(catalog, operation.partition)
    partition.partition_of = parent.name
    partition.bound = operation.bound
    if partition.name not in parent.partitions:
        parent.partitions.append(partition.name)
    for name, column in parent.columns.items():
        if column.definition.not_null and name in partition.columns:
            edit_column(partition, name, not_null=True)
    _take_from_parent(catalog, parent, partition)


def detach_partition(catalog: Catalog, operation: tables.DetachPartition, number: int) -> None:
    """DETACH PARTITION: it keeps everything, as its own."""
    if operation.finalize:
        return
    parent = edit(catalog, operation.table)
    partition = edit(catalog, operation.partition)
    partition.partition_of = partition.bound = None
    if partition.name in parent.partitions:
        parent.partitions.remove(partition.name)
    for index in indexes_on(catalog, partition.name):
        if index.parent:
            catalog.indexes[index.name] = replace(index, parent=None)


def inherit(catalog: Catalog, operation: tables.Inherit, number: int) -> None:
    """INHERIT and NO INHERIT."""
    if is_below(catalog, catalog.key(operation.parent), catalog.key(operation.table)):
        return
    table, parent = edit(catalog, operation.table), edit(catalog, operation.parent)
    if operation.remove:
        if parent.name in table.inherits:
            table.inherits.remove(parent.name)
        if table.name in parent.heirs:
            parent.heirs.remove(table.name)
    else:
        table.inherits.append(parent.name)
        parent.heirs.append(table.name)


def set_persistence(catalog: Catalog, operation: tables.SetPersistence, number: int) -> None:
    """SET LOGGED and UNLOGGED."""
    edit(catalog, operation.table).persistence = operation.persistence


def set_row_security(catalog: Catalog, operation: tables.SetRowSecurity, number: int) -> None:
    """ENABLE and DISABLE ROW LEVEL SECURITY."""
    if operation.action in ("enable", "disable"):
        edit(catalog, operation.table).row_security = operation.action == "enable"


def drop(catalog: Catalog, key: Name) -> None:
    """Take a relation out with all that hangs on it: as DROP ... CASCADE, but for views."""
    table = catalog.tables.pop(key, None)
    if table is None:
        return
    if key.schema == "pg_temp":
        catalog.temporary.discard(key.name)
    for index in indexes_on(catalog, key):
        catalog.indexes.pop(index.name, None)
    drop_foreign_keys_to(catalog, key, None)
    if table.partition_of in catalog.tables and table.partition_of:
        parent = edit(catalog, table.partition_of)
        parent.partitions = [name for name in parent.partitions if name != key]
    for above in table.inherits:
        if above in catalog.tables:
            parent = edit(catalog, above)
            parent.heirs = [name for name in parent.heirs if name != key]
    for child in (*table.partitions, *table.heirs):
        drop(catalog, child)
    for sequence in catalog.sequences_of(key):
        catalog.tables.pop(sequence.name, None)


def drop_views(catalog: Catalog, key: Name) -> None:
    """The views on a relation, and those on them: for CASCADE."""
    for view in catalog.views_reading(key):
        if view.kind in ("view", "materialized view") and view.name in catalog.tables:
            drop(catalog, view.name)
            drop_views(catalog, view.name)


def move(catalog: Catalog, old: Name, new: Name) -> None:
    """Give a relation another name or schema: everything that names it follows."""
    if old == new or old not in catalog.tables:
        return
    table = catalog.tables.pop(old).copy()
    table.name = new
    catalog.tables[new] = table
    if old.schema == "pg_temp":
        catalog.temporary.discard(old.name)
        catalog.temporary.add(new.name)
    for index in indexes_on(catalog, old):
        catalog.indexes[index.name] = replace(index, table=new)
        if old.schema != new.schema:
            indexes.move(catalog, index.name, Name(new.schema, index.name.name))
    for other in catalog.tables.mentioning(old.name):
        if _names(other, old):
            _follow(edit(catalog, other.name), old, new)
    if old.schema != new.schema:
        for sequence in catalog.sequences_of(new):
            move(catalog, sequence.name, Name(new.schema, sequence.name.name))


def _names(table: Table, key: Name) -> bool:
    return (
        key in table.reads
        or key in table.partitions
        or key in table.inherits
        or key in table.heirs
        or table.partition_of == key
        or (table.owned_by is not None and table.owned_by[0] == key)
        or any(c.references == key for c in table.constraints.values())
    )


def _follow(table: Table, old: Name, new: Name) -> None:
    def followed(name: Name) -> Name:
        return new if name == old else name

    table.reads = tuple(map(followed, table.reads))
    table.columns_read = tuple(
        read._replace(of=new) if read.of == old else read for read in table.columns_read
    )
    table.partitions = list(map(followed, table.partitions))
    table.inherits = list(map(followed, table.inherits))
    table.heirs = list(map(followed, table.heirs))
    if table.partition_of:
        table.partition_of = followed(table.partition_of)
    if table.owned_by:
        table.owned_by = (followed(table.owned_by[0]), table.owned_by[1])
    for name, constraint in table.constraints.items():
        if constraint.references == old:
            table.constraints[name] = replace(constraint, references=new)
