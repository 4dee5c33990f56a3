"""What a change of a column's type costs.

PostgreSQL keeps the table's files when every stored value is one of the new type as it stands
(docs, ALTER TABLE, Notes): the types are binary coercible (CREATE CAST, WITHOUT FUNCTION), or the
change of the modifier can refuse and change nothing.
"""

from dataclasses import dataclass
from typing import Final

from senior_backend.migrations.lock_model.database import Database
from senior_backend.operations.names import TypeName

MAX_SECONDS_PRECISION: Final = 6
_LEAST_FIELDS: Final = ("second", "minute", "hour", "day", "month", "year")

_REGISTERED: Final = frozenset(
    {"regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper"}
    | {"regoperator", "regproc", "regprocedure", "regrole", "regtype"}
)
_SAME_BYTES: Final = frozenset(
    {
        ("text", "character varying"),
        ("character varying", "text"),
        ("text", "character"),
        ("character varying", "character"),
        ("citext", "text"),
        ("text", "citext"),
        ("citext", "character varying"),
        ("character varying", "citext"),
        ("citext", "character"),
        ("xml", "text"),
        ("xml", "character varying"),
        ("xml", "character"),
        ("cidr", "inet"),
        ("bit", "bit varying"),
        ("bit varying", "bit"),
        ("oid", "integer"),
        ("integer", "oid"),
        ("regproc", "regprocedure"),
        ("regprocedure", "regproc"),
        ("regoper", "regoperator"),
        ("regoperator", "regoper"),
    }
    | {(name, plain) for name in _REGISTERED for plain in ("oid", "integer")}
    | {(plain, name) for name in _REGISTERED for plain in ("oid", "integer")}
)
"""pg_cast with castmethod b; citext's are its extension's own."""

_OPERATORS: Final = {"character varying": "text", "cidr": "inet"} | dict.fromkeys(
    _REGISTERED, "oid"
)
"""Types whose index operator class is another type's."""

