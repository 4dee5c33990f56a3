"""A server that exists only as numbers: what a load test of it would have measured.

A queue in front of a few workers, fed in an open model; lognormal service times; a drift that
resembles itself for seconds; pauses in which all workers stop; and a factor of its own for each
run, as any restart has. All of it from a seed, and fast: a run of a minute takes a twentieth of a
second, so that hundreds of pairs of runs can be judged.
"""

import heapq
import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from senior_backend.load.histogram import Histogram, bucket
from senior_backend.load.result import (
    Block,
    Connections,
    EndpointResult,
    Environment,
    Generator,
    Histograms,
    PacingError,
    Result,
    SeriesWindow,
    WindowNumbers,
)

BLOCKS = 30
_STEP_S = 0.25  # of the drift


@dataclass(frozen=True)
class Endpoint:
    name: str
    weight: int
    median_s: float
    sigma: float
    """Of the logarithm of the service time."""
    failing: float = 0.0
    """Share of the requests that fail, each by itself."""


@dataclass(frozen=True)
class Server:
    """By default a service of three endpoints at 500 requests a second, three tenths busy."""

    endpoints: tuple[Endpoint, ...] = (
        Endpoint("list_orders", 5, 0.006, 0.5),
        Endpoint("read_order", 3, 0.003, 0.4),
        Endpoint("create_order", 2, 0.010, 0.6),
    )
    workers: int = 10
    rate: int = 500
    seconds: int = 60
    drift: float = 0.03
    """Standard deviation of the logarithm of the service time, over the run."""
    drift_s: float = 5.0
    """After which the drift has forgotten most of itself."""
    pause_every_s: float = 12.0
    pause_s: float = 0.04
    between_runs: float = 0.01
    """Standard deviation of the logarithm of each run's own factor."""
    slowdown: float = 1.0
    """Of every service time."""
    outage_s: tuple[float, float] = (0.0, 0.0)
    """From, to: every request that begins in it fails."""

    def slower(self, factor: float) -> "Server":
        return replace(self, slowdown=self.slowdown * factor)


def run(server: Server, seed: int) -> Result:
    """What a load test with constant arrivals measures in one run."""
    chance = random.Random(seed)
    gauss = chance.gauss
    own = gauss(0, server.between_runs)
    drift = _drift(server, chance)
    pauses = _pauses(server, chance)
    kinds = [i for i, e in enumerate(server.endpoints) for _ in range(e.weight)]
    means = [math.log(e.median_s * server.slowdown) + own for e in server.endpoints]
    sigmas = [e.sigma for e in server.endpoints]
    failing = [e.failing for e in server.endpoints]
    free = [0.0] * server.workers
    seconds: list[list[dict[int, int]]] = [
        [{} for _ in server.endpoints] for _ in range(server.seconds)
    ]
    failed = [[0] * len(server.endpoints) for _ in range(server.seconds)]
    for k in range(server.rate * server.seconds):
        due = k / server.rate
        kind = kinds[int(chance.random() * len(kinds))]
        begin = max(due, free[0])
        place = bisect_right(pauses, begin)
        if place and begin < pauses[place - 1] + server.pause_s:
            begin = pauses[place - 1] + server.pause_s
        service = math.exp(means[kind] + sigmas[kind] * gauss(0, 1) + drift[int(due / _STEP_S)])
        end = begin + service
        if place < len(pauses) and pauses[place] < end:
            end += server.pause_s
        heapq.heapreplace(free, end)
        second = min(int(end), server.seconds - 1)
        out = server.outage_s[0] <= begin < server.outage_s[1]
        if out or (failing[kind] and chance.random() < failing[kind]):
            failed[second][kind] += 1
        else:
            counts = seconds[second][kind]
            index = bucket(int((end - due) * 1e9))
            counts[index] = counts.get(index, 0) + 1
    return _result(server, seconds, failed)


def _drift(server: Server, chance: random.Random) -> list[float]:
    kept = math.exp(-_STEP_S / server.drift_s)
    now = chance.gauss(0, server.drift)
    drift = []
    for _ in range(int(server.seconds / _STEP_S) + 1):
        drift.append(now)
        now = kept * now + chance.gauss(0, server.drift * math.sqrt(1 - kept * kept))
    return drift


