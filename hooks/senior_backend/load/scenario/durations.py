"""Times, rates and sizes as people write them: ``1m30s``, ``30/m``, ``64KiB``.

A time without a unit is refused: k6 would read milliseconds, others seconds.
"""

import re
from fractions import Fraction
from typing import Final

_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PER: Final = {"s": 1, "m": 60, "h": 3600}
_BYTES: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

_NUMBER: Final = r"(?:\d{1,15}(?:\.\d{1,9})?)"
DURATION: Final = rf"0|(?:{_NUMBER}(?:ns|us|µs|ms|s|m|h))+"
RATE: Final = rf"{_NUMBER}(?:/(?:s|m|h))?"
SIZE: Final = rf"{_NUMBER} ?(?:B|KB|MB|KiB|MiB|GiB)?"
"""What is taken, as patterns of the whole text."""


def duration(text: str) -> int:
    """Nanoseconds of ``250ms``, ``1.5s``, ``1h30m``; 0 needs no unit. ValueError says the mend."""
    if re.fullmatch(_NUMBER, text) and float(text):
        raise ValueError(f"a time has a unit: write {text}s or {text}ms")
    if not re.fullmatch(DURATION, text, re.ASCII):
        raise ValueError(f"'{text}' is no time; write it like 250ms, 60s, 5m or 1h30m")
    parts = re.findall(rf"({_NUMBER})(ns|us|µs|ms|s|m|h)", text, re.ASCII)
    total = sum((Fraction(number) * _NS[unit] for number, unit in parts), Fraction(0))
    return round(total)


def rate(text: str) -> float:
    """Arrivals a second of ``500``, ``500/s``, ``30/m``. ValueError says the mend."""
    if not re.fullmatch(RATE, text, re.ASCII):
        raise ValueError(f"'{text}' is no rate; write arrivals a second like 500, or 30/m")
    number, _, per = text.partition("/")
    return float(Fraction(number) / _PER[per or "s"])


def size(text: str) -> int:
    """Bytes of ``64KiB``, ``16MiB``, ``1MB``, ``4096``. ValueError says the mend."""
    found = re.fullmatch(rf"({_NUMBER}) ?(B|KB|MB|KiB|MiB|GiB)?", text, re.ASCII)
    if not found:
        raise ValueError(f"'{text}' is no size; write it like 64KiB or 16MiB")
    return int(Fraction(found[1]) * _BYTES[found[2] or ""])
