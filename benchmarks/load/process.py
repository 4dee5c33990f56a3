"""A program run to its end on one core: its output, its processor time, its memory."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from senior_backend.errors import NotRunError

_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY_S = 0.2

FIRST = ("chrt", "--rr", "1")
"""Before what must not wait for its neighbours on the machine; only root may do so."""


@dataclass(frozen=True)
class Finished:
    """How a program ended. `cpu_s` is user and system time, of children it waited for too.

    `peak_bytes` is the largest sum of the resident memory of the program and its children that was
    seen, looking five times a second; 0 unless memory was watched.
    """

    command: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    wall_s: float
    cpu_s: float
    peak_bytes: int = 0

    def complaint(self) -> str:
        """The last line that it said, and how it ended."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        name = Path(self.command[0]).name
        return f"{name} ended with {self.exit_code}: {lines[-1] if lines else 'no output'}"


def placed(core: int | None, *, first: bool) -> list[str]:
    """What stands before a command to run it on a core, and ``first`` of all on the machine."""
    before = ["taskset", "--cpu-list", str(core)] if core is not None else []
    return [*(FIRST if first else ()), *before]


def run(
    command: Sequence[str],
    *,
    core: int | None,
    first: bool = False,
    directory: Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    meanwhile: Callable[[], None] | None = None,
    watch_memory: bool = False,
) -> Finished:
    """Run ``command`` in ``directory`` and wait; ``meanwhile`` is called once it has started.

    Raises ``NotRunError`` when the program is missing, or has not ended after ``timeout_s``; it and
    its process group are ended then.
    """
    pinned = [*placed(core, first=first), *command]
    with (
        tempfile.TemporaryFile(dir=directory) as out,
        tempfile.TemporaryFile(dir=directory) as err,
    ):
        began = time.perf_counter()
        try:
            process = subprocess.Popen(
                pinned,
                cwd=directory,
                env=None if environment is None else {**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise NotRunError(f"{error.filename} is missing") from None
        late = threading.Event()
        timer = threading.Timer(timeout_s, _end, (process.pid, late))
        timer.start()
        ended = threading.Event()
        peaks = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, peaks))
        try:
            if watch_memory:
                watcher.start()
            if meanwhile is not None:
                meanwhile()
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            _end(process.pid, late)
            os.wait4(process.pid, 0)
            raise
        finally:
            process.returncode = 0  # reaped here: Popen must not look for it
            ended.set()
            timer.cancel()
            if watch_memory:
                watcher.join()
        wall_s = time.perf_counter() - began
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if late.is_set():
        raise NotRunError(f"{Path(command[0]).name} did not end within {timeout_s:.0f} s")
    return Finished(
        tuple(command),
        os.waitstatus_to_exitcode(status),
        *texts,
        wall_s,
        usage.ru_utime + usage.ru_stime,
        peaks[0],
    )


def resident_bytes(root: int) -> int:
    """Resident memory of a process and its descendants; what they share counts for each."""
    parents, resident = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            # proc_pid_stat(5): fields 4 and 24, counted from after the name
            parents[int(entry.name)], resident[int(entry.name)] = int(stat[1]), int(stat[21])
    tree, size = {root}, 0
    while len(tree) > size:
        size = len(tree)
        tree |= {pid for pid, parent in parents.items() if parent in tree}
    return sum(resident.get(pid, 0) for pid in tree) * _PAGE


def _watch(pid: int, ended: threading.Event, peaks: list[int]) -> None:
    while not ended.wait(_EVERY_S):
        peaks[0] = max(peaks[0], resident_bytes(pid))


def _end(pid: int, late: threading.Event) -> None:
    late.set()
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
