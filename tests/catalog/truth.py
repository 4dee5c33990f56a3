"""A schema in one comparable form: as PostgreSQL has it, and as the model has it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from senior_backend import sql
from senior_backend.catalog import replay
from senior_backend.catalog.model import Catalog
from senior_backend.operations import reader

_KINDS = {
    "r": "table",
    "p": "table",
    "f": "foreign table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
}
_CONTYPES = {"c": "check", "f": "foreign_key", "u": "unique", "p": "primary_key", "x": "exclude"}
_HIDDEN = "('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'"

_RELATIONS = f"""
select n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.relrowsecurity,
       pn.nspname, p.relname, coalesce(pg_get_expr(c.relpartbound, c.oid), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_inherits i on i.inhrelid = c.oid and c.relispartition
left join pg_class p on p.oid = i.inhparent
left join pg_namespace pn on pn.oid = p.relnamespace
where c.relkind in ('r','p','f','v','m','S') and n.nspname not in {_HIDDEN}
"""
_COLUMNS = f"""
select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity::text, a.attgenerated::text, a.atthasdef
from pg_attribute a join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r','p','f') and a.attnum > 0 and not a.attisdropped
  and n.nspname not in {_HIDDEN}
"""
_CONSTRAINTS = f"""
select n.nspname, c.relname, k.conname, k.contype::text, k.convalidated, k.condeferrable,
       k.condeferred, fn.nspname, f.relname,
       array(select a.attname::text from unnest(k.conkey) with ordinality u(n, o)
             join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by o),
       array(select a.attname::text from unnest(k.confkey) with ordinality u(n, o)
             join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by o)
from pg_constraint k join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_class f on f.oid = k.confrelid left join pg_namespace fn on fn.oid = f.relnamespace
where k.contype in ('c','f','u','p','x') and n.nspname not in {_HIDDEN}
"""
_INDEXES = f"""
select n.nspname, c.relname, tn.nspname, t.relname, m.amname, i.indisunique, i.indisvalid,
       array(select coalesce(nullif(pg_get_indexdef(i.indexrelid, o::int, true), ''), '?')
             from generate_series(1, i.indnkeyatts) o
             where (i.indkey::int2[])[o - 1] <> 0),
       (select count(*) from unnest(i.indkey::int2[]) u where u = 0),
       i.indnatts - i.indnkeyatts, i.indpred is not null,
       (select k.conname from pg_constraint k
        where k.conindid = i.indexrelid and k.contype in ('u','p','x') and k.conrelid = t.oid),
       p.relname
from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid join pg_am m on m.oid = c.relam
join pg_namespace n on n.oid = c.relnamespace join pg_namespace tn on tn.oid = t.relnamespace
left join pg_inherits h on h.inhrelid = c.oid left join pg_class p on p.oid = h.inhparent
where n.nspname not in {_HIDDEN}
"""
_ENUMS = f"""
select n.nspname, t.typname, array_agg(e.enumlabel::text order by e.enumsortorder)
from pg_enum e join pg_type t on t.oid = e.enumtypid join pg_namespace n on n.oid = t.typnamespace
where n.nspname not in {_HIDDEN} group by 1, 2
"""
_DOMAINS = f"""
select n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
       array(select k.conname::text from pg_constraint k
             where k.contypid = t.oid and k.contype = 'c' order by 1)
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where t.typtype = 'd' and n.nspname not in {_HIDDEN}
"""


@dataclass
class Schema:
    """Rows of text by what they are about; equal schemas compare equal."""

    relations: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    columns: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    constraints: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    indexes: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    enums: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    domains: dict[str, tuple[Any, ...]] = field(default_factory=dict)


def of_database(connection: psycopg.Connection[Any]) -> Schema:
    """What the server's own catalog says."""

    def rows(query: str) -> Iterable[tuple[Any, ...]]:
        return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]

    found = Schema()
    for schema, name, kind, persistence, secured, parent_schema, parent, bound in rows(_RELATIONS):
        above = f"{parent_schema}.{parent}" if parent else None
        found.relations[f"{_schema(schema)}.{name}"] = (
            _KINDS[kind],
            persistence,
            secured,
            above,
            bound == "DEFAULT",
        )
    for schema, table, name, type_, not_null, identity, generated, default in rows(_COLUMNS):
        found.columns[f"{_schema(schema)}.{table}.{name}"] = (
            type_.replace("public.", "").replace('"', ""),
            not_null,
            identity,
            generated,
            default,
        )
    for row in rows(_CONSTRAINTS):
        schema, table, name, kind, valid, deferrable, deferred, *target, own, others = row
        found.constraints[f"{_schema(schema)}.{table}.{name}"] = (
            _CONTYPES[kind],
            valid,
            deferrable,
            deferred,
            f"{target[0]}.{target[1]}" if target[1] else None,
            sorted(own) if kind == "c" else own,
            others,
        )
    for row in rows(_INDEXES):
        schema, name, table_schema, table, method, unique, valid, keys, *rest = row
        found.indexes[f"{_schema(schema)}.{name}"] = (
            f"{_schema(table_schema)}.{table}",
            method,
            unique,
            valid,
            [key.strip('"') for key in keys],
            *rest,
        )
    for schema, name, labels in rows(_ENUMS):
        found.enums[f"{schema}.{name}"] = (labels,)
    for schema, name, type_, not_null, checks in rows(_DOMAINS):
        found.domains[f"{schema}.{name}"] = (type_, not_null, checks)
    return found


