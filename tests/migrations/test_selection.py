"""What is linted when Git says what changed, and what a baseline knows of what was not linted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
INDEX = "CREATE INDEX orders_note_idx ON orders (note);\n"
DROP = "ALTER TABLE orders DROP COLUMN note;\n"
OLD: Files = {"db/001.sql": TABLE, "db/002.sql": INDEX}


@pytest.fixture
def changed(repository: Make) -> Repository:
    """A repository whose third migration is not committed."""
    made = repository(OLD)
    made.commit()
    made.write({"db/003.sql": DROP})
    return made


def other(place: Path, files: Files) -> Repository:
    """Another repository, with one commit."""
    place.mkdir()
    made = Repository(place)
    made.git("init", "-q", "-b", "main")
    made.write(files)
    made.commit()
    return made


@pytest.mark.parametrize("option", [["--changed"], ["--since", "main"]])
@pytest.mark.parametrize("where", [".", "db"])
def test_in_a_folder_of_the_repository(changed: Repository, where: str, option: list[str]) -> None:
    run = changed.run("lint", "--format", "json", *option, where=where)
    assert [path for _, path, _ in run.gate] == ["db/003.sql"]


@pytest.mark.parametrize("option", [["--changed"], ["--since", "HEAD"]])
def test_nothing_changed_is_not_nothing_there(changed: Repository, option: list[str]) -> None:
    changed.commit()
    run = changed.run("lint", *option)
    assert (run.code, run.out.splitlines()[-1]) == (0, "no migration is changed")


def test_by_a_link_to_the_repository(
    changed: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link = tmp_path_factory.mktemp("links") / "repository"
    link.symlink_to(changed.root)
    run = changed.lint("--changed", str(link / "db"))
    assert [rule for rule, _, _ in run.gate] == ["drop-column"]


def test_from_another_repository(
    changed: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = other(tmp_path_factory.mktemp("other") / "one", {"README": "x"})
    run = elsewhere.lint("--changed", str(changed.root / "db"))
    assert [rule for rule, _, _ in run.gate] == ["drop-column"]


def test_in_a_submodule_and_in_a_work_tree(
    changed: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("other")
    outer = other(place / "one", {"README": "x"})
    outer.git(
        "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(changed.root), "inner"
    )
    outer.commit()
    outer.write({"inner/db/003.sql": DROP})
    assert [path for _, path, _ in outer.lint("--changed", "inner/db").gate] == ["inner/db/003.sql"]
    changed.git("worktree", "add", "-q", str(place / "tree"), "-b", "tree")
    tree = Repository(place / "tree")
    tree.write({"db/009.sql": DROP})
    assert [path for _, path, _ in tree.lint("--changed").gate] == ["db/009.sql"]


def test_a_renamed_migration_counts_as_changed_and_a_deleted_one_as_gone(
    repository: Make,
) -> None:
    made = repository({**OLD, "db/003.sql": DROP})
    made.commit()
    made.git("mv", "db/002.sql", "db/005.sql")
    made.git("rm", "-q", "db/003.sql")
    assert made.lint("--changed").gate == [("index-not-concurrent", "db/005.sql", 1)]


class TestBaseline:
    def test_what_was_not_linted_this_time_stays_known(self, repository: Make) -> None:
        made = repository({**OLD, "db/003.sql": DROP})
        made.run("lint", "db", "--write-baseline", "known.json")
        made.run("lint", "db/003.sql", "--write-baseline", "known.json")
        assert made.lint("db", "--baseline", "known.json").gate == []

    def test_what_is_mended_or_gone_is_forgotten(self, repository: Make) -> None:
        made = repository({**OLD, "db/003.sql": DROP})
        made.run("lint", "db", "--write-baseline", "known.json")
        made.write({"db/002.sql": "SELECT 1;\n"})
        (made.root / "db/003.sql").unlink()
        made.run("lint", "db", "--write-baseline", "known.json")
        assert '"path"' not in (made.root / "known.json").read_text()

    def test_no_other_file_is_overwritten(self, repository: Make) -> None:
        made = repository(OLD)
        run = made.run("lint", "--write-baseline", "db/001.sql", "db/002.sql")
        assert (run.code, (made.root / "db/001.sql").read_text()) == (2, TABLE)
        assert "db/001.sql: is there and is no baseline" in run.err


BAD_USAGE = [
    "--fix --diff",
    "--fix --write-baseline x.json",
    "--diff --write-baseline x.json",
    "--changed --write-baseline x.json",
    "--since HEAD --write-baseline x.json",
    "--stdin db",
    "--stdin --changed",
    "--stdin --write-baseline x.json",
]


@pytest.mark.parametrize("options", BAD_USAGE)
def test_options_that_contradict_each_other_are_refused(repository: Make, options: str) -> None:
    made = repository(OLD)
    run = made.run("lint", *options.split())
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert not (made.root / "x.json").exists()
