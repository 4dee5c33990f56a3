"""The hooks as other repositories run them: pre-commit installs this one and blocks a commit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from senior_backend import git
from tests.checks.conftest import Repository

CONFIGURATION = """\
repos:
  - repo: {address}
    rev: {rev}
    hooks:
      - id: no-conflict-markers
      - id: env-example-in-sync
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pre-commit")


@pytest.mark.parametrize(
    ("files", "failed", "said"),
    [
        (
            {"a.py": "<<<<<<< before updating\n1\n=======\n2\n>>>>>>> after updating\n"},
            {"no-conflict-markers"},
            "a.py:1:1: error: merge conflict marker '<<<<<<< before updating'",
        ),
        (
            {"a.py.rej": "diff a/a.py b/a.py (rejected hunks)\n"},
            {"no-conflict-markers"},
            "a.py.rej:1:1: error: holds hunks that a merge could not apply to a.py",
        ),
        (
            {"x/.env.example": "OLD=1\n", "x/a.ts": "process.env.NEW\n"},
            {"env-example-in-sync"},
            "x/a.ts:1:1: error: NEW is read here, but x/.env.example does not list it",
        ),
        (
            {".env.example": "A=1\n", "compose.yml": "image: ${A}\n", "README": "=======\n"},
            set(),
            "",
        ),
    ],
)
def test_a_commit_is_blocked_when_it_should_be(
    repository: Repository,
    template_repository: Path,
    cache: Path,
    files: dict[str, str],
    failed: set[str],
    said: str,
) -> None:
    rev = git.run(["rev-parse", "HEAD"], template_repository).strip()
    configuration = CONFIGURATION.format(address=template_repository, rev=rev)
    root = repository({**files, ".pre-commit-config.yaml": configuration})
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"],
        cwd=root,
        env={**os.environ, "PRE_COMMIT_HOME": str(cache), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    ids = {
        line.removeprefix("- hook id: ") for line in done.stdout.splitlines() if "hook id" in line
    }
    assert (done.returncode, ids) == (1 if failed else 0, failed), done.stdout + done.stderr
    assert said in done.stdout
