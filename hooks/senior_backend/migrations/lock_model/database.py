"""The database that an operation meets, as far as it is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from senior_backend.catalog.model import Catalog, Table
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.operations.names import Name


@dataclass(frozen=True, slots=True)
class Database:
    """Its schema, its major version, and the TimeZone of the session (None: not known).

    ``only`` is the table of an ALTER TABLE ONLY, which leaves what is below it alone.
    """

    catalog: Catalog
    major: int
    timezone: str | None = None
    only: Name | None = None

    def label(self, name: Name) -> str:
        """How effects name a relation: with its schema unless that is the search path's."""
        schema = name.schema
        return name.name if schema in (None, self.catalog.search_path) else f"{schema}.{name.name}"

    def is_partitioned(self, name: Name) -> bool:
        """Whether it is known to be a partitioned table, which has no rows of its own."""
        table = self.catalog.table(name)
        return table is not None and table.partition_by is not None

    def partitions(self, name: Name) -> list[Name]:
        """All known partitions below a table."""
        table = self.catalog.table(name)
        if table is None or not table.partitions:
            return []
        return [partition.name for partition in self.catalog.partitions_of(name)]

    def family(self, name: Name) -> list[Name]:
        """The table, its partitions, and the tables that inherit from it, at every level."""
        key = self.catalog.key(name)
        table = self.catalog.tables.get(key)
        if table is None or key == self.only or not (table.partitions or table.heirs):
            return [key]
        found = [key]
        for child in (*table.partitions, *table.heirs):
            found += [member for member in self.family(child) if member not in found]
        return found

    def below(self, name: Name) -> list[Name]:
        """Its family without itself."""
        return self.family(name)[1:]

    def rows_unseen(self, name: Name) -> bool:
        """Whether it is a partitioned table whose partitions were all created out of sight."""
        return self.is_partitioned(name) and not self.partitions(name)

    def is_indexed(self, name: Name) -> bool:
        """Whether it has indexes; a table that is not wholly known counts as indexed."""
        table = self.catalog.table(name)
        return table is None or not table.complete or bool(self.catalog.indexes_of(name))

    def knows(self, name: Name) -> Table | None:
        """The table if everything about it is known, else None."""
        table = self.catalog.table(name)
        return table if table is not None and table.complete else None

    def views_over(self, name: Name, column: str | None = None) -> list[Name]:
        """The views that read a relation (or one column of it), and those that read them."""
        found: dict[Name, None] = {}
        waiting = [
            view.name
            for view in self.catalog.views_reading(name)
            if column is None or self.catalog.reads(view, name, column)
        ]
        while waiting:
            view_name = waiting.pop()
            if view_name not in found:
                found[view_name] = None
                waiting += [view.name for view in self.catalog.views_reading(view_name)]
        return list(found)

    def read_with(self, name: Name) -> list[Name]:
        """What a query locks that reads a relation: what is below it, what a view reads."""
        found: dict[Name, None] = {}
        waiting = self.family(name)
        while waiting:
            member = waiting.pop(0)
            if member in found:
                continue
            found[member] = None
            table = self.catalog.tables.get(member)
            if table is not None and table.kind == "view":
                for read in table.reads:
                    waiting += self.family(read)
        return list(found)

    def has_rows(self, name: Name) -> bool:
        """Whether it keeps rows itself: not a view, a sequence, or what stands elsewhere."""
        table = self.catalog.table(name)
        return table is None or table.kind in ("table", "materialized view")

    def sequences_of(self, name: Name, column: str | None = None) -> list[Name]:
        """The sequences that go with a table, or with one column of it."""
        key = self.catalog.key(name)
        return [
            sequence.name
            for sequence in self.catalog.sequences_of(key)
            if sequence.owned_by is not None and column in (None, sequence.owned_by[1])
        ]

    def on_family(
        self,
        name: Name,
        lock: Lock,
        *,
        rewrite: bool | None = False,
        scan: bool | None = False,
        index_build: bool | None = False,
        unknown: str = "",
    ) -> Iterator[Effect]:
        """The effect on a table and everything below it; rows are only in what has rows."""
        for member in self.family(name):
            yield self.on(
                member,
                lock,
                rewrite=rewrite,
                scan=scan,
                index_build=index_build,
                unknown=unknown,
            )

    def on(
        self,
        name: Name,
        lock: Lock,
        *,
        rewrite: bool | None = False,
        scan: bool | None = False,
        index_build: bool | None = False,
        unknown: str = "",
    ) -> Effect:
        """The effect on one table. A rewrite reads all rows and builds all indexes."""
        label = self.label(name)
        if rewrite is False and scan is False and index_build is False:
            return Effect(label, lock)
        if not self.has_rows(name):
            return Effect(label, lock)
        if self.is_partitioned(name):
            if not self.rows_unseen(name) or self.catalog.key(name) == self.only:
                return Effect(label, lock)
            return Effect(
                label,
                lock,
                rewrite=None if rewrite else rewrite,
                scan=None if scan or rewrite else scan,
                index_build=None if index_build or rewrite else index_build,
                unknown=unknown or "its partitions, which no migration creates",
            )
        if rewrite:
            index_build = index_build or self.is_indexed(name)
            return Effect(label, lock, rewrite=True, scan=True, index_build=index_build)
        if rewrite is None:
            scan = scan or None
            index_build = index_build or (None if self.is_indexed(name) else False)
        return Effect(label, lock, rewrite, scan, index_build, unknown=unknown)


def merged(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """One effect for each relation, the strongest of each kind, in order of appearance."""
    found: dict[str, Effect] = {}
    for effect in effects:
        known = found.get(effect.relation)
        found[effect.relation] = effect if known is None else _both(known, effect)
    return tuple(found.values())


def _both(one: Effect, other: Effect) -> Effect:
    if one == other:
        return one
    locks = [lock for lock in (one.lock, other.lock) if lock is not None]
    rewrite = _either(one.rewrite, other.rewrite)
    scan = _either(one.scan, other.scan)
    index_build = _either(one.index_build, other.index_build)
    return Effect(
        one.relation,
        max(locks) if locks else None,
        rewrite,
        scan,
        index_build,
        tuple(dict.fromkeys(one.blocks + other.blocks)),
        (one.unknown or other.unknown) if None in (rewrite, scan, index_build) else "",
    )


def _either(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False
