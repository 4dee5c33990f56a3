"""The worker processes of a run. Nothing here waits for a worker without a limit.

A worker ends by itself when its channel closes, so none outlives a parent that is killed.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import senior_backend
from senior_backend.errors import NotRunError
from senior_backend.load.engine.messages import Decoder, Job, Message, encode

_MODULE: Final = "senior_backend.load.worker"
_READ: Final = 1 << 18
_BLOCKED: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""A terminal, and `timeout`, send these to all processes of the group: the parent alone decides."""


@dataclass(slots=True)
class Lost:
    """A worker that is gone before its last word."""

    reason: str
    """``was killed (SIGKILL)``, ``stopped answering``."""


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    channel: socket.socket
    decoder: Decoder = field(default_factory=Decoder)
    outgoing: deque[memoryview] = field(default_factory=deque)
    heard: float = field(default_factory=time.monotonic)
    open: bool = True


class Crew:
    """The workers of one run, by number; as a context manager it ends those that are left."""

    def __init__(self, jobs: Sequence[Job], wake: socket.socket | None = None) -> None:
        """``wake``: a socket that ends a wait when it becomes readable."""
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        if wake is not None:
            self._selector.register(wake, selectors.EVENT_READ, None)
        try:
            for number, job in enumerate(jobs):
                self._workers.append(_start())
                self._selector.register(self._workers[number].channel, selectors.EVENT_READ, number)
                self.send("job", job, to=number)
        except BaseException:
            self.close()
            raise

    @property
    def working(self) -> list[int]:
        """Those that can still be spoken to."""
        return [number for number, worker in enumerate(self._workers) if worker.open]

    def silent_for(self, number: int) -> float:
        """Seconds since a worker was last heard."""
        return time.monotonic() - self._workers[number].heard

    def forgive(self) -> None:
        """This process itself stood still: that nobody was heard says nothing."""
        for worker in self._workers:
            worker.heard = time.monotonic()

    def send(self, *message: Any, to: int | None = None) -> None:  # noqa: ANN401 - any message
        """Say something to one worker, or to all; never waits."""
        data = encode(*message)
        for number in self.working if to is None else [to]:
            worker = self._workers[number]
            worker.outgoing.append(memoryview(data))
            self._push(number)

    def listen(self, seconds: float) -> Iterator[tuple[int, Message | Lost]]:
        """What workers say, and which are lost, within at most ``seconds``."""
        for key, mask in self._selector.select(max(seconds, 0.0)):
            if key.data is None:
                continue
            if mask & selectors.EVENT_WRITE:
                self._push(key.data)
            if mask & selectors.EVENT_READ:
                yield from self._pull(key.data)

    def give_up(self, number: int, reason: str) -> Lost:
        """End a worker that does not answer."""
        self._workers[number].process.kill()
        self._hang_up(number)
        return Lost(reason)

    def dismiss(self, number: int) -> None:
        """A worker has said its last word."""
        self._hang_up(number)

    def _push(self, number: int) -> None:
        worker = self._workers[number]
        if not worker.open:
            return
        try:
            while worker.outgoing:
                data = worker.outgoing[0]
                sent = worker.channel.send(data)
                if sent < len(data):
                    worker.outgoing[0] = data[sent:]
                else:
                    worker.outgoing.popleft()
        except BlockingIOError:
            pass
        except OSError:  # it is gone: reading says so, and whatever it said before
            worker.outgoing.clear()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.outgoing else 0)
        self._selector.modify(worker.channel, wanted, number)

    def _pull(self, number: int) -> Iterator[tuple[int, Message | Lost]]:
        worker = self._workers[number]
        if not worker.open:
            return
        try:
            data = worker.channel.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            worker.heard = time.monotonic()
            for message in worker.decoder.feed(data):
                yield number, message
            return
        self._hang_up(number)
        yield number, Lost(_how_it_ended(worker))

    def _hang_up(self, number: int) -> None:
        worker = self._workers[number]
        if worker.open:
            worker.open = False
            self._selector.unregister(worker.channel)
            worker.channel.close()

    def close(self) -> None:
        """End what is left, and wait for it: they have nothing to say any more."""
        for number in range(len(self._workers)):
            self._hang_up(number)
        for worker in self._workers:
            try:
                worker.process.wait(1)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            if worker.process.stderr is not None:
                worker.process.stderr.close()
        self._selector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _start() -> _Worker:
    try:
        ours, theirs = socket.socketpair()
        with theirs, _signals_held_back():
            process = subprocess.Popen(
                # -P: a select.py in the working directory is not the standard library's
                [sys.executable, "-P", "-m", _MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,  # nothing, unless it dies of a bug
                env={**os.environ, "PYTHONPATH": _import_path()},
            )
    except OSError as error:
        raise NotRunError(f"a worker cannot be started: {error.strerror or error}") from None
    ours.setblocking(False)
    return _Worker(process, ours)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """A child inherits the mask: it never sees them, and the parent does a moment later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _import_path() -> str:
    """So that the worker is of this very package, however that was found."""
    here = str(Path(senior_backend.__file__).parents[1])
    return os.pathsep.join(part for part in (here, os.environ.get("PYTHONPATH")) if part)


def _how_it_ended(worker: _Worker) -> str:
    try:
        code = worker.process.wait(2)
    except subprocess.TimeoutExpired:
        worker.process.kill()
        return "closed its channel and did not end"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        hint = "; was the machine out of memory?" if -code == signal.SIGKILL else ""
        return f"was killed ({name}{hint})"
    lines = _printed(worker.process).strip().splitlines()
    return f"ended with code {code}" + (f": {lines[-1]}" if lines else "")


def _printed(process: subprocess.Popen[bytes]) -> str:
    """What is in the pipe; one that is full has the beginning only."""
    if process.stderr is None:
        return ""
    os.set_blocking(process.stderr.fileno(), False)
    return (process.stderr.read() or b"").decode("utf-8", "replace")
