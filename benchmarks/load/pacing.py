"""How punctually each tool sends at a rate that is easy for all of them."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.lint.markdown import table
from benchmarks.load.bench import Bench, Sample, turns
from benchmarks.load.goals import judged
from benchmarks.load.job import PLAIN
from benchmarks.load.peer import Peer
from benchmarks.load.witness import read, unevenness_us, witness
from senior_backend.errors import NotRunError

RATE = 1_000
SECONDS = 5
GOALS_US = {"senior-backend": 250.0, "senior-backend, precise": 100.0}


@dataclass(frozen=True)
class Paced:
    """One tool's runs: against nginx, and against the target that notes when requests come."""

    tool: str
    samples: tuple[Sample, ...]
    seen_us: tuple[dict[str, float], ...]
    failure: str = ""


def measure(bench: Bench) -> list[Paced]:
    """All tools that can be told a rate, in turn."""
    seconds = 2 if bench.quick else SECONDS
    peers = [bench.ours, bench.ours_precise, *(one for one in bench.peers if one.keeps_a_rate)]
    samples: list[list[Sample]] = [[] for _ in peers]
    seen: list[list[dict[str, float]]] = [[] for _ in peers]
    failures = ["" for _ in peers]
    for number, order in turns(bench.rounds, len(peers)):
        for at in order:
            peer = peers[at]
            try:
                job = bench.job(PLAIN, seconds=seconds, rate=RATE)
                sample = bench.measure(peer, job)
                samples[at].append(sample)
                seen[at].append(_witnessed(bench, peer, seconds))
            except NotRunError as error:
                failures[at] = str(error)
                bench.say(f"pacing: {peer.name}: {error}")
                continue
            own = sample.reported.pacing_us
            bench.say(
                f"pacing, round {number + 1}: {peer.name}: latency "
                f"{_percentiles(sample.reported.latency_ms)} ms, seen by the target "
                f"{_percentiles(seen[at][-1])} us"
                + (f", own {_percentiles(own)} us" if own else "")
            )
    return [
        Paced(peer.name, tuple(samples[at]), tuple(seen[at]), failures[at])
        for at, peer in enumerate(peers)
    ]


def _witnessed(bench: Bench, peer: Peer, seconds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=bench.directory) as name:
        with witness(Path(name), bench.target.core, first=bench.first) as (url, file):
            job = replace(bench.job(PLAIN, seconds=seconds, rate=RATE), url=url)
            bench.measure(peer, job)
        moments = read(file)
    if len(moments) < RATE * seconds / 2:
        raise NotRunError(f"{len(moments):,} of {RATE * seconds:,} requests came")
    return unevenness_us(moments, RATE)


def _percentiles(values: object) -> str:
    assert hasattr(values, "items")
    return " / ".join(f"{value:.3g}" for name, value in values.items() if name in ("p50", "p99"))


def report(paced: Sequence[Paced]) -> str:
    """One table: medians over the rounds."""
    rows = []
    for one in paced:
        if not one.samples or not one.seen_us:
            rows.append([one.tool, f"not measured: {one.failure}", *[""] * 7])
            continue
        own = [sample.reported.pacing_us for sample in one.samples if sample.reported.pacing_us]
        late = {name: median(two[name] for two in own) for name in ("p50", "p99")} if own else None
        seen = {name: median(two[name] for two in one.seen_us) for name in ("p50", "p99")}
        goal = GOALS_US.get(one.tool)
        rows.append(
            [
                one.tool,
                f"{median(sample.requests for sample in one.samples):,.0f}",
                f"{late['p50']:.0f} / {late['p99']:.0f}" if late else "not told",
                judged(late["p99"], at_most=goal, unit=" us") if late and goal else "",
                f"{seen['p50']:,.0f} / {seen['p99']:,.0f}",
                _latency(one.samples, "p50"),
                _latency(one.samples, "p99"),
                f"{median(sample.cpu_s / sample.wall_s for sample in one.samples):.0%}",
                f"{median(sample.others for sample in one.samples):.0%}",
            ]
        )
    header = (
        "tool",
        "requests",
        "lateness it tells, p50 / p99, us",
        "goal for p99",
        "lateness seen by the target, p50 / p99, us",
        "latency it tells, p50, ms",
        "p99, ms",
        "of a core",
        "others",
    )
    return table(header, rows)


def _latency(samples: Sequence[Sample], name: str) -> str:
    values = [one.reported.latency_ms[name] for one in samples if name in one.reported.latency_ms]
    return f"{median(values):.3g}" if values else "not told"
