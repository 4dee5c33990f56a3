"""What is read of a public repository, and what is not."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.lint.corpus import Corpus
from benchmarks.lint.histories import File, History
from benchmarks.lint.linters import Found
from benchmarks.lint.manifest import Repository, read
from senior_backend.errors import NotRunError


def git(directory: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    mirror = tmp_path / "mirror"
    repository = mirror / "owner+name"
    for name in ("db/a.sql", "db/private/b.sql", "other/c.sql"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("select 1;\n")
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "all")
    return mirror


def repository(mirror: Path, name: str = "owner/name") -> Repository:
    commit = git(mirror / "owner+name", "rev-parse", "HEAD")
    return Repository(name, commit, ("db",), "history", without=("db/private",))


def test_only_the_named_paths_are_unpacked_without_what_is_left_out(mirror: Path, tmp_path: Path):
    tree = Corpus(tmp_path / "cache", mirror).unpacked(repository(mirror))
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert files == [tree / "db/a.sql"]


def test_a_missing_repository_is_one_line_with_the_remedy(mirror: Path, tmp_path: Path):
    with pytest.raises(NotRunError, match="has no owner/other: clone it there"):
        Corpus(tmp_path / "cache", mirror).unpacked(repository(mirror, "owner/other"))


def test_files_made_for_agents_are_never_unpacked():
    manifest = read()
    repository = manifest.repositories[manifest.labelled]
    assert repository.without == ("bench/corpus/agent-flavored",)


DOWN = {
    "V1__a.sql": None,
    "1_a.up.sql": None,
    "1_a.down.sql": 1,
    "2024_x/down.sql": 1,
    "2024_x/up.sql": None,
    "U1__a.sql": 1,
    "breakdown.sql": None,
}


@pytest.mark.parametrize("name", DOWN)
def test_the_name_says_whether_a_file_takes_back(name: str, tmp_path: Path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("select 1;\n")
    assert File(tmp_path, name).down_from == (DOWN[name] or float("inf"))


def test_findings_in_the_second_half_of_a_goose_file_do_not_count(tmp_path: Path):
    (tmp_path / "db").mkdir()
    (tmp_path / "db/1.sql").write_text(
        "-- +goose Up\ncreate table t ();\n-- +goose Down\ndrop table t;\n"
    )
    history = History(Repository("a/b", "0", ("db",), "history"), tmp_path)
    up, down = (Found("db/1.sql", line, line, "r", True, "") for line in (2, 4))
    assert history.forward([up, down]) == [up]
    assert [one.sql for one in history.files[0].forward()] == ["create table t ()"]
