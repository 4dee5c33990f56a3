"""Alternating runs over subjects, and what they come to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.overhead.api import Api
from benchmarks.overhead.processor_time import busy_seconds, processor_seconds
from benchmarks.overhead.subjects import Running
from benchmarks.overhead.wrk import Answers, Requests, send
from senior_backend.errors import NotRunError


@dataclass(frozen=True)
class Load:
    """What each run sends; `core` is where the servers are, apart from the client."""

    wrk: str
    api: Api
    requests: Requests
    connections: int
    core: int


@dataclass(frozen=True)
class Lengths:
    """How often and how long; times in seconds, a warm-up of 0 is none."""

    rounds: int
    seconds: int
    warm_up_seconds: int


@dataclass(frozen=True)
class Run:
    """One subject under one kind of request, in one round.

    `cpu_us` is the processor time of the server's process tree divided by the answers; `taken` the
    part of the time that the servers' core worked for others.
    """

    subject: str
    kind: str
    round: int
    cpu_us: float
    p50_ms: float
    p99_ms: float
    requests: int
    requests_per_second: float
    taken: float


@dataclass(frozen=True)
class Spread:
    """The median of a few values, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The lowest and the highest of at least one value."""
        return cls(median(values), min(values), max(values))

    @classmethod
    def of_middle_half(cls, values: Sequence[float]) -> "Spread":
        """The lower and the upper quartile of at least one value."""
        if len(values) == 1:
            return cls.of(values)
        low, middle, high = quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high)


def measure(
    load: Load,
    subjects: Sequence[Running],
    kinds: Sequence[str],
    lengths: Lengths,
    say: Callable[[str], None],
) -> Iterator[Run]:
    """Load the subjects in turn (A B C, B C A, ...), kind by kind, after a warm-up of each."""
    for kind in kinds:
        if lengths.warm_up_seconds:
            for subject in subjects:
                _load(load, subject, kind, lengths.warm_up_seconds)
        for number in range(1, lengths.rounds + 1):
            first = (number - 1) % len(subjects)  # no one always comes after the same other
            for subject in (*subjects[first:], *subjects[:first]):
                before, busy = processor_seconds(subject.pid), busy_seconds(load.core)
                answers = _load(load, subject, kind, lengths.seconds)
                used = processor_seconds(subject.pid) - before
                others = busy_seconds(load.core) - busy - used
                run = Run(
                    subject=subject.name,
                    kind=kind,
                    round=number,
                    cpu_us=used / answers.requests * 1e6,
                    p50_ms=answers.p50_ms,
                    p99_ms=answers.p99_ms,
                    requests=answers.requests,
                    requests_per_second=answers.requests / answers.seconds,
                    taken=max(0.0, others / answers.seconds),
                )
                say(
                    f"{kind:4} round {number} {subject.name}: {run.cpu_us:.0f} us, "
                    f"p99 {run.p99_ms:.1f} ms, {run.requests_per_second:.0f}/s"
                )
                yield run


def _load(load: Load, subject: Running, kind: str, seconds: int) -> Answers:
    try:
        return send(
            load.wrk,
            load.api.script,
            subject.url,
            kind,
            load.requests,
            seconds=seconds,
            connections=load.connections,
        )
    except NotRunError as error:
        raise NotRunError(
            f"{load.api.kinds[kind]} of the {subject.name} does not count: {error}"
        ) from None


def values(
    runs: Sequence[Run], subject: str, kind: str, value: Callable[[Run], float]
) -> list[float]:
    """One value of each round of a subject, in the order of the rounds."""
    return [value(run) for run in runs if run.subject == subject and run.kind == kind]


def ratios(
    runs: Sequence[Run], subject: str, to: str, kind: str, value: Callable[[Run], float]
) -> list[float]:
    """A subject's value over another's, round by round: what disturbs a round disturbs both."""
    pairs = zip(values(runs, subject, kind, value), values(runs, to, kind, value), strict=True)
    return [one / other for one, other in pairs]


def differences(
    runs: Sequence[Run], subject: str, less: str, kind: str, value: Callable[[Run], float]
) -> list[float]:
    """A subject's value minus another's, round by round."""
    pairs = zip(values(runs, subject, kind, value), values(runs, less, kind, value), strict=True)
    return [one - other for one, other in pairs]
