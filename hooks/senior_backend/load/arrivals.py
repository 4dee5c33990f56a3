"""When each arrival is due: a pure function of its number, in integer nanoseconds.

A run is a row of stretches, in each of which the rate is constant or changes linearly. Arrival *k*
is due when the integral of the rate reaches *k*: the first at the start of the measured part, and
the next stretch takes up the fraction that the last one left, so that nothing drifts at a border.
The number of arrivals is the integral, rounded down: 500 a second for 60 s are 30,000.

Poisson arrivals have the same number and the same integral; only the distances are random. Given
their number, the points of a Poisson process are uniform on the scale of the integral, sorted; and
sorted uniform points are partial sums of exponential gaps, divided by their total. So the sum of
each block of gaps is drawn once (a gamma distribution) and kept, and the gaps within a block can be
drawn again whenever they are needed: memory stays flat, every worker sees the same arrivals, and a
run can be repeated. (L. Devroye, Non-Uniform Random Variate Generation, chapter V.)

The warm-up comes before the measured part and is counted by itself, so that it changes neither the
number nor the times of the arrivals that are measured.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import ceil, floor, log, sqrt
from random import Random
from typing import Final, Literal

from senior_backend.load.scenario.errors import ScenarioError
from senior_backend.load.scenario.model import Constant, LoadModel, Ramp, Spike, Steps
from senior_backend.load.scenario.source import Path

SECOND: Final = 1_000_000_000

BLOCK: Final = 512
"""Random gaps that are drawn together."""

MOST_STRETCHES: Final = 10_000
MOST_ARRIVALS: Final = {"constant": 10_000_000_000, "poisson": 1_000_000_000}
"""Days of the highest rates. Random arrivals keep 8 bytes for each ``BLOCK``, in each process."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the rate goes linearly from ``start`` to ``end``, in arrivals a second."""

    length_ns: int
    start: Fraction
    end: Fraction

    @property
    def arrivals(self) -> Fraction:
        """The integral of the rate."""
        return (self.start + self.end) / 2 * self.length_ns / SECOND


def rate(value: float) -> Fraction:
    """A rate as it was meant: 0.1 is a tenth, and 1 a minute is exactly a sixtieth a second."""
    return Fraction(value).limit_denominator(1_000_000)


def constant(value: float, length_ns: int) -> tuple[Stretch, ...]:
    """The same rate all the time."""
    return (Stretch(length_ns, rate(value), rate(value)),)


def ramp(before: float, value: float, length_ns: int) -> tuple[Stretch, ...]:
    """From the rate ``before`` to ``value``, linearly."""
    return (Stretch(length_ns, rate(before), rate(value)),)


