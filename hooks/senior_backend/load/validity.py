"""Did the generator keep up? A run in which it did not has no result, only a reason.

A target that does not keep up is a result, and only warned of: arrivals waited because every
connection was taken, and they count from the moment when they were due. But where the generator's
own loop had no time left, or it sent late what had a connection, the delay is its own, and no
number of the run may be blamed on the target.

How late it may be is the user's to say (``max_pacing_error``); that it was late is told in any case
as soon as it can be seen in the response times.
"""

from collections.abc import Mapping, Sequence
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
_LEAST_VISIBLE_NS: Final = 100_000.0
"""Below that, the p99 of the lateness is what it takes to wake a core."""
_APART: Final = 2.0
"""Response time over service time from which on the two clocks tell different stories."""
_APART_NS: Final = 1_000_000.0
"""And by how much they must differ."""
_COMPARED: Final = (90.0, 95.0, 99.0)
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
    cores: int
    """What the generator and, where it is local, the target may use."""
    covered: Sequence[float]
    """For each worker the share of the measured part that its windows account for."""
    lost: Sequence[str]
    """Workers that did not come to their end: one line each."""
    pacing: Histogram
    response: Histogram
    """Of all requests that succeeded."""
    service: Histogram
    """Of the same."""
    samples: dict[str, int]
    """Requests that succeeded, by endpoint."""
    fastest_p99_ns: float
    """The p99 of the endpoint that has the lowest, of those with enough requests for one; NaN if
    nothing succeeded."""
    max_open: int
    """The most connections that were open together."""
    max_connections: int
    connection_failures: int
    no_local_port: int
    """Requests or connections that failed because this machine had no port or descriptor left."""
    max_pacing_error_ns: int
    precise: bool
    interrupted: bool
    """What was waiting at that moment was given up, whoever it waited for."""
    local: bool
    """The target is on the machine of the generator."""


def judge(evidence: Evidence) -> tuple[list[str], list[str]]:
    """Why the run is not valid, and what else its numbers are to be read with."""
    late = _pacing(evidence)
    reasons = [
        *_lost(evidence),
        *_missing(evidence),
        *_no_port(evidence),
        *_behind(evidence),
        *late,
    ]
    warnings = [
        *(_saturated(evidence) or _waited(evidence) or _limit(evidence)),
        *([] if reasons else _little_reserve(evidence)),
        *([] if late else _visible_pacing(evidence)),
        *(text for _, text in few(evidence.samples)),
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
        f"worker {worker} accounts for {_percent(share)} of the measured part only: it stood"
        " still or its windows are missing; use a machine with processor time to spare"
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
    return f"{achieved:,.1f} of {wanted:,.1f} arrivals a second were sent ({_percent(share, 1)})"


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
            f"{_rates(evidence)}, and the generator was the limit: its loop was busy"
            f" {_percent(busy)} of the time while arrivals fell behind; {_more(evidence)}"
        )
    ]


def _no_port(evidence: Evidence) -> list[str]:
    if not evidence.no_local_port:
        return []
    return [
        (
            f"{evidence.no_local_port:,} times this machine had no free port (or descriptor) for"
            " one more connection: the generator was the limit; let the target keep connections"
            " alive, use fewer of them (--connections / connections.max), or widen"
            " net.ipv4.ip_local_port_range (and ulimit -n)"
        )
    ]


def pacing_limit_ns(max_pacing_error_ns: int, fastest_p99_ns: float) -> float:
    """How late one send in a hundred may be.

    What is nothing to a slow endpoint may be all that is seen of a fast one, so that the fastest
    says what counts. ``fastest_p99_ns`` is NaN where nothing succeeded.
    """
    limit = float(max_pacing_error_ns)
    return max(limit, PACING_SHARE * fastest_p99_ns) if fastest_p99_ns == fastest_p99_ns else limit


def _pacing(evidence: Evidence) -> list[str]:
    """The generator sent more than one in a hundred too late.

    At least three: one hiccup in a short run says nothing. Where nothing succeeded there is no
    response time that a delay could be in.
    """
    pacing = evidence.pacing
    if not evidence.response.count:
        return []
    limit = pacing_limit_ns(evidence.max_pacing_error_ns, evidence.fastest_p99_ns)
    highest = bucket(int(limit))
    late = sum(count for index, count in pacing.counts.items() if index > highest)
    if late < 3 or late <= 0.01 * pacing.count:
        return []
    return [
        (
            f"{late:,} of {pacing.count:,} sends were sent late by the generator, by more than"
            f" {_time(limit)} (p99 {_time(pacing.percentile(99))}): its own delay is in the"
            f" response times; use {_steadier(evidence)}, or allow more (--max-pacing-error /"
            " generator.max_pacing_error)"
        )
    ]


def _more(evidence: Evidence) -> str:
    if evidence.local:
        return "run the target on another machine, use more cores, or a lower rate"
    more = "use more workers (--workers / generator.workers) on a machine with more cores"
    return f"{more}, or a lower rate"


