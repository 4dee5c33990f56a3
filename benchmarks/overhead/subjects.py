"""Servers that are measured: how each is started, and when it is ready."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from senior_backend.errors import NotRunError

START_SECONDS = 30
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


@dataclass(frozen=True)
class Running:
    """A subject that answers; `pid` is the root of its process tree."""

    name: str
    url: str
    pid: int


@contextmanager
def serve(subject: Subject, token: str) -> Iterator[Running]:
    """Run a subject until the block ends.

    Raises ``NotRunError`` when it does not answer a list request with 200 in time.
    """
    with subject.log.open("wb") as log:
        process = subprocess.Popen(
            subject.command,
            cwd=subject.directory,
            env=dict(subject.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{subject.environment['PORT']}"
    try:
        _wait(subject, process, url, token)
        yield Running(subject.name, url, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def get(url: str, token: str) -> bytes:
    """The body of a GET that is answered 200; raises ``OSError`` otherwise."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        body: bytes = response.read()
        return body


def _wait(subject: Subject, process: subprocess.Popen[bytes], url: str, token: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            get(f"{url}/v1/orders?limit=1", token)
        except OSError as error:
            # An answer that is not 200 will not become one; a refused connection may.
            answered = isinstance(error, urllib.error.HTTPError)
            if answered or process.poll() is not None or time.monotonic() > until:
                raise NotRunError(
                    f"{subject.name} does not serve ({error}); it wrote: {_last_line(subject.log)}"
                ) from None
            time.sleep(0.05)
        else:
            return


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"


def inherited() -> dict[str, str]:
    """What a subject takes from our own environment: the least a program needs."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
