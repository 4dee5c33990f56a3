"""Servers seen from outside, as an operator sees them."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from senior_backend.postgres.identity import server_user
from senior_backend.postgres.process import server_of


def command_line(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "senior_backend", *map(str, arguments)]


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition comes true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def is_gone(directory: Path, pid: int) -> bool:
    """Whether a throw-away server left neither folder nor process behind."""
    return not directory.exists() and has_ended(pid)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or at most not yet waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def pid_of(server) -> int:
    pid = server_of(server.directory / "data")
    assert pid is not None
    return pid


needs_root = pytest.mark.skipif(
    server_user() is None, reason="only root drops to an unprivileged user"
)

needs_setpriv = pytest.mark.skipif(
    server_user() is None or shutil.which("setpriv") is None,
    reason="needs root and setpriv (apt install util-linux)",
)


def without_capability(name: str, *command: str) -> list[str]:
    """A command line run as root without one of root's rights, as containers do."""
    dropped = ["--bounding-set", f"-{name}", "--inh-caps", f"-{name}"]
    return ["setpriv", *dropped, "--", *command]
