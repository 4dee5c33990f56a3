"""Runs the loop within the test's process, and adds up what it counted."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from senior_backend.load.arrivals import SECOND, Schedule, constant, schedule
from senior_backend.load.engine import poller as polling
from senior_backend.load.engine.channel import Channel
from senior_backend.load.engine.loop import Loop
from senior_backend.load.engine.messages import Decoder, Done, Ready, encode
from senior_backend.load.engine.settings import EngineSettings
from senior_backend.load.histogram import Histogram
from senior_backend.load.plan import Plan, Step
from senior_backend.load.recording import Window
from tests.load.engine.servers import Server

MS = 1_000_000
OK_STATUSES = frozenset(range(200, 400))
GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: test\r\n\r\n"


def step(static: bytes | None = GET, **changes: Any) -> Step:
    """A GET of / that is to be answered within 10 s."""
    given: dict[str, Any] = {
        "endpoint": 0,
        "render": None,
        "head": static is not None and static.startswith(b"HEAD"),
        "expected": OK_STATUSES,
        "timeout_ns": 10 * SECOND,
    }
    return Step(static=static, **(given | changes))


def plan(*steps: Step, endpoints: Sequence[str] = ("one", "two", "three")) -> Plan:
    return Plan(endpoints=tuple(endpoints), first=steps or (step(),))


def arrivals(count: int, seconds: float, *, warm: float = 0.0) -> Schedule:
    """So many arrivals, evenly over that time."""
    return schedule(constant(count / seconds, int(seconds * SECOND)), warm_ns=int(warm * SECOND))


def settings(server: Server, **changes: Any) -> EngineSettings:
    given = EngineSettings(
        addresses=((server.family, server.address),),
        max_connections=10,
        warm_connections=0,
        drain_ns=10 * SECOND,
    )
    return replace(given, **changes)


@dataclass
class Outcome:
    """What came of a run."""

    ready: Ready
    done: Done
    windows: list[Window]
    begin: int
    """When the first arrival was due, on the clock of the run."""

    def total(self, name: str) -> int:
        """The sum of a count over the measured windows."""
        return sum(getattr(window, name) for window in self.windows if window.index >= 0)

    def merged(self, name: str, endpoint: int | None = None) -> Histogram:
        """``response`` or ``service`` of one endpoint or all; or a histogram of the windows."""
        histogram = Histogram()
        for window in self.windows:
            if name in ("response", "service"):
                for number, counts in window.endpoints.items():
                    if endpoint in (None, number):
                        histogram.merge(getattr(counts, name))
            else:
                histogram.merge(getattr(window, name))
        return histogram

    @property
    def failures(self) -> dict[str, int]:
        causes: Counter[str] = Counter()
        for window in self.windows:
            for counts in window.endpoints.values():
                for cause, times in counts.failures.items():
                    causes[cause] += sum(times.values())
        return dict(causes)

    @property
    def statuses(self) -> dict[int, int]:
        found: Counter[int] = Counter()
        for window in self.windows:
            for counts in window.endpoints.values():
                found.update(counts.statuses)
        return dict(found)

    @property
    def bytes_received(self) -> int:
        return sum(c.bytes_received for window in self.windows for c in window.endpoints.values())

    @property
    def refused(self) -> dict[str, int]:
        """Connections that could not be opened, by cause."""
        causes: Counter[str] = Counter()
        for window in self.windows:
            causes.update(window.connection_failures)
        return dict(causes)

    @property
    def succeeded(self) -> int:
        return self.merged("response").count


def drive(
    plan: Plan,
    arriving: Schedule,
    given: EngineSettings,
    *,
    worker: int = 0,
    workers: int = 1,
    say: Callable[[Callable[..., None]], None] | None = None,
) -> Outcome:
    """A whole run. ``say`` is called in a thread of its own, with what sends a message."""
    poller = polling.make()
    ours, theirs = socket.socketpair()
    try:
        channel = Channel(theirs, poller)
        loop = Loop(plan, arriving, given, poller, channel, worker=worker, workers=workers)
        ready = loop.prepare()
        begin = time.perf_counter_ns() + 20 * MS
        thread: threading.Thread | None = None
        if say is not None:
            speak = say

            def send(*message: object) -> None:
                ours.sendall(encode(*message))

            thread = threading.Thread(target=speak, args=(send,), daemon=True)
            thread.start()
        windows: list[Window] = []
        decoder = Decoder()

        def listen() -> None:
            while data := ours.recv(1 << 20):
                windows.extend(message[1] for message in decoder.feed(data))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        done = loop.run(begin)
        channel.flush()
        theirs.close()
        listener.join(10)
        if thread is not None:
            thread.join(10)
        return Outcome(ready, done, windows, begin)
    finally:
        ours.close()
        theirs.close()
        poller.close()
