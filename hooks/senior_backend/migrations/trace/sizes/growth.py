"""From times at some sizes to the time at another: the arithmetic, without a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Final, Literal

Growth = Literal["n", "n·log n"]

FASTER: Final = 2.0
SLOWER: Final = 4.0
"""How many times faster and slower production may be than the machine that measured. There the
table lay in memory, nothing waited for a disk, and nobody else was there: a disk of 200 MB/s reads
a table about four times slower than memory is scanned."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a statement took, in seconds, on a table of ``rows`` rows."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds, and between which they may lie."""

    seconds: float
    low: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        return Span(self.seconds + other.seconds, self.low + other.low, self.high + other.high)

    def times(self, low: float, middle: float, high: float) -> "Span":
        """Each by its own factor."""
        return Span(self.seconds * middle, self.low * low, self.high * high)


NOTHING: Final = Span(0.0, 0.0, 0.0)


def amount(rows: float, growth: Growth) -> float:
    """The work on so many rows, in no unit."""
    return rows if growth == "n" else rows * log2(max(rows, 2.0))


def projected(points: Sequence[Point], rows: int, growth: Growth) -> Span:
    """The time on ``rows`` rows of this machine, from measured ones.

    A line through the shortest time of each size, by least squares: what disturbs a measurement
    only makes it longer. ``low`` and ``high`` are the flattest and the steepest line from the
    largest size to another; the steepest counts all of the largest as work, and is steeper by as
    much as its repetitions differ. Up to the largest size nothing is extrapolated. Never negative,
    and never less for more rows.
    """
    if not points:
        return NOTHING
    shortest: dict[int, float] = {}
    longest: dict[int, float] = {}
    for point in points:
        shortest[point.rows] = min(point.seconds, shortest.get(point.rows, point.seconds))
        longest[point.rows] = max(point.seconds, longest.get(point.rows, point.seconds))
    # More rows never take less: where they did, what took longer was disturbed.
    for n in shortest:
        shortest[n] = min(seconds for other, seconds in shortest.items() if other >= n)
    for n in sorted(longest):
        longest[n] = max(seconds for other, seconds in longest.items() if other <= n)
    smallest, largest = min(shortest), max(shortest)
    if len(shortest) == 1:
        return _scaled(shortest[largest], longest[largest], rows, largest, growth)
    if rows <= smallest:
        return _scaled(shortest[smallest], longest[smallest], rows, smallest, growth)
    beyond = amount(rows, growth) - amount(largest, growth)
    slope, level = _line([(amount(n, growth), s) for n, s in shortest.items()])
    middle = level + slope * amount(rows, growth)
    if beyond <= 0:
        middle = min(max(shortest[smallest], middle), shortest[largest])
        return Span(middle, shortest[smallest], longest[largest])
    slopes = _slopes(shortest, growth)
    whole = shortest[largest] / amount(largest, growth)
    spread = longest[largest] / shortest[largest] if shortest[largest] else 1.0
    middle = max(middle, shortest[largest])
    low = shortest[largest] + min(slopes) * beyond
    high = longest[largest] + max(*slopes, whole) * spread * beyond
    return Span(middle, min(low, middle), max(high, middle))


def _scaled(least: float, most: float, rows: int, measured: int, growth: Growth) -> Span:
    """One size alone: all of it is work in proportion."""
    share = amount(rows, growth) / amount(max(measured, 1), growth)
    if rows <= measured:
        return Span(least, least * min(share, 1.0), most)
    return Span(least * share, least, most * share)


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope (not below 0) and height at 0, by least squares."""
    count = len(points)
    x_mean = sum(x for x, _ in points) / count
    y_mean = sum(y for _, y in points) / count
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in points) / spread if spread else 0.0
    slope = max(slope, 0.0)
    return slope, y_mean - slope * x_mean


def _slopes(seconds: dict[int, float], growth: Growth) -> list[float]:
    """From the largest size to each of the others; none below 0."""
    largest = max(seconds)
    return [
        max(0.0, seconds[largest] - seconds[rows])
        / (amount(largest, growth) - amount(rows, growth))
        for rows in seconds
        if rows != largest
    ]
