"""Requests for each second of the client's processor time, in turns, round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.lint.markdown import table
from benchmarks.load.bench import Bench, Sample, turns
from benchmarks.load.goals import judged
from benchmarks.load.job import FULL, PLAIN, Job, Shape
from benchmarks.load.peer import Peer
from benchmarks.overhead.measure import Spread
from senior_backend.errors import NotRunError

BELOW_SATURATION = 20_000
"""Requests a second of the run that does not send as fast as it can."""

AT_RATE_TOO = ("oha",)
"""Others that can send so much in an open model. vegeta collapses at it on one core."""

GOALS: Mapping[tuple[str, str], Mapping[str, float]] = {
    (PLAIN.name, "http"): {"wrk": 0.85},
    (PLAIN.name, "https"): {"wrk": 0.70},
    (FULL.name, "http"): {
        "wrk": 0.60,
        "autocannon": 1.3,
        "vegeta": 2.0,
        "Locust FastHttpUser": 10.0,
    },
    (FULL.name, "https"): {"wrk": 0.50, "autocannon": 1.2},
}
"""Shape and scheme -> tool -> how many times its requests ours must be."""


@dataclass(frozen=True)
class Contender:
    """One row: a tool and how it is run."""

    label: str
    peer: Peer
    job: Job


@dataclass(frozen=True)
class Row:
    """What a contender came to: a value for each round, None where it failed."""

    contender: Contender
    values: tuple[float | None, ...]
    failures: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    """Answers a second of wall-clock time, by round; with the start and the end."""
    others: tuple[float, ...] = ()


@dataclass(frozen=True)
class Case:
    """One table."""

    shape: Shape
    scheme: str
    rows: tuple[Row, ...]
    """The first is ours, as fast as it goes."""


def measure(bench: Bench) -> list[Case]:
    """All four tables."""
    schemes = ("http",) if bench.quick else ("http", "https")
    return [measure_case(bench, shape, scheme) for shape in (PLAIN, FULL) for scheme in schemes]


def measure_case(bench: Bench, shape: Shape, scheme: str) -> Case:
    """One table: first what each tool's start costs, then the rounds."""
    contenders = _contenders(bench, shape, scheme)
    starts: list[Sample | None] = []
    failures: list[list[str]] = [[] for _ in contenders]
    for at, one in enumerate(contenders):
        try:
            starts.append(bench.start_up(one.peer, one.job))
        except NotRunError as error:
            starts.append(None)
            failures[at].append(str(error))
    values: list[list[float | None]] = [[] for _ in contenders]
    rates: list[list[float]] = [[] for _ in contenders]
    others: list[list[float]] = [[] for _ in contenders]
    for number, order in turns(bench.rounds, len(contenders)):
        for at in order:
            one, start = contenders[at], starts[at]
            if start is None:
                values[at].append(None)
                continue
            try:
                sample = bench.measure(one.peer, one.job)
                value = per_cpu_second(sample, start)
            except NotRunError as error:
                values[at].append(None)
                failures[at].append(str(error))
                bench.say(f"{shape.name}, {scheme}: {one.label}: {error}")
                continue
            values[at].append(value)
            rates[at].append(sample.requests / sample.wall_s)
            others[at].append(sample.others)
            bench.say(
                f"{shape.name}, {scheme}, round {number + 1}: {one.label}: {value:,.0f} requests a "
                f"CPU second ({sample.requests / sample.wall_s:,.0f}/s, others {sample.others:.0%})"
            )
    rows = (
        Row(one, tuple(values[at]), tuple(failures[at]), tuple(rates[at]), tuple(others[at]))
        for at, one in enumerate(contenders)
    )
    return Case(shape, scheme, tuple(rows))


def per_cpu_second(sample: Sample, start: Sample) -> float:
    """Requests a second of processor time, the start's taken off.

    Raises ``NotRunError`` when the run did not do what it was there for.
    """
    if sample.reported.failed > 0.001 * sample.requests:
        raise NotRunError(f"{sample.reported.failed:,} of {sample.requests:,} requests failed")
    cpu_s = sample.cpu_s - start.cpu_s
    requests = sample.requests - start.requests
    if cpu_s <= 0 or requests <= 0:
        raise NotRunError(
            f"{requests:,} requests in {cpu_s:.2f} s of processor time beyond its start"
        )
    return requests / cpu_s


def _contenders(bench: Bench, shape: Shape, scheme: str) -> list[Contender]:
    job = bench.job(shape, scheme)
    contenders = [Contender(f"{bench.ours.name}, as fast as it goes", bench.ours, job)]
    at_rate = bench.job(shape, scheme, rate=BELOW_SATURATION)
    if shape.checks:
        label = f"{bench.ours.name}, at {BELOW_SATURATION:,}/s"
        contenders.append(Contender(label, bench.ours, at_rate))
    for peer in bench.peers:
        plain_only = peer.name == "wrk"
        contenders.append(
            Contender(peer.name, peer, bench.job(PLAIN, scheme) if plain_only else job)
        )
        if shape.checks and peer.name in AT_RATE_TOO:
            label = f"{peer.name}, at {BELOW_SATURATION:,}/s"
            contenders.append(Contender(label, peer, at_rate))
    return contenders


def ratios(ours: Row, theirs: Row) -> list[float]:
    """Ours over theirs, round by round: what disturbs a round disturbs both."""
    pairs = zip(ours.values, theirs.values, strict=True)
    return [one / other for one, other in pairs if one is not None and other is not None]


def report(cases: Sequence[Case]) -> str:
    """The tables."""
    return "\n\n".join(_case(case) for case in cases)


def _case(case: Case) -> str:
    title = f"### {case.shape.name[0].upper()}{case.shape.name[1:]}, {case.scheme}"
    goals = GOALS[case.shape.name, case.scheme]
    rows = [_row(case, row, goals) for row in case.rows]
    header = ["tool", "requests a CPU second", "ours is", "goal", "answers a second", "others"]
    if case.shape.checks:
        header.append("what stands for the full features")
    return f"{title}\n\n{_aligned(header, rows)}"


def _aligned(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return table(header, rows, numbers_from=1)


def _ours(case: Case, rate: int | None) -> Row | None:
    """The row of ours at the same rate."""
    peer = case.rows[0].contender.peer
    rows = (one for one in case.rows if one.contender.peer is peer)
    return next((one for one in rows if one.contender.job.rate == rate), None)


def _row(case: Case, row: Row, goals: Mapping[str, float]) -> list[str]:
    values = [one for one in row.values if one is not None]
    label = row.contender.label
    if not values:
        cells = [label, f"not measured: {row.failures[-1] if row.failures else 'no run'}"]
        cells += ["", "", "", ""]
    else:
        spread = Spread.of(values)
        goal = None if row.contender.job.rate else goals.get(row.contender.peer.name)
        ours = _ours(case, row.contender.job.rate)
        found = (
            [] if ours is None or row.contender.peer is ours.contender.peer else ratios(ours, row)
        )
        ratio = Spread.of(found) if found else None
        cells = [
            label,
            f"{spread.median:,.0f} ({spread.low:,.0f} to {spread.high:,.0f})",
            f"**{ratio.median:.2f}x** ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else "",
            judged(ratio.median, at_least=goal) if ratio and goal else "",
            f"{Spread.of(row.rates).median:,.0f}",
            f"{Spread.of(row.others).median:.0%}",
        ]
    if case.shape.checks:
        cells.append(row.contender.peer.features)
    return cells
