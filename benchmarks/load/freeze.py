"""A target that stands still for a second, three times in half a minute: who says so?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from benchmarks.lint.markdown import table
from benchmarks.load.bench import Bench, Sample
from benchmarks.load.job import PLAIN
from benchmarks.load.peer import Peer
from benchmarks.load.peers.k6 import K6
from benchmarks.load.peers.oha import Oha
from benchmarks.load.target import freezing
from senior_backend.errors import NotRunError

RATE = 1_000
SECONDS = 30
EVERY_S, LENGTH_S, FIRST_S = 10.0, 1.0, 5.0
COUNT = 3
TOLERANCE = 0.03
# Below this a median says only that the target answered at once, as it did for 9 of 10 requests.
AT_ONCE_MS = 1.0
K6_USERS = 2_000


@dataclass(frozen=True)
class Frozen:
    """One tool's run, and what is true of it; `sample` is None where it failed."""

    tool: str
    sample: Sample | None
    truth_ms: Mapping[str, float]
    planned: int
    failure: str = ""
    keeps_a_rate: bool = True


def truth_ms(lengths: Sequence[float], rate: int, seconds: int) -> dict[str, float]:
    """Exact percentiles of what even arrivals wait for a target that answers at once otherwise.

    An arrival in a freeze waits for its end, so the waits of each freeze are evenly spread from its
    whole length down to nothing.
    """
    waits = []
    for length in lengths:
        arrivals = int(length * rate)
        waits += [length * 1e3 - number * 1e3 / rate for number in range(arrivals)]
    total = rate * seconds
    waits = sorted([0.0] * (total - len(waits)) + waits)
    exact = {f"p{one}": waits[ceil(one * total / 100) - 1] for one in (50, 95, 99)}
    return {**exact, "max": waits[-1]}


def measure(bench: Bench) -> list[Frozen]:
    """Each tool once: a run takes half a minute, and the numbers that differ do so by factors."""
    count = 1 if bench.quick else COUNT
    seconds = 6 if bench.quick else SECONDS
    first_s = 2.5 if bench.quick else FIRST_S
    frozen = []
    for peer in _peers(bench):
        job = bench.job(PLAIN, seconds=seconds, rate=RATE)
        try:
            freezes = freezing(
                bench.target.worker,
                count=count,
                every_s=EVERY_S,
                length_s=LENGTH_S,
                first_s=first_s,
            )
            with freezes as lengths:
                sample = bench.measure(peer, job)
        except NotRunError as error:
            frozen.append(Frozen(peer.name, None, {}, RATE * seconds, str(error)))
            bench.say(f"freeze: {peer.name}: {error}")
            continue
        if len(lengths) != count:
            short = f"it ended before the target had stood still {count} times"
            frozen.append(Frozen(peer.name, None, {}, RATE * seconds, short))
            continue
        truth = truth_ms(lengths, RATE, seconds)
        one = Frozen(peer.name, sample, truth, RATE * seconds, keeps_a_rate=peer.keeps_a_rate)
        frozen.append(one)
        told = {name: f"{value:.4g}" for name, value in sample.reported.latency_ms.items()}
        bench.say(f"freeze: {peer.name}: {told}, {verdict(one)}")
    return frozen


def _peers(bench: Bench) -> list[Peer]:
    peers: list[Peer] = [bench.ours, *bench.peers]
    if bench.quick:
        return peers
    for name, other in (("k6", K6(K6_USERS)), ("oha", Oha(correction=True))):
        if bench.peer(name) is not None:
            other.obtain()
            peers.append(other)
    return peers


def verdict(frozen: Frozen) -> str:
    """``right``, or what is wrong."""
    if frozen.sample is None:
        return f"not measured: {frozen.failure}"
    if not frozen.keeps_a_rate:
        return "not judged: it has no rate, so its load is another"
    latency, wrong = frozen.sample.reported.latency_ms, []
    if latency.get("p50", 0.0) > AT_ONCE_MS:
        wrong.append("p50")
    for name in ("p95", "p99"):
        truth = frozen.truth_ms[name]
        if name in latency and abs(latency[name] - truth) > TOLERANCE * truth:
            times = max(latency[name] / truth, truth / max(latency[name], 1e-6))
            wrong.append(
                f"{name} by {times - 1:.1%}" if times < 2 else f"{name} {times:,.0f} times"
            )
    if frozen.sample.requests < 0.99 * frozen.planned:
        wrong.append(f"{1 - frozen.sample.requests / frozen.planned:.0%} of the load never sent")
    if frozen.sample.requests > 1.01 * frozen.planned:
        wrong.append(f"{frozen.sample.requests / frozen.planned - 1:.0%} more sent than asked for")
    return f"**wrong**: {', '.join(wrong)}" if wrong else "right"


def report(frozen: Sequence[Frozen]) -> str:
    """One table, the truth in its first row."""
    ours = next((one for one in frozen if one.sample is not None), None)
    rows = []
    if ours is not None:
        exact = (f"{ours.truth_ms[name]:,.0f}" for name in ("p95", "p99", "max"))
        rows.append(["*exact*", f"{ours.planned:,}", "at once", *exact, ""])
    for one in frozen:
        if one.sample is None:
            rows.append([one.tool, "", "", "", "", "", verdict(one)])
            continue
        told = (_told(one.sample, name) for name in ("p50", "p95", "p99", "max"))
        notes = [verdict(one), *one.sample.reported.notes[:1]]
        rows.append([one.tool, f"{one.sample.requests:,}", *told, "; ".join(notes)])
    header = ("tool", "requests", "p50, ms", "p95, ms", "p99, ms", "max, ms", "verdict")
    return table(header, rows)


def _told(sample: Sample, name: str) -> str:
    value = sample.reported.latency_ms.get(name)
    if value is None:
        return "not told"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
