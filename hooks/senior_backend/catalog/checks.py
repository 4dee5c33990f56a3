"""Checks of a schema as a whole: keys and indexes that are missing or of no use."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from senior_backend.catalog.model import Catalog, Index, Table
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.indexes import IndexKey
from senior_backend.operations.names import Name


@dataclass(frozen=True, slots=True)
class UnindexedForeignKey:
    """A foreign key whose table is read in full for each change of a referenced row."""

    table: Table
    name: str
    constraint: Constraint


@dataclass(frozen=True, slots=True)
class RedundantIndex:
    """An index of which ``by`` can do all the work."""

    index: Index
    by: Index


def supports(index: Index, columns: Iterable[str]) -> bool:
    """Whether an index finds the rows of a foreign key: its leading columns are just those.

    In any order; not when it is INVALID or holds only some of the rows, except all where a column
    is not NULL: no other can be equal to a key.
    """
    wanted = set(columns)
    leading = {key.column for key in index.keys[: len(wanted)]}
    return (
        leading == wanted
        and index.method in ("btree", "hash")
        and (
            index.where is None
            or any(index.where.sql == f"{column} IS NOT NULL" for column in wanted)
        )
        and index.valid is not False
    )


def unindexed_foreign_keys(
    catalog: Catalog, table: Name | None = None
) -> Iterator[UnindexedForeignKey]:
    """Foreign keys without a supporting index, of one table or of all.

    Those that a partition has from its parent are the parent's.
    """
    indexes = _by_table(catalog)
    for key, known in _tables(catalog, table):
        parent = catalog.tables.get(known.partition_of) if known.partition_of else None
        for name, constraint in known.constraints.items():
            if constraint.kind != "foreign_key" or (parent and name in parent.constraints):
                continue
            if not any(supports(index, constraint.columns) for index in indexes[key]):
                yield UnindexedForeignKey(known, name, constraint)


def redundant_indexes(catalog: Catalog, table: Name | None = None) -> Iterator[RedundantIndex]:
    """Indexes whose work another one does; of two that are the same, the later."""
    for key, indexes in _by_table(catalog).items():
        if table is not None and key != catalog.key(table):
            continue
        gone: set[Name] = set()
        for index in reversed(indexes):
            if index.parent is not None:
                continue
            for other in indexes:
                if other.name not in gone and other is not index and covers(other, index):
                    gone.add(index.name)
                    yield RedundantIndex(index, other)
                    break


def covers(other: Index, index: Index) -> bool:
    """Whether ``other`` serves every query, and enforces every rule, that ``index`` does."""
    if (
        other.method != index.method
        or other.valid is False
        or other.only != index.only
        or (other.where.sql if other.where else None) != (index.where.sql if index.where else None)
        or len(other.keys) < len(index.keys)
    ):
        return False
    own, others = list(map(_plain, index.keys)), list(map(_plain, other.keys))
    if own != others[: len(own)]:
        return False
    same = len(own) == len(others)
    if index.unique or index.constraint:
        enforced = other.unique and other.nulls_not_distinct == index.nulls_not_distinct
        if not (same and index.unique and enforced) or (index.constraint and not other.constraint):
            return False
    elif not same and index.method != "btree":
        return False
    return set(index.include) <= {*other.include, *(key.column for key in other.keys)}


def _plain(key: IndexKey) -> tuple[object, ...]:
    """A key with the default of NULLS FIRST filled in."""
    nulls_first = key.descending if key.nulls_first is None else key.nulls_first
    where = key.column or key.expression
    return where, key.descending, nulls_first, key.operator_class, key.collation


def tables_without_primary_key(catalog: Catalog) -> Iterator[Table]:
    """Permanent tables whose creation was seen and that have none; not partitions."""
    for _, table in _tables(catalog, None):
        if (
            table.kind == "table"
            and table.complete
            and table.persistence != "temporary"
            and table.partition_of is None
            and not any(c.kind == "primary_key" for c in table.constraints.values())
        ):
            yield table


def _tables(catalog: Catalog, table: Name | None) -> Iterator[tuple[Name, Table]]:
    if table is None:
        yield from list(catalog.tables.items())
    elif known := catalog.table(table):
        yield known.name, known


def _by_table(catalog: Catalog) -> defaultdict[Name, list[Index]]:
    found: defaultdict[Name, list[Index]] = defaultdict(list)
    for index in catalog.indexes.values():
        found[index.table].append(index)
    return found
