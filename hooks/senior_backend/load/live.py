"""What a person at a terminal sees while a load test runs: the last seconds, redrawn in place.

``Pulse`` is the numbers, without a terminal; ``View`` draws them on standard error.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from senior_backend.load.formats import units
from senior_backend.load.histogram import Histogram
from senior_backend.load.recording import Window

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SHOWN_S: Final = 5
"""The numbers are those of the last so many complete seconds."""


@dataclass(slots=True)
class _Second:
    due: int = 0
    started: int = 0
    reported: int = 0
    response: Histogram = field(default_factory=Histogram)


class Pulse:
    """The state of a run, from the windows of its workers; memory of a few seconds."""

    def __init__(self, workers: int) -> None:
        self.completed = 0
        self.failed = 0
        self.dropped = 0
        self.causes: dict[str, int] = {}
        self._workers = workers
        self._seconds: dict[int, _Second] = {}
        self._levels: dict[int, tuple[int, int, int]] = {}  # worker -> backlog, flying, open

    def add(self, worker: int, window: Window) -> None:
        """Count what one worker did in one second."""
        second = self._seconds.setdefault(window.index, _Second())
        second.due += window.due
        second.started += window.started
        second.reported += 1
        for counts in window.endpoints.values():
            second.response.merge(counts.response)
            self.completed += sum(counts.response.values())
            for cause, failures in counts.failures.items():
                failed = sum(failures.values())
                self.failed += failed
                self.completed += failed
                self.causes[cause] = self.causes.get(cause, 0) + failed
        self.dropped += window.dropped
        self._levels[worker] = (window.backlog, window.in_flight, window.open_connections)
        newest = max(self._seconds)
        for index in [index for index in self._seconds if index < newest - 2 * SHOWN_S]:
            del self._seconds[index]

    def _shown(self) -> list[_Second]:
        """The last seconds of which every worker has told."""
        whole = [i for i, second in self._seconds.items() if second.reported >= self._workers]
        return [self._seconds[index] for index in sorted(whole)[-SHOWN_S:]]

    @property
    def asked(self) -> float:
        """Arrivals due a second."""
        return _mean(second.due for second in self._shown())

    @property
    def achieved(self) -> float:
        """Arrivals sent a second."""
        return _mean(second.started for second in self._shown())

    @property
    def response(self) -> Histogram:
        """Response times of what succeeded."""
        merged = Histogram()
        for second in self._shown():
            merged.merge(second.response)
        return merged

    @property
    def backlog(self) -> int:
        """Arrivals due and not sent."""
        return sum(level[0] for level in self._levels.values())

    @property
    def in_flight(self) -> int:
        """Requests without their response."""
        return sum(level[1] for level in self._levels.values())

    @property
    def open_connections(self) -> int:
        """Over all workers."""
        return sum(level[2] for level in self._levels.values())


def _mean(numbers: Iterable[int]) -> float:
    values = list(numbers)
    return sum(values) / len(values) if values else 0.0


class View:
    """Redraws itself when it is told to: no thread, which would cost the parent its ear."""

    def __init__(self, title: str, pulse: Pulse, *, warm_s: float, duration_s: float) -> None:
        from rich.console import Console
        from rich.live import Live

        self._pulse = pulse
        self._title = title
        self._warm_s = warm_s
        self._duration_s = duration_s
        self._live = Live(
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def start(self) -> None:
        """Take the lines below the cursor."""
        self._live.start()

    def draw(self, elapsed_s: float, state: str = "") -> None:
        """``elapsed_s`` counts from the start of the warm-up; ``state`` is what is going on now."""
        self._live.update(self.rendered(elapsed_s, state), refresh=True)

    def stop(self) -> None:
        """Give the lines back, cleared: the report follows."""
        self._live.stop()

    def rendered(self, elapsed_s: float, state: str = "") -> "RenderableType":
        """The view at one moment."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        pulse = self._pulse
        measured = min(max(elapsed_s - self._warm_s, 0.0), self._duration_s)
        if not state:
            state = (
                f"warm-up, {self._warm_s - elapsed_s:.0f} s left"
                if elapsed_s < self._warm_s
                else f"{measured:.0f} s of {self._duration_s:.0f} s"
            )
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(self._title, style="bold"),
            ProgressBar(total=self._duration_s, completed=measured, width=30),
            state,
        )
        body = Table.grid(padding=(0, 2))
        body.add_row("rate", f"asked {pulse.asked:,.0f}/s", f"achieved {pulse.achieved:,.0f}/s")
        body.add_row("response", *_times(pulse.response))
        body.add_row(
            "failures",
            Text(f"{pulse.failed:,}", style="red" if pulse.failed else ""),
            f"of {pulse.completed:,}",
            _worst(pulse.causes),
        )
        body.add_row("backlog", f"{pulse.backlog:,}", f"dropped {pulse.dropped:,}")
        body.add_row(
            "connections", f"{pulse.open_connections:,} open", f"{pulse.in_flight:,} in flight"
        )
        return Group(head, body, Text("Ctrl-C stops it and reports", style="dim"))


def _times(response: Histogram) -> tuple[str, ...]:
    if not response.counts:
        return ("nothing yet",)
    return tuple(f"p{p} {units.duration(response.percentile(p) / 1e6)}" for p in (50, 95, 99))


def _worst(causes: dict[str, int]) -> str:
    if not causes:
        return ""
    cause = max(causes, key=lambda name: causes[name])
    return f"mostly {cause}" if len(causes) > 1 else cause


def wanted(stream_is_terminal: bool, console: "Console | None" = None) -> bool:
    """Whether there is a terminal that can redraw lines."""
    if not stream_is_terminal:
        return False
    from rich.console import Console

    return not (console or Console(stderr=True)).is_dumb_terminal
