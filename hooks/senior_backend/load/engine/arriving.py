"""The arrivals of one worker: those that wait, and those whose time is still to come.

They come due in order, so the ones that wait need no queue of their own: they are those from the
next that was not taken to the last that is due, however many these are.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from senior_backend.load.arrivals import Schedule

NEVER: Final = 1 << 62
"""A moment that does not come, on any clock in nanoseconds."""

_CHUNK: Final = 1024


class Arriving:
    """``due`` are the moments of the next arrivals, on the run's clock; the loop goes through them
    by index, and says how many it has taken.
    """

    __slots__ = ("_begin", "_schedule", "_stopped_at", "_worker", "_workers", "due", "first")

    def __init__(self, schedule: "Schedule", worker: int, workers: int) -> None:
        self._schedule = schedule
        self._worker = worker
        self._workers = workers
        self._begin = 0
        self._stopped_at: int | None = None
        self.due: list[int] = []
        """Empty: there are no more."""
        self.first = worker
        """The number of the first of them."""

    def start(self, begin: int) -> None:
        """The warm-up begins at ``begin``."""
        self._begin = begin
        self.advance(0)

    def advance(self, taken: int) -> None:
        """So many of ``due`` were taken. Those of the warm-up and those that are measured are never
        in one list.
        """
        self.first += taken * self._workers
        if not taken and self.due:
            return
        if taken < len(self.due):
            self.due = self.due[taken:]
        elif self._stopped_at is None:
            warm = self._schedule.warm - self.first
            most = min(_CHUNK, -(-warm // self._workers)) if warm > 0 else _CHUNK
            begin = self._begin
            self.due = [
                begin + moment for moment in self._schedule.chunk(self.first, self._workers, most)
            ]
        else:
            self.due = []

    @property
    def warming_up(self) -> bool:
        """Whether ``due`` belongs to the warm-up."""
        return self.first < self._schedule.warm

    def is_measured(self, arrival: int) -> bool:
        """Whether an arrival comes after the warm-up."""
        return arrival >= self._schedule.warm

    def number(self, place: int) -> int:
        """The arrival at a place of ``due``."""
        return self.first + place * self._workers

    def moment(self, place: int) -> int:
        """When the arrival at a place of ``due`` is due, also beyond its end."""
        if place < len(self.due):
            return self.due[place]
        arrival = self.number(place)
        if self._stopped_at is not None or arrival >= self._schedule.count:
            return NEVER
        return self._begin + self._schedule.due(arrival)

    def come(self, now: int) -> int:
        """How many of this worker's measured arrivals have come."""
        return max(0, self._mine(self._come_of_all(now)) - self._mine(self._schedule.warm))

    def taken(self, place: int) -> int:
        """How many of these were taken, up to a place of ``due``."""
        taken = (self.first - self._worker) // self._workers + place
        return max(0, taken - self._mine(self._schedule.warm))

    def stop(self, now: int) -> None:
        """No arrival comes after this one moment, and those that wait are taken."""
        if self._stopped_at is None:
            self._stopped_at = now
            self.first = self._worker + self._workers * self._mine(self._come_of_all(now))
            self.due = []

    def _come_of_all(self, now: int) -> int:
        if self._stopped_at is not None:
            now = min(now, self._stopped_at)
        return self._schedule.due_by(now - self._begin) if now >= self._begin else 0

    def _mine(self, count: int) -> int:
        """How many of the first ``count`` arrivals are this worker's."""
        return max(0, -(-(count - self._worker) // self._workers))
