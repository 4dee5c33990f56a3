"""Relations as they stand in the catalog: tables, indexes, views, sequences, partitions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from senior_backend.migrations.trace.observed import RelationKind
from senior_backend.sql.identifiers import quote_identifier

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

ALL: Final = """
    select c.oid, n.nspname, c.relname, c.relkind::text, c.relfilenode, i.indrelid,
           h.parents
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_index i on i.indexrelid = c.oid
    left join (select inhrelid, array_agg(inhparent) as parents
               from pg_catalog.pg_inherits group by inhrelid) h on h.inhrelid = c.oid
    where c.oid >= 16384 and c.relpersistence <> 't'
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
"""What people made; nothing of the system, no TOAST, no temporary relations."""


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


def ancestors(relation: Relation, known: Mapping[int, Relation]) -> Iterable[Relation]:
    """What it is a partition or a child of, near ones first."""
    for oid in relation.parents:
        parent = known.get(oid)
        if parent is not None:
            yield parent
            yield from ancestors(parent, known)
