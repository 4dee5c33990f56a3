"""Processor time of a process and everything it started, from /proc (Linux)."""

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Positions after the command's closing parenthesis, proc_pid_stat(5) fields 4 and 14 to 17.
_PARENT = 1
_USER, _SYSTEM, _ENDED_CHILDREN_USER, _ENDED_CHILDREN_SYSTEM = 11, 12, 13, 14


def processor_seconds(root: int) -> float:
    """User plus system time of the process `root` and all its descendants so far, in seconds.

    Each process's user and system times are rounded down to a tick of 10 ms (proc_pid_stat(5)).
    Raises ``ProcessLookupError`` when there is no such process.
    """
    processes = _processes()
    if root not in processes:
        raise ProcessLookupError(f"process {root} has ended")
    tree, found = {root}, True
    while found:
        children = {pid for pid, stat in processes.items() if int(stat[_PARENT]) in tree}
        found = not children <= tree
        tree |= children
    return sum(_ticks(processes[pid]) for pid in tree) / _TICKS_PER_SECOND


def waiting_seconds(pid: int) -> float:
    """How long the threads of a process were ready to run and had no core, so far, in seconds."""
    waited_ns = 0
    for statistics in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        waited_ns += int(statistics.read_text().split()[1])  # proc_pid_schedstat(5)
    return waited_ns / 1e9


def _processes() -> dict[int, list[str]]:
    processes = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            processes[int(entry.name)] = stat.rpartition(")")[2].split()
    return processes


def _ticks(stat: list[str]) -> int:
    counted = (_USER, _SYSTEM, _ENDED_CHILDREN_USER, _ENDED_CHILDREN_SYSTEM)
    return sum(int(stat[position]) for position in counted)
