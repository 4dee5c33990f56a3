"""Did the generator keep up? A run in which it did not has no result, only a reason.

A target that does not keep up is a result, and only warned of: arrivals waited because every
connection was taken, and they count from the moment when they were due. But where the generator's
own loop had no time left, or sends with a free connection were late, the delay is its own, and no
number of the run may be blamed on the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from senior_backend.load.histogram import Histogram, bucket

ACHIEVED: Final = 0.99
"""The share of the arrivals that must be sent within the measured part."""
BUSY: Final = 0.90
"""Above this share of its time a loop has no reserve: events wait for it."""
RATHER_BUSY: Final = 0.80
PACING_SHARE: Final = 0.10
"""A pacing error above this share of the response time is visible in it."""
COVERED: Final = 0.98
"""The share of the measured part that each worker's windows must account for."""
A_MOMENT_S: Final = 0.25
"""A worker that accounts for all but so little began a little late, and pacing judges that."""
ENOUGH: Final = 100
"""Requests of an endpoint from which on its p99 says something of how fast it is."""
FEW_FOR_P99: Final = 1_000
FEW_FOR_P999: Final = 10_000
_NAMED: Final = 3
_MS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of the measured part."""

    start_s: float
    length_s: float
    due: int
    started: int
    busy: float
    """Share of the time in which the busiest worker had something to do."""
    backlog: int
    """Arrivals due and not sent, at its end."""
    in_flight: int
    """Requests without their response, at its end."""
    open_connections: int
    """At its end."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run says about its generator."""

    due: int
    started: int
    """Arrivals sent within the measured part."""
    dropped: int
    duration_s: float
    moments: Sequence[Moment]
    busy: float
    """Over all of the measured part."""
    workers: int
    covered: Sequence[float]
    """For each worker the share of the measured part that its windows account for."""
    lost: Sequence[str]
    """Workers that did not come to their end: one line each."""
    pacing: Histogram
    response: Histogram
    """Of all requests that succeeded."""
    samples: dict[str, int]
    """Requests that succeeded, by endpoint."""
    fastest_p99_ns: float
    """The p99 of the endpoint that has the lowest, of those with enough requests for one; NaN if
    nothing succeeded."""
    max_open: int
    """The most connections that were open together."""
    max_connections: int
    connection_failures: int
    max_pacing_error_ns: int
    precise: bool
    interrupted: bool
    """What was waiting at that moment was given up, whoever it waited for."""
    local: bool
    """The target is on the machine of the generator."""


def judge(evidence: Evidence) -> tuple[list[str], list[str]]:
    """Why the run is not valid, and what else its numbers are to be read with."""
    reasons = [*_lost(evidence), *_missing(evidence), *_behind(evidence), *_pacing(evidence)]
    warnings = [
        *(_saturated(evidence) or _limit(evidence)),
        *([] if reasons else _little_reserve(evidence)),
        *_small_pacing(evidence),
        *_few(evidence),
        *_local(evidence),
    ]
    return reasons, warnings


def fastest_p99(responses: Sequence[Histogram], every: Histogram) -> float:
    """Of the endpoints that have enough requests, or of ``every`` request where none has."""
    enough = [each.percentile(99) for each in responses if each.count >= ENOUGH]
    return min(enough, default=every.percentile(99))


def _lost(evidence: Evidence) -> list[str]:
    return [
        f"{line}: its arrivals were not sent, what it had not reported is missing; run again"
        for line in evidence.lost
    ]


def _missing(evidence: Evidence) -> list[str]:
    if evidence.lost:
        return []
    return [
        f"worker {worker} accounts for {share:.0%} of the measured part only: it stood still or its"
        " windows are missing; use a machine with processor time to spare"
        for worker, share in enumerate(evidence.covered)
        if share < COVERED and (1 - share) * evidence.duration_s > A_MOMENT_S
    ]


def _short(evidence: Evidence) -> bool:
    return evidence.started < ACHIEVED * evidence.due


def _late(moment: Moment) -> bool:
    """More was left waiting, or left from before, than what comes due as one looks."""
    waiting = moment.backlog > (1 - ACHIEVED) * moment.due
    return waiting or moment.started < ACHIEVED * moment.due


def _rates(evidence: Evidence) -> str:
    seconds = evidence.duration_s or 1.0
    achieved, wanted = evidence.started / seconds, evidence.due / seconds
    share = evidence.started / evidence.due if evidence.due else 0.0
    return f"{achieved:,.1f} of {wanted:,.1f} arrivals a second were sent ({share:.1%})"


def _own_share(evidence: Evidence) -> float:
    """How much of what was not sent on time fell behind while the generator's loop was busy.

    Only while arrivals fall behind: whoever makes up for a target that stood still is busy as well.
    """
    behind = [(m.due - m.started, m.busy) for m in evidence.moments if m.started < m.due]
    missing = sum(count for count, _ in behind)
    return sum(count for count, busy in behind if busy > BUSY) / missing if missing else 0.0


def _generator_was_the_limit(evidence: Evidence) -> bool:
    return _own_share(evidence) > 0.5


