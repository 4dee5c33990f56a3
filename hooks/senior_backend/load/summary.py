"""A recording in numbers: the result of a run.

What counts where:

- A request counts where it ended. Percentiles of response and service time are those of requests
  that succeeded; failed ones have their own, and no failure makes a service look faster.
- An arrival of the warm-up counts nowhere, whenever it ends.
- What was sent in the measured part and ended after it counts in the totals, in the last stretch of
  the series that has it, and in the last block.
- ``due`` are the arrivals of the measured part; ``sent`` and ``completed`` are requests, of which a
  flow has several. ``achieved_rate`` counts arrivals sent within the measured part: one that waited
  past its end was not sent on time, whatever became of it.
- ``total`` is the exact sum of all endpoints, bucket by bucket, never a mean of percentiles.
"""

import os
import platform
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from senior_backend import __version__
from senior_backend.load import causes, validity
from senior_backend.load.arrivals import Schedule
from senior_backend.load.engine.messages import Done
from senior_backend.load.histogram import PERCENTILES, Histogram
from senior_backend.load.recording import Counts, EndpointCounts
from senior_backend.load.result import (
    Block,
    Connections,
    EndpointResult,
    Environment,
    Generator,
    Histograms,
    PacingError,
    Percentiles,
    Result,
    SeriesWindow,
    ThresholdResult,
    WindowNumbers,
)
from senior_backend.load.totals import SECOND, Numbers, Recording, Stretch, add_endpoint

_MS: Final = 1e6
_US: Final = 1e3
_OVER_TIME: Final = (50.0, 95.0, 99.0)
_DIGITS: Final = 6
"""Milliseconds to the nanosecond: more digits than that were not measured."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a result says beside what was counted."""

    scenario: str
    """Its name."""
    target: str
    """Scheme, host, port and path prefix, without a password."""
    addresses: Sequence[str]
    resolve_ms: float
    local: bool
    """The target is on this machine."""
    started_at: str
    """RFC 3339, UTC."""
    schedule: Schedule
    duration_ns: int
    """Of the measured part, as it went: shorter than planned where the run was ended."""
    interrupted: bool
    done: Mapping[int, Done]
    """The last words of the workers, by number."""
    lost: Mapping[int, str] = field(default_factory=dict)
    """Workers that went without a last word -> why: ``was killed (SIGKILL)``."""
    max_connections: int = 0
    """Over all workers."""
    max_pacing_error_ns: int = 10_000_000
    precise: bool = False
    remarks: Sequence[str] = ()
    """Further warnings, from before the start."""


def summarise(
    recording: Recording, facts: Facts, thresholds: Sequence[ThresholdResult] = ()
) -> Result:
    """The result of a run that has ended, in whatever way."""
    total = recording.total
    every = EndpointCounts()
    endpoints = {}
    for index, name in enumerate(recording.endpoints):
        counts = total.endpoints.get(index, EndpointCounts())
        add_endpoint(every, counts)
        endpoints[name] = endpoint_result(counts)
    evidence = _evidence(recording, facts, every)
    reasons, warnings = validity.judge(evidence)
    limit = validity.pacing_limit_ns(evidence.max_pacing_error_ns, evidence.fastest_p99_ns)
    seconds = facts.duration_ns / SECOND
    pacing = Histogram(total.pacing)
    everything = endpoint_result(every)
    return Result(
        valid=not reasons,
        invalid_reasons=reasons,
        warnings=[*facts.remarks, *warnings],
        interrupted=facts.interrupted,
        target=facts.target,
        scenario=facts.scenario,
        started_at=facts.started_at,
        seed=facts.schedule.seed,
        arrivals=facts.schedule.arrivals,
        requested_rate=_rate(total.numbers.due, seconds),
        achieved_rate=_rate(total.numbers.started, seconds),
        due=total.numbers.due,
        sent=total.numbers.sent,
        completed=everything.count,
        dropped=total.numbers.dropped,
        duration_s=seconds,
        planned_duration_s=facts.schedule.duration_ns / SECOND,
        warm_up_s=facts.schedule.warm_ns / SECOND,
        pacing_error_us=PacingError(
            p50=_scaled(pacing.percentile(50), _US),
            p99=_scaled(pacing.percentile(99), _US),
            max=_scaled(pacing.percentile(100), _US),
            limit=_scaled(limit, _US),
        ),
        generator=Generator(
            workers=recording.workers,
            busy=round(total.numbers.busy, 4),
            cpu_s=round(sum(done.cpu_s for done in facts.done.values()), 3),
            max_rss_bytes=max((done.max_rss_bytes for done in facts.done.values()), default=0),
        ),
        connections=Connections(
            opened=sum(done.opened for done in facts.done.values()),
            max_open=_max_open(recording, facts),
            failed=dict(sorted(total.connection_failures.items())),
            connect_time_ms=percentiles(Histogram(total.connect)),
            tls_time_ms=percentiles(Histogram(total.tls)),
            addresses=list(facts.addresses),
            resolve_time_ms=facts.resolve_ms,
        ),
        endpoints=endpoints,
        total=everything,
        thresholds=list(thresholds),
        environment=environment(),
        series=_series(recording, facts),
        blocks=_blocks(recording),
    )


