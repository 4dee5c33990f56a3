"""Time and memory on the same files, in turns: ours with an empty cache, ours again, squawk.

Wall-clock time depends on what else the machine does, so processor time stands beside it.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.lint.histories import File
from benchmarks.lint.linters import Linter, Setting
from benchmarks.lint.markdown import table

SIZES = (1, 1_000, 10_000)
COLD, CACHED = "ours, empty cache", "ours, unchanged files"


@dataclass(frozen=True)
class Timed:
    """One run of one program over one folder."""

    files: int
    subject: str
    seconds: float
    processor_seconds: float
    peak_mb: float


def lay_out(files: Sequence[File], directory: Path) -> None:
    """Copy the files into one flat folder, numbered."""
    directory.mkdir(parents=True)
    for number, file in enumerate(files):
        shutil.copyfile(file.tree / file.name, directory / f"{number:05}.sql")


def measure(
    files: Sequence[File], sizes: Sequence[int], rounds: int, ours: Linter, squawk: Linter
) -> list[Timed]:
    """Run all in turn, ``rounds`` times each."""
    runs = []
    for size in sizes:
        # The caches lie apart: a new one inside the folder would be a change of the folder.
        with (
            tempfile.TemporaryDirectory(prefix="migration-lint-") as directory,
            tempfile.TemporaryDirectory(prefix="migration-lint-") as caches,
        ):
            root = Path(directory)
            lay_out(files[:size], root / "db")
            warm = Path(caches) / "warm"
            our_command = ours.command(["db"], Setting(cached=True))
            run(our_command, root, warm)
            for number in range(rounds):
                cold = Path(caches) / f"cold-{number}"
                for subject, command, cache in (
                    (COLD, our_command, cold),
                    (CACHED, our_command, warm),
                    (squawk.name, squawk.command(["db/*.sql"], Setting()), None),
                ):
                    runs.append(Timed(size, subject, *run(command, root, cache)))
    return runs


def run(command: Sequence[str], directory: Path, cache: Path | None) -> tuple[float, float, float]:
    """Wall-clock and processor seconds, and peak resident megabytes, of a process with children."""
    environment = dict(os.environ)
    if cache is not None:
        environment["XDG_CACHE_HOME"] = str(cache)
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def report(runs: Sequence[Timed], goals: Mapping[int, float]) -> str:
    """Medians, and ours as a multiple of squawk's; how busy the machine was while it measured."""
    rows = []
    for size in dict.fromkeys(one.files for one in runs):
        base = _median(runs, size, "squawk")
        for subject in (COLD, CACHED, "squawk"):
            seconds = _median(runs, size, subject)
            processor = median(
                one.processor_seconds for one in runs if (one.files, one.subject) == (size, subject)
            )
            times = [one.seconds for one in runs if (one.files, one.subject) == (size, subject)]
            peak = max(one.peak_mb for one in runs if (one.files, one.subject) == (size, subject))
            rows.append(
                (
                    f"{size:,}",
                    subject,
                    f"{seconds:.3f}",
                    f"{min(times):.3f} to {max(times):.3f}",
                    f"{processor:.3f}",
                    f"{seconds / base:.1f}",
                    f"{peak:.0f}",
                    f"at most {goals[size]:g} s" if subject == COLD else "",
                )
            )
    header = (
        "files",
        "linter",
        "seconds",
        "lowest to highest",
        "processor seconds",
        "squawk = 1",
        "peak MB",
        "goal",
    )
    return f"{_machine()}\n\n{table(header, rows, numbers_from=2)}"


def _machine() -> str:
    """The processors, and how many processes wanted them in the last minutes."""
    one, five, fifteen = os.getloadavg()
    return (
        f"{os.cpu_count()} processors; load average when it was done {one:.1f} (1 minute), "
        f"{five:.1f} (5), {fifteen:.1f} (15). A peak is at least what the benchmark itself takes, "
        "which Linux counts for a process that it starts."
    )


def _median(runs: Sequence[Timed], size: int, subject: str) -> float:
    return median(one.seconds for one in runs if (one.files, one.subject) == (size, subject))
