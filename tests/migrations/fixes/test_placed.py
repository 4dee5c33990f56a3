"""Where edits go: odd files, odd names, several findings at once. None of it needs a server."""

import json
from collections.abc import Callable

import pytest

from tests.migrations.conftest import Files, Repository
from tests.migrations.fixes.test_applied import TOOLS

Make = Callable[[Files], Repository]

SETUP = "CREATE TABLE orders (id bigint PRIMARY KEY, a text, b text);\n"
CHECK = "ALTER TABLE orders ADD CONSTRAINT c CHECK (a <> '') NOT VALID"


def _fixed(repository: Make, up: str, folder: str = "db") -> tuple[Repository, str]:
    made = repository({f"{folder}/001_a.sql": SETUP, f"{folder}/002_b.sql": up.encode()})
    made.lint("--fix")
    return made, (made.root / folder / "002_b.sql").read_bytes().decode()


EDITS = [
    pytest.param(
        "ALTER TABLE orders ADD CONSTRAINT c\r\n  CHECK (a <> '');\r\n",
        "SET lock_timeout = '5s';\r\nALTER TABLE orders ADD CONSTRAINT c\r\n"
        "  CHECK (a <> '') NOT VALID;\r\nALTER TABLE orders VALIDATE CONSTRAINT c;\r\n",
        id="line ends of Windows stay",
    ),
    pytest.param(
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (a <> '')",
        f"SET lock_timeout = '5s';\n{CHECK};\nALTER TABLE orders VALIDATE CONSTRAINT c",
        id="no semicolon at the end",
    ),
    pytest.param(
        "-- é: why\n/* ; */ ALTER TABLE orders ADD CONSTRAINT c CHECK (a <> '') -- ;\n ; -- end\n",
        f"-- é: why\n/* ; */ SET lock_timeout = '5s';\n{CHECK};\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT c -- ;\n ; -- end\n",
        id="comments around it stay",
    ),
    pytest.param(
        "CREATE INDEX i ON orders (a); CREATE INDEX j ON orders (b);\n",
        "CREATE INDEX CONCURRENTLY i ON orders (a); CREATE INDEX CONCURRENTLY j ON orders (b);\n",
        id="two in one line",
    ),
    pytest.param(
        "ALTER TABLE orders ADD COLUMN c text,\n  ADD CONSTRAINT c CHECK (a <> ''),\n"
        "  ADD COLUMN d text;\n",
        "SET lock_timeout = '5s';\nALTER TABLE orders ADD COLUMN c text,\n"
        "  ADD CONSTRAINT c CHECK (a <> '') NOT VALID,\n  ADD COLUMN d text;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT c;\n",
        id="one of several actions",
    ),
    pytest.param(
        "DO $$ BEGIN CREATE INDEX i ON orders (a); END $$;\n",
        None,
        id="what a DO block does is left alone",
    ),
    pytest.param(
        "ALTER TABLE orders ADD COLUMN c text;\nCREATE INDEX i ON orders (a);\n",
        "SET lock_timeout = '5s';\nALTER TABLE orders ADD COLUMN c text;\n"
        "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON orders (a);\n",
        id="no short lock_timeout for CONCURRENTLY",
    ),
    pytest.param(
        "SET lock_timeout = '2s';\nSET statement_timeout = '1min';\n"
        "CREATE INDEX CONCURRENTLY i ON orders (a);\nALTER TABLE orders ADD COLUMN c text;\n",
        "SET lock_timeout = '2s';\nSET statement_timeout = '1min';\n"
        "SET lock_timeout = 0;\nSET statement_timeout = 0;\n"
        "CREATE INDEX CONCURRENTLY i ON orders (a);\nSET lock_timeout = '2s';\n"
        "SET statement_timeout = '1min';\nALTER TABLE orders ADD COLUMN c text;\n",
        id="timeouts are as they were behind it",
    ),
]


@pytest.mark.parametrize(("before", "after"), EDITS)
def test_a_file_is_edited_where_it_is_wrong(
    repository: Make, before: str, after: str | None
) -> None:
    _, text = _fixed(repository, before)
    if after is None:
        assert "CONCURRENTLY" not in text
    else:
        assert text == after


