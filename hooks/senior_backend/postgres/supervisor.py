"""Keeps one throw-away server, and ends it when the process that asked for it is gone.

Run as a program of its own (``python -I -S supervisor.py``), standard library only, so that it
starts in a few milliseconds and survives whatever happens to its parent's environment. Standard
input is the life line: the parent holds its only writing end, so end of file means that the parent
has ended, however it was killed. (Linux' parent-death signal would fire when the *thread* that
started us ends, and macOS has none.)

The first line of standard input is a JSON object (``Order``); each further line is a command, and
each is answered with one line on standard output:

    start PORT | pause | resume | crash | shutdown   ->   ok PID | failed REASON
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TypedDict

_GRACE_SECONDS = 10.0


class Order(TypedDict):
    """What the parent wants kept."""

    command: list[str]
    """``postgres`` and its arguments."""
    environment: dict[str, str]
    user: list[int] | None
    """User id and group id to run it under; ``None``: our own."""
    directory: str
    """The folder of the server; removed at the end."""
    data: str
    log: str


def descendants(pid: int) -> list[int]:
    """The processes below ``pid``, parents first; each backend has a process group of its own."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found, pending = [], [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def _parents() -> list[tuple[int, int]]:
    """(process, its parent) for every process that we can see."""
    pairs = []
    if Path("/proc/self/stat").exists():  # a slim image has no `ps`
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    # The name in parentheses may itself hold spaces and parentheses.
                    fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
                    pairs.append((int(entry.name), int(fields[1])))
        return pairs
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    for line in listing.stdout.splitlines():
        process, parent = line.split()
        pairs.append((int(process), int(parent)))
    return pairs


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server says in its own pid file that it accepts connections."""
    try:
        # Bytes: the path on the second line may hold anything that Python takes for a line's end.
        lines = (data / "postmaster.pid").read_bytes().split(b"\n")
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid).encode() and lines[7].strip() == b"ready"


class Keeper:
    """The server process and what may be done to it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, port: str, parent: "LifeLine") -> str:
        """Start the server and wait until it accepts connections or ends."""
        uid, gid = self._order["user"] or (None, None)
        with Path(self._order["log"]).open("ab") as log:
            process = subprocess.Popen(
                [*self._order["command"], "-c", f"port={port}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self._order["environment"],
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                start_new_session=True,
            )
        self._process = process
        while process.poll() is None and not parent.is_cut():
            if is_ready(Path(self._order["data"]), process.pid):
                return f"ok {process.pid}"
            time.sleep(0.004)
        return f"failed exit status {process.returncode}"

    def pause(self) -> str:
        """Freeze the server: connections stay open and nothing answers."""
        process = self._running()
        frozen: set[int] = set()
        # A backend may be forked while we look, but not once the postmaster itself is frozen.
        while True:
            fresh = [pid for pid in [process.pid, *descendants(process.pid)] if pid not in frozen]
            if not fresh:
                return f"ok {process.pid}"
            signal_all(fresh, signal.SIGSTOP)
            frozen.update(fresh)

    def resume(self) -> str:
        """Undo ``pause``."""
        process = self._running()
        signal_all([*descendants(process.pid), process.pid], signal.SIGCONT)
        return f"ok {process.pid}"

    def end(self, number: int) -> str:
        """Stop the server with one of PostgreSQL's shutdown signals, by force if it hangs."""
        process = self._process
        if process is None or process.poll() is not None:
            return "ok 0"
        process.send_signal(number)
        # A frozen process acts on a signal only once it runs again.
        signal_all([process.pid, *descendants(process.pid)], signal.SIGCONT)
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            signal_all([process.pid, *descendants(process.pid)], signal.SIGKILL)
            process.wait()
        return "ok 0"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise ChildProcessError
        return self._process


class LifeLine:
    """Standard input: lines of the parent until it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._ended = False

    def is_cut(self) -> bool:
        """Whether the parent has ended, without waiting."""
        while not self._ended and select.select([self._descriptor], [], [], 0)[0]:
            self._read()
        return self._ended

    def line(self) -> str | None:
        """Wait for the next line; ``None`` when there will be no more."""
        while b"\n" not in self._buffer:
            if self._ended:
                return None
            self._read()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def _read(self) -> None:
        block = os.read(self._descriptor, 65536)
        self._buffer += block
        self._ended = not block


def _obey(keeper: Keeper, command: str, parent: LifeLine) -> str:
    name, _, argument = command.partition(" ")
    match name:
        case "start":
            return keeper.start(argument, parent)
        case "pause":
            return keeper.pause()
        case "resume":
            return keeper.resume()
        case "crash":
            return keeper.end(signal.SIGQUIT)
        case "shutdown":
            return keeper.end(signal.SIGINT)
    return f"failed unknown command {name}"


def main() -> None:
    """Obey the parent until it ends, then leave nothing behind."""
    # The terminal's and the shell's signals are for the parent; its end is ours.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parent = LifeLine(0)
    first = parent.line()
    if first is None:
        return
    order: Order = json.loads(first)
    keeper = Keeper(order)
    try:
        while (command := parent.line()) is not None:
            try:
                answer = _obey(keeper, command, parent)
            except OSError as error:
                answer = f"failed {error.strerror or 'the server is not running'}"
            with contextlib.suppress(BrokenPipeError):
                os.write(1, f"{answer}\n".encode())
    finally:
        keeper.end(signal.SIGQUIT)
        shutil.rmtree(order["directory"], ignore_errors=True)


if __name__ == "__main__":
    main()
