"""Random values as pure functions of (seed, place in the scenario, arrival).

A run can be repeated whatever the number of workers, and adding an endpoint changes no other's
values. Each function costs under a microsecond: it is called for every request.

The mixing is that of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
generators, 2014).
"""

from collections.abc import Callable, MutableSequence
from hashlib import blake2b
from typing import Any, Final

_64: Final = (1 << 64) - 1
_60: Final = (1 << 60) - 1
_STEP: Final = 0x9E3779B97F4A7C15
_MIX_1: Final = 0xBF58476D1CE4E5B9
_MIX_2: Final = 0x94D049BB133111EB

_LETTERS: Final = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")
"""No vowels: no words."""


def key(*parts: object) -> int:
    """64 bits from anything that has a text; different parts, independent bits."""
    text = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def integers(start: int, low: int, high: int) -> Callable[[int], int]:
    """Arrival -> a number from ``low`` to ``high``, both included."""
    span = high - low + 1

    def number(k: int) -> int:
        z = (k * _STEP + start) & _64
        z = ((z ^ (z >> 30)) * _MIX_1) & _64
        z = ((z ^ (z >> 27)) * _MIX_2) & _64
        return low + ((z ^ (z >> 31)) * span >> 64)

    return number


def uuids(start: int) -> Callable[[int, Any], str]:
    """Arrival -> a UUID of version 4's form (RFC 9562 section 5.4).

    Two arrivals never have the same: their first 60 random bits are a permutation of the arrival's
    number. It is those that vary, as in real ones, so that an index sees inserts everywhere.
    """
    rest = key(start, "uuid")
    variant = 0x8000 | rest >> 48 & 0x3FFF
    tail = f"-{variant:04x}-{rest & 0xFFFFFFFFFFFF:012x}"

    def uuid(k: int, _variables: Any) -> str:  # noqa: ANN401 - not looked at
        z = (k * _STEP + start) & _60
        z = ((z ^ (z >> 30)) * _MIX_1) & _60
        z = ((z ^ (z >> 27)) * _MIX_2) & _60
        digits = f"{z ^ (z >> 31):015x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:]}{tail}"

    return uuid


def strings(start: int, length: int) -> Callable[[int, Any], str]:
    """Arrival -> a text of so many lower-case consonants."""
    blocks = [integers(key(start, n), 0, _64) for n in range((length + 15) // 16)]

    def text(k: int, _variables: Any) -> str:  # noqa: ANN401 - not looked at
        digits = "".join([f"{block(k):016x}" for block in blocks])
        return digits[:length].translate(_LETTERS)

    return text


def shuffle(items: MutableSequence[Any], start: int) -> None:
    """In place; the same for the same start, in every version of Python."""
    for last in range(len(items) - 1, 0, -1):
        other = integers(start, 0, last)(last)
        items[last], items[other] = items[other], items[last]
