"""The machine that a benchmark runs on, and how much of it others take meanwhile (Linux)."""

import os
import platform
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def processor_model() -> str:
    """As the kernel names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def busy_seconds() -> float:
    """Processor seconds that all processes of the machine have used since it started."""
    user, nice, system, _idle, _wait, interrupts, soft, steal, *_ = (
        int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + interrupts + soft + steal) / _TICKS_PER_SECOND