@pytest.mark.parametrize("folder", ["db", 'a b/c "d"', "é/ü"])
@pytest.mark.parametrize("where", [".", "inside"])
def test_git_applies_the_diff_wherever_it_is_called(
    repository: Make, folder: str, where: str
) -> None:
    base = "" if where == "." else "inside/"
    up = "ALTER TABLE orders ADD CONSTRAINT c CHECK (a <> '')"
    files = TOOLS["goose"](f"{up};", "SELECT 1;", SETUP, "DROP TABLE orders;\n")
    made = repository({name.replace("db/", f"{base}{folder}/"): f for name, f in files.items()})
    patch = made.run("lint", "--diff", where=where).out
    (made.root / "patch").write_bytes(patch.encode())
    made.git("-C", where, "apply", str(made.root / "patch"))
    names = sorted(path.name for path in (made.root / base / folder).iterdir())
    assert names == ["00001_a.sql", "00002_b.sql", "00003_validate_c.sql"]
    assert made.lint().gate == []


def test_calls_in_python_are_not_edited(repository: Make) -> None:
    files = dict(TOOLS["alembic"]("", "", SETUP, ""))
    files["migrations/versions/0002_b.py"] = """\
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("i", "orders", ["a"])


def downgrade() -> None:
    op.drop_index("i")
"""
    made = repository(files)
    found = [f for f in made.lint().document["findings"] if f["rule"] == "index-not-concurrent"]
    assert [f["fix"]["kind"] for f in found] == ["plan"]
    assert "by hand" in found[0]["fix"]["reason"]
    planned = made.run("plan")
    assert "create_index" not in planned.out
    assert "change it by hand" in planned.err


def test_a_plan_that_was_written_is_not_planned_again(repository: Make) -> None:
    up = "ALTER TABLE orders DROP COLUMN a;"
    made = repository(TOOLS["goose"](up, "SELECT 1;", f"{SETUP}", "SELECT 1;"))
    first = made.run("plan", "--write")
    assert "deploy" in first.err
    made.lint("--fix")
    assert made.run("plan").out == ""


@pytest.mark.parametrize(
    "up",
    [
        "ALTER TABLE orders DROP COLUMN a, ADD COLUMN a int;",
        "ALTER TABLE orders DROP COLUMN a; ALTER TABLE orders ADD COLUMN a int;",
        "DROP TABLE orders; CREATE TABLE orders (id int);",
        "CREATE TABLE made (id int); DROP TABLE orders; ALTER TABLE made RENAME TO orders;",
        "ALTER TABLE orders DROP COLUMN a; ALTER TABLE orders RENAME COLUMN b TO a;",
    ],
)
def test_what_is_put_back_at_once_is_not_dropped_later(repository: Make, up: str) -> None:
    made = repository({"db/001_a.sql": SETUP, "db/002_b.sql": up})
    found = [f for f in made.lint().document["findings"] if f["rule"].startswith("drop-")]
    # At most a word of advice: nothing to write.
    assert [f["fix"].keys() - {"kind", "reason"} for f in found] == [set()]


STATE = "CREATE TYPE state AS ENUM ('a');\nCREATE TYPE other AS ENUM ('a');\n"


@pytest.mark.parametrize(
    ("up", "waits"),
    [
        ("DROP TABLE orders;\nDROP TYPE state;", True),
        ("DROP TABLE orders;\nDROP TYPE other;", False),
        ("DROP TABLE orders;\nDROP FUNCTION touch();", True),
        ("DROP TABLE orders;\nDROP VIEW seen;", False),
        ("ALTER TABLE orders DROP COLUMN s;\nDROP TYPE state;", True),
        ("ALTER TABLE orders DROP COLUMN a;\nDROP TYPE state CASCADE;", False),
        ("ALTER TABLE orders DROP COLUMN a;\nDROP SEQUENCE numbers;", True),
    ],
)
def test_a_drop_is_not_put_off_past_one_that_needs_it(
    repository: Make, up: str, waits: bool
) -> None:
    setup = f"{STATE}CREATE TABLE orders (id bigint PRIMARY KEY, a text, s state);\n"
    made = repository(TOOLS["goose"](up, "SELECT 1;", setup, "SELECT 1;"))
    found = [f for f in made.lint().document["findings"] if f["rule"].startswith("drop-")]
    told = [f["fix"] for f in found if "move both" in (f["fix"] or {}).get("reason", "")]
    assert bool(told) == waits
    assert all("files" not in fix and "diff" not in fix for fix in told)


