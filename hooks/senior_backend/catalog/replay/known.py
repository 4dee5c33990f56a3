"""Finding what an operation names, and putting changed copies in its place."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import TypeVar

from senior_backend.catalog.model import BEFORE, Catalog, Column, Index, Table
from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.names import Name, TypeName
from senior_backend.operations.operation import Operation

T = TypeVar("T", bound=Operation)
Apply = Callable[[Catalog, T, int], None]

UNKNOWN = TypeName(None, "")
"""The type of a column that was never seen."""


def edit(catalog: Catalog, name: Name) -> Table:
    """A copy of a table, already in the catalog in its place, to be changed.

    A relation that was never seen becomes an incomplete one.
    """
    key = catalog.key(name)
    known = catalog.tables.get(key)
    table = known.copy() if known else Table(key, created_by=BEFORE, complete=False)
    catalog.tables[key] = table
    return table


def edit_index(catalog: Catalog, key: Name) -> Index:
    """The same for an index that is known."""
    index = copy(catalog.indexes[key])
    catalog.indexes[key] = index
    return index


def children(catalog: Catalog, table: Table, *, only: bool = False) -> list[Name]:
    """The partitions and the inheriting tables, to which most changes of a table go on."""
    if only or not (table.partitions or table.heirs):
        return []
    return [name for name in (*table.partitions, *table.heirs) if name in catalog.tables]


def family(catalog: Catalog, name: Name, *, only: bool = False) -> Iterator[Table]:
    """The table and everything below it, each as a copy to be changed."""
    table = edit(catalog, name)
    yield table
    for child in children(catalog, table, only=only):
        yield from family(catalog, child)


def is_below(catalog: Catalog, key: Name, above: Name) -> bool:
    """Whether a table is ``above`` itself or hangs below it: it cannot become its parent."""
    table = catalog.tables.get(above)
    return key == above or (
        table is not None
        and any(is_below(catalog, key, child) for child in children(catalog, table))
    )


def edit_column(table: Table, name: str, **changes: object) -> None:
    """Change the definition of a column; one that was never seen gets an unknown type."""
    known = table.columns.get(name)
    if known is None:
        if table.complete and table.columns:
            return
        known = Column(ColumnDefinition(name, UNKNOWN))
    table.columns[name] = replace(
        known,
        definition=replace(known.definition, **changes),  # type: ignore[arg-type]
    )


def indexes_on(catalog: Catalog, key: Name) -> list[Index]:
    """The indexes of a table by its key, oldest first."""
    return [index for index in catalog.indexes.mentioning(key.name) if index.table == key]


def new_key(catalog: Catalog, name: Name, persistence: str = "permanent") -> Name:
    """Where something that is created goes."""
    if persistence == "temporary" or name.schema == "pg_temp":
        catalog.temporary.add(name.name)
        return Name("pg_temp", name.name)
    return name if name.schema else Name(catalog.search_path, name.name)


def drop_foreign_keys_to(catalog: Catalog, key: Name, columns: frozenset[str] | None) -> None:
    """Drop the foreign keys that reference a table (only those on any of ``columns``)."""
    for holder in catalog.tables.mentioning(key.name):
        if not any(c.references == key for c in holder.constraints.values()):
            continue
        kept = {
            name: c
            for name, c in holder.constraints.items()
            if c.references != key
            or (columns is not None and columns.isdisjoint(c.referenced_columns))
        }
        if len(kept) < len(holder.constraints):
            edit(catalog, holder.name).constraints = kept