def steps(before: float, value: float, by: float, each_ns: int) -> tuple[Stretch, ...]:
    """Up or down to ``value`` by ``by``, each rate held for a time; the last step may be smaller.

    The first step is one ``by`` away from the rate ``before``.
    """
    now, goal, size = rate(before), rate(value), abs(rate(by))
    if not size:
        raise ValueError("a step of 0 arrives nowhere")
    rates = []
    while now != goal:
        now = min(now + size, goal) if now < goal else max(now - size, goal)
        rates.append(now)
    return tuple(Stretch(each_ns, held, held) for held in rates)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch in its place, with what the closed forms need."""

    start_ns: int
    end_ns: int
    offset: Fraction
    """The integral of the rate before it."""
    stop: int
    """The first arrival after it."""
    position: float
    """``offset``, for random arrivals."""
    start_rate: float
    change: float
    """Of the rate, a second for each second; 0 where it is constant."""
    numerator: int
    base: int
    denominator: int
    """Constant: arrival k is due at (k * numerator + base) // denominator ns."""

    def times(self, numbers: range) -> list[int]:
        """When these arrivals are due; they are all in this piece."""
        if not numbers:
            return []
        if not self.change:
            first = numbers.start * self.numerator + self.base
            step = numbers.step * self.numerator
            divisor = self.denominator
            return [x // divisor for x in range(first, first + step * len(numbers), step)]
        # t = 2n / (r + sqrt(r^2 + 2cn)): the root of the integral that loses no digits. Doubles
        # hold a run of 24 hours to 0.02 ns.
        start, begin, squared = self.start_ns, self.start_rate, self.start_rate**2
        double = 2 * self.change
        top, bottom = self.offset.numerator, self.offset.denominator
        if bottom == 1:
            counts: Iterable[float] = range(numbers.start - top, numbers.stop - top, numbers.step)
        else:
            counts = ((k * bottom - top) / bottom for k in numbers)
        # Not above 0 only at the very start of a ramp that begins at 0.
        return [
            start + int(2e9 * n / (begin + sqrt(max(0.0, squared + double * n)))) if n else start
            for n in counts
        ]

    def at(self, position: float) -> int:
        """When the integral reaches a random ``position`` in this piece."""
        n = position - self.position
        if n <= 0:
            return self.start_ns
        root = sqrt(max(0.0, self.start_rate**2 + 2 * self.change * n))
        return min(self.end_ns - 1, self.start_ns + int(2e9 * n / (self.start_rate + root)))


@dataclass(frozen=True, slots=True)
class _Part:
    """The warm-up or the measured part: so many arrivals on a row of pieces."""

    pieces: tuple[_Piece, ...]
    count: int
    total: float
    """The integral of the rate: the scale of random arrivals."""
    seed: str | None
    """Of random arrivals."""
    sums: "array[float]"
    """Random arrivals: where each block of gaps begins, from 0 to 1, and 1 at the end."""

    def times(self, numbers: range) -> list[int]:
        if self.seed is not None:
            return self._random(self.seed, numbers)
        due: list[int] = []
        for piece in self.pieces:
            done = len(due)
            rest = numbers[done:]
            if not rest:
                break
            if rest.start < piece.stop:
                step = rest.step
                inside = (min(rest.stop, piece.stop) - rest.start + step - 1) // step
                due += piece.times(rest[:inside])
        return due

    def _random(self, seed: str, numbers: range) -> list[int]:
        due: list[int] = []
        total, sums, pieces = self.total, self.sums, self.pieces
        starts = [piece.position for piece in pieces]
        steady = len(pieces) == 1 and not pieces[0].change
        place = 0
        while place < len(numbers):
            k = numbers[place]
            block, inside = divmod(k, BLOCK)
            size = min(BLOCK, self.count + 1 - block * BLOCK)
            low = sums[block] * total
            width = (sums[block + 1] - sums[block]) * total
            # Arrival k comes after gap k; after the last arrival there is one gap more.
            last = self.count - block * BLOCK
            chosen = _gaps(seed, block, size)[inside : last : numbers.step]
            chosen = chosen[: len(numbers) - place]
            if steady:
                start, between = pieces[0].start_ns, 1e9 / pieces[0].start_rate
                due += [start + int((low + share * width) * between) for share in chosen]
                due[-1] = min(due[-1], pieces[0].end_ns - 1)
            else:
                for share in chosen:
                    position = low + share * width
                    due.append(pieces[bisect_right(starts, position) - 1].at(position))
            place += len(chosen)
        return due

    def due_by(self, ns: int) -> int:
        """How many arrivals have come by ``ns``, which is counted from the same start as theirs."""
        low, high = 0, self.count
        if self.seed is not None and self.count:
            # The block first, so that no other is drawn.
            block = bisect_right(range(len(self.sums) - 1), ns, key=self._begins) - 1
            low = max(0, block) * BLOCK
            high = min(self.count, low + BLOCK)
        return bisect_right(range(high), ns, lo=low, key=lambda k: self.times(range(k, k + 1))[0])

    def _begins(self, block: int) -> int:
        """When a block of gaps begins; its first arrival comes after it."""
        position = self.sums[block] * self.total
        starts = [piece.position for piece in self.pieces]
        return self.pieces[max(0, bisect_right(starts, position) - 1)].at(position)


@dataclass(frozen=True, slots=True)
class Schedule:
    """All arrivals of a run. Times are nanoseconds since the start of the warm-up.

    With W workers, worker w takes the arrivals k = w (mod W): together they send each one once.
    """

    warm_ns: int
    """The length of the warm-up."""
    duration_ns: int
    """The length of the measured part."""
    arrivals: Literal["constant", "poisson"]
    seed: int
    warming: _Part
    measured: _Part

    @property
    def warm(self) -> int:
        """Arrivals in the warm-up: those with k < ``warm``."""
        return self.warming.count

    @property
    def count(self) -> int:
        """Arrivals in all, those of the warm-up included."""
        return self.warming.count + self.measured.count

    @property
    def rate(self) -> float:
        """Arrivals a second, on average over the measured part."""
        return self.measured.count * SECOND / self.duration_ns

    def due(self, k: int) -> int:
        """When arrival ``k`` is due; never before the one that precedes it."""
        if not 0 <= k < self.count:
            raise IndexError(f"arrival {k} of {self.count}")
        return self.chunk(k, 1, 1)[0]

    def chunk(self, first: int, stride: int, n: int) -> list[int]:
        """When arrivals ``first``, ``first + stride``, ... are due: ``n``, or fewer at the end.

        Random arrivals cost all that lie between as well, about 0.1 us each.
        """
        numbers = range(first, min(self.count, first + stride * n), stride)
        if numbers.start >= self.warm:
            return self.measured.times(_moved(numbers, self.warm))
        due = self.warming.times(range(first, min(numbers.stop, self.warm), stride))
        return due + self.measured.times(_moved(numbers[len(due) :], self.warm))

    def due_by(self, ns: int) -> int:
        """How many arrivals are due at ``ns`` or before."""
        if ns < self.warm_ns:
            return self.warming.due_by(ns)
        return self.warm + self.measured.due_by(ns)


def _warming(stretches: Sequence[Stretch], warm_ns: int) -> Stretch:
    mean = (stretches[0].start + stretches[0].end) / 2
    return Stretch(warm_ns, mean, mean)


def schedule(
    stretches: Sequence[Stretch],
    *,
    warm_ns: int = 0,
    arrivals: Literal["constant", "poisson"] = "constant",
    seed: int = 0,
) -> Schedule:
    """Put arrivals on a row of stretches.

    The warm-up has the mean rate of the first stretch: the rate itself where it is constant, half
    of it where the first stage ramps up from 0. (Its starting rate would be no warm-up, its goal
    might be more than the target can take before anything is measured.)
    """
    warming: tuple[Stretch, ...] = ()
    if warm_ns:
        warming = (_warming(stretches, warm_ns),)
    random = arrivals == "poisson"
    return Schedule(
        warm_ns=warm_ns,
        duration_ns=sum(stretch.length_ns for stretch in stretches),
        arrivals=arrivals,
        seed=seed,
        warming=_part(warming, 0, f"{seed} warm-up" if random else None),
        measured=_part(stretches, warm_ns, f"{seed}" if random else None),
    )


def schedule_of(load: LoadModel) -> Schedule:
    """The arrivals that a scenario asks for.

    Raises:
        ScenarioError: none are due, or too many.
    """
    stretches = stretches_of(load)
    _judge_count(stretches, load)
    return schedule(stretches, warm_ns=load.warm_up_ns, arrivals=load.arrivals, seed=load.seed)


def problems(load: LoadModel) -> Iterator[tuple[Path, str]]:
    """What is wrong with the arrivals asked for, with the way to it; none of them is computed."""
    try:
        _judge_count(stretches_of(load), load)
    except ScenarioError as error:
        yield error.path, error.message


def _judge_count(stretches: Sequence[Stretch], load: LoadModel) -> None:
    at: Path = ("load", "stages" if load.stages else "rate")
    count = sum((stretch.arrivals for stretch in stretches), Fraction(0))
    if count < 1:
        raise ScenarioError(
            at,
            "not one arrival is due in the whole time; write a higher rate or a longer duration",
        )
    most = MOST_ARRIVALS[load.arrivals]
    if count + _warming(stretches, load.warm_up_ns).arrivals > most:
        raise ScenarioError(
            at,
            f"more than {most:,} {load.arrivals} arrivals, warm-up included; write a lower rate "
            "or a shorter duration",
        )


def stretches_of(load: LoadModel) -> list[Stretch]:
    """The measured part: how the rate goes.

    Raises:
        ScenarioError: too many steps.
    """
    stretches: list[Stretch] = []
    before = 0.0
    for stage in load.shape:
        match stage:
            case Constant():
                stretches += constant(stage.rate, stage.duration_ns)
                before = stage.rate
            case Ramp():
                stretches += ramp(before, stage.ramp_to, stage.duration_ns)
                before = stage.ramp_to
            case Steps():
                if abs(stage.step_to - before) / stage.by > MOST_STRETCHES:
                    raise ScenarioError(
                        ("load", "stages"),
                        f"steps of {stage.by:g} from {before:g} to {stage.step_to:g} "
                        f"are more than {MOST_STRETCHES:,}; write a greater 'by', or ramp_to",
                    )
                stretches += steps(before, stage.step_to, stage.by, stage.every_ns)
                before = stage.step_to
            case Spike():
                stretches += constant(stage.spike_to, stage.duration_ns)
    return stretches


def _part(stretches: Sequence[Stretch], start_ns: int, seed: str | None) -> _Part:
    total = sum((stretch.arrivals for stretch in stretches), Fraction(0))
    count = floor(total)
    pieces = []
    offset = Fraction(0)
    for stretch in stretches:
        end_ns = start_ns + stretch.length_ns
        if stretch.arrivals:
            pieces.append(_piece(stretch, start_ns, offset, count))
        offset += stretch.arrivals
        start_ns = end_ns
    sums = _sums(seed, count) if seed is not None else array("d")
    return _Part(tuple(pieces), count, float(total), seed, sums)


def _piece(stretch: Stretch, start_ns: int, offset: Fraction, count: int) -> _Piece:
    """Arrival k of a constant stretch: start + (k - offset) * (ns between two), in integers."""
    change = (stretch.end - stretch.start) * SECOND / stretch.length_ns
    numerator = base = 0
    denominator = 1
    if not change:
        between = SECOND / stretch.start
        begin = start_ns - offset * between
        denominator = between.denominator * begin.denominator
        numerator = between.numerator * begin.denominator
        base = begin.numerator * between.denominator
    return _Piece(
        start_ns=start_ns,
        end_ns=start_ns + stretch.length_ns,
        offset=offset,
        stop=min(count, ceil(offset + stretch.arrivals)),
        position=float(offset),
        start_rate=float(stretch.start),
        change=float(change),
        numerator=numerator,
        base=base,
        denominator=denominator,
    )


def _sums(seed: str, count: int) -> "array[float]":
    """Where each block of the ``count + 1`` gaps begins, as a share of their sum; 1 at the end."""
    random = Random(f"{seed} blocks")  # noqa: S311 - reproducible is what it must be
    blocks, rest = divmod(count + 1, BLOCK)
    sizes = [BLOCK] * blocks + [rest] * (rest > 0)
    drawn = array("d", accumulate((random.gammavariate(size, 1) for size in sizes), initial=0.0))
    total = drawn[-1]
    return array("d", (value / total for value in drawn))


@lru_cache(maxsize=8)
def _gaps(seed: str, block: int, size: int) -> "array[float]":
    """Where each gap of a block ends, as a share of the block: rising, up to 1."""
    draw = Random(f"{seed} {block}").random  # noqa: S311 - reproducible is what it must be
    ends = array("d", accumulate([-log(1.0 - draw()) for _ in range(size)]))
    total = ends[-1]
    return array("d", [end / total for end in ends])


def _moved(numbers: range, by: int) -> range:
    return range(numbers.start - by, numbers.stop - by, numbers.step)
