"""The schema as far as it is known: filled by replaying migrations, or from a server.

What was never seen is absent, which is not the same as not existing: ``Table.complete`` says
whether the table's creation was seen, ``Catalog.complete`` whether everything was.

Replay puts changed copies in the place of tables, indexes and so on and never changes one that
is in a catalog: ``Catalog.copy`` is cheap and both go their own way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Final, Literal

from senior_backend.catalog.mentions import Mentions
from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.indexes import IndexKey
from senior_backend.operations.names import ColumnRead, Expression, Name, TypeName
from senior_backend.operations.tables import PartitionBound, PartitionKey

BEFORE: Final = -1
"""``created_by`` of what was there before the first migration (a schema dump)."""

RelationKind = Literal["table", "foreign table", "view", "materialized view", "sequence"]


@dataclass(slots=True)
class Column:
    """A column as it is now, and the number of the migration that created it.

    ``inherited`` when only a parent defines it: it goes when the parent's goes.
    """

    definition: ColumnDefinition
    created_by: int = BEFORE
    inherited: bool = False

    @property
    def type(self) -> TypeName:
        """Its type."""
        return self.definition.type


@dataclass(slots=True)
class Index:
    """An index. ``valid`` is None when a concurrent build may have left it INVALID."""

    name: Name
    table: Name
    keys: tuple[IndexKey, ...] = ()
    include: tuple[str, ...] = ()
    method: str = "btree"
    unique: bool = False
    where: Expression | None = None
    only: bool = False
    constraint: str | None = None
    """The constraint that it backs."""
    parent: Name | None = None
    """The index of the partitioned table to which it is attached."""
    valid: bool | None = True
    nulls_not_distinct: bool = False
    abridged: bool = False
    """Whether more was said of it than is kept here, such as storage parameters."""
    created_by: int = BEFORE


@dataclass(slots=True)
class Table:
    """A table, or another relation with columns.

    ``constraints`` are by name; those that PostgreSQL names itself have the name it gives
    (``orders_pkey``, ``orders_customer_id_fkey``).
    """

    name: Name
    kind: RelationKind = "table"
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    persistence: str = "permanent"
    partition_by: PartitionKey | None = None
    partition_of: Name | None = None
    bound: PartitionBound | None = None
    partitions: list[Name] = field(default_factory=list)
    inherits: list[Name] = field(default_factory=list)
    heirs: list[Name] = field(default_factory=list)
    """The tables that inherit from it (partitions are in ``partitions``)."""
    triggers: dict[str, Name] = field(default_factory=dict)
    """By name; with the function that each calls."""
    policies: set[str] = field(default_factory=set)
    row_security: bool = False
    reads: tuple[Name, ...] = ()
    """Of a view: the relations that it reads; ``columns_read`` the columns of them."""
    columns_read: tuple[ColumnRead, ...] = ()
    owned_by: tuple[Name, str] | None = None
    """Of a sequence: the table and column with which it goes."""
    created_by: int = BEFORE
    complete: bool = True
    """Whether all its columns are known: not when its creation was never seen, nor for AS."""
    said: frozenset[str] = frozenset()
    """What else was said of it or of its columns and is not kept here, in a word or two each."""

    def copy(self) -> "Table":
        """A copy that can be changed."""
        return Table(
            self.name,
            self.kind,
            self.columns.copy(),
            self.constraints.copy(),
            self.persistence,
            self.partition_by,
            self.partition_of,
            self.bound,
            self.partitions.copy(),
            self.inherits.copy(),
            self.heirs.copy(),
            self.triggers.copy(),
            self.policies.copy(),
            self.row_security,
            self.reads,
            self.columns_read,
            self.owned_by,
            self.created_by,
            self.complete,
            self.said,
        )


def _mentioned_by_table(table: Table) -> Iterator[str]:
    """The relations that a table has to do with, and the names of its constraints."""
    for names in (table.reads, table.partitions, table.inherits, table.heirs):
        for name in names:
            yield name.name
    if table.partition_of:
        yield table.partition_of.name
    if table.owned_by:
        yield table.owned_by[0].name
    for function in table.triggers.values():
        yield function.name
    for label, constraint in table.constraints.items():
        yield label
        if constraint.references:
            yield constraint.references.name


def _mentioned_by_index(index: Index) -> Iterator[str]:
    """Its table, and the index to which it is attached."""
    yield index.table.name
    if index.parent:
        yield index.parent.name


@dataclass(slots=True)
class Domain:
    """A domain; ``constrained`` when a value can be refused by it."""

    name: Name
    type: TypeName
    not_null: bool = False
    default: Expression | None = None
    checks: dict[str, Constraint] = field(default_factory=dict)
    created_by: int = BEFORE
    collation: Name | None = None

    @property
    def constrained(self) -> bool:
        """Whether it has NOT NULL or a CHECK."""
        return self.not_null or bool(self.checks)


@dataclass(slots=True)
class Enum:
    """An enum type; ``added`` maps labels that ALTER TYPE added to the migration's number."""

    name: Name
    labels: list[str] = field(default_factory=list)
    added: dict[str, int] = field(default_factory=dict)
    created_by: int = BEFORE


@dataclass(slots=True)
class Function:
    """A function or procedure by name (overloads share one: the most volatile counts)."""

    name: Name
    language: str
    volatility: Literal["volatile", "stable", "immutable"]
    created_by: int = BEFORE
    for_triggers: bool = False


