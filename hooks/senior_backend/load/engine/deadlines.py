"""Finds what takes too long, a few connections at a time, at no cost to those that do not."""

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

PART: Final = 256
"""Connections looked at in one turn of the loop: some 30 us."""

PAUSE_NS: Final = 1_000_000
"""The shortest time between two passes; nothing is found later than that."""


class Awaited(Protocol):
    """What may take too long."""

    def awaited_by(self) -> int:
        """When what it waits for is too late; far in the future if it waits for nothing."""


T = TypeVar("T", bound=Awaited)


class Deadlines:
    """Passes over all connections, in parts.

    A pass finds the earliest deadline there is. Whatever begins after the pass did is too late one
    ``shortest`` timeout after that moment, at the earliest: so nothing can be missed until then,
    and with the usual timeouts of many seconds there is hardly ever a pass.
    """

    __slots__ = ("_earliest", "_rest", "_shortest", "next_at")

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self._rest: list[Awaited] = []
        self._earliest = 0
        self.next_at = 0
        """When to look again."""

    def tighten(self, timeout: int) -> None:
        """There is a new timeout, also for what is there already: begin a pass at once."""
        self._shortest = min(self._shortest, timeout)
        self._rest = []
        self.next_at = 0

    def look(self, everything: list[T], now: int, expire: Callable[[T], None]) -> int:
        """Look at the next part; when to look again."""
        if now < self.next_at:
            return self.next_at
        rest: list[T] = self._rest  # type: ignore[assignment] # of the same caller
        if not rest:
            rest = self._rest = everything[:]  # type: ignore[assignment]
            self._earliest = now + self._shortest
        part = rest[-PART:]
        del rest[-PART:]
        for one in part:
            moment = one.awaited_by()
            if moment <= now:
                expire(one)
            elif moment < self._earliest:
                self._earliest = moment
        self.next_at = now if rest else max(self._earliest, now + PAUSE_NS)
        return self.next_at
