"""The series in fewer, longer stretches: amounts are added up, of times the highest is kept.

Percentiles cannot be averaged, and a spike must not be smoothed away: a stretch shows the worst of
its windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from senior_backend.load.result import Percentiles, SeriesWindow, WindowNumbers


@dataclass(frozen=True, slots=True)
class Stretch:
    """Adjacent windows."""

    start_s: float
    end_s: float
    asked: float
    """Arrivals due a second."""
    sent: float
    """Arrivals sent a second."""
    ended: float
    """Requests ended a second."""
    failed: int
    dropped: int
    backlog: int
    """The highest, as the next two."""
    in_flight: int
    open_connections: int
    times: Percentiles
    errors: dict[str, int]
    windows: int


def stretches(series: Sequence[SeriesWindow], most: int) -> list[Stretch]:
    """At most so many, all of the same number of windows (the last may have fewer)."""
    return [_joined(windows) for windows in chunks(series, most)]


def chunks(series: Sequence[SeriesWindow], most: int) -> list[Sequence[SeriesWindow]]:
    """The windows that go together."""
    size = max(1, -(-len(series) // most))
    return [series[first : first + size] for first in range(0, len(series), size)]


def _joined(windows: Sequence[SeriesWindow]) -> Stretch:
    seconds = sum(window.length_s for window in windows) or 1.0
    errors: dict[str, int] = {}
    for window in windows:
        for cause, count in window.errors.items():
            errors[cause] = errors.get(cause, 0) + count
    return Stretch(
        start_s=windows[0].start_s,
        end_s=windows[-1].start_s + windows[-1].length_s,
        asked=sum(window.due for window in windows) / seconds,
        sent=sum(window.started for window in windows) / seconds,
        ended=sum(window.total.count for window in windows) / seconds,
        failed=sum(window.total.failed for window in windows),
        dropped=sum(window.dropped for window in windows),
        backlog=max(window.backlog for window in windows),
        in_flight=max(window.in_flight for window in windows),
        open_connections=max(window.open_connections for window in windows),
        times=worst([window.total for window in windows]),
        errors=errors,
        windows=len(windows),
    )


def worst(numbers: Sequence[WindowNumbers]) -> Percentiles:
    """The highest of each percentile; empty if nothing succeeded in any."""
    highest: Percentiles = {}
    for one in numbers:
        for name, value in one.response_time_ms.items():
            highest[name] = max(value, highest.get(name, value))
    return highest
