"""Git floor: what a real repository holds, and the conflict markers in a text."""

import os
import subprocess
from pathlib import Path

import pytest

from senior_backend import git
from senior_backend.errors import InputError, NotRunError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def test_tracked_files_are_those_in_the_index_that_exist(repository: Path) -> None:
    for name in ("a", "b", "ünï cödé", "gone", "untracked"):
        (repository / name).write_text(name)
    (repository / "link").symlink_to("a")
    git.run(["add", "a", "b", "ünï cödé", "gone", "link"], repository)
    (repository / "gone").unlink()
    assert {f.name for f in git.tracked_files(repository)} == {"a", "b", "ünï cödé"}


def test_a_new_file_makes_the_repository_dirty(repository: Path) -> None:
    assert not git.is_dirty(repository)
    (repository / "a").write_text("a")
    assert git.is_dirty(repository)


def test_the_root_is_found_from_below_and_inside_a_hook(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = repository / "x" / "y"
    below.mkdir(parents=True)
    monkeypatch.setenv("GIT_DIR", "/nowhere/.git")
    assert git.root(below) == repository.resolve()


def test_outside_a_repository_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not in a Git repository; run this inside one"):
        git.root(tmp_path)


def test_outside_a_repository_on_a_mounted_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git adds a hint there, which is not the reason."""
    program = tmp_path / "git"
    program.write_text(
        "#!/bin/sh\n"
        "echo 'fatal: not a git repository (or any parent up to mount point /home)' >&2\n"
        "echo 'Stopping at filesystem boundary (GIT_DISCOVERY_ACROSS_FILESYSTEM not set).' >&2\n"
        "exit 128\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(InputError, match="is not in a Git repository; run this inside one"):
        git.root(tmp_path)


def test_a_failure_is_explained_by_its_reason_and_not_by_the_hints_after_it(
    repository: Path,
) -> None:
    with pytest.raises(NotRunError) as refused:
        git.run(["ls-remote", "/nowhere/x"], repository)
    assert str(refused.value).endswith("fatal: '/nowhere/x' does not appear to be a git repository")


def test_a_machine_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotRunError, match="git is not installed"):
        git.root(tmp_path)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n", [1, 3, 5]),
        ("<<<<<<< before updating\r\na\r\n=======\r\nb\r\n>>>>>>> after updating\r\n", [1, 3, 5]),
        ("<<<<<<< a\n1\n||||||| base\n0\n=======\n2\n>>>>>>> b\n", [1, 3, 5, 7]),
        ("ok\n>>>>>>> left over\n", [2]),
        ("<<<<<<<\n", [1]),
        ("Title\n=======\n", []),
        ("  <<<<<<< HEAD\n", []),
        ("text <<<<<<< HEAD\n", []),
        ("<<<<<<<< eight\n========\n", []),
        ("<<<<<<<nolabel\n", []),
        ("||||||| table |\n", []),
        ("<<<<<<< a\n======= heading\n>>>>>>> b\n", [1, 3]),
        ("", []),
    ],
)
def test_conflict_markers_are_those_that_git_merge_writes(text: str, lines: list[int]) -> None:
    assert list(git.conflict_markers(text)) == lines
