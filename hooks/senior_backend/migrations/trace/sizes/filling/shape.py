"""What a table asks of its rows: types, keys, conditions, read from the server's catalog."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from senior_backend.postgres.session import Session, quoted

TypeKind = Literal["base", "array", "enum", "domain", "composite", "range", "multirange", "pseudo"]


@dataclass(frozen=True, slots=True)
class Type:
    """A type, and those that it is made of.

    ``name`` is how SQL calls it, without its modifier; ``modifier`` is what stands behind it, as
    the catalog holds it (-1: none). ``parts`` are the element of an array, the base of a domain,
    the bounds of a range, the range of a multirange, or the fields of a composite type.
    """

    oid: int
    name: str
    internal: str
    kind: TypeKind
    modifier: int = -1
    parts: tuple["Type", ...] = ()
    labels: tuple[str, ...] = ()
    """Of an enum."""
    checks: tuple[str, ...] = ()
    """Of a domain: conditions on ``VALUE``."""
    not_null: bool = False
    """Of a domain."""

    @property
    def base(self) -> "Type":
        """What a domain stands for; the type itself otherwise."""
        return self.parts[0].base if self.kind == "domain" else self

    @property
    def refuses_null(self) -> bool:
        """Whether a domain, or one below it, is NOT NULL."""
        return self.not_null or (self.kind == "domain" and self.parts[0].refuses_null)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that rows have a value of."""

    name: str
    type: Type
    not_null: bool
    identity: bool
    generated: str | None
    """The expression that makes it; None: it is written."""
    sequence: str | None
    """What its default takes numbers from."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``columns`` name a row of ``parent``."""

    name: str
    columns: tuple[str, ...]
    parent: int
    parent_name: str
    parent_columns: tuple[str, ...]
    match_full: bool
    deferrable: bool


@dataclass(frozen=True, slots=True)
class Unique:
    """``columns`` are all that a unique index or an exclusion constraint reads."""

    name: str
    columns: tuple[str, ...]
    deferrable: bool
    partial: bool
    exclusion: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on the columns of one row, as SQL; ``source`` says whose it is."""

    condition: str
    columns: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A table that can hold rows."""

    oid: int
    name: str
    """As SQL calls it, with its schema."""
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    partition_columns: frozenset[str] = frozenset()

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(slots=True)
class Types:
    """Types by their number, each read once."""

    session: Session
    known: dict[int, Type] = field(default_factory=dict)

    def get(self, oid: int, modifier: int) -> Type:
        """The type, with a modifier such as the length of a varchar."""
        if oid not in self.known:
            self.known[oid] = self._read(oid)
        bare = self.known[oid]
        if modifier == -1 or bare.modifier != -1:
            return bare
        parts = bare.parts
        if bare.kind == "array":
            parts = tuple(self.get(part.oid, modifier) for part in parts)
        return Type(
            bare.oid, bare.name, bare.internal, bare.kind, modifier, parts, bare.labels,
            bare.checks, bare.not_null,
        )  # fmt: skip

    def _read(self, oid: int) -> Type:
        ((name, internal, kind, element, base, modifier, not_null, fields),) = self.session.execute(
            _TYPE, (oid,)
        )
        if kind == "b" and element:
            return Type(oid, name, internal, "array", parts=(self.get(element, -1),))
        if kind == "e":
            labels = tuple(row[0] for row in self.session.execute(_LABELS, (oid,)))
            return Type(oid, name, internal, "enum", labels=labels)
        if kind == "d":
            checks = tuple(row[0] for row in self.session.execute(_DOMAIN_CHECKS, (oid,)))
            below = self.get(base, modifier)
            return Type(oid, name, internal, "domain", -1, (below,), (), checks, not_null)
        if kind == "c":
            rows = self.session.execute(_FIELDS, (fields,))
            parts = tuple(self.get(row[0], row[1]) for row in rows)
            return Type(oid, name, internal, "composite", parts=parts)
        if kind in "rm":
            query = _RANGE if kind == "r" else _MULTIRANGE
            rows = self.session.execute(query, (oid,))
            parts = tuple(self.get(row[0], -1) for row in rows)
            return Type(oid, name, internal, "range" if kind == "r" else "multirange", parts=parts)
        return Type(oid, name, internal, "pseudo" if kind == "p" else "base")


_ITS_PARTITIONS: Final = "its partitions"
_TEXTS: Final = ("text", "varchar", "bpchar")

