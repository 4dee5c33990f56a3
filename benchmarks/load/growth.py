"""What a request costs our generator with more endpoints, more connections, more workers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.lint.markdown import table
from benchmarks.load.bench import Bench, Sample, turns
from benchmarks.load.job import PLAIN, Endpoint, Job, Shape
from benchmarks.load.throughput import per_cpu_second
from benchmarks.overhead.measure import Spread
from senior_backend.errors import NotRunError

ENDPOINTS = (1, 10, 100, 1_000)
CONNECTIONS = (1, 64, 1_000, 10_000)
WORKERS = (1, 2)
USUAL = {"endpoints": 1, "connections": 64, "workers": 1}
"""What the others of a dimension are compared to."""


@dataclass(frozen=True)
class Point:
    """One size of one dimension, with its runs."""

    dimension: str
    size: int
    cpu_us: tuple[float, ...]
    """Microseconds of processor time a request, by round; the start's taken off."""
    rates: tuple[float, ...]
    """Answers a second of wall-clock time, by round."""
    failure: str = ""


def measure(bench: Bench) -> list[Point]:
    """Each dimension by itself, its sizes in turn."""
    seconds = 1 if bench.quick else 3
    endpoints, connections = (ENDPOINTS[:2], CONNECTIONS[:2]) if bench.quick else (
        ENDPOINTS,
        CONNECTIONS,
    )  # fmt: skip
    few_files = _file_limit() - 200
    points = _dimension(
        bench,
        "endpoints",
        {size: bench.job(_many(size), seconds=seconds) for size in endpoints},
    )
    points += _dimension(
        bench,
        "connections",
        {
            size: bench.job(PLAIN, seconds=seconds, connections=size)
            for size in connections
            if size <= few_files
        },
    )
    points += [
        Point("connections", size, (), (), f"at most {few_files:,} files may be open here")
        for size in connections
        if size > few_files
    ]
    return points + _dimension(
        bench,
        "workers",
        {size: bench.job(PLAIN, seconds=seconds, workers=size) for size in WORKERS},
        everywhere=True,
    )


def _dimension(
    bench: Bench, dimension: str, jobs: dict[int, Job], *, everywhere: bool = False
) -> list[Point]:
    core = None if everywhere else -1
    sizes = list(jobs)
    starts: dict[int, Sample] = {}
    failures: dict[int, str] = {}
    cpu: dict[int, list[float]] = {size: [] for size in sizes}
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    for size, job in jobs.items():
        try:
            starts[size] = bench.start_up(bench.ours, job)
        except NotRunError as error:
            failures[size] = str(error)
    for number, order in turns(bench.rounds, len(sizes)):
        for size in (sizes[at] for at in order):
            if size not in starts:
                continue
            try:
                sample = bench.measure(bench.ours, jobs[size], core=core)
                value = 1e6 / per_cpu_second(sample, starts[size])
            except NotRunError as error:
                failures[size] = str(error)
                bench.say(f"growth: {size:,} {dimension}: {error}")
                continue
            cpu[size].append(value)
            rates[size].append(sample.requests / sample.wall_s)
            bench.say(
                f"growth, round {number + 1}: {size:,} {dimension}: {value:.2f} us a request, "
                f"{sample.requests / sample.wall_s:,.0f}/s"
            )
    return [
        Point(dimension, size, tuple(cpu[size]), tuple(rates[size]), failures.get(size, ""))
        for size in sizes
    ]


def _many(count: int) -> Shape:
    endpoints = (Endpoint(f"e{n}", "GET", f"/many/{n}", 1, 200, '"id"') for n in range(count))
    return Shape(f"{count} endpoints", tuple(endpoints), checks=False)


def _file_limit() -> int:
    import resource  # not on every system: without it the benchmark has said so before

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def report(points: Sequence[Point]) -> str:
    """One table."""
    rows = []
    usual = {
        one.dimension: Spread.of(one.cpu_us).median
        for one in points
        if one.cpu_us and one.size == USUAL[one.dimension]
    }
    for one in points:
        if not one.cpu_us:
            rows.append([one.dimension, f"{one.size:,}", f"not measured: {one.failure}", "", ""])
            continue
        spread = Spread.of(one.cpu_us)
        base = usual.get(one.dimension, float("nan"))
        rows.append(
            [
                one.dimension,
                f"{one.size:,}",
                f"{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})",
                f"{spread.median / base:.2f}",
                f"{Spread.of(one.rates).median:,.0f}",
            ]
        )
    header = ("of", "how many", "CPU a request, us", "usual = 1", "answers a second")
    cores = os.cpu_count() or 1
    note = (
        f"Workers are measured with the client on all {cores} cores of this machine"
        + (", which the target and they share, so two cannot be twice as fast here." if cores <= 2
           else ", one of which is the target's.")
    )  # fmt: skip
    return f"{table(header, rows)}\n\n{note}"
