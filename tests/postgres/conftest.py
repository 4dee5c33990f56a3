"""Places to work in, and the command line as a user runs it."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.postgres.processes import command_line


@pytest.fixture
def open_path():
    """A folder that the server user can enter; pytest keeps its own to itself."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path


@pytest.fixture
def senior_backend():
    """Run the command line; returns the finished process."""

    def run(*arguments: str | Path, cwd: Path | None = None, **environment: str):
        return subprocess.run(
            command_line(*arguments),
            cwd=cwd,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
