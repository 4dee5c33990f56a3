"""A real repository to check, written as a table of path -> content."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from senior_backend import git

Repository = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Write files into a new repository and have Git track them."""

    def make(files: Mapping[str, str | bytes]) -> Path:
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        git.run(["add", "--all", "--force"], tmp_path)
        return tmp_path

    return make
