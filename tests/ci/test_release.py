"""`make release VERSION=` in a real repository."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from senior_backend import __version__

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in (".ci/release.py", "hooks/senior_backend/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("README.md", "SKILL.md"):
        (tmp_path / name).write_text("- repo: x\n  rev: v0.0.1\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- New.\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "user.name", "A")
    git(tmp_path, "config", "user.email", "a@example.com")
    commit(tmp_path)
    return tmp_path


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(repository: Path) -> None:
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "state")


def release(repository: Path, version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ".ci/release.py", version], cwd=repository, capture_output=True, text=True
    )


def test_a_release_sets_the_version_dates_the_changelog_and_tags(repository: Path) -> None:
    assert release(repository, "1.2.3").returncode == 0
    assert '__version__ = "1.2.3"' in (repository / "hooks/senior_backend/__init__.py").read_text()
    assert (repository / "README.md").read_text() == "- repo: x\n  rev: v1.2.3\n"
    assert "## Unreleased\n\n## 1.2.3 - 20" in (repository / "CHANGELOG.md").read_text()
    assert git(repository, "describe") == "v1.2.3"
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3-rc1"])
def test_a_version_of_another_form_is_refused(repository: Path, version: str) -> None:
    done = release(repository, version)
    assert (done.returncode, done.stderr[:22]) == (1, "release: VERSION must ")


def test_a_machine_without_a_git_identity_is_told_so_before_anything_changes(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "config", "--unset", "user.email")
    git(repository, "config", "user.useConfigOnly", "true")
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    assert "git does not know who you are" in release(repository, "1.2.3").stderr
    assert git(repository, "status", "--porcelain") == ""


def test_the_version_that_people_copy_is_the_newest() -> None:
    pages = [ROOT / "README.md", ROOT / "SKILL.md", *ROOT.glob("references/*/*.md")]
    pins = {pin for page in pages for pin in re.findall(r"rev: v([\w.]+)", page.read_text())}
    assert pins == {__version__}


def test_a_dirty_tree_an_old_tag_and_an_empty_changelog_are_refused(repository: Path) -> None:
    (repository / "new").write_text("x")
    assert "uncommitted changes" in release(repository, "1.0.0").stderr
    commit(repository)
    assert release(repository, "1.0.0").returncode == 0
    assert "the tag v1.0.0 exists" in release(repository, "1.0.0").stderr
    assert "says nothing under '## Unreleased'" in release(repository, "1.0.1").stderr
    assert git(repository, "tag") == "v1.0.0"
