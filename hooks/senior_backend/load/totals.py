"""The windows of all workers, added up: exact totals, and a series that stays small.

A run of hours, or of a thousand endpoints, takes no more memory than one of minutes: the series has
at most 600 stretches, fewer where there are many endpoints; when there are more, or when their
histograms get too many buckets, adjacent stretches are joined and every stretch becomes twice as
long. Totals lose nothing by it: they are kept by themselves.

Windows of different workers arrive out of step, and those of a worker that died do not arrive.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from senior_backend.load.recording import Counts, EndpointCounts, Window

SECOND: Final = 1_000_000_000
MOST_STRETCHES: Final = 600
FEWEST_STRETCHES: Final = 60
"""Below that no stretches are joined, whatever their size: a comparison needs about 30 blocks."""
MOST_NUMBERS: Final = 30_000
"""Stretches times endpoints: the size of the series in the result."""
MOST_BUCKETS: Final = 1_000_000
"""Of all histograms in the series; 6 bytes each."""
BLOCKS: Final = 30
FEW_BLOCKS: Final = 12
"""More than these are halved as long as they have too many buckets for a result."""
MOST_BLOCK_BUCKETS: Final = 300_000
_OPEN: Final = 5
"""Stretches that are still expected to grow are not packed."""

Packed = tuple["array[int]", "array[int]"]
"""A histogram that rests: buckets and counts, in no order."""


def _counts() -> Counts:
    return defaultdict(int)


def add_counts(to: Counts, counts: Counts) -> None:
    """Add a histogram to another."""
    for bucket, count in counts.items():
        to[bucket] = to.get(bucket, 0) + count


def _pack(counts: Counts) -> Packed:
    kind = "I" if max(counts.values(), default=0) < 2**32 else "Q"
    return array("H", counts), array(kind, counts.values())


@dataclass(slots=True)
class Gauge:
    """What one worker had before it at the end of a window."""

    index: int
    backlog: int
    open_connections: int
    in_flight: int


@dataclass(slots=True)
class Numbers:
    """What is counted for a stretch, or for all of the run, beside the requests themselves."""

    due: int = 0
    started: int = 0
    """Arrivals whose first request was sent, within the measured part."""
    sent: int = 0
    dropped: int = 0
    gauges: dict[int, Gauge] = field(default_factory=dict)
    """The last of each worker."""
    slept_ns: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """By worker, within the measured part."""
    length_ns: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """By worker: how much of the measured part its windows account for."""

    def add(self, worker: int, window: Window, *, measured: bool) -> None:
        """Add one window of one worker; after the measured part only responses are awaited."""
        self.due += window.due
        self.sent += window.sent
        self.dropped += window.dropped
        self._gauge(
            worker,
            Gauge(window.index, window.backlog, window.open_connections, window.in_flight),
        )
        if measured:
            self.started += window.started
            self.slept_ns[worker] += window.slept_ns
            self.length_ns[worker] += window.length_ns

    def merge(self, other: "Numbers") -> None:
        """Add another stretch."""
        self.due += other.due
        self.started += other.started
        self.sent += other.sent
        self.dropped += other.dropped
        for worker, gauge in other.gauges.items():
            self._gauge(worker, gauge)
        for worker, length in other.length_ns.items():
            self.length_ns[worker] += length
            self.slept_ns[worker] += other.slept_ns[worker]

    def _gauge(self, worker: int, gauge: Gauge) -> None:
        known = self.gauges.get(worker)
        if known is None or known.index <= gauge.index:
            self.gauges[worker] = gauge

    @property
    def backlog(self) -> int:
        """Arrivals that were due and not sent at the end, over all workers."""
        return sum(gauge.backlog for gauge in self.gauges.values())

    @property
    def open_connections(self) -> int:
        """At the end, over all workers."""
        return sum(gauge.open_connections for gauge in self.gauges.values())

    @property
    def in_flight(self) -> int:
        """Requests without their response at the end, over all workers."""
        return sum(gauge.in_flight for gauge in self.gauges.values())

    @property
    def busy(self) -> float:
        """The share of the time in which the busiest worker had something to do; 0 if unknown."""
        return max(
            (
                1 - min(self.slept_ns[worker], length) / length
                for worker, length in self.length_ns.items()
                if length > 0
            ),
            default=0.0,
        )


@dataclass(slots=True)
class Totals:
    """Everything that was counted in a stretch, or in all of the run; exact."""

    numbers: Numbers = field(default_factory=Numbers)
    endpoints: dict[int, EndpointCounts] = field(default_factory=dict)
    pacing: Counts = field(default_factory=_counts)
    connect: Counts = field(default_factory=_counts)
    tls: Counts = field(default_factory=_counts)
    connection_failures: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, worker: int, window: Window, *, measured: bool) -> None:
        """Add one window of one worker."""
        self.numbers.add(worker, window, measured=measured)
        for endpoint, counts in window.endpoints.items():
            add_endpoint(self.endpoints.setdefault(endpoint, EndpointCounts()), counts)
        add_counts(self.pacing, window.pacing)
        self.connected(window)

    def merge(self, other: "Totals") -> None:
        """Add another stretch."""
        self.numbers.merge(other.numbers)
        for endpoint, counts in other.endpoints.items():
            add_endpoint(self.endpoints.setdefault(endpoint, EndpointCounts()), counts)
        add_counts(self.pacing, other.pacing)
        self.connected(other)

    def connected(self, window: "Window | Totals") -> None:
        """Add only what a window says of connections."""
        add_counts(self.connect, window.connect)
        add_counts(self.tls, window.tls)
        for cause, count in window.connection_failures.items():
            self.connection_failures[cause] += count


def add_endpoint(to: EndpointCounts, counts: EndpointCounts) -> None:
    """Add the counts of an endpoint to others."""
    add_counts(to.response, counts.response)
    add_counts(to.service, counts.service)
    for cause, times in counts.failures.items():
        add_counts(to.failures.setdefault(cause, _counts()), times)
    for status, count in counts.statuses.items():
        to.statuses[status] += count
    to.bytes_received += counts.bytes_received


def failed(counts: EndpointCounts) -> int:
    """Requests of an endpoint that failed."""
    return sum(sum(times.values()) for times in counts.failures.values())


class Stretch:
    """A part of the series: what can be shown over time, with a histogram for each endpoint."""

    __slots__ = ("_response", "errors", "failed", "numbers")

    def __init__(self) -> None:
        self.numbers = Numbers()
        self.failed: Counts = _counts()
        """Endpoint -> requests that failed."""
        self.errors: dict[str, int] = {}
        """Cause -> requests that failed of it."""
        self._response: dict[int, Counts | Packed] = {}

    def add(self, worker: int, window: Window, *, measured: bool) -> None:
        """Add one window of one worker."""
        self.numbers.add(worker, window, measured=measured)
        for endpoint, counts in window.endpoints.items():
            if counts.response:
                add_counts(self._opened(endpoint), counts.response)
            if counts.failures:
                self.failed[endpoint] += failed(counts)
                for cause, times in counts.failures.items():
                    self._failed_of(cause, sum(times.values()))

    def merge(self, other: "Stretch") -> None:
        """Add what follows."""
        self.numbers.merge(other.numbers)
        add_counts(self.failed, other.failed)
        for cause, count in other.errors.items():
            self._failed_of(cause, count)
        for endpoint in other._response:
            add_counts(self._opened(endpoint), other.response(endpoint))

    def response(self, endpoint: int) -> Counts:
        """The response times of an endpoint's requests that succeeded."""
        kept = self._response.get(endpoint, {})
        return dict(zip(*kept, strict=True)) if isinstance(kept, tuple) else kept

    def endpoints(self) -> list[int]:
        """The endpoints of which something ended."""
        return sorted(self._response.keys() | self.failed.keys())

    def pack(self) -> None:
        """Let its histograms rest, where they take a tenth of the memory."""
        for endpoint, counts in self._response.items():
            if not isinstance(counts, tuple):
                self._response[endpoint] = _pack(counts)

    @property
    def buckets(self) -> int:
        """Of all its histograms."""
        return sum(
            len(kept[0]) if isinstance(kept, tuple) else len(kept)
            for kept in self._response.values()
        )

    def _failed_of(self, cause: str, count: int) -> None:
        self.errors[cause] = self.errors.get(cause, 0) + count

    def _opened(self, endpoint: int) -> Counts:
        kept = self._response.get(endpoint)
        if kept is None or isinstance(kept, tuple):
            opened = _counts()
            opened.update(self.response(endpoint))
            self._response[endpoint] = opened
            return opened
        return kept


