"""``senior-backend`` as users start it, and the processes it starts."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from senior_backend.cli import main

T = TypeVar("T")

GENEROUS = ("--max-pacing-error", "10s", "--threshold", "achieved: rate>0.5")
"""A machine that is busy with other tests sends late: here that makes no run INVALID or failed."""


def cli(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command that has ended."""
    return subprocess.run(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


@dataclass(frozen=True)
class Done:
    """How a command in this process came out."""

    returncode: int
    stdout: str
    stderr: str


class Here:
    """Commands in this process, which has everything imported already."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Done:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Done(int(ended.value.code or 0), *self._capsys.readouterr())


def started(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A command that goes on."""
    return subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "senior_backend", *map(str, arguments)]


def children(pid: int) -> list[int]:
    """The processes that ``pid`` has started and that still run."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(folder.name))
    return found


def workers(pid: int, count: int = 1) -> list[int]:
    """The worker processes of a run, once there are so many."""

    def found() -> list[int]:
        seen = [child for child in children(pid) if "load.worker" in _line(child)]
        return seen if len(seen) == count else []

    return until(found)


def _line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return ")" not in (stat := Path(f"/proc/{pid}/stat").read_text()) or (
            stat.rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def until(found: Callable[[], T], seconds: float = 60) -> T:
    """What ``found`` returns, as soon as there is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def lines(text: str) -> Sequence[str]:
    return text.rstrip("\n").split("\n")
