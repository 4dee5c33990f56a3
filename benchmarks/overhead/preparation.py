"""Commands and files that every tree's preparation uses."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from senior_backend.errors import NotRunError
from tests.fixtures.template import answer_flags, commit_all, copier, snapshot


def generate(framework: str, directory: Path) -> Path:
    """Generate a service with the example from this checkout, in `directory`."""
    template = snapshot(directory / "template")
    service = directory / "service"
    answers = {"framework": framework, "example": "orders"}
    copied = copier("copy", "--defaults", *answer_flags(answers), template, service)
    if copied.returncode:
        raise NotRunError(f"copier failed: {copied.stderr.strip().splitlines()[-1]}")
    commit_all(service, "Start the service")
    return service


def read_env(path: Path) -> dict[str, str]:
    """The variables that a `.env` file sets; empty ones are left out."""
    lines = path.read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs if value}


def run(command: list[str], directory: Path, environment: Mapping[str, str] | None = None) -> str:
    """The output of a command. Raises ``NotRunError`` with its last line when it fails."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=None if environment is None else dict(environment),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotRunError(f"`{' '.join(command)}` failed: {lines[-1] if lines else 'no output'}")
    return done.stdout