def test_a_statement_that_has_to_be_alone_gets_no_other_beside_it(repository: Make) -> None:
    up = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (a);"
    for tool, path in (
        ("prisma", "prisma/migrations/20250102000000_b/migration.sql"),
        ("golang-migrate", "migrations/000002_b.up.sql"),
    ):
        made = repository(TOOLS[tool](up, "SELECT 1;", SETUP, "SELECT 1;"))
        assert made.run("plan", "--write").code == 0
        text = (made.root / path).read_text()
        assert text == "CREATE INDEX CONCURRENTLY i ON orders (a);\n"


def _in_one_run(up: str) -> Files:
    """Alembic as it is when nobody sets ``transaction_per_migration``."""
    files = dict(TOOLS["alembic"](up, "SELECT 1;", SETUP, "SELECT 1;"))
    return {**files, "migrations/env.py": "context.configure(connection=c)\n"}


@pytest.mark.parametrize(
    "up",
    [
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (a <> '');",
        "ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES orders;",
        "ALTER TABLE orders ALTER COLUMN a SET NOT NULL;",
        f"{CHECK};\nALTER TABLE orders VALIDATE CONSTRAINT c;",
    ],
)
def test_what_one_transaction_around_all_would_spoil_waits_for_a_run_of_its_own(
    repository: Make, up: str
) -> None:
    made = repository(_in_one_run(up))
    before = (made.root / "migrations/sql/0002_b.up.sql").read_text()
    made.lint("--fix")
    # Were it automatic, the next run would validate under the lock of this one.
    assert "NOT VALID" not in (made.root / "migrations/sql/0002_b.up.sql").read_text() or (
        "NOT VALID" in before
    )
    assert not list((made.root / "migrations/sql").glob("*validate*"))
    planned = made.run("plan", "--write")
    assert "in a run of its own" in planned.err
    (later,) = (made.root / "migrations/sql").glob("*validate*.up.sql")
    assert "Deploy first: the migration before it, in a run of its own" in later.read_text()


def test_what_no_transaction_takes_is_told_of_a_folder_that_is_run_in_one(
    repository: Make,
) -> None:
    """And what is beside it is mended all the same."""
    entries = [{"idx": n, "when": n, "tag": f"000{n}_x", "breakpoints": True} for n in range(2)]
    journal = json.dumps({"version": "7", "dialect": "postgresql", "entries": entries})
    made = repository(
        {
            "drizzle/meta/_journal.json": journal,
            "drizzle/0000_x.sql": SETUP,
            "drizzle/0001_x.sql": "CREATE INDEX i ON orders (a);\n",
        }
    )
    made.lint("--fix")
    mended = (made.root / "drizzle/0001_x.sql").read_text()
    assert mended == "SET LOCAL lock_timeout = '5s';\nCREATE INDEX i ON orders (a);\n"
    assert "the safe form refuses: run it by hand" in made.run("plan", "drizzle/0001_x.sql").err


@pytest.mark.parametrize(
    "up",
    [
        "CREATE INDEX orders_a_idx ON orders (a);\nCOMMENT ON INDEX orders_a_idx IS 'x';\n",
        "CREATE UNIQUE INDEX u ON orders (a);\nALTER TABLE orders ADD UNIQUE USING INDEX u;\n",
    ],
)
def test_nothing_is_planned_behind_a_statement_that_needs_it(repository: Make, up: str) -> None:
    made = repository(TOOLS["goose"](up, "SELECT 1;", SETUP, "SELECT 1;"))
    planned = made.run("plan", "--write")
    assert "a later statement of the migration names" in planned.err
    assert len(list((made.root / "db").iterdir())) == 2
    assert up in (made.root / "db/00002_b.sql").read_text()


@pytest.mark.parametrize(
    "later",
    [
        "ALTER TABLE orders ALTER COLUMN a SET DEFAULT 3000000000;",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0) NOT VALID;",
        "ALTER TABLE orders ALTER COLUMN b SET DEFAULT 'x';",
    ],
)
def test_what_is_about_a_column_is_not_left_with_the_old_one(repository: Make, later: str) -> None:
    setup = "CREATE TABLE orders (id bigint PRIMARY KEY, a integer, b text);\n"
    up = f"ALTER TABLE orders ALTER COLUMN a TYPE bigint;\n{later}"
    made = repository(TOOLS["goose"](up, "SELECT 1;", setup, "SELECT 1;"))
    planned = made.run("plan", "--write")
    # It would be about the column that is renamed and then dropped.
    assert ("about the same column" in planned.err) == ("b SET" not in later)
    assert bool(list((made.root / "db").glob("*swap*"))) == ("b SET" in later)
