"""Two sides of one endpoint: their difference, its standard error, its degrees of freedom."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from senior_backend.load.comparison.samples import Sample
from senior_backend.load.comparison.statistics import sum_variance, t_quantile, two_sided_p

FEWEST_BETWEEN: Final = 2
"""Degrees of freedom that the spread of runs must have to be used: with one, t has no end."""

ASSUMED_SPREAD: Final = 0.01
"""Standard deviation of a run's logarithm around those of its service, where too few runs tell it.
Without it a long run would take every restart, which moves a service by about a percent, for a
finding, because within itself it is as steady as that."""

_LEAST_ERROR: Final = 1e-9
"""Where a side does not move at all, such as a target that answers from a constant."""

_MANY: Final = 1e6
"""Degrees of freedom that are as good as any more."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of logarithms: new minus base."""

    value: float
    error: float
    freedom: float

    @property
    def p_value(self) -> float:
        """Of no difference, on either side."""
        return two_sided_p(self.value / self.error, self.freedom)

    def interval(self, level: float) -> tuple[float, float]:
        """Where the difference lies, but for a share of ``level``."""
        width = t_quantile(level, self.freedom) * self.error
        return self.value - width, self.value + width


def by_runs(base_runs: int, new_runs: int) -> bool:
    """Are the runs enough to tell how much the service differs from run to run?"""
    return base_runs + new_runs - 2 >= FEWEST_BETWEEN


def difference(base: Sequence[Sample], new: Sequence[Sample], *, steady: bool) -> Difference | None:
    """How far ``new`` is from ``base``; None where nothing tells the error.

    ``steady``: the load was the same throughout. If it was not, blocks differ because the load did:
    they are then compared one by one, each with that of the same moment, and where the runs tell
    the noise, they tell it alone.
    """
    value = _mean(new) - _mean(base)
    error, freedom = _error(base, new, steady=steady)
    if not freedom:
        return None
    return Difference(value, max(error, _LEAST_ERROR), freedom)


def _error(base: Sequence[Sample], new: Sequence[Sample], *, steady: bool) -> tuple[float, float]:
    every = (*base, *new)
    within_known = all(sample.freedom for sample in every)
    if by_runs(len(base), len(new)):
        freedom: float = len(every) - 2
        between = (_squares(base) + _squares(new)) / freedom
        within = sum(sample.variance for sample in every) / len(every)
        if steady and within_known and within > between:
            between, freedom = within, sum(sample.freedom for sample in every)
        return math.sqrt(between * (1 / len(base) + 1 / len(new))), freedom
    if not within_known:
        return 0.0, 0
    assumed = ASSUMED_SPREAD**2 * (1 / len(base) + 1 / len(new))
    if not steady:
        variance, freedom = _paired(base, new)
        return _with(assumed, [(variance, freedom)] if freedom else [])
    parts = [
        (sum(s.variance for s in side) / len(side) ** 2, sum(s.freedom for s in side))
        for side in (base, new)
    ]
    return _with(assumed, parts)


def _with(assumed: float, parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The error of a sum of independent parts, and its degrees of freedom (Satterthwaite 1946).

    Each part is a variance and its degrees of freedom; what is assumed has no error of its own.
    """
    if not parts:
        return 0.0, 0
    variance = assumed + sum(part for part, _ in parts)
    uncertain = sum(part**2 / freedom for part, freedom in parts)
    return math.sqrt(variance), min(variance**2 / uncertain if uncertain else _MANY, _MANY)


def _paired(base: Sequence[Sample], new: Sequence[Sample]) -> tuple[float, float]:
    """The variance of the difference from the differences of blocks of the same moment."""
    if len({len(sample.moves) for sample in (*base, *new)}) != 1:
        return 0.0, 0
    means = [
        [sum(moves) / len(side) for moves in zip(*(s.moves for s in side), strict=True)]
        for side in (base, new)
    ]
    return sum_variance([n - b for b, n in zip(*means, strict=True)])


def _mean(side: Sequence[Sample]) -> float:
    return sum(sample.value for sample in side) / len(side)


def _squares(side: Sequence[Sample]) -> float:
    mean = _mean(side)
    return sum((sample.value - mean) ** 2 for sample in side)