@dataclass(slots=True)
class _Watch:
    """Someone who wants every stretch of a length, once all workers are past it."""

    length: int
    """Windows."""
    last: int
    """The number of the last stretch, which takes all that remains."""
    told: Callable[[Totals, float], None]
    open: dict[int, Totals] = field(default_factory=dict)
    next: int = 0

    def add(self, worker: int, window: Window, complete: int, *, measured: bool) -> None:
        """Add a window; tell of the stretches that lie before the window ``complete``."""
        place = max(self.next, min(window.index // self.length, self.last))
        self.open.setdefault(place, Totals()).add(worker, window, measured=measured)
        while self.next < self.last and (self.next + 1) * self.length <= complete:
            self.tell(self.length)

    def tell(self, seconds: float) -> None:
        """Tell of the next stretch, which may be empty."""
        self.told(self.open.pop(self.next, Totals()), seconds)
        self.next += 1

    def finish(self, duration_ns: int) -> None:
        """Tell of what is left; less than half a stretch after others is too little to tell."""
        last = min(self.last, _stretches(duration_ns, self.length) - 1)
        for place in [place for place in self.open if place > last]:
            rest = self.open.pop(place)
            if last >= self.next:
                self.open.setdefault(last, Totals()).merge(rest)
        while self.next <= last:
            rest_s = duration_ns / SECOND - self.next * self.length
            self.tell(rest_s if self.next == last else self.length)


def _stretches(duration_ns: int, length_s: int) -> int:
    return max(1, int(duration_ns / (length_s * SECOND) + 0.5))


class Recording:
    """All that was counted, as far as it has come in."""

    def __init__(self, endpoints: Sequence[str], workers: int, duration_ns: int) -> None:
        self.endpoints = tuple(endpoints)
        self.workers = workers
        self.seconds = -(-duration_ns // SECOND)
        """Windows of the measured part; those that follow are the wait for the last responses."""
        self.duration_ns = duration_ns
        self.total = Totals()
        """Exact, from the first window to the last response."""
        self.span = 1
        """Windows in a stretch of the series."""
        self.most = max(
            FEWEST_STRETCHES, min(MOST_STRETCHES, MOST_NUMBERS // max(1, len(endpoints)))
        )
        self._series: dict[int, Stretch] = {}
        self._packed: dict[int, int] = {}
        """Stretches that rest -> their buckets."""
        self._latest: dict[int, int] = {}
        """Worker -> the number of its last window."""
        self._lost: set[int] = set()
        self._watches: list[_Watch] = []

    def watch(self, length_s: int, told: Callable[[Totals, float], None]) -> None:
        """Have ``told`` called with every stretch of ``length_s`` and its length in seconds.

        Together the stretches are the whole run: the last is up to half as long again, or down to
        half as long, and has the responses that came after the end. ``finish`` tells of it.
        """
        last = _stretches(self.duration_ns, length_s) - 1
        self._watches.append(_Watch(length_s, last, told))

    def add(self, worker: int, window: Window) -> None:
        """Add one window of one worker."""
        if window.index < 0:
            self.total.connected(window)
            return
        measured = window.index < self.seconds
        self.total.add(worker, window, measured=measured)
        self._latest[worker] = max(window.index, self._latest.get(worker, -1))
        place = window.index // self.span
        self._series.setdefault(place, Stretch()).add(worker, window, measured=measured)
        self._packed.pop(place, None)
        for watch in self._watches:
            watch.add(worker, window, self.complete, measured=measured)
        self._settle()

    @property
    def complete(self) -> int:
        """How many windows, counted from the start, no worker will add to any more."""
        present = set(range(self.workers)) - self._lost
        if not present <= self._latest.keys():
            return 0
        return min((self._latest[worker] for worker in present), default=-1) + 1

    def lose(self, worker: int) -> None:
        """A worker died: nobody waits for its windows any more."""
        self._lost.add(worker)

    def finish(self, duration_ns: int) -> None:
        """The run has ended, after ``duration_ns`` of its measured part: tell who watches."""
        for watch in self._watches:
            watch.finish(duration_ns)
        self._watches = []

    def covered_ns(self, worker: int) -> int:
        """How much of the measured part the windows of a worker account for."""
        return self.total.numbers.length_ns.get(worker, 0)

    def series(self) -> Iterator[tuple[int, int, Stretch]]:
        """The stretches in order: first window, number of windows, what happened."""
        for place in sorted(self._series):
            yield place * self.span, self.span, self._series[place]

    def blocks(self) -> Iterator[tuple[int, int, Stretch]]:
        """About 30 equal stretches of the measured part, as in ``series``.

        The last is up to half as long again, or down to half as long. What ended after the measured
        part is in it: it was due before the end.
        """
        inside = [place for place in self._series if place * self.span < self.seconds]
        if not inside:
            return
        parts = max(inside) + 1
        each = -(-parts // BLOCKS)
        while True:
            count = max(1, (2 * parts + each) // (2 * each))
            joined = self._joined(each, count)
            buckets = sum(stretch.buckets for stretch in joined.values())
            if count <= FEW_BLOCKS or buckets <= MOST_BLOCK_BUCKETS:
                break
            each *= 2
        for block in sorted(joined):
            start = block * each * self.span
            end = start + each * self.span
            if block == count - 1:
                last = max(gauge.index for gauge in joined[block].numbers.gauges.values())
                end = min(self.seconds, last + 1)
            yield start, end - start, joined[block]

    def _joined(self, each: int, count: int) -> dict[int, Stretch]:
        """The series in ``count`` parts of so many stretches, the rest in the last."""
        joined: dict[int, Stretch] = {}
        for place, stretch in self._series.items():
            joined.setdefault(min(place // each, count - 1), Stretch()).merge(stretch)
        return joined

    def _settle(self) -> None:
        """Pack what no longer grows, and join stretches when there are too many."""
        self._pack()
        while self._too_many():
            self._join_pairs()
            self._pack()

    def _pack(self) -> None:
        newest = max(self._series)
        for place, stretch in self._series.items():
            if place not in self._packed and place < newest - _OPEN:
                stretch.pack()
                self._packed[place] = stretch.buckets

    def _too_many(self) -> bool:
        count = len(self._series)
        if count > self.most:
            return True
        return count > FEWEST_STRETCHES and sum(self._packed.values()) > MOST_BUCKETS

    def _join_pairs(self) -> None:
        joined: dict[int, Stretch] = {}
        for place in sorted(self._series):
            stretch = self._series.pop(place)
            if place // 2 in joined:
                joined[place // 2].merge(stretch)
                joined[place // 2].pack()  # at once, so that not all are open together
            else:
                joined[place // 2] = stretch
        self.span *= 2
        self._series = joined
        self._packed = {}