def environment() -> Environment:
    """This machine and this program."""
    return Environment(
        senior_backend=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        cores=_cores(),
        host=socket.gethostname(),
    )


def _cores() -> int:
    """What a container may really use, where the system (Linux) tells."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def percentiles(histogram: Histogram, wanted: Sequence[float] = PERCENTILES) -> Percentiles:
    """The percentiles of a table, ``max`` and ``mean``, in ms; empty if the histogram is."""
    if not histogram.counts:
        return {}
    return {
        **_percentiles(histogram, wanted),
        "mean": _scaled(histogram.mean, _MS),
    }


def endpoint_result(counts: EndpointCounts) -> EndpointResult:
    """One endpoint, or several added together."""
    response, service = Histogram(counts.response), Histogram(counts.service)
    failures = {cause: Histogram(times) for cause, times in sorted(counts.failures.items())}
    all_failures = Histogram()
    for times in failures.values():
        all_failures.merge(times)
    return EndpointResult(
        count=response.count + all_failures.count,
        failed=all_failures.count,
        errors={cause: times.count for cause, times in failures.items()},
        statuses={str(status): count for status, count in sorted(counts.statuses.items())},
        bytes_received=counts.bytes_received,
        response_time_ms=percentiles(response),
        service_time_ms=percentiles(service),
        failed_time_ms=percentiles(all_failures),
        histograms=Histograms(
            response_time=list(response),
            service_time=list(service),
            failures={cause: list(times) for cause, times in failures.items()},
        ),
    )


def _percentiles(histogram: Histogram, wanted: Sequence[float]) -> Percentiles:
    values = histogram.percentiles((*wanted, 100))
    names = (*(f"p{percent:g}" for percent in wanted), "max")
    return {name: _scaled(value, _MS) for name, value in zip(names, values, strict=True)}


def _series(recording: Recording, facts: Facts) -> list[SeriesWindow]:
    """The stretches; after the measured part only those in which something still ended."""
    return [
        SeriesWindow(
            start_s=start,
            length_s=length,
            due=stretch.numbers.due,
            sent=stretch.numbers.sent,
            dropped=stretch.numbers.dropped,
            backlog=stretch.numbers.backlog,
            in_flight=stretch.numbers.in_flight,
            open_connections=stretch.numbers.open_connections,
            requested_rate=_asked(facts.schedule, start, length),
            started=stretch.numbers.started,
            errors=dict(sorted(stretch.errors.items())),
            total=_all_endpoints(stretch),
            endpoints={
                recording.endpoints[index]: _window(
                    stretch.response(index), stretch.failed.get(index, 0)
                )
                for index in stretch.endpoints()
            },
        )
        for start, length, stretch in _timed(recording, facts.duration_ns)
        if start < recording.seconds or stretch.endpoints()
    ]


def _timed(recording: Recording, duration_ns: int) -> Iterator[tuple[float, float, Stretch]]:
    """The series with its real lengths: a stretch ends with its last window, or with the run."""
    for first, _windows, stretch in recording.series():
        last = max(gauge.index for gauge in stretch.numbers.gauges.values())
        end = float(last + 1)
        if first * SECOND < duration_ns:
            end = min(end, duration_ns / SECOND)
        yield float(first), end - first, stretch


def _asked(schedule: Schedule, start_s: float, length_s: float) -> float:
    """Arrivals a second that the schedule has there; windows cut a few of them off elsewhere."""
    begin = schedule.warm_ns + round(start_s * SECOND)
    end = begin + round(length_s * SECOND)
    return _rate(schedule.due_by(end - 1) - schedule.due_by(begin - 1), length_s)


def _all_endpoints(stretch: Stretch) -> WindowNumbers:
    every: Counts = {}
    for index in stretch.endpoints():
        for bucket, count in stretch.response(index).items():
            every[bucket] = every.get(bucket, 0) + count
    return _window(every, sum(stretch.failed.values()))


def _window(response: Counts, failures: int) -> WindowNumbers:
    histogram = Histogram(response)
    return WindowNumbers(
        count=histogram.count + failures,
        failed=failures,
        response_time_ms=_percentiles(histogram, _OVER_TIME) if response else {},
    )


def _blocks(recording: Recording) -> list[Block]:
    return [
        Block(
            start_s=start,
            length_s=length,
            endpoints={
                recording.endpoints[index]: sorted(response.items())
                for index in stretch.endpoints()
                if (response := stretch.response(index))
            },
        )
        for start, length, stretch in recording.blocks()
    ]


def _evidence(recording: Recording, facts: Facts, every: EndpointCounts) -> validity.Evidence:
    numbers = recording.total.numbers
    moments = [
        _moment(start, length, stretch.numbers)
        for start, length, stretch in _timed(recording, facts.duration_ns)
        if start < recording.seconds
    ]
    endpoints = recording.total.endpoints
    responses = {
        name: Histogram(endpoints[i].response) if i in endpoints else Histogram()
        for i, name in enumerate(recording.endpoints)
    }
    response = Histogram(every.response)
    return validity.Evidence(
        due=numbers.due,
        started=numbers.started,
        dropped=numbers.dropped,
        duration_s=facts.duration_ns / SECOND,
        moments=moments,
        busy=numbers.busy,
        workers=recording.workers,
        cores=_cores(),
        covered=[
            min(1.0, recording.covered_ns(worker) / facts.duration_ns) if facts.duration_ns else 1.0
            for worker in range(recording.workers)
        ],
        lost=[f"worker {worker} {reason}" for worker, reason in sorted(facts.lost.items())],
        pacing=Histogram(recording.total.pacing),
        response=response,
        service=Histogram(every.service),
        samples={name: each.count for name, each in responses.items()},
        fastest_p99_ns=validity.fastest_p99(list(responses.values()), response),
        max_open=_max_open(recording, facts),
        max_connections=facts.max_connections,
        connection_failures=sum(recording.total.connection_failures.values()),
        no_local_port=max(
            recording.total.connection_failures.get(causes.NO_LOCAL_PORT, 0),
            sum(every.failures.get(causes.NO_LOCAL_PORT, {}).values()),
        ),
        max_pacing_error_ns=facts.max_pacing_error_ns,
        precise=facts.precise,
        interrupted=facts.interrupted,
        local=facts.local,
    )


def _moment(start_s: float, length_s: float, numbers: Numbers) -> validity.Moment:
    return validity.Moment(
        start_s=start_s,
        length_s=length_s,
        due=numbers.due,
        started=numbers.started,
        busy=numbers.busy,
        backlog=numbers.backlog,
        in_flight=numbers.in_flight,
        open_connections=numbers.open_connections,
    )


def _max_open(recording: Recording, facts: Facts) -> int:
    """The sum of what each worker had open at most, or what was seen of a worker that was lost."""
    seen = max(
        (stretch.numbers.open_connections for _, _, stretch in recording.series()), default=0
    )
    return max(seen, sum(done.max_open for done in facts.done.values()))


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 3) if seconds > 0 else 0.0


def _scaled(value: float, unit: float) -> float:
    """NaN, which JSON does not have, is 0 here: only where nothing was measured."""
    return round(value / unit, _DIGITS) if value == value else 0.0
