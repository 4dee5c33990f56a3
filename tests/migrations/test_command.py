"""`senior-backend migrations lint` and `plan`: every option, as a person gives it, and wrongly."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from senior_backend import report
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]
ROOT = Path(__file__).resolve().parents[2]

FILES: Files = {
    "db/001_orders.sql": "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);\n",
    "db/002_index.sql": "CREATE INDEX orders_customer_id_idx ON orders (customer_id);\n",
    "db/003_drop.sql": "SET lock_timeout = '5s';\nALTER TABLE orders DROP COLUMN customer_id;\n",
}
INDEX = ("index-not-concurrent", "db/002_index.sql", 1)
TIMEOUT = ("missing-lock-timeout", "db/002_index.sql", 1)
DROP = ("drop-column", "db/003_drop.sql", 2)


@pytest.fixture
def made(repository: Make) -> Repository:
    """The files above, committed."""
    found = repository(FILES)
    found.commit()
    return found


@pytest.fixture
def staged(repository: Make) -> Repository:
    """The same, with all but the first still to be committed."""
    found = repository({"db/001_orders.sql": FILES["db/001_orders.sql"]})
    found.commit()
    found.write(FILES)
    found.git("add", "-A")
    return found


def test_the_terminal_shows_the_place_the_lock_and_the_safe_form(staged: Repository) -> None:
    run = staged.run("lint", "db/002_index.sql")
    assert run.code == 1
    assert (
        run.out
        == """\
db/002_index.sql:1:1: error: CREATE INDEX takes SHARE on orders and builds under it: every write \
to orders waits until the index is built. Write CREATE INDEX CONCURRENTLY. [index-not-concurrent]
  1 | CREATE INDEX orders_customer_id_idx ON orders (customer_id);
    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  fix:
    -CREATE INDEX orders_customer_id_idx ON orders (customer_id);
    +CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
  rollback:
    DROP INDEX CONCURRENTLY orders_customer_id_idx;
db/002_index.sql:1:1: warning: SHARE on orders is asked for without a lock_timeout: while it waits \
for an open transaction, everything that uses the table later waits behind it. \
[missing-lock-timeout]
  1 | CREATE INDEX orders_customer_id_idx ON orders (customer_id);
    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  fix:
    +SET lock_timeout = '5s';
migrations lint: 1 statement checked; 1 to fix, 1 of hygiene
`senior-backend explain index-not-concurrent` says why; --fix mends 2
"""
    )


def test_the_last_line_names_only_commands_that_write_something(repository: Make) -> None:
    made = repository(
        {
            "db/1_a.up.sql": FILES["db/001_orders.sql"],
            "db/1_a.down.sql": "DROP TABLE orders;\n",
            "db/2_b.up.sql": "CREATE TABLE notes (id bigint PRIMARY KEY);\n",
        }
    )
    run = made.run("lint", "db", "--disable", "missing-lock-timeout")
    assert "[missing-down]" in run.out
    assert run.out.splitlines()[-1] == (
        "`senior-backend explain missing-down` says why; "
        "`senior-backend migrations rollback --write` writes the downs that can be proved"
    )


def test_verbose_shows_each_table_and_what_touched_it(made: Repository) -> None:
    run = made.run("lint", "db", "--verbose", "--disable", "missing-lock-timeout")
    tables = run.out.partition("\n\n")[0]
    assert (
        tables
        == """\
public.orders (table)
  column       id bigint not null
  primary key  orders_pkey (id)
  index        orders_pkey unique btree (id) for orders_pkey
  touched by   db/001_orders.sql:1: CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint)
  touched by   db/002_index.sql:1: CREATE INDEX orders_customer_id_idx ON orders (customer_id)  \
