"""One endpoint in one run as a number with its error: the logarithm of its percentile or mean."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from senior_backend.load.comparison.document import Metric
from senior_backend.load.comparison.statistics import sum_variance
from senior_backend.load.histogram import Histogram, bounds, bucket, middle

SHARES: Final[dict[Metric, float]] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""The mean has none."""

FEWEST_BEYOND: Final = 10
"""Requests that must lie beyond a percentile for it to be one of the service, not of chance."""
FEWEST_FOR_MEAN: Final = 30
FEWEST_BLOCKS: Final = 8
"""With values, for an error from within the run."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One endpoint in one run."""

    value: float
    """The logarithm of the metric in nanoseconds."""
    moves: tuple[float, ...]
    """How far each block moves ``value``; they add up to 0."""
    sizes: tuple[int, ...]
    """Requests of each block."""
    variance: float
    """Of ``value``, from within the run; NaN where the blocks are too few to tell."""
    freedom: int
    """Degrees of freedom of ``variance``."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why there is no number."""

    reason: str


class Distribution:
    """A histogram whose percentiles are interpolated within their bucket."""

    def __init__(self, histogram: Histogram) -> None:
        items = list(histogram)
        self._buckets = [index for index, _ in items]
        self._until = list(accumulate(count for _, count in items))
        self.count = self._until[-1] if items else 0

    def quantile(self, share: float) -> float:
        """The value below which ``share`` of the values lie, taking a bucket's as spread evenly."""
        rank = min(max(share, 0.0), 1.0) * self.count
        place = min(bisect_left(self._until, rank), len(self._until) - 1)
        before = self._until[place - 1] if place else 0
        low, high = bounds(self._buckets[place])
        return low + (high + 1 - low) * (rank - before) / (self._until[place] - before)


def sample(blocks: Sequence[Histogram], metric: Metric) -> Sample | Unusable:
    """The metric over all ``blocks``, with its error from how they differ."""
    whole = Histogram()
    for block in blocks:
        whole.merge(block)
    sizes = tuple(block.count for block in blocks)
    count = sum(sizes)
    share = SHARES.get(metric)
    beyond = 1.0 if share is None else min(share, 1 - share)
    needed = math.ceil((FEWEST_FOR_MEAN if share is None else FEWEST_BEYOND) / beyond - 1e-9)
    if count < needed:
        return Unusable(f"{count} requests succeeded, {metric} takes {needed}")
    if share is None:
        value, moves = _mean(blocks, whole, sizes)
    else:
        value, moves = _percentile(blocks, Distribution(whole), sizes, share)
    if sum(size > 0 for size in sizes) < FEWEST_BLOCKS:
        return Sample(value, moves, sizes, math.nan, 0)
    variance, freedom = sum_variance(moves)
    return Sample(value, moves, sizes, variance, freedom)


def _mean(
    blocks: Sequence[Histogram], whole: Histogram, sizes: tuple[int, ...]
) -> tuple[float, tuple[float, ...]]:
    mean = whole.mean
    moves = (
        (sum(middle(index) * count for index, count in block) - mean * size) / (mean * sum(sizes))
        for block, size in zip(blocks, sizes, strict=True)
    )
    return math.log(mean), tuple(moves)


def _percentile(
    blocks: Sequence[Histogram], whole: Distribution, sizes: tuple[int, ...], share: float
) -> tuple[float, tuple[float, ...]]:
    """The more of a block's requests lie below the percentile, the further down it moves it.

    By how much depends on how steep the distribution is there; that is measured over the error of
    the share itself (Woodruff's interval), not over a point, where a histogram has no slope.
    """
    quantile = whole.quantile(share)
    excess = [share * n - _below(b, quantile) for b, n in zip(blocks, sizes, strict=True)]
    total = sum(sizes)
    error = math.sqrt(sum_variance(excess)[0]) / total if len(blocks) > 1 else 0.0
    error = max(error, 1 / total)
    low, high = max(share - error, 1 / total), min(share + error, 1.0)
    slope = math.log(whole.quantile(high) / whole.quantile(low)) / (high - low)
    return math.log(quantile), tuple(slope * e / total for e in excess)


def _below(block: Histogram, value: float) -> float:
    """How many values of the block lie below ``value``, its own bucket's taken in part."""
    index = bucket(int(value))
    low, high = bounds(index)
    part = (value - low) / (high + 1 - low)
    whole = sum(count for other, count in block.counts.items() if other < index)
    return whole + part * block.counts.get(index, 0)
