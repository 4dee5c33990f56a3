"""What is counted while a run goes on.

A worker counts into a ``Window``; once a second it sends it away and begins the next, so that its
memory is the same after an hour. The parent adds the windows of all workers to a ``Recording``.
All durations are integer nanoseconds, all histograms those of ``histogram``.
"""

from collections import defaultdict
from dataclasses import dataclass, field

Counts = dict[int, int]
"""Bucket -> count: a histogram on its way."""


@dataclass(slots=True)
class EndpointCounts:
    """One endpoint in one window."""

    response: Counts = field(default_factory=lambda: defaultdict(int))
    """Intended send -> last byte, of the requests that succeeded."""
    service: Counts = field(default_factory=lambda: defaultdict(int))
    """Actual send -> last byte, of the same."""
    failures: dict[str, Counts] = field(default_factory=dict)
    """Cause -> response time of the requests that failed of it."""
    statuses: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Statuses of complete responses, whether expected or not."""
    bytes_received: int = 0
    """As they came from the socket (after TLS), framing included."""


@dataclass(slots=True)
class Window:
    """What one worker counted between two moments of the run.

    Requests count where they end. Requests that were due in the warm-up are in no window. A window
    of very many endpoints comes in parts with the same index: whatever is a sum is in only one.
    """

    index: int
    """Seconds since the start of the measured part; -1: what ended before it."""
    endpoints: dict[int, EndpointCounts] = field(default_factory=dict)
    """Only those in which something ended; by index into ``Plan.endpoints``."""
    due: int = 0
    """Arrivals whose time came in this window."""
    started: int = 0
    """Arrivals whose first request was sent in this window, or failed for want of a connection."""
    sent: int = 0
    """The same of all requests, later steps of flows included."""
    dropped: int = 0
    """Arrivals given up: they waited longer for a connection than the backlog's limit."""
    backlog: int = 0
    """Arrivals due and not sent at the end of the window."""
    open_connections: int = 0
    """At the end of the window."""
    in_flight: int = 0
    """Requests without their response at the end of the window."""
    pacing: Counts = field(default_factory=lambda: defaultdict(int))
    """Lateness of sends that had a connection to go out on, and of those that came due while the
    generator stood still: its own error."""
    connect: Counts = field(default_factory=lambda: defaultdict(int))
    """TCP connects (through the proxy's CONNECT where there is one)."""
    tls: Counts = field(default_factory=lambda: defaultdict(int))
    """TLS handshakes, after the connect."""
    connection_failures: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Cause -> connections that could not be opened."""
    slept_ns: int = 0
    """Time in which the loop had nothing to do."""
    length_ns: int = 0
    """Time that this window covers, for this worker."""
