"""Relations as they stand in the catalog: tables, indexes, views, sequences, partitions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from senior_backend.migrations.trace.observed import RelationKind
from senior_backend.sql.identifiers import quote_identifier

FIRST_OF_USERS: Final = 16384
"""Lower numbers are the system's (PostgreSQL source, ``FirstNormalObjectId``)."""

KINDS: Final[Mapping[str, RelationKind]] = {
    "r": "table",
    "p": "partitioned table",
    "i": "index",
    "I": "index",
    "S": "sequence",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "c": "composite type",
}

_WHERE: Final = f"""
    c.oid >= {FIRST_OF_USERS} and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
"""What people made; nothing of the system, no TOAST, no temporary relations."""

ALL: Final = f"""
    select c.oid, n.nspname, c.relname, c.relkind::text, c.relfilenode, i.indrelid, h.parents
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_index i on i.indexrelid = c.oid
    left join (select inhrelid, array_agg(inhparent order by inhseqno) as parents
               from pg_inherits group by inhrelid) h on h.inhrelid = c.oid
    where {_WHERE}
    order by c.oid
"""

INVALID_INDEXES: Final = f"""
    select c.oid, n.nspname || '.' || c.relname from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and c.relkind = 'i' and {_WHERE}
"""

# Of the relations that a transaction has locked, as it sees them itself. Everything is qualified:
# it runs under the search path of the migration.
_OF_TRANSACTION: Final = f"""
    select c.oid, n.nspname, c.relname, c.relkind, c.relfilenode,
           (select i.indrelid from pg_catalog.pg_index i where i.indexrelid = c.oid),
           (select pg_catalog.string_agg(h.inhparent::pg_catalog.text, ',' order by h.inhseqno)
            from pg_catalog.pg_inherits h where h.inhrelid = c.oid),
           pg_catalog.pg_stat_get_xact_numscans(c.oid)
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = any('{{%s}}') and {_WHERE}
"""

Row = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation. ``file`` is the node of its file (0: it has none)."""

    oid: int
    schema: str
    name: str
    kind: str
    file: int
    table: int | None = None
    """Of an index."""
    parents: tuple[int, ...] = ()
    """Partitioned table, or tables that it inherits from."""

    @property
    def label(self) -> str:
        """As people write it: without the schema ``public``, quotes only where they must be."""
        return label(self.schema, self.name)

    @property
    def qualified(self) -> str:
        """As a statement names it, whatever the search path is."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    @property
    def holds_rows(self) -> bool:
        """Whether it has a file of rows of its own."""
        return self.kind in ("r", "m")


def label(schema: str, name: str) -> str:
    """A name as people write it."""
    quoted = quote_identifier(name)
    return quoted if schema == "public" else f"{quote_identifier(schema)}.{quoted}"


def ancestors(relation: Relation, known: Mapping[int, Relation]) -> Iterator[Relation]:
    """What it is a partition or a child of, near ones first."""
    for oid in relation.parents:
        parent = known.get(oid)
        if parent is not None:
            yield parent
            yield from ancestors(parent, known)


def of_transaction(oids: Sequence[int]) -> str:
    """The query for what a transaction sees of relations itself; ``read`` takes its rows."""
    return _OF_TRANSACTION % ",".join(map(str, oids))


def read(row: Row) -> tuple[Relation, int]:
    """A row of ``of_transaction``: the relation, and its sequential scans so far."""
    oid, schema, name, kind, file, table, parents, scans = row
    relation = Relation(
        _number(oid),
        schema or "",
        name or "",
        kind or "",
        _number(file),
        int(table) if table else None,
        tuple(map(int, parents.split(","))) if parents else (),
    )
    return relation, _number(scans)


def _number(text: str | None) -> int:
    return int(text or 0)