_SPELLINGS: Final = {
    "bpchar": "character",
    "varchar": "character varying",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "bool": "boolean",
    "float4": "real",
    "float8": "double precision",
    "decimal": "numeric",
    "varbit": "bit varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}
_LENGTH_MAY_GROW: Final = frozenset({"character varying", "bit varying"})
_SECONDS: Final = frozenset(
    {
        "timestamp without time zone",
        "timestamp with time zone",
        "time without time zone",
        "time with time zone",
    }
)
_BUILT_IN: Final = """
    bigint bit boolean box bytea character cidr circle citext date datemultirange daterange
    geography geometry halfvec hstore inet int4multirange int4range int8multirange int8range
    integer interval json jsonb jsonpath line lquery lseg ltree macaddr macaddr8 money name
    numeric nummultirange numrange oid path pg_lsn point polygon real smallint sparsevec text
    tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot uuid vector
    xid xml
"""
NO_DOMAINS: Final = (
    frozenset(_BUILT_IN.split())
    | {"bit varying", "character varying", "double precision", '"char"'}
    | _SECONDS
    | _REGISTERED
)
"""Types of PostgreSQL and of well-known extensions: none of them is a domain."""


@dataclass(frozen=True, slots=True)
class TypeChange:
    """``rewrite`` of the table, and whether a plain index on the column must be built anew.

    Either is None when not known; ``unknown`` says on what it depends.
    """

    rewrite: bool | None
    new_operators: bool | None = False
    unknown: str = ""


UNCHANGED: Final = TypeChange(rewrite=False)
REWRITE: Final = TypeChange(rewrite=True)


def canonical(type_name: TypeName) -> TypeName:
    """With the one spelling that format_type() has for it (``varchar`` is character varying)."""
    if type_name.schema not in (None, "pg_catalog"):
        return type_name
    name = _SPELLINGS.get(type_name.name, type_name.name)
    return TypeName(None, name, type_name.modifiers, type_name.array)


def may_be_constrained(type_name: TypeName, database: Database) -> tuple[bool | None, str]:
    """Whether it is a domain that can refuse a value; None when it may be one that was not seen."""
    if type_name.array:
        return False, ""
    catalog = database.catalog
    domain = catalog.domain(type_name)
    if domain is not None:
        if domain.constrained:
            return True, ""
        return may_be_constrained(domain.type, database)
    if _is_no_domain(type_name, database):
        return False, ""
    return None, f"whether {type_name} is a domain with a constraint"


def _is_no_domain(type_name: TypeName, database: Database) -> bool:
    return (
        type_name.array
        or canonical(type_name).name in NO_DOMAINS
        or type_name.name.startswith("interval ")
        or database.catalog.enum(type_name) is not None
        or database.catalog.complete
    )


def change(old: TypeName, new: TypeName, database: Database) -> TypeChange:
    """What ALTER COLUMN TYPE from ``old`` to ``new`` costs without USING."""
    old, new = canonical(old), canonical(new)
    if _same(old, new):
        return UNCHANGED
    if old.array or new.array:
        return _change_array(old, new)
    domain = database.catalog.domain(old)
    if domain is not None:
        return change(domain.type._replace(modifiers=()), new, database)  # the cast forgets it
    domain = database.catalog.domain(new)
    if domain is not None:
        constrained, why = may_be_constrained(new, database)
        base = change(old, domain.type, database)
        if constrained or base.rewrite:
            return REWRITE
        return TypeChange(None, None, why) if constrained is None else base
    for type_name in (old, new):
        if not _is_no_domain(type_name, database):
            return TypeChange(None, None, f"whether {type_name} is a domain")
    if old.name == new.name and old.schema == new.schema:
        return _change_modifiers(old, new)
    if old.name.startswith("interval") and new.name.startswith("interval"):
        return UNCHANGED if _interval_may_change(old, new) else REWRITE
    return _change_base(old, new, database)


def _change_base(old: TypeName, new: TypeName, database: Database) -> TypeChange:
    pair = (old.name, new.name)
    if new.modifiers and not (new.name in _SECONDS and new.modifiers[0] >= MAX_SECONDS_PRECISION):
        return REWRITE  # the length is checked after the cast, which forgets the old one
    if pair in _SAME_BYTES:
        return TypeChange(False, _operators_differ(old, new))
    if set(pair) == {"timestamp without time zone", "timestamp with time zone"}:
        if database.timezone is None:
            return TypeChange(None, None, "TimeZone of the session: with UTC nothing is rewritten")
        if database.timezone.lower() in ("utc", "gmt", "etc/utc", "etc/gmt", "zulu", "0"):
            return TypeChange(False, new_operators=True)
    return REWRITE


def _change_modifiers(old: TypeName, new: TypeName) -> TypeChange:
    """The same type with another length, precision or scale."""
    if not new.modifiers:
        return UNCHANGED
    name = new.name
    if name in _LENGTH_MAY_GROW:
        free = bool(old.modifiers) and new.modifiers[0] >= old.modifiers[0]
    elif name == "numeric":
        old_scale, new_scale = ((*m, 0)[1] if m else None for m in (old.modifiers, new.modifiers))
        free = old_scale == new_scale and new.modifiers[0] >= old.modifiers[0]
    elif name in _SECONDS:
        precision = new.modifiers[0]
        free = precision >= MAX_SECONDS_PRECISION or (
            bool(old.modifiers) and precision >= old.modifiers[0]
        )
    elif name.startswith("interval"):
        free = _interval_may_change(old, new)
    elif name in NO_DOMAINS:
        free = False
    else:
        return TypeChange(None, False, f"what the modifier of {name} means")
    return UNCHANGED if free else REWRITE


def _interval_may_change(old: TypeName, new: TypeName) -> bool:
    """As interval_support() in timestamp.c has it: no field and no digit may get lost."""
    least = _LEAST_FIELDS.index(_least_field(new))
    if least > _LEAST_FIELDS.index(_least_field(old)):
        return False
    kept = old.modifiers[0] if old.modifiers else MAX_SECONDS_PRECISION
    return (
        _least_field(old) != "second"
        or not new.modifiers
        or new.modifiers[0] >= min(kept, MAX_SECONDS_PRECISION)
    )


def _least_field(interval: TypeName) -> str:
    field = interval.name.rpartition(" ")[2]
    return field if field in _LEAST_FIELDS else "second"


def _change_array(old: TypeName, new: TypeName) -> TypeChange:
    if old.array and new.array and old.name == new.name and not new.modifiers:
        return UNCHANGED
    return REWRITE


def other_operators(old: TypeName, new: TypeName, database: Database) -> bool:
    """Whether an index on the column needs another operator class after the change."""
    return _operators_differ(_base(old, database), _base(new, database))


def _base(type_name: TypeName, database: Database) -> TypeName:
    domain = database.catalog.domain(type_name)
    return canonical(type_name) if domain is None else _base(domain.type, database)


def _operators_differ(old: TypeName, new: TypeName) -> bool:
    if old.array or new.array:
        return old.array != new.array
    return _operand(old.name) != _operand(new.name)


def _operand(name: str) -> str:
    """The type whose default operator class serves a type."""
    return "interval" if name.startswith("interval ") else _OPERATORS.get(name, name)


def _same(old: TypeName, new: TypeName) -> bool:
    return old[1:] == new[1:] and (old.schema == new.schema or None in (old.schema, new.schema))
