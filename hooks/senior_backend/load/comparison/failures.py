"""Failures of two sides: two rates of events that come in bursts."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

from senior_backend.load.comparison.document import Change, Rates
from senior_backend.load.comparison.samples import FEWEST_BLOCKS
from senior_backend.load.comparison.statistics import rates_p, sum_variance
from senior_backend.load.result import Result, SeriesWindow

_GROUPS: Final = 30
OUTAGE: Final = 0.01
"""A rise of the failure rate that is called one whatever the test says: an outage is one event, of
which no test is sure, and nobody wants it. It is also the default threshold of a run."""

Counts = list[tuple[int, int]]
"""(failed, of) for each stretch of a run."""


def of_endpoint(result: Result, name: str) -> Counts:
    """Failed requests of an endpoint and all of its that ended."""
    return _grouped(result, lambda window: _ended(window, name))


def of_arrivals(result: Result) -> Counts:
    """Arrivals given up, and all that were due."""
    return _grouped(result, lambda window: (window.dropped, window.due))


def rates(base: Sequence[Counts], new: Sequence[Counts]) -> Rates:
    """The two rates and the p-value of their being one; the verdict is ``verdict``'s."""
    failed, of, failed_new, of_new = (
        sum(run_total(run)[part] for run in side) for side in (base, new) for part in (0, 1)
    )
    p_value = None
    if of and of_new:
        bursts = max(1.0, _within([*base, *new]), _between(base), _between(new))
        counts = (failed / bursts, of / bursts, failed_new / bursts, of_new / bursts)
        p_value = rates_p(*counts)
    return Rates(
        verdict="no difference" if p_value is not None else "not comparable",
        base=failed,
        base_of=of,
        new=failed_new,
        new_of=of_new,
        p_value=p_value,
    )


def verdict(compared: Rates, *, established: bool) -> Rates:
    """With its verdict: ``established`` by the test, or a rise that needs none."""
    if compared.p_value is None:
        return compared
    rise = compared.new_rate - compared.base_rate
    change: Change = compared.verdict
    if rise > OUTAGE or (established and rise > 0):
        change = "more"
    elif established and rise < 0:
        change = "fewer"
    return compared.model_copy(update={"verdict": change})


def run_total(run: Counts) -> tuple[int, int]:
    """Of the whole run."""
    return sum(failed for failed, _ in run), sum(of for _, of in run)


def _within(runs: Sequence[Counts]) -> float:
    """How many times more failures vary within runs than single events do; by failures."""
    weighted = weights = 0.0
    for run in runs:
        failed, of = run_total(run)
        share = failed / of if of else 0.0
        if not 0 < share < 1 or len(run) < FEWEST_BLOCKS:
            continue
        variance, _ = sum_variance([f - share * n for f, n in run])
        weighted += failed * variance / (of * share * (1 - share))
        weights += failed
    return weighted / weights if weights else 0.0


def _between(side: Sequence[Counts]) -> float:
    """The same from run to run of one side (Pearson's statistic)."""
    totals = [run_total(run) for run in side]
    failed, of = sum(f for f, _ in totals), sum(n for _, n in totals)
    share = failed / of if of else 0.0
    if len(side) < 2 or not 0 < share < 1:
        return 0.0
    squares = sum((f - share * n) ** 2 / (n * share * (1 - share)) for f, n in totals if n)
    return squares / (len(side) - 1)


def _ended(window: SeriesWindow, name: str) -> tuple[int, int]:
    numbers = window.endpoints.get(name)
    return (numbers.failed, numbers.count) if numbers else (0, 0)


def _grouped(result: Result, count: Callable[[SeriesWindow], tuple[int, int]]) -> Counts:
    each = -(-len(result.series) // _GROUPS) or 1
    grouped = []
    for _, group in groupby(enumerate(result.series), lambda item: item[0] // each):
        counts = [count(window) for _, window in group]
        grouped.append((sum(f for f, _ in counts), sum(n for _, n in counts)))
    return grouped
