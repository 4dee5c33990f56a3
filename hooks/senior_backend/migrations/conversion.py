"""The values of a column whose type changes: on their way to the new type, and back."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from senior_backend.catalog.model import Catalog
from senior_backend.migrations import casts
from senior_backend.operations import recipes
from senior_backend.operations.columns import AlterColumnType
from senior_backend.operations.names import TypeName
from senior_backend.sql.identifiers import quote_identifier

_ZONED: Final = frozenset({"timestamp with time zone", "time with time zone"})
_MOMENTS: Final = ("timestamp ", "time ", "date", "interval")
_NO_EQUALITY: Final = frozenset({"json", "xml", "citext", "box", "path", "point", "polygon"})
"""Types without ``=``, or whose ``=`` takes different values for the same."""
_EXACT: Final = (
    frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"}),
    frozenset({"text", "character varying", "character", "bpchar", "citext"}),
    frozenset({"date", "timestamp without time zone"}),
    frozenset({"timestamp with time zone"}),
    frozenset({"json", "jsonb"}),
)
"""Among these ``casts.loss`` knows all that a value can lose."""
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z_]*(?:/[\w+-]+)*")
"""A zone that means the same in SET TimeZone and in AT TIME ZONE: numbers change their sign."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The new value in terms of the column, and the old one in terms of the new column."""

    there: str
    """In terms of the column; its name alone where assigning it converts it."""
    back: str
    changed: str
    """Whether a row was written since the conversion: the others keep the value that they had."""
    lossy: str = ""
    """What happens on the way back to a value that the old type cannot hold."""


def plan(
    change: AlterColumnType, old: TypeName, zone: str | None, new_name: str, catalog: Catalog
) -> Conversion | str:
    """The conversion of ``change`` and its inverse, or why there is none to rely on.

    It is done in many sessions, so that it must not depend on their settings. ``zone`` is the
    TimeZone of the session that migrates, and ``new_name`` the new column.
    """
    column, new = quote_identifier(change.column), quote_identifier(new_name)
    using = change.using
    if casts.between_timestamps(old, change.type, catalog):
        said = _zone_of(using.sql, column) if using else None
        plain = using is None or using.casts in ((), (change.type,))
        if said is None and plain and zone and _ZONE.fullmatch(zone):
            said = None if zone.lower() in ("default", "local") else recipes.literal(zone)
        if said is None:
            return "the zone of the values is not known: say USING ... AT TIME ZONE 'its name'"
        there, back = f"{column} AT TIME ZONE {said}", f"{new} AT TIME ZONE {said}"
        lossy = ""
        if casts.base(old, catalog).name in _ZONED and said.upper() != "'UTC'":
            lossy = "a time of day that a clock shows twice is taken for the later one"
        return Conversion(there, back, f"{there} IS DISTINCT FROM {new}", lossy)
    chain = using.casts if using else ()
    if chain is None:
        return "USING computes the new values, and nothing computes the old ones from them"
    types = [casts.base(t, catalog) for t in (old, *chain, change.type)]
    if any(_by_setting(a, b) for a, b in pairwise(types)):
        return f"the cast from {old} to {change.type} depends on settings of the session"
    back_by_itself = casts.assignable(change.type, old, catalog)
    if back_by_itself is None and not chain:
        return f"whether {change.type} can be cast back to {old} is not known"
    between = chain[:-1] if chain and chain[-1] == change.type else chain
    back = "::".join([new, *(recipes.type_name(t) for t in reversed(between))])
    if not back_by_itself:
        back += f"::{recipes.type_name(old)}"
    there = "::".join([column, *map(recipes.type_name, chain)])
    value = there if chain else f"{column}::{recipes.type_name(change.type)}"
    as_text = "::text" * (types[-1].name in _NO_EQUALITY)
    changed = f"{value}{as_text} IS DISTINCT FROM {new}{as_text}"
    return Conversion(there, back, changed, _lossy(change.type, old, catalog))


def _zone_of(expression: str, column: str) -> str | None:
    match = re.fullmatch(rf"\(?{re.escape(column)} AT TIME ZONE ('(?:[^']|'')*')\)?", expression)
    return match[1] if match else None


def _by_setting(old: TypeName, new: TypeName) -> bool:
    """Whether the cast looks at TimeZone, DateStyle, IntervalStyle, lc_monetary, bytea_output."""
    if old.name == new.name:
        return False
    names = {old.name, new.name}
    if names & (_ZONED | {"money"}):
        return True
    moment = any(name.startswith(_MOMENTS) for name in names)
    return bool(names & casts.STRINGS) and (moment or "bytea" in names)


def _lossy(new: TypeName, old: TypeName, catalog: Catalog) -> str:
    if loss := casts.loss(new, old, catalog):
        return loss.text
    bases = {casts.base(t, catalog).name for t in (new, old)}
    if any(bases <= exact for exact in _EXACT) or len(bases) == 1:
        return ""
    return f"what {old} cannot hold fails or is changed"
