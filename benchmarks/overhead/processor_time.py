"""Processor time of a process and everything it started, and of a core, from /proc (Linux)."""

import os
from pathlib import Path

from senior_backend.errors import NotRunError

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Positions after the command's closing parenthesis, proc_pid_stat(5) fields 4 and 14 to 17.
_PARENT = 1
_USER, _SYSTEM, _ENDED_CHILDREN_USER, _ENDED_CHILDREN_SYSTEM = 11, 12, 13, 14
# proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
_BUSY = (0, 1, 2, 5, 6, 7)


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


def busy_seconds(core: int) -> float:
    """How long a core has worked so far, for whomever, in seconds, by ticks of 10 ms.

    What the hypervisor gave to other machines meanwhile counts too (steal).
    Raises ``NotRunError`` when nothing is known of it.
    """
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            return sum(int(ticks[position]) for position in _BUSY) / _TICKS_PER_SECOND
    raise NotRunError(f"/proc/stat does not know core {core}, on which the servers are")


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
