"""The verdicts on all endpoints of two sides, corrected for how many they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from senior_backend.load.comparison import failures, noise
from senior_backend.load.comparison.difference import Difference, difference
from senior_backend.load.comparison.document import (
    EndpointComparison,
    Method,
    Metric,
    Rates,
    Verdict,
)
from senior_backend.load.comparison.samples import Sample, Unusable, sample
from senior_backend.load.comparison.statistics import holm
from senior_backend.load.histogram import Histogram
from senior_backend.load.result import Result

LEVELS: Final[dict[Method, float]] = {"runs": 0.05, "blocks": 0.02}
"""How often any endpoint is called faster or slower by chance. Blocks do not see all of the noise,
so that more is asked of them: at 0.05 they call one in ten pairs of equal runs different."""

FAILURES_LEVEL: Final = 0.01
"""The same for more and fewer failures, which have no tolerance."""


WIDEST: Final = math.log(2)
"""Where not even a slowdown to this would show, "no difference" would say something of the runs
and nothing of the service."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared, and how."""

    base: Sequence[Result]
    new: Sequence[Result]
    metric: Metric
    tolerance: float
    method: Method
    steady: bool
    """The load was the same throughout."""
    refused: bool
    """They are not comparable as a whole, for reasons told elsewhere."""


@dataclass(frozen=True, slots=True)
class _Measured:
    difference: Difference
    floor: float | None


def of_endpoints(sides: Sides) -> dict[str, EndpointComparison]:
    """By name, in the order of the new side, with those of the base alone last."""
    names = list(dict.fromkeys(n for run in (*sides.new, *sides.base) for n in run.endpoints))
    rates = _failures(sides, names)
    found = {name: Unusable("") if sides.refused else _measure(sides, name) for name in names}
    known = {name: m for name, m in found.items() if isinstance(m, _Measured)}
    levels = holm([m.difference.p_value for m in known.values()], LEVELS[sides.method])
    tested = dict(zip(known, levels, strict=True))
    return {
        name: _not_comparable(sides, name, unusable.reason, rates[name])
        if isinstance(unusable := found[name], Unusable)
        else _compared(sides, name, known[name], *tested[name], rates[name])
        for name in names
    }


def of_arrivals(sides: Sides) -> Rates:
    """Arrivals that were never sent."""
    found = failures.rates(
        [failures.of_arrivals(run) for run in sides.base],
        [failures.of_arrivals(run) for run in sides.new],
    )
    if sides.refused:
        return _refused(found)
    return failures.verdict(
        found, established=found.p_value is not None and found.p_value <= FAILURES_LEVEL
    )


def _failures(sides: Sides, names: Sequence[str]) -> dict[str, Rates]:
    rates = {
        name: failures.rates(
            [failures.of_endpoint(run, name) for run in sides.base],
            [failures.of_endpoint(run, name) for run in sides.new],
        )
        for name in names
    }
    if sides.refused:
        return {name: _refused(found) for name, found in rates.items()}
    p_values = {name: r.p_value for name, r in rates.items() if r.p_value is not None}
    rejected = {
        name: rejected
        for name, (_, rejected) in zip(
            p_values, holm(list(p_values.values()), FAILURES_LEVEL), strict=True
        )
    }
    return {
        name: failures.verdict(found, established=rejected.get(name, False))
        for name, found in rates.items()
    }


def _refused(rates: Rates) -> Rates:
    return rates.model_copy(update={"verdict": "not comparable", "p_value": None})


def _measure(sides: Sides, name: str) -> _Measured | Unusable:
    for which, runs, other in (("base", sides.base, "new"), ("new", sides.new, "base")):
        having = sum(name in run.endpoints for run in runs)
        if not having:
            return Unusable(f"only in the {other} side")
        if having < len(runs):
            return Unusable(f"not in every run of the {which} side")
    samples: dict[str, list[Sample]] = {"base": [], "new": []}
    for which, runs in (("base", sides.base), ("new", sides.new)):
        for run in runs:
            blocks = [Histogram(block.endpoints.get(name, ())) for block in run.blocks]
            found = sample(blocks, sides.metric)
            if isinstance(found, Unusable):
                return Unusable(f"{which} side: {found.reason}")
            samples[which].append(found)
    how_far = difference(samples["base"], samples["new"], steady=sides.steady)
    if how_far is None:
        return Unusable(
            "the runs are too short to tell how much they vary: measure for longer, or make three "
            "runs a side"
        )
    # Halves of one run under a changing load differ because the load does: no noise to measure.
    known = sides.steady or len(sides.base) > 1
    return _Measured(how_far, noise.floor(samples["base"], len(sides.new)) if known else None)


def _compared(
    sides: Sides, name: str, measured: _Measured, level: float, rejected: bool, rates: Rates
) -> EndpointComparison:
    value = measured.difference.value
    low, high = measured.difference.interval(level)
    verdict, reason = _verdict(measured, level, rejected, rates)
    limit = math.log1p(sides.tolerance)
    return EndpointComparison(
        verdict=verdict,
        reason=reason,
        base_ms=_shown(sides.base, name, sides.metric),
        new_ms=_shown(sides.new, name, sides.metric),
        ratio=math.exp(value),
        interval=(math.exp(low), math.exp(high)),
        p_value=measured.difference.p_value,
        noise_floor=None if measured.floor is None else math.exp(measured.floor),
        beyond_tolerance=verdict == "slower" and value > limit,
        slowdown_excluded=high <= limit,
        failures=rates,
    )


def _verdict(
    measured: _Measured, level: float, rejected: bool, rates: Rates
) -> tuple[Verdict, str]:
    value = measured.difference.value
    if not rejected:
        if measured.difference.interval(level)[1] > WIDEST:
            return "not comparable", "the runs vary so much that not even twice as slow would show"
        return "no difference", ""
    if measured.floor is not None and abs(value) <= measured.floor:
        return "no difference", "the base differs as much from itself"
    rise = rates.new_rate - rates.base_rate
    if abs(rise) > failures.OUTAGE and (rise > 0) is (value < 0):
        return (
            "not comparable",
            "what failed has no response time, and its share is another on either side",
        )
    return "slower" if value > 0 else "faster", ""


def _not_comparable(sides: Sides, name: str, reason: str, rates: Rates) -> EndpointComparison:
    return EndpointComparison(
        verdict="not comparable",
        reason=reason,
        base_ms=_shown(sides.base, name, sides.metric),
        new_ms=_shown(sides.new, name, sides.metric),
        failures=rates,
    )


def _shown(runs: Sequence[Result], name: str, metric: Metric) -> float | None:
    """The number that the reports of these runs show; of several their geometric mean."""
    found = (run.endpoints[name].response_time_ms for run in runs if name in run.endpoints)
    known = [times[metric] for times in found if times.get(metric)]
    if len(known) < 2:
        return known[0] if known else None
    return math.exp(sum(map(math.log, known)) / len(known))
