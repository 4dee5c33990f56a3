"""Waiting for sockets and for moments, to the microsecond.

``epoll_wait`` counts in milliseconds; ``select`` on the epoll's own descriptor counts in
microseconds, and says whether there is anything to ask it for. kqueue takes nanoseconds itself.
"""

import contextlib
import ctypes
import select
import sys
from typing import Final, Protocol

BATCH: Final = 32
"""Events taken at once: some 0.2 ms of work, after which the loop looks whether a send is due."""

_FD_SETSIZE: Final = 1024
"""``select`` takes no descriptor from here on: the poller must be made before the sockets."""

_PR_SET_TIMERSLACK: Final = 29

Events = list[tuple[int, int]]
"""Descriptor and, as a hint, what happened: bits of the poller's own kind."""


class Poller(Protocol):
    """Level-triggered readiness. A descriptor that is closed leaves by itself."""

    def poll(self) -> Events:
        """What is ready now; never waits."""

    def wait(self, nanoseconds: int) -> Events:
        """The same, after waiting for it for at most that long."""

    def add(self, descriptor: int, *, writing: bool = False) -> None:
        """Watch for data and for the end of the other side; with ``writing``, for room as well."""

    def change(self, descriptor: int, *, writing: bool) -> None:
        """Begin or end watching for room to write."""

    def close(self) -> None:
        """Give the descriptor back."""


if sys.platform == "linux":

    class _System:
        _READING = select.EPOLLIN | select.EPOLLRDHUP

        def __init__(self) -> None:
            self._epoll = select.epoll()
            self._descriptor = [self._epoll.fileno()]
            if self._descriptor[0] >= _FD_SETSIZE:
                raise RuntimeError("the poller must be made before other files are opened")

        def poll(self) -> Events:
            return self._epoll.poll(0, BATCH)

        def wait(self, nanoseconds: int) -> Events:
            if select.select(self._descriptor, (), (), nanoseconds / 1e9)[0]:
                return self._epoll.poll(0, BATCH)
            return []

        def add(self, descriptor: int, *, writing: bool = False) -> None:
            self._epoll.register(
                descriptor, self._READING | select.EPOLLOUT if writing else self._READING
            )

        def change(self, descriptor: int, *, writing: bool) -> None:
            self._epoll.modify(
                descriptor, self._READING | select.EPOLLOUT if writing else self._READING
            )

        def close(self) -> None:
            self._epoll.close()

    def _wake_on_time() -> None:
        # Linux may wake a sleeper 50 us late to save power: prctl(2), PR_SET_TIMERSLACK.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)

else:

    class _System:
        def __init__(self) -> None:
            self._kqueue = select.kqueue()

        def poll(self) -> Events:
            return [(event.ident, event.filter) for event in self._kqueue.control(None, BATCH, 0)]

        def wait(self, nanoseconds: int) -> Events:
            happened = self._kqueue.control(None, BATCH, nanoseconds / 1e9)
            return [(event.ident, event.filter) for event in happened]

        def add(self, descriptor: int, *, writing: bool = False) -> None:
            self._kqueue.control(
                [select.kevent(descriptor, select.KQ_FILTER_READ, select.KQ_EV_ADD)], 0
            )
            if writing:
                self.change(descriptor, writing=True)

        def change(self, descriptor: int, *, writing: bool) -> None:
            action = select.KQ_EV_ADD if writing else select.KQ_EV_DELETE
            with contextlib.suppress(FileNotFoundError):
                self._kqueue.control([select.kevent(descriptor, select.KQ_FILTER_WRITE, action)], 0)

        def close(self) -> None:
            self._kqueue.close()

    def _wake_on_time() -> None:
        """Nothing is needed: kqueue keeps its timeouts."""


def make() -> Poller:
    """The system's poller, after asking the system to wake this process on time."""
    _wake_on_time()
    return _System()