@dataclass(slots=True)
class Catalog:
    """Everything that is known. Keys are names with their schema (see ``key``).

    ``search_path`` is the schema in which things are created; ``further`` those in which names
    are looked for after it. Temporary relations have the schema ``pg_temp``.
    """

    search_path: str = "public"
    further: tuple[str, ...] = ()
    tables: Mentions[Table] = field(default_factory=lambda: Mentions(_mentioned_by_table))
    indexes: Mentions[Index] = field(default_factory=lambda: Mentions(_mentioned_by_index))
    domains: dict[Name, Domain] = field(default_factory=dict)
    enums: dict[Name, Enum] = field(default_factory=dict)
    functions: dict[Name, Function] = field(default_factory=dict)
    schemas: dict[str, int] = field(default_factory=dict)
    """Name to the number of the migration that created it."""
    extensions: set[str] = field(default_factory=set)
    complete: bool = False
    """Whether the replay began with an empty database or a full dump."""
    temporary: set[str] = field(default_factory=set)
    """Names of the relations in ``pg_temp``: they hide others of the same name."""
    path_before: tuple[str, ...] | None = None
    """The search path to go back to when SET LOCAL ends."""

    def copy(self) -> "Catalog":
        """A catalog that can be carried on separately."""
        return Catalog(
            self.search_path,
            self.further,
            self.tables.copy(),
            self.indexes.copy(),
            self.domains.copy(),
            self.enums.copy(),
            self.functions.copy(),
            self.schemas.copy(),
            self.extensions.copy(),
            self.complete,
            self.temporary.copy(),
            self.path_before,
        )

    def become(self, other: "Catalog") -> None:
        """Go back to a copy; those who hold this catalog see it too."""
        for one in fields(other):
            setattr(self, one.name, getattr(other, one.name))

    def settle(self) -> None:
        """What was put in is not changed any more (see ``Mentions``)."""
        self.tables.settle()
        self.indexes.settle()

    def sequences_of(self, key: Name) -> list[Table]:
        """The sequences that go with a table, by its key."""
        return [
            sequence
            for sequence in self.tables.mentioning(key.name)
            if sequence.owned_by and sequence.owned_by[0] == key
        ]

    def key(self, name: Name) -> Name:
        """The name with its schema; an unqualified one is looked up as the server does."""
        if name.schema:
            return name
        if name.name in self.temporary:
            return Name("pg_temp", name.name)
        if self.further:
            everything = (self.tables, self.indexes, self.domains, self.enums, self.functions)
            for schema in (self.search_path, *self.further):
                key = Name(schema, name.name)
                if any(key in known for known in everything):
                    return key
        return Name(self.search_path, name.name)

    def table(self, name: Name) -> Table | None:
        """The relation, or None when nothing is known of it."""
        return self.tables.get(self.key(name))

    def index(self, name: Name) -> Index | None:
        """The index, or None when nothing is known of it."""
        return self.indexes.get(self.key(name))

    def column(self, table: Name, column: str) -> Column | None:
        """The column, or None when nothing is known of it."""
        known = self.table(table)
        return known.columns.get(column) if known else None

    def domain(self, type_name: TypeName) -> Domain | None:
        """The domain that a type is, or None."""
        if type_name.array:
            return None
        return self.domains.get(self.key(Name(type_name.schema, type_name.name)))

    def enum(self, type_name: TypeName) -> Enum | None:
        """The enum that a type is, or None."""
        return self.enums.get(self.key(Name(type_name.schema, type_name.name)))

    def indexes_of(self, table: Name) -> list[Index]:
        """The indexes on a table, those of constraints included."""
        key = self.key(table)
        return [i for i in self.indexes.mentioning(key.name) if i.table == key]

    def foreign_keys_to(self, table: Name) -> list[tuple[Table, Constraint]]:
        """Every foreign key that references a table, with the table that holds it."""
        key = self.key(table)
        return [
            (holder, constraint)
            for holder in self.tables.mentioning(key.name)
            for constraint in holder.constraints.values()
            if constraint.references and self.key(constraint.references) == key
        ]

    def partitions_of(self, table: Name) -> list[Table]:
        """All partitions below a partitioned table, at every level."""
        known = self.table(table)
        found = []
        for name in known.partitions if known else ():
            if partition := self.tables.get(name):
                found += [partition, *self.partitions_of(name)]
        return found

    def default_partition(self, table: Name) -> Table | None:
        """The DEFAULT partition of a partitioned table, or None when none is known."""
        known = self.table(table)
        for name in known.partitions if known else ():
            partition = self.tables.get(name)
            if partition and partition.bound and partition.bound.default:
                return partition
        return None

    def users_of_domain(self, domain: Name) -> list[tuple[Table, str]]:
        """The tables and columns whose type is a domain."""
        key = self.key(domain)
        return [
            (table, name)
            for table in self.tables.values()
            for name, column in table.columns.items()
            if column.definition.type.name == key.name
            and self.key(Name(column.definition.type.schema, key.name)) == key
        ]

    def reads(self, view: Table, table: Name, column: str) -> bool:
        """Whether a view may read a column; ``*`` stands for those that there were when it was."""
        key = self.key(table)
        known = self.column(key, column)
        for read in view.columns_read:
            if read.of in (None, key) and (
                read.column == column
                or (read.column == "*" and (not known or known.created_by <= view.created_by))
            ):
                return True
        return False

    def views_reading(self, table: Name) -> list[Table]:
        """Views and materialized views that read a relation."""
        key = self.key(table)
        return [
            view
            for view in self.tables.mentioning(key.name)
            if view.kind in ("view", "materialized view")
            and any(self.key(read) == key for read in view.reads)
        ]

    def fired_by(self, function: Name) -> list[Table]:
        """The tables with a trigger that calls a function."""
        key = self.key(function)
        return [
            table for table in self.tables.mentioning(key.name) if key in table.triggers.values()
        ]
