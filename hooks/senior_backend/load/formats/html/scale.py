"""From values to places on an axis, and where the axis has its marks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

SPREAD: Final = 30.0
"""Above this ratio of the highest to the lowest value, a linear axis hides most of them."""

_TIMES: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400),
)


@dataclass(frozen=True, slots=True)
class Linear:
    """Equal differences have equal lengths."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """From 0 to 1; what is outside is put on the border."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self, most: int = 5) -> list[float]:
        """Round values within the axis."""
        step = nice_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Log:
    """Equal ratios have equal lengths."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """From 0 to 1; what is outside (as 0 is) is put on the border."""
        if value <= self.low:
            return 0.0
        return min(1.0, math.log(value / self.low) / math.log(self.high / self.low))

    def ticks(self, most: int = 6) -> list[float]:
        """Powers of ten, with 2 and 5 times these where there is room; fewer where there is not."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            ticks = [factor * 10.0**decade for decade in decades for factor in factors]
            inside = [tick for tick in ticks if self._inside(tick)]
            if len(inside) <= most:
                return inside
        return inside[:: -(-len(inside) // most)]

    def _inside(self, value: float) -> bool:
        return self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)


Scale = Linear | Log


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def time_ticks(length_s: float, most: int = 7) -> list[float]:
    """Marks of a time axis from 0, at times that a clock has."""
    step = next((t for t in _TIMES if length_s / t <= most), nice_step(length_s / most))
    return [number * step for number in range(math.floor(length_s / step + 1e-9) + 1)]


def from_zero(values: Iterable[float]) -> Linear:
    """For amounts: 0 is on the axis, and some room above the highest."""
    high = max(values, default=0.0)
    if high <= 0:
        return Linear(0.0, 1.0)
    step = nice_step(high / 4)
    return Linear(0.0, max(step, math.ceil(high * 1.04 / step) * step))


def for_times(values: Sequence[float]) -> Scale:
    """For latencies: linear from 0 while everything can be seen on it, else logarithmic."""
    positive = [value for value in values if value > 0]
    if not positive or max(positive) / min(positive) <= SPREAD:
        return from_zero(positive)
    return Log(_below(min(positive)), _above(max(positive)))


def logarithmic(values: Sequence[float]) -> Log:
    """For latencies of things that are unlike: always logarithmic."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = _below(min(positive)), _above(max(positive))
    return Log(low, high if high > low else low * 10)


def _below(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= value * (1 + 1e-9))


def _above(value: float) -> float:
    return nice_step(value)
