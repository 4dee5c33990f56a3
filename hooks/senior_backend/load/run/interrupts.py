"""Ctrl-C and SIGTERM during a run: once to stop and report, twice to end at once and report."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Final, Self

import click

NOTHING_MEASURED: Final = "interrupted before the first request was measured: no result was written"
_EXIT_CODE: Final = 130  # what a shell reports for SIGINT
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def saying_nothing_was_measured() -> Iterator[None]:
    """What Ctrl-C ends within is before the measured part: say what that means."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(NOTHING_MEASURED, err=True)
        raise click.exceptions.Exit(_EXIT_CODE) from None


class Interrupts:
    """Counts the signals from ``arm`` on; before, and after the ``with``, they do as always.

    A selector that waits for ``channel`` wakes up at each.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> Self:
        self.channel, self._waker = socket.socketpair()
        self.channel.setblocking(False)
        self._waker.setblocking(False)
        return self

    def arm(self) -> None:
        """From now on nothing that was measured may be lost."""
        self._wakeup = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
                self._before[number] = signal.signal(number, self._count)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    def drain(self) -> None:
        """Forget what woke the selector up."""
        with contextlib.suppress(BlockingIOError):
            while self.channel.recv(64):
                pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup)
        self.channel.close()
        self._waker.close()