def _steadier(evidence: Evidence) -> str:
    """Spinning helps only where it takes the core from nobody."""
    if evidence.busy > RATHER_BUSY:
        return "a lower rate"
    taken = evidence.workers + evidence.local
    if evidence.precise or evidence.cores <= taken:
        return "a quieter machine or a lower rate"
    return "--precise (generator.precise) or a quieter machine"


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


def _waited(evidence: Evidence) -> list[str]:
    """All was sent, but not when it was due: the two clocks differ."""
    for percent in _COMPARED:
        response = evidence.response.percentile(percent)
        service = evidence.service.percentile(percent)
        if response > _APART * service and response - service > _APART_NS:
            break
    else:
        return []
    pacing = evidence.pacing
    waited = max(0, evidence.started - pacing.count)
    highest = bucket(int(_APART_NS))
    late = sum(count for index, count in pacing.counts.items() if index > highest)
    why = [
        text
        for count, text in (
            (waited, f"{waited:,} of {evidence.started:,} arrivals waited for a connection"),
            (late, f"{late:,} waited more than 1 ms for the generator"),
        )
        if count
    ]
    if evidence.max_open >= evidence.max_connections:
        why.append(
            f"all {evidence.max_connections:,} connections (--connections / connections.max) were"
            " in use"
        )
    return [
        (
            f"response p{percent:g} is {_time(response)}, service p{percent:g} {_time(service)}:"
            f" {', '.join(why) or 'requests waited to be sent'}; their wait is in the response"
            " times"
        )
    ]


def _limit(evidence: Evidence) -> list[str]:
    if evidence.max_open < evidence.max_connections:
        return []
    return [
        (
            f"all {evidence.max_connections:,} connections (--connections / connections.max)"
            " were in use at some time: arrivals may have waited for one"
        )
    ]


def _little_reserve(evidence: Evidence) -> list[str]:
    busiest = max(evidence.moments, key=lambda moment: moment.busy, default=None)
    if busiest is None or max(evidence.busy, busiest.busy) <= RATHER_BUSY:
        return []
    if evidence.busy > RATHER_BUSY:
        how = f"busy {_percent(evidence.busy)} of the time"
    else:
        how = f"busy {_percent(busiest.busy)} of the time in the {busiest.length_s:g} s from"
        how += f" {busiest.start_s:g} s on"
    return [f"the generator's loop was {how}, little is left for more load; {_more(evidence)}"]


def _visible_pacing(evidence: Evidence) -> list[str]:
    """Whatever was allowed: a delay that shows in the numbers is told with them."""
    p50, p99 = evidence.pacing.percentile(50), evidence.pacing.percentile(99)
    median, fastest = evidence.response.percentile(50), evidence.fastest_p99_ns
    shares = []
    if 0 < PACING_SHARE * median < p50:  # also not where one is NaN
        shares.append(f"{_percent(p50 / median)} of the median response time ({_time(median)})")
    if 0 < PACING_SHARE * fastest < p99 and p99 > _LEAST_VISIBLE_NS:
        shares.append(f"{_percent(p99 / fastest)} of the fastest endpoint's p99 ({_time(fastest)})")
    if not shares:
        return []
    return [
        (
            f"the generator sent late by p50 {_time(p50)}, p99 {_time(p99)},"
            f" {' and '.join(shares)}: latencies are higher by up to that; use"
            f" {_steadier(evidence)}"
        )
    ]


def few(samples: Mapping[str, int]) -> list[tuple[str, str]]:
    """Where requests that succeeded, by endpoint, are too few for the percentiles that are shown.

    Each with the lowest percentile that it is about: ``p99`` or ``p99.9``.
    """
    count = sum(samples.values())
    if not count:
        return []
    if count < FEW_FOR_P99:
        return [("p99", f"{count:,} samples are few for p99 and p99.9; run longer")]
    too_few = sorted(name for name, number in samples.items() if number < FEW_FOR_P99)
    warnings = []
    if too_few:
        names = ", ".join(too_few[:_NAMED])
        rest = f" and {len(too_few) - _NAMED} more" if len(too_few) > _NAMED else ""
        text = f"fewer than {FEW_FOR_P99:,} samples for p99: {names}{rest}; run longer"
        warnings.append(("p99", text))
    if count < FEW_FOR_P999:
        warnings.append(("p99.9", f"{count:,} samples are few for p99.9; run longer"))
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


def _percent(share: float, digits: int = 0) -> str:
    return f"{share * 100:.{digits}f} %"


def _time(ns: float) -> str:
    if ns >= 1000 * _MS:
        return f"{ns / (1000 * _MS):.3g} s"
    return f"{ns / _MS:.3g} ms" if ns >= _MS / 10 else f"{ns / 1000:.3g} \N{MICRO SIGN}s"