def _behind(evidence: Evidence) -> list[str]:
    if evidence.lost or not _short(evidence) or not _generator_was_the_limit(evidence):
        return []
    busy = max(m.busy for m in evidence.moments if m.started < m.due)
    return [
        (
            f"{_rates(evidence)}, and the generator was the limit: its loop was busy {busy:.0%}"
            f" of the time while arrivals fell behind; {_more(evidence)}"
        )
    ]


def _pacing(evidence: Evidence) -> list[str]:
    """More than one send in a hundred was late, although it had a connection.

    At least three: one hiccup in a short run says nothing. What is nothing to a slow endpoint may
    be all that is seen of a fast one, so that the fastest says what counts.
    """
    pacing = evidence.pacing
    limit = float(evidence.max_pacing_error_ns)
    p99 = evidence.fastest_p99_ns
    if p99 == p99:  # not NaN: something succeeded
        limit = max(limit, PACING_SHARE * p99)
    highest = bucket(int(limit))
    late = sum(count for index, count in pacing.counts.items() if index > highest)
    if late < 3 or late <= 0.01 * pacing.count:
        return []
    return [
        (
            f"{late:,} of {pacing.count:,} sends that had a connection were more than"
            f" {_time(limit)} late (p99 {_time(pacing.percentile(99))}): the generator's own delay"
            f" is in the response times; use {_steadier(evidence)}, or allow more"
            " (generator.max_pacing_error)"
        )
    ]


def _more(evidence: Evidence) -> str:
    if evidence.local:
        return "run the target on another machine, use more cores, or a lower rate"
    return "use more workers (generator.workers) on a machine with more cores, or a lower rate"


def _steadier(evidence: Evidence) -> str:
    quieter = "a lower rate" if evidence.busy > RATHER_BUSY else "a quieter machine"
    return quieter if evidence.precise else f"--precise or {quieter}"


def _saturated(evidence: Evidence) -> list[str]:
    """Arrivals waited for the target: for a connection that was taken, or was not to be had."""
    behind = [moment for moment in evidence.moments if _late(moment)]
    given_up = evidence.dropped and not evidence.interrupted
    if evidence.lost or not (_short(evidence) or given_up):
        return []
    if _generator_was_the_limit(evidence):
        return []
    waited = "all connections were waiting for responses"
    if evidence.max_open < evidence.max_connections:
        failures = evidence.connection_failures
        waited = (
            f"{evidence.max_open:,} of {evidence.max_connections:,} connections could be had"
            + (f", {failures:,} could not be opened" if failures else "")
        )
    since = f" from {behind[0].start_s:g} s on" if behind else ""
    dropped = f", {evidence.dropped:,} arrivals were given up" if evidence.dropped else ""
    backlog = max((moment.backlog for moment in behind), default=0)
    return [
        (
            f"the target did not keep up{since}: {_rates(evidence)}; {waited}, up to {backlog:,}"
            f" arrivals waited{dropped}; their wait is in the response times"
        )
    ]


def _limit(evidence: Evidence) -> list[str]:
    if evidence.max_open < evidence.max_connections:
        return []
    return [
        (
            f"all {evidence.max_connections:,} connections (connections.max) were in use at some"
            " time: arrivals may have waited for one"
        )
    ]


def _little_reserve(evidence: Evidence) -> list[str]:
    busiest = max(evidence.moments, key=lambda moment: moment.busy, default=None)
    if busiest is None or max(evidence.busy, busiest.busy) <= RATHER_BUSY:
        return []
    if evidence.busy > RATHER_BUSY:
        how = f"busy {evidence.busy:.0%} of the time"
    else:
        how = f"busy {busiest.busy:.0%} of the time in the {busiest.length_s:g} s from"
        how += f" {busiest.start_s:g} s on"
    return [f"the generator's loop was {how}, little is left for more load; {_more(evidence)}"]


def _small_pacing(evidence: Evidence) -> list[str]:
    response = evidence.response.percentile(50)
    pacing = evidence.pacing.percentile(50)
    if not 0 < PACING_SHARE * response < pacing:  # also where one is NaN
        return []
    return [
        (
            f"sends were {_time(pacing)} late at the median, {pacing / response:.0%} of the median"
            f" response time ({_time(response)}); use {_steadier(evidence)}"
        )
    ]


def _few(evidence: Evidence) -> list[str]:
    count = evidence.response.count
    if not count:
        return []
    if count < FEW_FOR_P99:
        return [f"{count:,} samples are few for p99 and p99.9; run longer"]
    few = sorted(name for name, samples in evidence.samples.items() if samples < FEW_FOR_P99)
    warnings = []
    if few:
        names = ", ".join(few[:_NAMED])
        rest = f" and {len(few) - _NAMED} more" if len(few) > _NAMED else ""
        warnings.append(f"fewer than {FEW_FOR_P99:,} samples for p99: {names}{rest}; run longer")
    if count < FEW_FOR_P999:
        warnings.append(f"{count:,} samples are few for p99.9; run longer")
    return warnings


def _local(evidence: Evidence) -> list[str]:
    if not evidence.local:
        return []
    return [
        (
            "generator and target share this machine: they take processor time from each other, and"
            " there is no network between them"
        )
    ]


def _time(ns: float) -> str:
    if ns >= 1000 * _MS:
        return f"{ns / (1000 * _MS):.3g} s"
    return f"{ns / _MS:.3g} ms" if ns >= _MS / 10 else f"{ns / 1000:.3g} us"
