"""An unchanged folder is answered from the cache; whatever changes the answer is noticed."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from senior_backend.report import FORMATS
from tests.fixtures import permissions

CREATE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
DROP = "ALTER TABLE orders DROP COLUMN note;\n"


class Place:
    """A repository with two migrations, older than any run, and a cache of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.cache = root / "cache"
        self.entries = self.cache / "senior-backend" / "lint"
        self.write("db/0001_orders.sql", CREATE)
        self.write("db/0002_drop.sql", DROP)

    def write(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        for old in (path, *path.parents[: len(Path(name).parents)]):
            os.utime(old, (1_700_000_000, 1_700_000_000))

    def lint(self, *arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "senior_backend", "migrations", "lint", *arguments],
            cwd=self.root,
            env={**os.environ, "XDG_CACHE_HOME": str(self.cache), "SENIOR_BACKEND_CACHE": ""},
            capture_output=True,
            text=True,
            preexec_fn=permissions.give_up,
        )
        return done.returncode, done.stdout, done.stderr

    def is_kept(self, *arguments: str) -> bool:
        """Whether the command line is answered from the cache: with a marked answer it shows."""
        return self.lint(*arguments)[1] == MARK

    def mark(self) -> None:
        """Put another answer into every entry."""
        entries = list(self.entries.iterdir())
        assert entries
        for entry in entries:
            head = zlib.decompress(entry.read_bytes()[32:]).partition(b"\0\0")[0]
            body = zlib.compress(head + b"\0\0" + MARK.encode())
            entry.write_bytes(hashlib.blake2b(body, digest_size=32).digest() + body)


MARK = "kept"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("output_format", FORMATS)
def test_the_second_answer_is_the_first(place: Place, output_format: str):
    first = place.lint("db", "--format", output_format)
    assert first[0] == 1
    assert place.lint("db", "--format", output_format) == first
    place.mark()
    assert place.is_kept("db", "--format", output_format)


def test_an_answer_needs_neither_click_nor_the_parser(place: Place):
    place.lint("db")
    code = """
import sys
from senior_backend import __main__
sys.argv = ["senior-backend", "migrations", "lint", "db"]
try:
    __main__.main()
except SystemExit as end:
    loaded = [name for name in ("click", "senior_backend.sql") if name in sys.modules]
    print(end.code, loaded, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place.root,
        env={**os.environ, "XDG_CACHE_HOME": str(place.cache), "SENIOR_BACKEND_CACHE": ""},
        capture_output=True,
        text=True,
    )
    assert done.stderr == "1 []\n"


CHANGES: dict[str, Callable[[Place], object]] = {
    "a file": lambda place: place.write("db/0002_drop.sql", DROP + "SELECT 1;\n"),
    "a file, with its time put back and its size kept": lambda place: place.write(
        "db/0002_drop.sql", DROP.replace("note", "nota")
    ),
    "a file more": lambda place: place.write("db/0003_more.sql", DROP),
    "a file less": lambda place: (place.root / "db/0002_drop.sql").unlink(),
    "a folder more": lambda place: (place.root / "db/down").mkdir(),
    "settings": lambda place: place.write("senior-backend.toml", "[migrations]\npostgres = 16\n"),
    "settings of squawk": lambda place: place.write(".squawk.toml", "excluded_rules = []\n"),
    "another repository": lambda place: (place.root / "db/.git").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(place: Place, change: str):
    place.lint("db/0002_drop.sql")
    place.mark()
    assert place.is_kept("db/0002_drop.sql")
    CHANGES[change](place)
    assert not place.is_kept("db/0002_drop.sql")


def test_a_commit_is_noticed(place: Place):
    """What it holds is not mended by `--fix`, and the answer says so."""

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=place.root, check=True)

    place.write("db/0003_note.sql", "ALTER TABLE orders ADD COLUMN more text;\n")
    git("init", "-q", "-b", "main")
    git("add", "db/0001_orders.sql")
    git("commit", "-qm", "x")
    for path in (place.root / ".git").rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert "not automatic" not in place.lint("db/0003_note.sql")[1]
    place.mark()
    assert place.is_kept("db/0003_note.sql")
    git("add", "-A")
    git("commit", "-qm", "x")
    assert "not automatic: it is committed" in place.lint("db/0003_note.sql")[1]


def test_each_command_line_has_its_own_answer(place: Place):
    place.lint("db")
    place.mark()
    assert place.is_kept("db")
    assert not place.is_kept("db", "--pg", "16")
    assert not place.is_kept("db", "--no-cache")
    assert not place.is_kept("../db", "db")


@pytest.mark.parametrize(
    "arguments",
    [
        ("db", "--no-cache"),
        ("db", "--fix"),
        ("db", "--write-baseline", "known.json"),
        ("db", "--format", "json", "--verbose"),
        ("--stdin",),
        ("nowhere",),
        ("db", "--disable", "no-such-rule"),
    ],
    ids=" ".join,
)
def test_what_is_never_kept(place: Place, arguments: tuple[str, ...]):
    place.lint(*arguments)
    assert not place.entries.exists() or not list(place.entries.iterdir())


def test_a_file_that_cannot_be_read_is_tried_again(place: Place):
    (place.root / "db/0002_drop.sql").chmod(0)
    assert place.lint("db")[0] == 3
    assert not list(place.entries.iterdir())


@pytest.mark.parametrize("young", ["db/0002_drop.sql", "db"])
def test_what_is_younger_than_the_run_is_not_trusted(place: Place, young: str):
    os.utime(place.root / young, (4_000_000_000, 4_000_000_000))
    place.lint("db")
    assert not list(place.entries.iterdir())


def test_where_times_are_whole_seconds_the_second_before_the_run_is_not_trusted(place: Place):
    second = int(time.time())
    os.utime(place.root / "db/0002_drop.sql", (second, second))
    place.lint("db")
    assert not list(place.entries.iterdir())


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no such file system here")
def test_files_in_shared_memory_are_files():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        place = Place(Path(folder))
        place.lint("db")
        place.mark()
        assert place.is_kept("db")
        place.write("db/0002_drop.sql", DROP + "SELECT 1;\n")
        assert not place.is_kept("db")


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: data[:-1] + b"\0"]
)
def test_a_damaged_entry_counts_as_none(place: Place, damage: Callable[[bytes], bytes]):
    first = place.lint("db")
    for path in place.entries.iterdir():
        path.write_bytes(damage(path.read_bytes()))
    assert place.lint("db") == first


def test_a_folder_that_others_may_write_is_not_used(place: Place):
    place.entries.mkdir(parents=True)
    place.entries.chmod(0o777)
    assert place.lint("db")[0] == 1
    assert not list(place.entries.iterdir())


def test_a_link_in_the_place_of_an_entry_is_not_followed(place: Place):
    first = place.lint("db")
    place.mark()
    (entry,) = place.entries.iterdir()
    target = place.root / "target"
    entry.rename(target)
    entry.symlink_to(target)
    assert place.lint("db") == first


def test_the_oldest_entries_go_when_there_is_too_much(place: Place):
    place.lint("db")
    (first,) = place.entries.iterdir()
    first.write_bytes(b"")
    os.truncate(first, 70_000_000)
    place.lint("db", "--pg", "16")
    assert not first.exists()
    assert len(list(place.entries.iterdir())) == 1