def _schema(name: str) -> str:
    return "pg_temp" if name.startswith("pg_temp") else name


def of_model(catalog: Catalog) -> Schema:
    """What the model says."""
    found = Schema()
    for key, table in catalog.tables.items():
        found.relations[str(key)] = (
            table.kind,
            table.persistence[0],
            table.row_security,
            str(table.partition_of) if table.partition_of else None,
            bool(table.bound and table.bound.default),
        )
        if table.kind in ("table", "foreign table"):
            for name, column in table.columns.items():
                known = column.definition
                found.columns[f"{key}.{name}"] = (
                    str(known.type).replace("public.", "").replace('"', ""),
                    known.not_null,
                    {None: "", "always": "a", "by default": "d"}[known.identity],
                    {None: "", "stored": "s", "virtual": "v"}[known.generated],
                    bool(known.default or known.serial or known.generated),
                )
        for name, constraint in table.constraints.items():
            if constraint.kind == "not_null":
                continue
            own = constraint.columns
            found.constraints[f"{key}.{name}"] = (
                constraint.kind,
                not constraint.not_valid and not constraint.not_enforced,
                constraint.deferrable,
                constraint.initially_deferred,
                str(constraint.references) if constraint.references else None,
                sorted(own) if constraint.kind == "check" else list(own),
                list(constraint.referenced_columns),
            )
    for key, index in catalog.indexes.items():
        found.indexes[str(key)] = (
            str(index.table),
            index.method,
            index.unique,
            index.valid,
            [item.column for item in index.keys if item.column],
            sum(item.column is None for item in index.keys),
            len(index.include),
            index.where is not None,
            index.constraint,
            index.parent.name if index.parent else None,
        )
    for key, enum in catalog.enums.items():
        found.enums[str(key)] = (enum.labels,)
    for key, domain in catalog.domains.items():
        found.domains[str(key)] = (str(domain.type), domain.not_null, sorted(domain.checks))
    return found


def replayed(script: str, catalog: Catalog | None = None, number: int = 0) -> Catalog:
    """The model after a script."""
    catalog = catalog or Catalog(complete=True)
    text = sql.SqlText("script.sql", script.encode())
    read = sql.read(text)
    assert not read.unparsed, read.unparsed
    for statement in read.statements:
        for operation in reader.read(statement):
            replay.apply(catalog, operation, number)
    return catalog
