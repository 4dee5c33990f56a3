"""Processor time is that of a whole process tree, and of nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.overhead.processor_time import busy_seconds, processor_seconds
from senior_backend.errors import NotRunError

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="reads /proc, which only Linux has"
)

ROUNDING = 0.05  # each of a process's four times is a whole number of ticks of 10 ms
BURN = """
import time
end = time.process_time() + 0.3
while time.process_time() < end: pass
"""
WAIT = """
import sys
print("done", flush=True)
sys.stdin.read()
"""
PROGRAMS = {
    "the process itself": BURN + WAIT,
    "a child that lives": f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {BURN + WAIT!r}], stdin=subprocess.PIPE)
sys.stdin.read()
""",
    "a child that has ended": f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}])
{WAIT}
""",
    "a thread": f"""
import threading
thread = threading.Thread(target=exec, args=({BURN!r}, {{}}))
thread.start()
thread.join()
{WAIT}
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_work_counts_wherever_it_is_done(program: str):
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = processor_seconds(process.pid)
        process.communicate()
    assert 0.3 - ROUNDING <= used < 1.5


def test_waiting_costs_nothing():
    with subprocess.Popen(
        [sys.executable, "-c", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        before = processor_seconds(process.pid)
        time.sleep(0.2)
        assert processor_seconds(process.pid) - before <= ROUNDING
        process.communicate()


def test_a_process_that_has_ended_is_an_error_and_not_zero():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(ProcessLookupError):
        processor_seconds(ended.pid)


def test_a_core_is_busy_with_whatever_runs_on_it():
    core = min(os.sched_getaffinity(0))
    before = busy_seconds(core)
    subprocess.run(
        ["taskset", "--cpu-list", str(core), sys.executable, "-c", BURN], check=True, timeout=30
    )
    assert busy_seconds(core) - before >= 0.3 - ROUNDING


def test_an_unknown_core_is_an_error_and_not_idle():
    with pytest.raises(NotRunError):
        busy_seconds(100_000)
