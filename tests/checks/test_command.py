"""``senior-backend check`` as a person or a hook calls it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from senior_backend.checks.command import CHECKS
from tests.checks.conftest import Repository

CONFLICT = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic\n"


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "senior_backend", "check", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no-conflict-markers"], 1),
        (["no-conflict-markers", "ok.py"], 0),
        (["no-conflict-markers", "sub/bad.py"], 1),
        (["no-conflict-markers", "sub"], 1),
        (["no-conflict-markers", "./sub/../ok.py"], 0),
        (["env-example-in-sync"], 0),
        (["env-example-in-sync", "ok.py"], 0),
    ],
)
def test_exit_codes(repository: Repository, arguments: list[str], code: int) -> None:
    root = repository({"ok.py": "", "sub/bad.py": CONFLICT})
    done = run(root, *arguments)
    assert (done.returncode, done.stderr) == (code, "")


def test_paths_are_taken_from_here_and_shown_from_the_root(repository: Repository) -> None:
    root = repository({"sub/bad.py": CONFLICT, "bad.py": CONFLICT})
    done = run(root / "sub", "no-conflict-markers", "bad.py")
    assert done.stdout.splitlines() == [
        f"sub/bad.py:{line}:1: error: merge conflict marker '{marker}'; "
        "keep what is right of the two sides and delete the markers [no-conflict-markers]"
        for line, marker in ((1, "<<<<<<< HEAD"), (3, "======="), (5, ">>>>>>> topic"))
    ] + ["no-conflict-markers: 1 file checked; 3 to fix"]


def test_formats_for_machines(repository: Repository) -> None:
    root = repository({"bad.py": CONFLICT})
    document = json.loads(run(root, "no-conflict-markers", "--format", "json").stdout)
    assert [f["line"] for f in document["findings"]] == [1, 3, 5]
    github = run(root, "no-conflict-markers", "--format", "github").stdout
    assert github.startswith("::error file=bad.py,line=1,col=1,endColumn=12,title=no-conflict-mark")


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({}, ["gone.py"], "gone.py: no such file; check the path and run this again"),
        ({}, ["/etc/hosts"],
         "/etc/hosts: lies outside the repository {root}; run this inside its own"),
        ({"senior-backend.toml": "[checks]\nexlude = []\n"}, [],
         "senior-backend.toml:2: unknown setting 'exlude'; did you mean 'exclude'?"),
        ({"senior-backend.toml": "[checks]\nexclude = 'docs'\n"}, [],
         "senior-backend.toml:2: 'exclude' must be a list of strings"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", CHECKS)
def test_bad_input_is_one_line_and_exit_2(
    repository: Repository, check: str, files: dict[str, str], arguments: list[str], message: str
) -> None:
    root = repository(files)
    done = run(root, check, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"senior-backend: {message.format(root=root)}\n"


def test_outside_a_repository(tmp_path: Path) -> None:
    done = run(tmp_path, "no-conflict-markers")
    assert done.returncode == 2
    assert "is not in a Git repository" in done.stderr


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_a_hook_and_a_page(check: str) -> None:
    import yaml

    root = Path(__file__).parents[2]
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    entries = {hook["id"]: hook["entry"] for hook in hooks}
    assert entries[check] == f"senior-backend check {check}"
    assert list((root / "references").glob(f"*/{check}.md"))
