"""What is no SQL, or hardly: one line that names the file, and the rest is linted."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from senior_backend import report
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
INDEX = "CREATE INDEX orders_note_idx ON orders (note);\n"
GOOD: Files = {"db/001_orders.sql": TABLE, "db/003_index.sql": INDEX}
HIT = ("index-not-concurrent", "db/003_index.sql", 1)

# What the file db/002.sql holds, what is said of it, and whether it counts as not checked: an
# empty file has nothing that could be dangerous, one that cannot be read may have anything.
UNREADABLE = [
    ("empty", b"", "is empty", False),
    ("white space", b" \r\n\t\n", "is empty", False),
    ("binary", bytes(range(256)) * 64, "holds NUL bytes: not SQL text", True),
    ("one zero byte", b"SELECT 1;\n\0\n", "holds NUL bytes: not SQL text", True),
    ("Latin-1", "SELECT 'caf\xe9';".encode("latin-1"), "is not UTF-8; convert it", True),
    ("cut within a character", "SELECT 'caf\xe9'".encode()[:-2], "is not UTF-8; convert it", True),
    ("UTF-16", TABLE.encode("utf-16"), "is UTF-16, not UTF-8; convert it", True),
]


@pytest.mark.parametrize(
    ("data", "said", "whole"), [case[1:] for case in UNREADABLE], ids=[c[0] for c in UNREADABLE]
)
def test_a_file_that_is_no_text_is_named_and_the_rest_is_linted(
    repository: Make, data: bytes, said: str, whole: bool
) -> None:
    made = repository({**GOOD, "db/002_bad.sql": data})
    run = made.lint("db")
    (missing,) = run.document["not_analyzed"]
    assert (missing["path"], missing["reason"]) == ("db/002_bad.sql", said)
    assert (run.gate, run.code, run.err) == ([HIT], 1, "")
    alone = made.run("lint", "db/002_bad.sql")
    assert alone.code == (3 if whole else 0)
    assert f"db/002_bad.sql:{missing['line']}: not analyzed: {said}\n" in alone.out


# A statement that nobody can run, or that cannot be parsed safely, between two that can. What is
# never closed is taken to end with its line, so that what follows is not lost with it.
STATEMENTS = [
    ("deep parentheses", f"SELECT {'(' * 20_000}1{')' * 20_000};", "memory exhausted"),
    ("deep, unbalanced", f"SELECT {'(' * 100_000};", ""),
    ("deep arrays", f"SELECT {'ARRAY[' * 5_000}1{']' * 5_000};", ""),
    ("deep CASE", f"SELECT {'CASE WHEN a THEN ' * 3_000}1{' END' * 3_000};", ""),
    ("many operands", f"SELECT {'1+' * 30_000}1;", "more than 4,000 operands"),
    ("syntax error", "CREATE TABEL x;", 'syntax error at or near "TABEL"'),
    ("MySQL", "CREATE TABLE `x` (id int AUTO_INCREMENT) ENGINE=InnoDB;", "MySQL"),
    ("open string", "SELECT 'abc;", "a string is not closed"),
    ("open comment", "/* SELECT 1;", ""),
    ("open dollar quote", "DO $$ BEGIN;", ""),
]


@pytest.mark.parametrize(
    ("statement", "said"),
    [case[1:] for case in STATEMENTS],
    ids=[case[0] for case in STATEMENTS],
)
def test_a_statement_that_cannot_be_read_is_named_and_its_neighbours_are_linted(
    repository: Make, statement: str, said: str
) -> None:
    second = INDEX.replace("orders_note_idx", "second")
    run = repository({**GOOD, "db/002.sql": f"{INDEX}{statement}\n{second}"}).lint("db")
    (missing,) = run.document["not_analyzed"]
    assert (missing["path"], missing["line"]) == ("db/002.sql", 2)
    assert said in missing["reason"]
    assert "\n" not in missing["reason"]
    assert ("index-not-concurrent", "db/002.sql", 1) in run.gate
    assert ("index-not-concurrent", "db/002.sql", 3) in run.gate
    assert (HIT in run.gate, run.code, run.err) == (True, 1, "")


def test_names_with_spaces_and_line_breaks_stay_on_their_line(repository: Make) -> None:
    made = repository({**GOOD, "db/004 more.sql": INDEX, "db/005_two\nlines.sql": b"\0"})
    run = made.lint("db")
    assert HIT in run.gate
    assert ("index-not-concurrent", "db/004 more.sql", 1) in run.gate
    shown = made.run("lint", "db/004 more.sql", "db/005_two\nlines.sql").out
    assert "\ndb/005_two\\nlines.sql:1: not analyzed: holds NUL bytes: not SQL text\n" in shown


@pytest.mark.parametrize("output_format", report.FORMATS)
def test_every_format_can_show_any_name(repository: Make, output_format: str) -> None:
    odd = {
        f"db/00{n}_{name}.sql": INDEX for n, name in enumerate(("a\nb", "\x07", "<|`*&\"'>", "é"))
    }
    made = repository({**GOOD, **odd, os.fsdecode(b"db/009_\xff.sql"): INDEX, "db/010.sql": b"\0"})
    run = made.run("lint", "db", "--format", output_format)
    assert (run.code, run.err) == (1, "")
    assert "Traceback" not in run.out


def test_any_name_can_be_mended_and_be_in_a_baseline(repository: Make) -> None:
    odd = {os.fsdecode(b"db/004_\xff.sql"): INDEX, "db/005_two\nlines.sql": INDEX}
    made = repository({"db/001_orders.sql": TABLE, 'db/002_\n"é.sql': "SELECT 1;\n"})
    made.commit()
    made.write(odd)
    assert made.run("lint", "db", "--write-baseline", "known.json").code == 0
    assert made.run("lint", "db", "--baseline", "known.json").code == 0
    fixed = made.run("lint", "db", "--fix")
    assert (fixed.code, set(fixed.err.splitlines())) == (
        0,
        {"fixed db/004_\\udcff.sql", "fixed db/005_two\\nlines.sql"},
    )


class TestLinksAndDirectories:
    def test_a_link_to_a_file_is_read(self, repository: Make) -> None:
        made = repository({**GOOD, "elsewhere/real.txt": INDEX})
        (made.root / "db/004_link.sql").symlink_to("../elsewhere/real.txt")
        assert ("index-not-concurrent", "db/004_link.sql", 1) in made.lint("db").gate

    def test_a_link_to_a_directory_is_followed_when_it_is_named(self, repository: Make) -> None:
        made = repository(GOOD)
        (made.root / "link").symlink_to("db")
        assert made.lint("link").gate == [("index-not-concurrent", "link/003_index.sql", 1)]
        assert made.lint(".").gate == [HIT]

    @pytest.mark.parametrize(
        ("name", "target"),
        [("db/004_gone.sql", "nowhere"), ("db/004_self.sql", "004_self.sql")],
    )
    def test_a_link_to_nothing_is_named(self, repository: Make, name: str, target: str) -> None:
        made = repository(GOOD)
        (made.root / name).symlink_to(target)
        run = made.lint("db")
        (missing,) = run.document["not_analyzed"]
        assert missing["path"] == name
        assert missing["reason"] == "is no file: a link to nothing, a pipe or a socket"
        assert (run.gate, run.code) == ([HIT], 1)
        assert made.run("lint", name).code == 3

    def test_a_loop_of_directories_ends(self, repository: Make) -> None:
        made = repository(GOOD)
        (made.root / "db" / "loop").symlink_to("..")
        assert made.lint(".").gate == [HIT]

    def test_a_pipe_is_never_opened(self, repository: Make) -> None:
        made = repository(GOOD)
        os.mkfifo(made.root / "db/004_pipe.sql")
        assert made.lint("db").gate == [HIT]
        assert made.run("lint", "db/004_pipe.sql").code == 3

    def test_a_directory_may_be_called_like_a_file(self, repository: Make) -> None:
        made = repository({**GOOD, "db/old.sql/001_orders.sql": TABLE, "db/old.sql/002.sql": INDEX})
        (made.root / "db/005_empty.sql").mkdir()
        run = made.lint("db")
        assert set(run.gate) == {HIT, ("index-not-concurrent", "db/old.sql/002.sql", 1)}
        (missing,) = run.document["not_analyzed"]
        assert (missing["path"], missing["reason"]) == ("db/005_empty.sql", "is an empty directory")


@pytest.mark.usefixtures("permissions_hold")
class TestPermissions:
    def test_a_file_that_may_not_be_read_is_named(self, repository: Make) -> None:
        made = repository({**GOOD, "db/002_secret.sql": INDEX})
        (made.root / "db/002_secret.sql").chmod(0)
        run = made.lint("db")
        (missing,) = run.document["not_analyzed"]
        assert missing["reason"] == "cannot be read: Permission denied"
        assert (run.gate, run.code) == ([HIT], 1)

    def test_a_directory_that_may_not_be_listed_is_named(self, repository: Make) -> None:
        made = repository({**GOOD, "db/more/001.sql": INDEX})
        (made.root / "db/more").chmod(0)
        run = made.lint("db")
        (made.root / "db/more").chmod(0o700)
        (missing,) = run.document["not_analyzed"]
        assert missing["reason"] == "cannot be listed: Permission denied"
        assert run.gate == [HIT]

    def test_a_file_that_may_not_be_written_is_named_by_fix(self, repository: Make) -> None:
        made = repository(GOOD)
        (made.root / "db").chmod(0o500)
        run = made.run("lint", "db", "--fix")
        (made.root / "db").chmod(0o700)
        assert run.code == 2
        assert "db/003_index.sql: cannot be written (Permission denied)" in run.err


LINE_ENDS = [
    ("line feeds", b"\n"),
    ("Windows", b"\r\n"),
    ("old Macintosh", b"\r"),
]


@pytest.mark.parametrize("end", [e for _, e in LINE_ENDS], ids=[n for n, _ in LINE_ENDS])
def test_every_kind_of_line_end_is_read_and_kept_by_fix(repository: Make, end: bytes) -> None:
    data = end.join([b"-- an index", INDEX.strip().encode(), b"SELECT 1;", b""])
    made = repository({"db/001_orders.sql": TABLE, "db/003_index.sql": data})
    assert [rule for rule, _, _ in made.lint("db").gate] == ["index-not-concurrent"]
    assert made.run("lint", "db", "--fix").code == 0
    fixed = (made.root / "db/003_index.sql").read_bytes()
    assert b"INDEX CONCURRENTLY" in fixed
    assert not set(fixed.replace(end, b"")) & set(b"\r\n")


def test_a_line_of_megabytes_is_linted_and_not_printed(repository: Make) -> None:
    made = repository({**GOOD, "db/002.sql": f"SELECT '{'x' * 5_000_000}';{INDEX}"})
    run = made.run("lint", "db")
    assert "db/002.sql:1:5000011: error:" in run.out
    assert (run.code, run.err) == (1, "")
    assert max(map(len, run.out.splitlines())) < 1000


def test_a_byte_order_mark_counts_for_no_column_and_stays(repository: Make) -> None:
    made = repository({**GOOD, "db/002.sql": b"\xef\xbb\xbf" + INDEX.encode()})
    found = made.lint("db").document["findings"]
    (column,) = {f["column"] for f in found if f["path"] == "db/002.sql"}
    assert column == 1
    made.run("lint", "db", "--fix")
    assert (made.root / "db/002.sql").read_bytes().count(b"\xef\xbb\xbf") == 1


def test_files_of_other_databases_beside_ours_are_left_out(repository: Make) -> None:
    mysql = "CREATE TABLE `t` (id int AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB;\n"
    made = repository(
        {
            "db/001_orders.postgres.sql": TABLE,
            "db/001_orders.mysql.sql": mysql,
            "db/003_index.postgres.sql": INDEX,
            "mysql/001_orders.sql": mysql,
            "sqlite/001_orders.sql": "CREATE TABLE t (id integer primary key autoincrement);\n",
        }
    )
    run = made.lint(".")
    assert run.gate == [("index-not-concurrent", "db/003_index.postgres.sql", 1)]
    assert run.document["not_analyzed"] == []
    assert run.document["summary"]["left_out"] == 3
    assert sum(run.document["summary"]["left_out_by_reason"].values()) == 3


class TestPlaces:
    def test_what_does_not_exist_is_bad_usage(self, repository: Make) -> None:
        run = repository(GOOD).run("lint", "db", "db/gone.sql")
        assert (run.code, run.out) == (2, "")
        assert run.err.endswith("db/gone.sql: no such file or directory\n")
        assert run.err.count("\n") == 1

    def test_a_directory_without_sql_is_clean_and_says_that_nothing_was_checked(
        self, repository: Make
    ) -> None:
        run = repository({"src/main.py": "x = 1\n"}).run("lint")
        assert run.code == 0
        assert run.out == (
            "migrations lint: 0 statements checked; nothing found\n"
            "no migrations here; name a folder that holds some\n"
        )

    def test_no_repository_is_needed(self, tmp_path: Path) -> None:
        made = Repository(tmp_path)
        made.write(GOOD)
        assert made.lint("db").gate == [HIT]
        for option in ("--changed", "--since=main"):
            run = made.lint("db", option)
            assert (run.code, run.out) == (2, "")
            assert run.err.startswith(f"senior-backend: {tmp_path}/db is not in a Git repository; ")
            assert run.err.count("\n") == 1

    def test_a_path_outside_the_repository_is_linted_under_its_whole_name(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "inside").mkdir()
        made = Repository(tmp_path / "inside")
        made.git("init", "-q")
        Repository(tmp_path).write(GOOD)
        outside = tmp_path / "db/003_index.sql"
        assert made.lint(str(outside)).gate == [("index-not-concurrent", str(outside), 1)]
        assert made.lint("../db").gate == [("index-not-concurrent", str(outside), 1)]
        assert made.run("lint", "../db", "--fix").code == 0
        assert "CONCURRENTLY" in outside.read_text()

    def test_a_working_directory_that_is_a_link_is_the_repository_all_the_same(
        self, repository: Make, tmp_path: Path
    ) -> None:
        made = repository({f"real/{name}": data for name, data in GOOD.items()})
        (tmp_path / "link").symlink_to("real")
        run = made.run("lint", "db", "--format", "json", where="link")
        assert [path for _, path, _ in run.gate] == ["real/db/003_index.sql"]


@pytest.mark.verify
def test_a_dump_of_30_megabytes_is_linted_in_seconds(repository: Make) -> None:
    rows = "".join(f"{n}\tnote {n}\n" for n in range(400_000))
    values = ",\n".join(f"({n}, 'it''s {n}')" for n in range(400_000))
    inserts = "".join(f"INSERT INTO orders VALUES ({n}, 'note');\n" for n in range(20_000))
    dump = (
        f"{TABLE}COPY orders (id, note) FROM stdin;\n{rows}\\.\n\n"
        f"INSERT INTO orders (id, note) VALUES\n{values};\n{inserts}"
    )
    dump += f"-- {'x' * 96}\n" * ((30_000_000 - len(dump)) // 100)
    made = repository({"db/001_dump.sql": dump, "db/003_index.sql": INDEX})
    started = time.monotonic()
    run = made.lint("db")
    assert time.monotonic() - started < 60, "a dump must not stop a commit for minutes"
    assert (run.gate, run.code) == ([HIT], 1)
    assert run.document["not_analyzed"] == []