def _pauses(server: Server, chance: random.Random) -> list[float]:
    pauses, now = [], chance.expovariate(1 / server.pause_every_s)
    while now < server.seconds:
        pauses.append(now)
        now += server.pause_s + chance.expovariate(1 / server.pause_every_s)
    return pauses


Counts = list[list[dict[int, int]]]
"""By second and endpoint."""


def result(
    names: Sequence[str],
    seconds: Counts,
    failed: Sequence[Sequence[int]],
    due: Sequence[int],
    **changes: object,
) -> Result:
    """A result from what was counted in each second; ``due`` arrivals."""
    length = len(seconds)
    each = -(-length // BLOCKS)
    totals = [_merged(second[i] for second in seconds) for i in range(len(names))]
    failures = [sum(second[i] for second in failed) for i in range(len(names))]
    fields: dict[str, object] = {
        "valid": True,
        "invalid_reasons": [],
        "warnings": [],
        "interrupted": False,
        "target": "http://127.0.0.1:8000",
        "scenario": "simulated",
        "started_at": "2026-01-01T00:00:00Z",
        "seed": 1,
        "arrivals": "constant",
        "requested_rate": sum(due) / length,
        "achieved_rate": sum(due) / length,
        "due": sum(due),
        "sent": sum(due),
        "completed": sum(due),
        "dropped": 0,
        "duration_s": float(length),
        "planned_duration_s": float(length),
        "warm_up_s": 0.0,
        "pacing_error_us": PacingError(p50=40, p99=150, max=400),
        "generator": Generator(workers=1, busy=0.1, cpu_s=3.0, max_rss_bytes=50_000_000),
        "connections": Connections(
            opened=10,
            max_open=10,
            failed={},
            connect_time_ms={},
            tls_time_ms={},
            addresses=["127.0.0.1"],
            resolve_time_ms=0.0,
        ),
        "endpoints": {
            name: _endpoint(times, count)
            for name, times, count in zip(names, totals, failures, strict=True)
        },
        "total": _endpoint(_merged(t.counts for t in totals), sum(failures)),
        "thresholds": [],
        "environment": Environment(
            senior_backend="0", python="3.11", platform="Linux", cores=2, host="here"
        ),
        "series": [
            _window(names, start, seconds[start], failed[start], due[start])
            for start in range(length)
        ],
        "blocks": [
            Block(
                start_s=start,
                length_s=min(each, length - start),
                endpoints={
                    name: list(times)
                    for i, name in enumerate(names)
                    if (times := _merged(s[i] for s in seconds[start : start + each])).counts
                },
            )
            for start in range(0, length, each)
        ],
    }
    return Result.model_validate({**fields, **changes})


def _result(server: Server, seconds: Counts, failed: list[list[int]]) -> Result:
    names = [e.name for e in server.endpoints]
    return result(names, seconds, failed, [server.rate] * server.seconds)


def _merged(parts: Iterable[dict[int, int]]) -> Histogram:
    whole = Histogram()
    for part in parts:
        whole.merge(part)
    return whole


def _endpoint(times: Histogram, failed: int) -> EndpointResult:
    known = {}
    if times.counts:
        known = {f"p{p:g}": times.percentile(p) / 1e6 for p in (50, 90, 95, 99, 99.9)}
        known |= {"max": times.percentile(100) / 1e6, "mean": times.mean / 1e6}
    return EndpointResult(
        count=times.count + failed,
        failed=failed,
        errors={"http 503": failed} if failed else {},
        statuses={"200": times.count},
        bytes_received=100 * times.count,
        response_time_ms=known,
        service_time_ms=known,
        failed_time_ms={},
        histograms=Histograms(response_time=list(times), service_time=list(times)),
    )


def _window(
    names: Sequence[str],
    start: int,
    times: Sequence[dict[int, int]],
    failed: Sequence[int],
    due: int,
) -> SeriesWindow:
    numbers = {
        name: WindowNumbers(
            count=sum(counts.values()) + failures, failed=failures, response_time_ms={}
        )
        for name, counts, failures in zip(names, times, failed, strict=True)
    }
    return SeriesWindow(
        start_s=start,
        length_s=1,
        due=due,
        sent=due,
        dropped=0,
        backlog=0,
        in_flight=0,
        open_connections=10,
        requested_rate=due,
        total=WindowNumbers(
            count=sum(n.count for n in numbers.values()),
            failed=sum(failed),
            response_time_ms={},
        ),
        endpoints=numbers,
    )
