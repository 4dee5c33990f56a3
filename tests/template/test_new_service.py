"""One service from nothing to green: what everybody does first."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.template.make import environment, succeed


def test_a_new_service_passes_its_own_tests(tmp_path: Path, generate: Callable[..., Path]):
    """The tools come from the commit that the service pins, as they do for its people."""
    service = generate(tmp_path / "payments-api", framework="fastapi", example="orders")
    succeed(service, "setup")
    assert "passed" in succeed(service, "test")


@pytest.mark.verify
def test_the_command_of_the_skill_gives_a_service_that_npm_finds_in_order(
    template_repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """From an empty folder, without make and without a database; how long it took is printed."""
    scaffolder = template_repository / "scripts" / "api_scaffolder.py"
    seconds = {}

    def run(command: str, folder: Path) -> None:
        started = time.monotonic()
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds[command.replace(f"{sys.executable} {template_repository}/", "python ")] = (
            time.monotonic() - started
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    run(
        f"{sys.executable} {scaffolder} ./services/payments-api --framework express --style rest",
        tmp_path,
    )
    service = tmp_path / "services" / "payments-api"
    for command in ("npm ci", "npm run lint", "npm run test", "npm run build"):
        run(command, service)
    with capsys.disabled():
        print()
        for command, taken in seconds.items():
            print(f"{taken:6.1f} s  {command}")
        print(f"{sum(seconds.values()):6.1f} s  from nothing to green")
    assert (service / "dist" / "main.js").exists()
