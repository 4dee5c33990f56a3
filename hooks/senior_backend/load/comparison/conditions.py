"""Whether results may be compared at all, and with what reservations."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from senior_backend.load.comparison.document import Metric
from senior_backend.load.formats.units import rate, share, span
from senior_backend.load.result import Result
from senior_backend.load.validity import few

_TENTHS: Final = 10
_SAME_RATE: Final = 0.01
_SAME_SHAPE: Final = 0.05
_SAME_LENGTH: Final = 0.1
_SIGMAS: Final = 4.0
"""How far a Poisson count may be from its mean: one in 16,000 is further."""
_MOST_WARNINGS: Final = 5
"""Of the runs' own; more of them say the same of other seconds."""

Load = list[float | None]
"""Arrivals due a second in each tenth of the planned run; None: it did not get there."""


def refusals(base: Sequence[Result], new: Sequence[Result]) -> list[str]:
    """Why the two sides have nothing to say about each other."""
    first, *others = (*base, *new)
    found = []
    for other in others:
        if other.arrivals != first.arrivals:
            found.append(f"arrivals are {first.arrivals} in one and {other.arrivals} in another")
        elif _rates_differ(first, other):
            found.append(
                f"one was asked for {rate(first.requested_rate)}, another for "
                f"{rate(other.requested_rate)}: response times depend on the rate"
            )
        elif place := _shapes_differ(first, other):
            found.append(place)
        elif not is_steady(first) and _lengths_differ(first, other):
            found.append(
                f"the load changes over the run, and one took {span(first.duration_s)}, another "
                f"{span(other.duration_s)}"
            )
    return list(dict.fromkeys(found))


def warnings(base: Sequence[Result], new: Sequence[Result], metric: Metric) -> list[str]:
    """What the verdicts on ``metric`` are to be read with."""
    found = []
    for what, values in (
        ("scenarios", _distinct(base, new, lambda r: r.scenario)),
        ("machines", _distinct(base, new, lambda r: r.environment.host)),
        ("platforms", _distinct(base, new, lambda r: r.environment.platform)),
        ("numbers of cores", _distinct(base, new, lambda r: str(r.environment.cores))),
    ):
        if len(values) > 1:
            found.append(f"different {what}: {', '.join(values)}; that may be all the difference")
    first, *others = (*base, *new)
    lengths = [other for other in others if _lengths_differ(first, other)]
    if lengths:
        found.append(
            f"different lengths: {span(first.duration_s)} and {span(lengths[0].duration_s)}"
        )
    return [*found, *_own(base, new, metric)]


def _own(base: Sequence[Result], new: Sequence[Result], metric: Metric) -> Iterator[str]:
    """The warnings of the runs themselves; what is said on both sides once.

    Without those of percentiles that nobody compares: whether the samples are enough for
    ``metric`` is a verdict's own business.
    """
    of_base, of_new = (
        dict.fromkeys(w for run in side for w in _of_concern(run, metric)) for side in (base, new)
    )
    for side, said in (
        ("both sides", [w for w in of_base if w in of_new]),
        ("base", [w for w in of_base if w not in of_new]),
        ("new", [w for w in of_new if w not in of_base]),
    ):
        yield from (f"{side}: {warning}" for warning in said[:_MOST_WARNINGS])


def _of_concern(run: Result, metric: Metric) -> list[str]:
    samples = {name: each.count - each.failed for name, each in run.endpoints.items()}
    beside = {text for percentile, text in few(samples) if percentile != metric}
    return [warning for warning in run.warnings if warning not in beside]


def is_steady(result: Result) -> bool:
    """Was the load the same throughout?"""
    load = [part for part in _profile(result) if part is not None]
    length = result.planned_duration_s / _TENTHS
    mean = sum(load) / len(load) if load else 0.0
    return not any(_differ(part, mean, length, result.arrivals) for part in load)


def _distinct(
    base: Sequence[Result], new: Sequence[Result], of: Callable[[Result], str]
) -> list[str]:
    return list(dict.fromkeys(of(result) for result in (*base, *new)))


def _rates_differ(one: Result, other: Result) -> bool:
    a, b = one.requested_rate, other.requested_rate
    chance = 0.0
    if one.arrivals == "poisson":
        chance = _SIGMAS * math.sqrt(
            sum(r.requested_rate / r.duration_s for r in (one, other) if r.duration_s > 0)
        )
    seconds = max(one.duration_s, other.duration_s, 1e-9)
    return abs(a - b) > _SAME_RATE * max(a, b) + chance + 2 / seconds


def _lengths_differ(one: Result, other: Result) -> bool:
    longer = max(one.duration_s, other.duration_s)
    return abs(one.duration_s - other.duration_s) > _SAME_LENGTH * longer


def _shapes_differ(one: Result, other: Result) -> str:
    length = min(one.planned_duration_s, other.planned_duration_s) / _TENTHS
    for tenth, (a, b) in enumerate(zip(_profile(one), _profile(other), strict=True)):
        if a is not None and b is not None and _differ(a, b, length, one.arrivals):
            where = share(tenth / _TENTHS)
            return (
                f"the load takes another course: at {where} of the run one was asked for "
                f"{rate(a)}, another for {rate(b)}"
            )
    return ""


def _differ(a: float, b: float, seconds: float, arrivals: str) -> bool:
    many, other = a * seconds, b * seconds
    chance = _SIGMAS * math.sqrt(many + other) if arrivals == "poisson" else 0.0
    return abs(many - other) > _SAME_SHAPE * max(many, other) + 2 + chance


def _profile(result: Result) -> Load:
    length = result.planned_duration_s / _TENTHS
    return [_rate_between(result, i * length, (i + 1) * length) for i in range(_TENTHS)]


def _rate_between(result: Result, start: float, end: float) -> float | None:
    overlaps = list(_overlaps(result, start, end))
    covered = sum(seconds for seconds, _ in overlaps)
    if not covered or covered < (end - start) / 2:
        return None
    return sum(seconds * per_second for seconds, per_second in overlaps) / covered


def _overlaps(result: Result, start: float, end: float) -> Iterator[tuple[float, float]]:
    """Of each stretch of the series: seconds of it between ``start`` and ``end``, and its rate."""
    until = min(end, result.duration_s)
    for stretch in result.series:
        seconds = min(until, stretch.start_s + stretch.length_s) - max(start, stretch.start_s)
        if seconds > 0:
            yield seconds, stretch.requested_rate
