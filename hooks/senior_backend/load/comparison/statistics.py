"""What a comparison needs of statistics, in pure Python: no numpy for thirty numbers."""

import math
from collections.abc import Sequence
from typing import Final

_TERMS: Final = 500
_PRECISE: Final = 1e-13


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), to about 1e-12.

    By its continued fraction (DLMF 8.17.22), evaluated as Lentz does, on the side where it
    converges fast.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            fraction *= c * d
        if abs(c * d - 1) < _PRECISE:
            break
    return front * fraction


def two_sided_p(t: float, freedom: float) -> float:
    """How often Student's t is at least this far from 0, on either side."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def t_quantile(level: float, freedom: float) -> float:
    """The t that is exceeded, on either side, with probability ``level``."""
    low, high = 0.0, 1.0
    while two_sided_p(high, freedom) > level:
        high *= 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if two_sided_p(middle, freedom) > level:
            low = middle
        else:
            high = middle
    return high


def sum_variance(residuals: Sequence[float]) -> tuple[float, int]:
    """The variance of the sum of a series that resembles itself, and its degrees of freedom.

    From the first of its cosine transforms, which see only what is slow: the equal-weighted cosine
    estimator, with 0.4 n^(2/3) of them (Lazarus and others 2018). It does not see the mean, so the
    residuals need none taken away. ``residuals`` are at least two.
    """
    count = len(residuals)
    freedom = max(2, round(0.4 * count ** (2 / 3)))
    power = 0.0
    for j in range(1, freedom + 1):
        turn = math.pi * j / count
        power += sum(r * math.cos(turn * (b + 0.5)) for b, r in enumerate(residuals)) ** 2
    return 2 * power / freedom, freedom


def holm(p_values: Sequence[float], level: float) -> list[tuple[float, bool]]:
    """For each hypothesis the level at which it was tested, and whether it was rejected.

    The smallest p-value is tested at ``level`` / n, the next at ``level`` / (n - 1), and so on;
    what follows the first that is not rejected is not rejected either, and has its level.
    """
    outcome = [(level, False)] * len(p_values)
    going = True
    tested_at = level
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if going:
            tested_at = level / (len(p_values) - step)
            going = p_values[index] <= tested_at
        outcome[index] = (tested_at, going)
    return outcome


def rates_p(few: float, of_few: float, many: float, of_many: float) -> float:
    """How often two equal rates of rare events come out as different as this, on either side.

    ``few`` events of ``of_few`` and ``many`` of ``of_many``: given their sum, one count is binomial
    (Przyborowski and Wilenski 1940). Exact and on the safe side; counts need not be whole, for they
    may have been divided by a dispersion.
    """
    total = few + many
    if total <= 0 or of_few <= 0 or of_many <= 0:
        return 1.0
    share = of_many / (of_few + of_many)
    at_least = incomplete_beta(many, few + 1, share) if many > 0 else 1.0
    at_most = 1 - incomplete_beta(many + 1, few, share) if few > 0 else 1.0
    return min(1.0, 2 * min(at_least, at_most))
