"""The command itself: our standard streams, our signals, and nothing of it touched.

It is never tied to us by a pipe: if we are killed it goes on, with the lock_timeout that its
connections have.
"""

import array
import fcntl
import os
import select
import signal
import stat
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import IO, Any, Final, Self

from senior_backend.errors import InputError

_HEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal came while no command was running; as Ctrl-C, it also ends a query of ours."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Signals:
    """While entered, signals go to the command, and where none runs they raise ``Interrupted``."""

    def __init__(self) -> None:
        self.received: int | None = None
        """The last signal that was sent to us."""
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # What `nohup` or a shell has us ignore, the command inherits as ignored.
        heard = [n for n in _HEARD if signal.getsignal(n) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._hear) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], stdout: IO[Any] | None
    ) -> int:
        """Run a command to its end; its exit code, negative after a signal.

        Raises ``InputError`` when it cannot be started.
        """
        self._starting = True
        try:
            # What a shell hands over stays open: `psql -f <(...)`, the job server of make.
            self._child = subprocess.Popen(command, env=environment, stdout=stdout, close_fds=False)
        except OSError as error:
            raise InputError(f"{command[0]} cannot be run: {error.strerror}") from None
        finally:
            self._starting = False
        if self.received is not None:
            self._child.send_signal(self.received)
        try:
            return self._child.wait()
        finally:
            self._child = None

    def sleep(self, seconds: float) -> None:
        """Wait; a signal ends it with ``Interrupted``."""
        time.sleep(seconds)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        child = self._child
        if child is not None:
            # Ctrl-C at a terminal reaches the command without us.
            if not (number == signal.SIGINT and _in_the_foreground()):
                child.send_signal(number)
        elif not self._starting:
            raise Interrupted(number)


def _in_the_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)  # whatever standard input is
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


class Input:
    """Our standard input, which is the command's: would a second run find in it what the first did?

    A second run that finds its input at the end does nothing and succeeds.
    """

    def __init__(self) -> None:
        self._start: int | None = None
        self._pipe = False
        try:
            mode = os.fstat(0).st_mode
            if stat.S_ISREG(mode):
                self._start = os.lseek(0, 0, os.SEEK_CUR)
            self._pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        except OSError:  # there is none
            return
        self._before = _waiting() if self._pipe else (0, False)

    @property
    def is_pipe(self) -> bool:
        """Whether what was read from it is gone."""
        return self._pipe

    def rewind(self) -> bool:
        """Have the next run begin where the first did; ``False``: that was read, and is gone."""
        if self._start is not None:
            os.lseek(0, self._start, os.SEEK_SET)
        return not self._pipe or _waiting() == self._before


def _waiting() -> tuple[int, bool]:
    """Bytes that wait in standard input, and whether its other side is closed."""
    count = array.array("i", [0])
    fcntl.ioctl(0, termios.FIONREAD, count)
    poll = select.poll()
    poll.register(0, select.POLLIN)
    return count[0], any(event & select.POLLHUP for _fd, event in poll.poll(0))
