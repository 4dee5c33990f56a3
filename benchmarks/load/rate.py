"""The highest rate that a tool holds in an open model, on one core."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.lint.markdown import table
from benchmarks.load.bench import Bench, Sample
from benchmarks.load.job import FULL, PLAIN, Shape
from benchmarks.load.peer import Peer
from senior_backend.errors import NotRunError

LOWEST, STEP = 5_000, 5_000
HIGHEST = 250_000
ACHIEVED = 0.99
PACING_P99_US = 1_000.0
OPEN_MODEL = ("vegeta", "k6", "oha")


@dataclass(frozen=True)
class Held:
    """One tool with one shape; `sample` is the run at that rate."""

    tool: str
    shape: Shape
    rate: int
    sample: Sample | None
    why: str
    """What kept it from the next step."""


def measure(bench: Bench) -> list[Held]:
    """Ours with both shapes, and the tools with an open model."""
    held = [climb(bench, bench.ours, shape) for shape in (PLAIN, FULL)]
    peers = [one for one in bench.peers if one.name in OPEN_MODEL]
    return [*held, *(climb(bench, peer, PLAIN) for peer in peers)]


def climb(bench: Bench, peer: Peer, shape: Shape) -> Held:
    """Double the rate while it is held, then close in on the highest multiple of the step."""
    seconds = 2 if bench.quick else 4
    best: list[Sample] = []
    reasons: dict[int, str] = {}

    def holds(rate: int) -> bool:
        # Twice: what a neighbour takes from one run is no reason.
        for _ in range(1 if bench.quick else 2):
            try:
                sample = bench.measure(peer, bench.job(shape, seconds=seconds, rate=rate))
                reasons[rate] = why_not(sample, rate, seconds)
            except NotRunError as error:
                reasons[rate] = str(error)
                continue
            if not reasons[rate]:
                best[:] = [sample]
                return True
        bench.say(f"rate: {peer.name}, {shape.name}: not {rate:,}/s: {reasons[rate]}")
        return False

    if bench.quick:
        rate = LOWEST if holds(LOWEST) else 0
    else:
        rate = highest(holds, LOWEST, STEP, HIGHEST)
    bench.say(f"rate: {peer.name}, {shape.name}: {rate:,}/s held")
    above = min((one for one, reason in reasons.items() if reason and one > rate), default=None)
    why = f"{above:,}/s: {reasons[above]}" if above is not None else ""
    return Held(peer.name, shape, rate, best[0] if best else None, why)


def highest(holds: Callable[[int], bool], lowest: int, step: int, limit: int) -> int:
    """The highest rate that holds, to the step; 0 if not even the lowest does."""
    good, bad = 0, lowest
    while bad <= limit and holds(bad):
        good, bad = bad, bad * 2
    if not good:
        return 0
    bad = min(bad, limit + step)
    while bad - good > step:
        middle = (good + bad) // 2 // step * step
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good


def why_not(sample: Sample, rate: int, seconds: int) -> str:
    """Why a run does not hold its rate; empty if it does."""
    reported = sample.reported
    if not reported.valid:
        return reported.notes[0].partition(";")[0] if reported.notes else "not valid"
    if sample.requests < ACHIEVED * rate * seconds:
        return f"{sample.requests / (rate * seconds):.0%} of the requests were sent"
    if reported.failed:
        return f"{reported.failed:,} requests failed"
    if sample.exit_code:
        return f"exit code {sample.exit_code}"
    # One that sends late and catches up has sent everything, but not when it should.
    if sample.wall_s > seconds * 1.2 + 2:
        return f"it took {sample.wall_s:.0f} s for {seconds} s of load"
    if reported.pacing_us is not None and reported.pacing_us["p99"] > PACING_P99_US:
        return f"p99 of its lateness is {reported.pacing_us['p99']:,.0f} us"
    return ""


def report(held: Sequence[Held]) -> str:
    """One table."""
    rows = []
    for one in held:
        if one.sample is None:
            rows.append([one.tool, one.shape.name, "none", "", "", "", one.why])
            continue
        reported = one.sample.reported
        latency = reported.latency_ms
        rows.append(
            [
                one.tool,
                one.shape.name,
                f"**{one.rate:,}**",
                f"{reported.pacing_us['p99']:,.0f}" if reported.pacing_us else "not told",
                f"{latency['p50']:.2f} / {latency['p99']:.2f}",
                f"{one.sample.cpu_s / one.sample.wall_s:.0%}",
                one.why,
            ]
        )
    header = (
        "tool",
        "requests",
        "a second, held",
        "its lateness, p99, us",
        "latency it tells, p50 / p99, ms",
        "of a core",
        "not held",
    )
    return table(header, rows, numbers_from=2)
