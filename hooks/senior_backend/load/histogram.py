"""Log-linear histograms of durations: exact to merge, 0.4 % wide, a few hundred numbers.

Values below 256 have a bucket each; above, every power of two is divided into 128 buckets, so that
a bucket's middle is at most 1/256 away from each of its values.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Final

PRECISION_BITS: Final = 7
"""Buckets for each power of two, as a power of two. The engine writes this number out."""

PERCENTILES: Final = (50.0, 90.0, 95.0, 99.0, 99.9)
"""The percentiles that every table has; ``max`` follows them."""


def bucket(value: int) -> int:
    """The bucket of ``value`` >= 0 (nanoseconds, for durations)."""
    exponent = value.bit_length() - (PRECISION_BITS + 1)
    if exponent <= 0:
        return value
    return (exponent << PRECISION_BITS) + (value >> exponent)


def bounds(index: int) -> tuple[int, int]:
    """The lowest and the highest value of a bucket, both included."""
    exponent = (index >> PRECISION_BITS) - 1
    if exponent <= 0:
        return index, index
    mantissa = index - (exponent << PRECISION_BITS)
    return mantissa << exponent, ((mantissa + 1) << exponent) - 1


@cache
def middle(index: int) -> float:
    """The value that stands for a bucket: at most 1/256 away from any value in it."""
    low, high = bounds(index)
    return (low + high) / 2


class Histogram:
    """Counts by bucket. Two merge by addition: the parts of a run add up to the whole exactly."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | Iterable[tuple[int, int]] = ()) -> None:
        self.counts: dict[int, int] = dict(counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Histogram({self.count} values)"

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Bucket and count, in rising order of the values."""
        return iter(sorted(self.counts.items()))

    def add(self, value: int, count: int = 1) -> None:
        """Count ``value`` >= 0, ``count`` times."""
        index = bucket(value)
        self.counts[index] = self.counts.get(index, 0) + count

    def merge(self, other: "Histogram | Mapping[int, int]") -> None:
        """Add the counts of ``other``."""
        counts = self.counts
        for index, count in (other.counts if isinstance(other, Histogram) else other).items():
            counts[index] = counts.get(index, 0) + count

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    def percentile(self, percent: float) -> float:
        """The value that ``percent`` of the values do not exceed (nearest rank), or NaN if empty.

        100 gives the highest value of the highest bucket, so that a maximum is never understated.
        """
        return self.percentiles((percent,))[0]

    def percentiles(self, percents: Sequence[float]) -> list[float]:
        """Several percentiles, for the price of one."""
        if not self.counts:
            return [float("nan")] * len(percents)
        indexes = sorted(self.counts)
        ranks = list(accumulate(map(self.counts.__getitem__, indexes)))
        total = ranks[-1]
        return [
            float(bounds(indexes[-1])[1])
            if percent >= 100
            # The margin is for shares such as 99.9 % of 1000, which no double is.
            else middle(indexes[bisect_left(ranks, max(1.0, percent / 100 * total) - 1e-9)])
            for percent in percents
        ]

    @property
    def mean(self) -> float:
        """The mean of the values, within 0.4 %; NaN if empty."""
        total = self.count
        if not total:
            return float("nan")
        return sum(middle(index) * count for index, count in self.counts.items()) / total

    def at_most(self, value: int) -> float:
        """The share (0 to 1) of values that are not above ``value``; NaN if empty."""
        total = self.count
        if not total:
            return float("nan")
        limit = bucket(value)
        return sum(count for index, count in self.counts.items() if index <= limit) / total
