"""Does memory grow with what has been measured?"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.lint.markdown import table
from benchmarks.load.bench import Bench, Sample
from benchmarks.load.goals import judged
from benchmarks.load.job import FULL
from senior_backend.errors import NotRunError

RATE = 50_000
FEW, MANY = 100_000, 10_000_000
GROWTH = 1.1


@dataclass(frozen=True)
class Size:
    """One run of ours."""

    samples: int
    sample: Sample | None
    failure: str = ""


def measure(bench: Bench) -> list[Size]:
    """A short run and one a hundred times as long, at the same rate over as many connections."""
    sizes = []
    few, many = (20_000, 60_000) if bench.quick else (FEW, MANY)
    rate = 10_000 if bench.quick else RATE
    for count in (few, many):
        job = bench.job(FULL, seconds=count // rate, rate=rate)
        try:
            sample = bench.measure(bench.ours, job, watch_memory=True)
        except NotRunError as error:
            sizes.append(Size(count, None, str(error)))
            bench.say(f"memory: {error}")
            continue
        sizes.append(Size(count, sample))
        bench.say(f"memory: {sample.requests:,} samples, {sample.peak_bytes / 2**20:.0f} MiB")
    return sizes


def report(sizes: Sequence[Size]) -> str:
    """One table."""
    rows = []
    first = sizes[0].sample
    for one in sizes:
        if one.sample is None:
            rows.append([f"{one.samples:,}", f"not measured: {one.failure}", "", ""])
            continue
        ratio = one.sample.peak_bytes / first.peak_bytes if first else float("nan")
        is_first = one is sizes[0]
        rows.append(
            [
                f"{one.sample.requests:,}",
                f"{one.sample.peak_bytes / 2**20:.0f}",
                "1" if is_first else f"{ratio:.2f}",
                "" if is_first else judged(ratio, at_most=GROWTH),
            ]
        )
    return table(("requests", "peak resident memory, MiB", "the first = 1", "goal"), rows)