[index-not-concurrent]
  touched by   db/003_drop.sql:2: ALTER TABLE orders DROP COLUMN customer_id  [drop-column]"""
    )


def test_verbose_leaves_standard_output_to_a_format_for_machines(made: Repository) -> None:
    run = made.run("lint", "db", "--verbose", "--format", "json")
    assert run.gate == [INDEX, DROP]
    assert run.err.startswith("public.orders (table)\n")


class TestFormats:
    @pytest.mark.parametrize("output_format", report.FORMATS)
    def test_each_names_every_finding_and_ends_alike(
        self, made: Repository, output_format: str
    ) -> None:
        run = made.run("lint", "db", "--format", output_format)
        assert (run.code, run.err) == (1, "")
        for rule, path, line in (INDEX, TIMEOUT, DROP):
            assert rule in run.out
            assert path in run.out
            assert re.search(rf"\b{line}\b", run.out)

    @pytest.mark.parametrize("output_format", ["json", "sarif", "gitlab"])
    def test_json_is_json_also_when_nothing_is_found(
        self, made: Repository, output_format: str
    ) -> None:
        for path in ("db", "db/001_orders.sql"):
            json.loads(made.run("lint", path, "--format", output_format).out)

    def test_junit_is_xml(self, made: Repository) -> None:
        suite = ElementTree.fromstring(made.run("lint", "db", "--format", "junit").out)
        assert suite.get("failures") == "2"

    def test_nothing_found_is_one_line_for_people_and_none_for_github(
        self, made: Repository
    ) -> None:
        clean = made.run("lint", "db/001_orders.sql")
        assert clean.out == "migrations lint: 1 statement checked; nothing found\n"
        assert made.run("lint", "db/001_orders.sql", "--format", "github").out == ""


FAILS = [
    ("db/001_orders.sql", "note", 0),
    ("db/002_index.sql", "gate", 1),
    ("db/002_index.sql --disable index-not-concurrent", "gate", 0),
    ("db/002_index.sql --disable index-not-concurrent", "hygiene", 1),
    ("db/002_index.sql --disable index-not-concurrent", "note", 1),
]


@pytest.mark.parametrize(("arguments", "mildest", "code"), FAILS)
def test_fail_on_says_which_class_fails_the_run(
    made: Repository, arguments: str, mildest: str, code: int
) -> None:
    assert made.run("lint", *arguments.split(), "--fail-on", mildest).code == code


def test_rows_say_that_a_table_is_small(made: Repository) -> None:
    assert INDEX in made.lint("db").gate
    assert INDEX not in made.lint("db", "--rows", "orders=200").gate
    assert INDEX not in made.lint("db", "--rows", "public.orders=0.2k").gate
    assert INDEX in made.lint("db", "--rows", "orders=1.5M").gate
    assert INDEX in made.lint("db", "--rows", "others=200").gate


def test_the_oldest_server_decides_what_may_be_written(repository: Make) -> None:
    tables = (
        "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
        "CREATE TABLE items (order_id bigint) PARTITION BY RANGE (order_id);\n"
    )
    key = "ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders;\n"
    made = repository({"db/1.sql": tables, "db/2.sql": key})
    newest, oldest = made.run("lint", "db", "--pg", "18").out, made.run("lint", "db").out
    assert "NOT VALID" in newest
    assert oldest == made.run("lint", "db", "--pg", "17").out != newest


class TestChangedFiles:
    def test_a_subdirectory_is_a_working_directory_like_any_other(self, made: Repository) -> None:
        made.write({"db/004_more.sql": "CREATE INDEX second ON orders (id, id);\n"})
        hit = ("index-not-concurrent", "db/004_more.sql", 1)
        for where, path in ((".", "db"), ("db", "."), ("db", "004_more.sql")):
            for option in ("--changed", "--since=HEAD"):
                run = made.run("lint", path, "--format", "json", option, where=where)
                assert run.gate == [hit]
        assert made.run("lint", "--changed", where="db").code == 1

    def test_what_changed_elsewhere_is_not_reported(self, made: Repository) -> None:
        made.write({"other/1.sql": "DROP TABLE orders;\n"})
        assert made.run("lint", "db", "--changed").code == 0
        assert made.run("lint", "--changed", where="db").code == 0

    def test_a_change_of_the_down_alone_counts(self, repository: Make) -> None:
        made = repository({"db/1_a.up.sql": FILES["db/001_orders.sql"], "db/1_a.down.sql": ""})
        made.commit()
        made.write({"db/1_a.down.sql": "DROP TABLE orders;\n"})
        assert made.lint("--changed").document["summary"]["migrations"] == 1


class TestStandardInput:
    def test_it_is_linted_alone(self, made: Repository) -> None:
        run = made.run("lint", "--stdin", "--format", "json", stdin=b"DROP TABLE orders;\n")
        assert run.gate == [("drop-table", "stdin.sql", 1)]

    def test_its_fixes_are_a_diff_of_the_name_it_is_given(self, made: Repository) -> None:
        sql = str(FILES["db/002_index.sql"]).encode()
        run = made.run(
            "lint", "--stdin", "--stdin-filename", "db/002_index.sql", "--diff", stdin=sql
        )
        assert run.code == 1
        assert "+++ b/db/002_index.sql\n" in run.out
        (made.root / "fix.diff").write_text(run.out)
        made.git("apply", "fix.diff")
        assert "CONCURRENTLY" in (made.root / "db/002_index.sql").read_text()

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"\xff\xfe\x00", "stdin.sql:1: the file is UTF-16, not UTF-8"),
            (b"SELECT 1;\n\xff", "stdin.sql:2: byte 0xff is not UTF-8"),
            (b"SELECT\n\0", "stdin.sql:2: a zero byte"),
        ],
    )
    def test_what_is_no_text_is_bad_input(self, made: Repository, data: bytes, said: str) -> None:
        run = made.run("lint", "--stdin", stdin=data)
        assert (run.code, run.out) == (2, "")
        assert said in run.err

    def test_nothing_at_all_is_clean(self, made: Repository) -> None:
        assert made.run("lint", "--stdin").code == 0

    def test_nothing_else_may_be_asked_for(self, made: Repository) -> None:
        assert made.run("lint", "--stdin", "--fix").code == 2
        assert made.run("lint", "--stdin", "db").code == 2


class TestFix:
    def test_the_diff_is_what_fix_does(self, staged: Repository) -> None:
        diff = staged.run("lint", "db", "--diff", "--disable", "missing-lock-timeout")
        assert (diff.code, diff.err) == (1, "")
        (staged.root / "fix.diff").write_text(diff.out)
        staged.git("apply", "--check", "fix.diff")
        staged.git("apply", "fix.diff")
        (staged.root / "fix.diff").unlink()
        applied = staged.git("diff")
        staged.git("checkout", "db")
        run = staged.run("lint", "db", "--fix", "--disable", "missing-lock-timeout")
        assert staged.git("diff") == applied
        assert run.code == 1, "the dropped column is left to people"
        assert run.err == "fixed db/002_index.sql\n"
        assert "index-not-concurrent" not in run.out

    def test_without_anything_to_fix_there_is_no_diff(self, made: Repository) -> None:
        run = made.run("lint", "db/001_orders.sql", "--diff")
        assert (run.code, run.out) == (0, "")

    def test_files_keep_their_permissions(self, staged: Repository) -> None:
        (staged.root / "db/002_index.sql").chmod(0o640)
        staged.run("lint", "db", "--fix")
        assert (staged.root / "db/002_index.sql").stat().st_mode & 0o777 == 0o640
        assert staged.git("diff", "--name-only") == "db/002_index.sql\n"


class TestPlan:
    def test_it_prints_a_diff_and_writes_nothing(self, made: Repository) -> None:
        run = made.run("plan", "db/002_index.sql")
        assert run.code == 0
        assert "+CREATE INDEX CONCURRENTLY orders_customer_id_idx" in run.out
        assert made.git("status", "--porcelain") == ""

    def test_written_it_is_the_same(self, made: Repository) -> None:
        printed = made.run("plan", "db/002_index.sql").out
        run = made.run("plan", "db/002_index.sql", "--write")
        assert (run.code, run.out) == (0, "changed db/002_index.sql\n")
        assert made.git("diff", "-U3").splitlines()[-1] == printed.splitlines()[-1]
        assert made.run("lint", "db/002_index.sql").code == 0

    def test_of_what_is_safe_there_is_nothing_to_plan(self, made: Repository) -> None:
        assert made.run("plan", "db/001_orders.sql").out == ""


WRONG = [
    ("--rows orders", "--rows orders: write TABLE=NUMBER, such as orders=50M"),
    ("--rows orders=many", "--rows orders=many: write TABLE=NUMBER"),
    ("--rows orders=-1", "--rows orders=-1: write TABLE=NUMBER"),
    ("--rows =5", "--rows =5: write TABLE=NUMBER"),
    ("--pg 13", "Invalid value for '--pg': 13 is not in the range 14<=x<=18"),
    ("--pg new", "Invalid value for '--pg': 'new' is not a valid integer range"),
    ("--schema gone.sql", "gone.sql: cannot be read: No such file or directory"),
    ("--schema db", "db: cannot be read: Is a directory"),
    ("--schema binary.sql", "binary.sql:1: a zero byte: this is a binary file, not SQL"),
    ("--schema notes.txt", "notes.txt: creates no table: give the output of pg_dump"),
    ("--schema schema.prisma", "schema.prisma:2: not a Prisma schema"),
    ("--since nowhere", "nowhere: no revision"),
    ("--disable drop-colum", "no rule 'drop-colum'; did you mean 'drop-column'?"),
    ("nowhere", "nowhere: no such file or directory"),
    ("--colour", "No such option '--colour'"),
]
WRONG_FOR_LINT = [
    ("--format html", "Invalid value for '--format': 'html' is not one of 'terminal', 'json'"),
    ("--fail-on all", "Invalid value for '--fail-on': 'all' is not one of 'gate', 'hygiene'"),
    ("--baseline gone.json", "gone.json: no such file; make it with --write-baseline"),
    ("--baseline db", "db: cannot be read (Is a directory)"),
    ("--baseline notes.txt", "notes.txt:1: no baseline"),
    ("--write-baseline nowhere/x.json", "nowhere/x.json: cannot be written (No such file or"),
    ("--write-baseline db", "db: cannot be written (Is a directory)"),
]


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        *(("lint", *case) for case in (*WRONG, *WRONG_FOR_LINT)),
        *(("plan", *case) for case in WRONG),
    ],
)
def test_bad_usage_is_one_line_and_nothing_else(
    made: Repository, command: str, arguments: str, said: str
) -> None:
    odd = {"binary.sql": b"\0", "notes.txt": "notes", "schema.prisma": "model X {\n"}
    made.write(odd)
    run = made.run(command, "db", *arguments.split())
    assert (run.code, run.out) == (2, "")
    assert said in run.err
    assert run.err.startswith("senior-backend: ")
    assert run.err.count("\n") == 1


HELP = [
    ((), ("lint Lint migration folders and files.", "plan Write dangerous statements as safe")),
    (
        ("lint",),
        ("Exit codes: 0 clean, 1 findings, 2 bad usage", "--fix Apply the fixes that keep"),
    ),
    (("plan",), ("Nothing is written without --write.", "--rows TABLE=N How big a table is")),
]


@pytest.mark.parametrize(("command", "said_in_help"), HELP)
def test_help_says_what_each_option_does(
    made: Repository, command: tuple[str, ...], said_in_help: tuple[str, ...]
) -> None:
    run = made.run(*command, "--help")
    assert run.code == 0
    words = " ".join(run.out.split())
    assert words.startswith("Usage: senior-backend migrations")
    for said in said_in_help:
        assert said in words


@pytest.mark.verify
def test_an_installed_wheel_lints_and_explains(made: Repository, tmp_path: Path) -> None:
    """Without a checkout: the pages of the rules, and what the catalog knows, travel along."""
    uv, installed = Path(sys.executable).with_name("uv"), tmp_path / "installed"

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=made.root, capture_output=True, text=True)

    for command in (("venv", installed), ("pip", "install", "--python", installed, ROOT)):
        done = run(uv, *command)
        assert done.returncode == 0, done.stderr
    program = installed / "bin" / "senior-backend"
    lint = run(program, "migrations", "lint", "db", "--format", "github")
    assert (lint.returncode, lint.stderr) == (1, "")
    assert lint.stdout == made.run("lint", "db", "--format", "github").out
    for rule, _, _ in (INDEX, TIMEOUT, DROP):
        page = run(program, "explain", rule)
        assert page.returncode == 0
        assert page.stdout.startswith(f"# {rule}: ")
