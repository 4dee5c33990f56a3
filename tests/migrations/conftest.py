"""A repository with migrations in it, and the linter run on it as a user runs it."""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from senior_backend import cli

Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Run:
    """What a run printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def found(self) -> list[tuple[str, str, int]]:
        """Rule, path and line of every finding that is not suppressed."""
        return [
            (f["rule"], f["path"], f["line"])
            for f in self.document["findings"]
            if f["suppressed"] is None
        ]

    @property
    def gate(self) -> list[tuple[str, str, int]]:
        """The same of those of class gate."""
        return [
            (f["rule"], f["path"], f["line"])
            for f in self.document["findings"]
            if f["suppressed"] is None and f["class"] == "gate"
        ]


@dataclass(frozen=True)
class Repository:
    """A Git repository in a temporary directory."""

    root: Path

    def write(self, files: Files) -> None:
        """Add or replace files."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def commit(self, message: str = "x") -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def run(self, *arguments: str, stdin: bytes = b"", where: str = ".") -> Run:
        """`senior-backend migrations ...` in it, in this process: starting one takes longer."""
        out, err = io.BytesIO(), io.BytesIO()
        streams = [io.TextIOWrapper(stream, "utf-8", write_through=True) for stream in (out, err)]
        with (
            contextlib.chdir(self.root / where),
            contextlib.redirect_stdout(streams[0]),
            contextlib.redirect_stderr(streams[1]),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
            pytest.raises(SystemExit) as stopped,
        ):
            cli.main(["migrations", *arguments])
        code = stopped.value.code or 0
        assert isinstance(code, int)
        return Run(code, out.getvalue().decode(), err.getvalue().decode())

    def lint(self, *arguments: str) -> Run:
        """`migrations lint --format json ...` in it."""
        return self.run("lint", "--format", "json", *arguments)


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[Files], Repository]:
    """Make a repository that holds some files (not committed)."""

    def make(files: Files) -> Repository:
        made = Repository(tmp_path)
        made.git("init", "-q", "-b", "main")
        made.write(files)
        return made

    return make
