"""What ALTER COLUMN ... TYPE does to the values: whether it can, and what gets lost.

The new value is what an assignment cast gives (PostgreSQL docs, ALTER TABLE, SET DATA TYPE; 10.4
Value Storage). Types are named as format_type() prints them.
"""

from dataclasses import dataclass
from typing import Final

from senior_backend.catalog.model import Catalog
from senior_backend.operations.names import TypeName

STRINGS: Final = frozenset({"text", "character varying", "character", "bpchar", "name", "citext"})
"""Anything can be assigned to them: it is written as text."""

_SMALLER: Final = ("smallint", "integer", "bigint")
_NUMBERS: Final = frozenset({*_SMALLER, "numeric", "real", "double precision"})
_MOMENTS: Final = frozenset({"timestamp without time zone", "timestamp with time zone"})

_CASTS: Final[dict[str, frozenset[str]]] = {
    "smallint": _NUMBERS | {"oid"},
    **dict.fromkeys(("integer", "bigint"), _NUMBERS | {"money", "oid"}),
    "numeric": _NUMBERS | {"money"},
    "real": _NUMBERS,
    "double precision": _NUMBERS,
    "money": frozenset({"numeric"}),
    "oid": frozenset({"bigint", "integer"}),
    "bit": frozenset({"bit varying"}),
    "bit varying": frozenset({"bit"}),
    "cidr": frozenset({"inet"}),
    "inet": frozenset({"cidr"}),
    "macaddr": frozenset({"macaddr8"}),
    "macaddr8": frozenset({"macaddr"}),
    "json": frozenset({"jsonb"}),
    "jsonb": frozenset({"json"}),
    "date": _MOMENTS,
    "timestamp without time zone": _MOMENTS | {"date", "time without time zone"},
    "timestamp with time zone": _MOMENTS
    | {"date", "time without time zone", "time with time zone"},
    "time without time zone": frozenset({"time with time zone", "interval"}),
    "time with time zone": frozenset({"time without time zone"}),
    "interval": frozenset({"time without time zone"}),
    "box": frozenset({"polygon"}),
    "path": frozenset({"polygon"}),
    "point": frozenset({"box"}),
    "polygon": frozenset({"path"}),
    **dict.fromkeys(("boolean", "bytea", "uuid", "xml", "tsvector", "tsquery"), frozenset()),
    **dict.fromkeys(STRINGS, frozenset()),
}
"""pg_cast with castcontext i or a, except to strings: source to targets."""


def base(type_name: TypeName, catalog: Catalog) -> TypeName:
    """The type below a domain, or the type itself."""
    for _ in range(10):
        domain = catalog.domain(type_name)
        if domain is None:
            break
        type_name = domain.type
    return type_name


def assignable(old: TypeName, new: TypeName, catalog: Catalog) -> bool | None:
    """Whether PostgreSQL casts the values by itself; None when a type is not known."""
    old, new = base(old, catalog), base(new, catalog)
    same = (old.schema, old.name) == (new.schema, new.name)
    string = new.schema is None and new.name in STRINGS
    if string and not new.array:
        return True
    if old.array != new.array:
        return False
    if same or string:
        return True
    kinds = [_kind(t, catalog) for t in (old, new)]
    if None in kinds:
        return None
    if "enum" in kinds:
        return catalog.enum(old) is catalog.enum(new)
    return new.name in _CASTS[_plain(old)]


def _kind(type_name: TypeName, catalog: Catalog) -> str | None:
    if catalog.enum(type_name) is not None:
        return "enum"
    known = type_name.schema is None and _plain(type_name) in _CASTS
    return "built in" if known else None


def _plain(type_name: TypeName) -> str:
    return "interval" if type_name.name.startswith("interval ") else type_name.name


def between_timestamps(old: TypeName, new: TypeName, catalog: Catalog) -> bool:
    """Whether one is timestamp and the other timestamptz."""
    old, new = base(old, catalog), base(new, catalog)
    return {old.name, new.name} == _MOMENTS and not (old.array or new.array)


@dataclass(frozen=True, slots=True)
class Loss:
    """What happens to values that the new type cannot hold: an error, or they are changed."""

    text: str
    silent: bool


def loss(old: TypeName, new: TypeName, catalog: Catalog, *, cast: bool = False) -> Loss | None:
    """What values of ``old`` lose in ``new``; None when nothing, or when it is not known.

    ``cast`` is whether USING casts explicitly, which cuts strings that are too long.
    """
    old, new = base(old, catalog), base(new, catalog)
    if old.array != new.array or old.schema is not None or new.schema is not None:
        return None
    if new.name in ("character varying", "character"):
        return _of_length(old, new, cast=cast)
    if old.name in _NUMBERS and new.name in _NUMBERS:
        return _of_number(old, new)
    if old.name in ("bit", "bit varying") and new.name == "bit varying":
        if new.modifiers and (not old.modifiers or old.modifiers > new.modifiers):
            return _too_long(new, cast=cast)
        return None
    return _of_time(old, new)


def _of_length(old: TypeName, new: TypeName, *, cast: bool) -> Loss | None:
    if old.name not in STRINGS:
        return None
    room = new.modifiers[0] if new.modifiers else (1 if new.name == "character" else None)
    most = old.modifiers[0] if old.modifiers else (1 if old.name == "character" else None)
    if room is None or (most is not None and most <= room):
        return None
    return _too_long(new, cast=cast)


def _too_long(new: TypeName, *, cast: bool) -> Loss:
    if cast:
        return Loss(f"values too long for {new} are cut without a word", silent=True)
    return Loss(f"a value too long for {new} makes it fail", silent=False)


def _of_number(old: TypeName, new: TypeName) -> Loss | None:
    if old.name in _SMALLER and new.name in _SMALLER:
        if _SMALLER.index(old.name) > _SMALLER.index(new.name):
            return Loss(f"a value out of range for {new} makes it fail", silent=False)
        return None
    if new.name in _SMALLER:
        return Loss(f"fractions are rounded away, and a value too large for {new} fails", True)
    if new.name in ("real", "double precision"):
        wide = new.name == "double precision"
        exact = (
            ("smallint", "integer", "real", "double precision") if wide else ("smallint", "real")
        )
        return None if old.name in exact else Loss(f"digits that {new} cannot hold are lost", True)
    if not new.modifiers:
        return None
    precision, scale = (*new.modifiers, 0)[:2]
    digits = precision - scale
    if old.name in _SMALLER:
        held, fraction = {"smallint": 5, "integer": 10, "bigint": 19}[old.name], 0
    elif old.name == "numeric" and old.modifiers:
        before, fraction = (*old.modifiers, 0)[:2]
        held = before - fraction
    else:
        held, fraction = 1000, 1000
    if fraction > scale:
        return Loss(f"decimals beyond {scale} are rounded away", silent=True)
    return Loss(f"a value too large for {new} makes it fail", False) if held > digits else None


def _of_time(old: TypeName, new: TypeName) -> Loss | None:
    if old.name in _MOMENTS and new.name == "date":
        return Loss("the time of day is lost", silent=True)
    if old.name in (*_MOMENTS, "interval") and new.name.startswith("time w"):
        return Loss("the date is lost" if old.name in _MOMENTS else "the days are lost", True)
    same = old.name == new.name or (old.name in _MOMENTS and new.name in _MOMENTS)
    timed = old.name in _MOMENTS or old.name.startswith(("time w", "interval"))
    if same and timed and new.modifiers:
        precision = old.modifiers[0] if old.modifiers else 6
        if new.modifiers[0] < precision:
            return Loss(f"fractions of a second beyond {new.modifiers[0]} digits are lost", True)
    return None
