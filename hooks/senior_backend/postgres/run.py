"""Running a command beside a throw-away server that lives exactly as long as it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from senior_backend.errors import InputError

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

NOT_EXECUTABLE = 126
NOT_FOUND = 127


class CommandError(Exception):
    """The command cannot be started; ``exit_code`` is what a shell would give."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def check_variable(name: str) -> None:
    """Raise ``InputError`` for a name that a shell could not read: known before a server starts."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InputError(
            f"{name!r} is no name of an environment variable: use letters, digits and _, "
            "such as --env TEST_DATABASE_URL"
        )


def find(command: str) -> None:
    """Raise ``CommandError`` when there is no such program: known before a server starts."""
    if shutil.which(command) is None:
        if os.path.exists(command):  # noqa: PTH110 - a name, with or without folder
            raise CommandError(f"{command} cannot be executed", NOT_EXECUTABLE)
        raise CommandError(f"{command}: command not found", NOT_FOUND)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command with our standard streams; signals sent to us go to it.

    Returns its exit code, or 128 + N after signal N, as a shell does.
    """
    waiting: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def forward(number: int, _frame: FrameType | None) -> None:
        if child is None:
            waiting.append(number)
        elif not (number == signal.SIGINT and _terminal_is_ours()):
            child.send_signal(number)

    # What `nohup` or a shell has us ignore, the command inherits as ignored.
    heard = [number for number in _FORWARDED if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, forward) for number in heard}
    try:
        child = subprocess.Popen(command, env=environment)
        for number in waiting:
            child.send_signal(number)
        status = child.wait()
    except OSError as error:
        raise CommandError(f"{command[0]}: {error.strerror}", NOT_EXECUTABLE) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def _terminal_is_ours() -> bool:
    """Whether Ctrl-C reaches the command without us: it is in the terminal's foreground group."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
