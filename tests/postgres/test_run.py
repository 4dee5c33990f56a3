"""Running a command: signals sent to us are its own, and its exit code is ours."""

import os
import signal
import subprocess
import sys

import pytest

from senior_backend.postgres.run import run


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)],
)
def test_exit_code_is_that_of_the_command(script, code):
    assert run(["sh", "-c", script], os.environ) == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_go_to_the_command(number):
    script = "trap 'echo caught; exit 5' INT TERM HUP; echo ready; while :; do sleep 0.05; done"
    program = (
        "import os, sys; from senior_backend.postgres.run import run; "
        "sys.exit(run(['sh', '-c', sys.argv[1]], os.environ))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.stdout.read() == "caught\n"
    assert process.wait() == 5