_TYPE: Final = """
select case when typname = 'bpchar' then 'bpchar' else format_type(oid, -1) end, typname::text,
       typtype::text,
       case when typcategory = 'A' and typelem <> 0 then typelem::oid::int8 else 0 end,
       typbasetype::int8, typtypmod, typnotnull, typrelid::int8
from pg_type where oid = %s
"""
_LABELS: Final = "select enumlabel::text from pg_enum where enumtypid = %s order by enumsortorder"
_DOMAIN_CHECKS: Final = """
select pg_get_expr(conbin, 0) from pg_constraint where contypid = %s and contype = 'c' order by oid
"""
_FIELDS: Final = """
select atttypid::int8, atttypmod from pg_attribute
where attrelid = %s and attnum > 0 and not attisdropped order by attnum
"""
_RANGE: Final = "select rngsubtype::int8 from pg_range where rngtypid = %s"
_MULTIRANGE: Final = "select rngtypid::int8 from pg_range where rngmultitypid = %s"

_COLUMNS: Final = """
select a.attname::text, a.atttypid::int8, a.atttypmod, a.attnotnull, a.attidentity::text,
       case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end,
       coalesce(
           pg_get_serial_sequence(a.attrelid::regclass::text, a.attname::text),
           substring(pg_get_expr(d.adbin, d.adrelid) from 'nextval\\(''(.*)''::regclass\\)'))
from pg_attribute a
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = %s and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
_FOREIGN_KEYS: Final = """
select c.conname::text,
       (select array_agg(a.attname::text order by k.n) from unnest(c.conkey) with ordinality k(c, n)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.c),
       c.confrelid::int8, c.confrelid::regclass::text,
       (select array_agg(a.attname::text order by k.n)
        from unnest(c.confkey) with ordinality k(c, n)
        join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.c),
       c.confmatchtype = 'f', c.condeferrable
from pg_constraint c
where c.conrelid = %s and c.contype = 'f' and coalesce(
    (select not exists (select from pg_constraint up
                        where up.oid = c.conparentid and up.conrelid = c.conrelid)), true)
order by c.oid
"""
# What an index on expressions or with a predicate reads is in pg_depend.
_UNIQUES: Final = """
select i.indexrelid::regclass::text,
       coalesce((select array_agg(distinct a.attname::text) from pg_depend d
        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
          and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid
          and d.refobjsubid > 0), '{}')
       || coalesce((select array_agg(a.attname::text order by k.n)
        from unnest(i.indkey::int2[]) with ordinality k(c, n)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.c
        where k.n <= i.indnkeyatts), '{}'),
       not i.indimmediate, i.indpred is not null, i.indisexclusion
from pg_index i where i.indrelid = %s and (i.indisunique or i.indisexclusion) and i.indislive
order by i.indisprimary desc, i.indexrelid
"""
_CHECKS: Final = """
select pg_get_expr(c.conbin, c.conrelid), c.conname::text,
       coalesce((select array_agg(a.attname::text order by k.n)
        from unnest(c.conkey) with ordinality k(c, n)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.c), '{}')
from pg_constraint c where c.conrelid = %s and c.contype = 'c' and not c.conname is null
order by c.oid
"""
_PARTITIONS: Final = """
select pg_get_partition_constraintdef(p.relid)
from pg_partition_tree(%s) p where p.isleaf
"""
_PARTITION_COLUMNS: Final = """
with recursive up as (
    select %s::oid as oid
    union all select i.inhparent from pg_inherits i join up on i.inhrelid = up.oid)
select distinct a.attname::text
from pg_partition_tree(%s) t
join pg_partitioned_table p on p.partrelid = t.relid or p.partrelid in (select oid from up)
join pg_attribute a on a.attrelid = p.partrelid and a.attnum > 0
left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = p.partrelid
     and d.refobjid = p.partrelid and d.refobjsubid = a.attnum
