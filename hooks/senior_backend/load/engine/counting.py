"""What a worker counts, and how it leaves the worker: once a second, in gaps between sends."""

from collections import defaultdict
from dataclasses import replace
from typing import Final

from senior_backend.load.engine.channel import Channel
from senior_backend.load.engine.settings import SECOND
from senior_backend.load.histogram import bucket
from senior_backend.load.recording import Counts, EndpointCounts, Window

PART: Final = 16
"""Endpoints sent away at once: some 0.1 ms. The rest of a window follows in parts."""

GAP_NS: Final = 500_000
"""A window is sent away when there is that much time before the next send,"""

PATIENCE_NS: Final = 50_000_000
"""or when it has waited that long for such a gap."""


class Counting:
    """The counts of the current window. The loop holds on to the objects in it and counts into
    them directly, so that they are emptied, never replaced.
    """

    def __init__(self, endpoints: int, channel: Channel) -> None:
        self.measured = [EndpointCounts() for _ in range(endpoints)]
        self.thrown = [EndpointCounts() for _ in range(endpoints)]
        """Where the warm-up counts: nobody reads it."""
        self.window = Window(index=-1)
        self.thrown_pacing: Counts = defaultdict(int)
        self.dropped = 0
        """Measured arrivals that were given up, in this window."""
        self.later = 0
        """Later steps of measured flows that were sent, in this window."""
        self.slept = 0
        self.rotate_at = 0
        """When the window ends."""
        self._channel = channel
        self._start = 0
        self._began = 0
        self._come = 0
        self._taken = 0
        self._unsent: list[int] = []
        """Endpoints whose counts of the last window are still to be sent."""
        self._rest = Window(index=-1)
        """What is the same in each part of it."""

    def start(self, begin: int, start: int) -> None:
        """The warm-up begins at ``begin``, the measured part at ``start``."""
        self._began = begin
        self._start = start
        self.rotate_at = min(start, begin + SECOND)

    @property
    def has_more(self) -> bool:
        """Whether parts of the last window are still to be sent."""
        return bool(self._unsent)

    def may_rotate(self, now: int, wake: int) -> bool:
        """Whether now, at the end of the window, is the time, if the next send is at ``wake``."""
        late = now > self.rotate_at + PATIENCE_NS
        return self.window.index < 0 or wake - now > GAP_NS or late

    def rotate(
        self,
        now: int,
        *,
        come: int,
        taken: int,
        waiting: int,
        open_connections: int,
        in_flight: int,
    ) -> None:
        """Send the window away and begin the next.

        ``come`` and ``taken`` are measured arrivals since the start; ``waiting`` is what waits
        beside arrivals.
        """
        window = self.window
        while self._unsent:
            self.send_part()
        window.open_connections = open_connections
        window.length_ns = max(0, now - self._began)
        # What was slept before the start is in no window.
        window.slept_ns = min(self.slept, window.length_ns)
        if window.index >= 0:
            self._unsent = [
                number
                for number, counts in enumerate(self.measured)
                if counts.statuses or counts.failures
            ]
            window.endpoints = self._next_part()
            window.due = come - self._come
            window.dropped = self.dropped
            window.started = taken - self._taken - self.dropped
            window.sent = window.started + self.later
            window.backlog = max(0, come - taken) + waiting
            window.in_flight = in_flight
            self._come, self._taken = come, taken
            self.dropped = self.later = 0
            self._channel.send("window", window)
            window.pacing.clear()
        else:
            # What is measured already belongs to the first window of the measured part.
            self._channel.send("window", replace(window, pacing={}))
        _clear(window.endpoints)
        window.endpoints = {}
        self._rest = Window(
            index=window.index,
            backlog=window.backlog,
            open_connections=window.open_connections,
            in_flight=window.in_flight,
        )
        window.connect.clear()
        window.tls.clear()
        window.connection_failures.clear()
        self.slept = 0
        self._began = now
        if now < self._start:
            self.rotate_at = min(self._start, now + SECOND)
        else:
            window.index = max(window.index + 1, (now - self._start) // SECOND)
            self.rotate_at = self._start + (window.index + 1) * SECOND

    def send_part(self) -> None:
        """More endpoints of the window that was sent last. What they counted since is in it."""
        part = self._next_part()
        self._channel.send("window", replace(self._rest, endpoints=part))
        _clear(part)

    def finish(self) -> None:
        """Send what is left of the last window."""
        while self._unsent:
            self.send_part()

    def _next_part(self) -> dict[int, EndpointCounts]:
        part = {number: self.measured[number] for number in self._unsent[:PART]}
        del self._unsent[:PART]
        return part


def count_failure(where: EndpointCounts, cause: str, elapsed: int) -> None:
    """A request failed after that time, counted from its intended send."""
    counts = where.failures.get(cause)
    if counts is None:
        counts = where.failures[cause] = defaultdict(int)
    counts[bucket(elapsed)] += 1


def _clear(endpoints: dict[int, EndpointCounts]) -> None:
    for counts in endpoints.values():
        counts.response.clear()
        counts.service.clear()
        counts.failures.clear()
        counts.statuses.clear()
        counts.bytes_received = 0
