"""Numbers as people read them: three significant digits, in the unit that fits."""

import math
from typing import Final

NOTHING: Final = "\N{EN DASH}"
"""Where there is no number, because nothing was measured."""

_TIMES: Final = (("s", 1000.0), ("ms", 1.0), ("\N{MICRO SIGN}s", 1e-3), ("ns", 1e-6))
_SIZES: Final = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def significant(value: float, digits: int = 3) -> str:
    """Without an exponent; digits before the point are all shown: ``1,234``, ``12.3``, ``0.0400``.

    >>> significant(1234.5), significant(12.345), significant(0.04), significant(0)
    ('1,234', '12.3', '0.0400', '0')
    """
    if value == 0:
        return "0"
    rounded = _rounded(value, digits)
    return f"{rounded:,.{max(0, digits - 1 - _magnitude(rounded))}f}"


def _rounded(value: float, digits: int) -> float:
    """To that many significant digits, but never in front of the point."""
    return round(value, max(0, digits - 1 - _magnitude(value))) or value


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _in_unit(value: float, units: tuple[tuple[str, float], ...], digits: int = 3) -> str:
    """In the largest unit that leaves a digit before the point once it is rounded."""
    fits = (unit for unit in units if abs(_rounded(value / unit[1], digits)) >= 1)
    name, size = next(fits, units[-1])
    return f"{significant(value / size, digits)} {name}"


def duration(milliseconds: float | None) -> str:
    """A latency: ``40.0 µs``, ``1.23 ms``, ``12.3 s``."""
    if milliseconds is None or not _known(milliseconds):
        return NOTHING
    return "0 ms" if milliseconds == 0 else _in_unit(milliseconds, _TIMES)


def span(seconds: float) -> str:
    """How long something went on: ``12.3 s``, ``60 s``, ``5 min``, ``1 h 30 min``."""
    if not _known(seconds):
        return NOTHING
    if seconds < 1:
        return duration(seconds * 1000) if seconds else "0 s"
    if seconds < 120:
        return f"{round(seconds, 1):g} s"
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def rate(per_second: float | None) -> str:
    """A number of things a second: ``200/s``, ``0.500/s``."""
    if per_second is None or not _known(per_second):
        return NOTHING
    whole = per_second >= 1 and per_second == round(per_second)
    return f"{per_second:,.0f}/s" if whole else f"{significant(per_second)}/s"


def count(number: int) -> str:
    """With thousands apart: ``12,000``."""
    return f"{number:,}"


def size(octets: float) -> str:
    """Bytes, in powers of 1000: ``12.3 MB``."""
    return f"{octets:,.0f} B" if octets < 1000 else _in_unit(octets, _SIZES)


def share(part: float | None) -> str:
    """A share (0 to 1) in percent. Only none is ``0 %``, only all is ``100 %``."""
    if part is None or not _known(part):
        return NOTHING
    percent = part * 100
    if percent == round(percent):
        return f"{percent:.0f} %"
    if 0 < percent < 0.01:
        return "<0.01 %"
    if 99.99 < percent < 100:
        return ">99.99 %"
    decimals = 1 if 10 <= percent < 99 else 2
    return f"{percent:.{decimals}f} %"


def of(part: int, whole: int) -> float | None:
    """The share of ``part`` in ``whole``; None of nothing."""
    return part / whole if whole else None


def delta(now: float | None, before: float | None) -> str:
    """What changed, in percent: ``+8.2 %``; empty where one of the two was not measured."""
    if now is None or before is None or not before or not _known(now) or not _known(before):
        return ""
    change = now / before - 1
    if abs(change) < 0.0005:
        return "\N{PLUS-MINUS SIGN}0 %"
    if change >= 9:
        return f"\N{MULTIPLICATION SIGN}{significant(now / before, 2)}"
    return f"{change:+.1%}".replace("%", " %")