where a.attnum = any(p.partattrs::int2[]) or (p.partexprs is not null and d.refobjid is not null)
"""


def read(session: Session, oid: int, types: Types) -> Shape:
    """The table of that number."""
    ((schema, table, is_partition, kind),) = session.execute(
        "select n.nspname::text, c.relname::text, c.relispartition, c.relkind::text "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = %s",
        (oid,),
    )
    columns = tuple(
        Column(name, types.get(type_, modifier), not_null, bool(identity), generated, sequence)
        for name, type_, modifier, not_null, identity, generated, sequence in session.execute(
            _COLUMNS, (oid,)
        )
    )
    keys = tuple(
        ForeignKey(name, tuple(own), parent, parent_name, tuple(theirs), full, deferrable)
        for name, own, parent, parent_name, theirs, full, deferrable in session.execute(
            _FOREIGN_KEYS, (oid,)
        )
    )
    uniques = tuple(
        Unique(name, tuple(dict.fromkeys(reads)), deferrable, partial, exclusion)
        for name, reads, deferrable, partial, exclusion in session.execute(_UNIQUES, (oid,))
    )
    checks = [
        Check(condition, tuple(reads), f'CHECK "{name}"')
        for condition, name, reads in session.execute(_CHECKS, (oid,))
    ]
    of_partitions: frozenset[str] = frozenset()
    if is_partition or kind == "p":
        of_partitions = frozenset(r[0] for r in session.execute(_PARTITION_COLUMNS, (oid, oid)))
        conditions = [r[0] for r in session.execute(_PARTITIONS, (oid,))]
        if kind == "p" and not conditions:
            checks.append(Check("false", (), "a table without partitions"))
        elif all(conditions):
            # None stands for a sole DEFAULT partition, which takes everything.
            known = tuple(c.name for c in columns if c.name in of_partitions)
            checks.append(Check(" or ".join(f"({c})" for c in conditions), known, _ITS_PARTITIONS))
    for column in columns:
        checks += _domain_checks(column)
    return Shape(
        oid, f"{quoted(schema)}.{quoted(table)}", columns, keys, uniques, tuple(checks),
        of_partitions,
    )  # fmt: skip


def with_demands_of(before: Shape, after: Shape, parents: Mapping[str, int]) -> Shape:
    """The table before a migration, with rows that the table after it allows as well.

    ``parents`` are the tables of the database before, by name.
    """
    here = {column.name: column for column in before.columns if column.generated is None}
    columns = []
    checks = list(before.checks)
    known = {check.condition for check in before.checks}
    for column in before.columns:
        later = next((c for c in after.columns if c.name == column.name), None)
        if later is None or later.generated is not None or column.generated is not None:
            columns.append(column)
            continue
        columns.append(replace(column, not_null=column.not_null or later.not_null))
        if later.type != column.type:
            checks += _converted(column, later)
    checks += [
        check
        for check in after.checks
        if check.condition not in known
        and check.columns
        and here.keys() >= set(check.columns)
        and check.source != _ITS_PARTITIONS
    ]
    uniques = [u for u in after.uniques if u.columns and here.keys() >= set(u.columns)]
    have = {(u.columns, u.partial) for u in before.uniques}
    keys = [
        replace(key, parent=parents[key.parent_name])
        for key in after.foreign_keys
        if here.keys() >= set(key.columns) and key.parent_name in parents
    ]
    linked = {key.columns for key in before.foreign_keys}
    return replace(
        before,
        columns=tuple(columns),
        checks=tuple(checks),
        uniques=(*before.uniques, *(u for u in uniques if (u.columns, u.partial) not in have)),
        foreign_keys=(*before.foreign_keys, *(k for k in keys if k.columns not in linked)),
    )


def _converted(column: Column, later: Column) -> list[Check]:
    """A text that the type to come takes: the server refuses the others by an error."""
    if column.type.base.internal not in _TEXTS:
        return []
    name, source = quoted(column.name), f"type {later.type.name}"
    checks = []
    if later.type.base.internal not in _TEXTS:
        condition = f"({name} is null or ({name}::{later.type.name}) is not null)"
        checks.append(Check(condition, (column.name,), source))
    limit = later.type.base.modifier
    if later.type.base.internal in ("varchar", "bpchar") and limit > 4:
        short = f"char_length({name}::text) <= {limit - 4}"
        checks.append(Check(short, (column.name,), source))
    return checks


def _domain_checks(column: Column) -> list[Check]:
    checks = []
    type_ = column.type
    while type_.kind == "domain":
        for condition in type_.checks:
            on_column = _outside_quotes(condition, {"VALUE": quoted(column.name)})
            checks.append(Check(on_column, (column.name,), f"domain {type_.name}"))
        type_ = type_.parts[0]
    return checks


def _outside_quotes(condition: str, replaced: Mapping[str, str]) -> str:
    """The condition with some words replaced, but not inside of literals and quoted names."""
    pieces = re.split(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")""", condition)
    for word, by in replaced.items():
        pieces[::2] = [re.sub(rf"\b{word}\b", lambda _, by=by: by, p) for p in pieces[::2]]
    return "".join(pieces)
