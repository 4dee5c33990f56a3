"""Versions and names in the files of migration tools: their order, and the next one."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from senior_backend.sources.migration import Folder

_VERSION: Final = re.compile(r"[vV]?(\d+(?:[.-]\d+)*)(?:[._\- ]+(.*)|(\D.*))?$", re.DOTALL)
_DATED: Final = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d*")

_FORMS: Final = {
    8: ("%Y%m%d", timedelta(days=1)),
    12: ("%Y%m%d%H%M", timedelta(minutes=1)),
    14: ("%Y%m%d%H%M%S", timedelta(seconds=1)),
}
"""Dated versions by their length: the form, and the time to the next one."""


class Stem(NamedTuple):
    """A file's name without its ending, taken apart."""

    version: str
    name: str


def stem_of(text: str) -> Stem:
    """``0007_add_orders``: version ``0007``, name ``add_orders``; no version, an empty one."""
    found = _VERSION.match(text)
    return Stem(found[1], found[2] or found[3] or "") if found else Stem("", text)


def order(version: str, name: str) -> tuple[tuple[int, ...], str]:
    """The sort key of numbered files: by number, then by name."""
    return tuple(int(part) for part in re.split(r"\D+", version) if part), name


def next_version(versions: Iterable[str], now: datetime, first: str = "0001") -> str:
    """A version after all of ``versions`` in their scheme: counted, dated or seconds since 1970."""
    known = [version for version in versions if version.isdigit()]
    if not known:
        return first
    newest = max(known, key=int)
    utc = now.astimezone(UTC)
    dated = _DATED.fullmatch(newest)
    if dated and len(newest) in (8, 12, 14):
        form, unit = _FORMS[len(newest)]
        return max(utc.strftime(form), _following(newest, form, unit))
    if len(newest) == 10 and newest[0] in "12":
        return str(max(int(utc.timestamp()), int(newest) + 1))
    if len(newest) == 13 and newest[0] in "12":
        return str(max(int(utc.timestamp() * 1000), int(newest) + 1))
    return str(int(newest) + 1).zfill(len(newest))


def _following(version: str, form: str, unit: timedelta) -> str:
    """The next moment; the next number where ``version`` names none (a second 60)."""
    try:
        return (datetime.strptime(version, form).replace(tzinfo=UTC) + unit).strftime(form)
    except (ValueError, OverflowError):
        return str(int(version) + 1)


def newest(folder: Folder) -> list[str]:
    """The highest version that counts, if any: all that ``next_version`` has to know of them."""
    return list(_newest(folder))


@lru_cache(maxsize=8)
def _newest(folder: Folder) -> tuple[str, ...]:
    counted = [m.version for m in folder.migrations if m.version.isdigit()]
    return (max(counted, key=int),) if counted else ()


def slug(name: str) -> str:
    """``name`` as part of a file name: lower case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "migration"
