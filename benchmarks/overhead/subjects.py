"""Servers that are measured: how each is started, and when it is ready."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.overhead.cores import placed
from senior_backend.errors import NotRunError

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True)
class Subject:
    """One server to be measured; `command` runs in `directory` with `environment` alone.

    What it writes goes to the file `log`, so that logging costs what it costs in production.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def with_environment(self, **more: str) -> "Subject":
        """The same, with other variables as well."""
        return replace(self, environment={**self.environment, **more})


@dataclass(frozen=True)
class Running:
    """A subject that listens; `pid` is the root of its process tree."""

    name: str
    url: str
    pid: int


@contextmanager
def serve(subjects: Sequence[Subject], core: int | None) -> Iterator[list[Running]]:
    """Run all subjects, on one core if its number is given, until the block ends.

    Raises ``NotRunError`` when one does not listen in time.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for subject in subjects:
            with placed(core):
                processes.append(_start(subject))
        running = [
            Running(subject.name, subject.url, process.pid)
            for subject, process in zip(subjects, processes, strict=True)
        ]
        for subject, process in zip(subjects, processes, strict=True):
            _wait(subject, process)
        yield running
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            _end(process)


def _start(subject: Subject) -> subprocess.Popen[bytes]:
    with subject.log.open("wb") as log:
        return subprocess.Popen(
            subject.command,
            cwd=subject.directory,
            env=dict(subject.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait(subject: Subject, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(subject.environment["PORT"])), 5).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise NotRunError(
                    f"{subject.name} does not serve ({error}); it wrote: {_last_line(subject.log)}"
                ) from None
            time.sleep(0.05)
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"


def surroundings() -> dict[str, str]:
    """The environment of every subject: the least a program needs, and one layout of hash tables.

    Python lays them out anew in each process, and some layouts are a few percent slower.
    """
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {"PYTHONHASHSEED": "0"}
