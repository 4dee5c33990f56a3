"""What `--fix` and `plan` may be trusted with: nothing is written that cannot be read again."""

import ast
from collections.abc import Callable

import pytest

from senior_backend.migrations import repair
from senior_backend.migrations.fixes import files
from tests.migrations.conftest import Files, Repository

Make = Callable[[Files], Repository]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);\n"
INDEX = "CREATE INDEX {0}_idx ON orders ({0});\n"
REVISION = '''"""x"""
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''
FIRST = REVISION.replace('"2"', '"0"').replace('"1"', "None").replace('"0"', '"1"')


def alembic(up: str, down: str) -> Files:
    table = f'op.execute("{TABLE.strip()}")'
    return {
        "alembic.ini": "[alembic]\nscript_location = migrations\n",
        "migrations/env.py": "",
        "migrations/script.py.mako": "",
        "migrations/versions/1_a.py": FIRST.format(
            up=table, down='op.execute("DROP TABLE orders")'
        ),
        "migrations/versions/2_b.py": REVISION.format(up=up, down=down),
    }


@pytest.mark.parametrize("command", [("lint", "--fix"), ("plan", "--write")])
@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders ADD COLUMN zz int",
        "CREATE INDEX i ON orders (note)",
        "ALTER TABLE orders ALTER COLUMN customer_id TYPE text",
        "ALTER TABLE orders DROP COLUMN note",
        "UPDATE orders SET note = ''",
    ],
)
@pytest.mark.parametrize("quotes", ['"', '"""'])
def test_strings_in_python_are_left_to_people(
    repository: Make, command: tuple[str, ...], sql: str, quotes: str
) -> None:
    execute = f"op.execute({quotes}{sql}{quotes})"
    made = repository(alembic(execute, "pass"))
    before = (made.root / "migrations/versions/2_b.py").read_text()
    made.run(*command)
    after = (made.root / "migrations/versions/2_b.py").read_text()
    ast.parse(after)
    assert after == before


def test_two_indexes_of_one_file_are_both_mended_at_once(repository: Make) -> None:
    files = {
        "db/00001_a.sql": f"-- +goose Up\n{TABLE}",
        "db/00002_b.sql": "-- +goose Up\nSET LOCAL lock_timeout = '5s';\n"
        "ALTER TABLE orders ADD COLUMN a int;\n"
        + INDEX.format("note")
        + INDEX.format("customer_id"),
    }
    made = repository(files)
    fixed = made.lint("--fix")
    assert (fixed.gate, fixed.code) == ([], 0)
    written = sorted(path.name for path in (made.root / "db").iterdir())
    assert written == [
        "00001_a.sql",
        "00002_b.sql",
        "00003_create_note_idx.sql",
        "00004_create_customer_id_idx.sql",
    ]


def test_prismas_index_and_foreign_key_are_both_mended(repository: Make) -> None:
    files = {
        "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
        "prisma/migrations/20250101000000_a/migration.sql": TABLE
        + "CREATE TABLE customers (id bigint PRIMARY KEY);\n",
        "prisma/migrations/20250102000000_b/migration.sql": "-- CreateIndex\n"
        + INDEX.format("customer_id")
        + "\n-- AddForeignKey\nALTER TABLE orders ADD CONSTRAINT c_fk FOREIGN KEY (customer_id) "
        "REFERENCES customers (id);\n",
    }
    fixed = repository(files).lint("--fix")
    assert (fixed.gate, fixed.code) == ([], 0)


def test_an_index_that_a_later_statement_names_stays_for_a_person(repository: Make) -> None:
    files = {
        "db/00001_a.sql": f"-- +goose Up\n{TABLE}",
        "db/00002_b.sql": "-- +goose Up\n"
        + INDEX.format("note")
        + "ALTER INDEX note_idx RENAME TO other_idx;\n",
    }
    made = repository(files)
    made.lint("--fix")
    assert len(list((made.root / "db").iterdir())) == 2
    assert "a later statement of the migration names note_idx" in made.run("lint").out


def test_where_every_file_is_a_transaction_no_file_is_multiplied(repository: Make) -> None:
    settings = '[[migrations.overrides]]\npath = "db"\nsource = "plain_sql"\ntransaction = "file"\n'
    files = {"db/001.sql": TABLE, "db/002.sql": INDEX.format("note")}
    made = repository({**files, "senior-backend.toml": settings})
    run = made.lint("--fix")
    assert sorted(path.name for path in (made.root / "db").iterdir()) == ["001.sql", "002.sql"]
    assert (made.root / "db/002.sql").read_text().endswith(INDEX.format("note"))
    assert run.gate
    assert "every file of this folder runs in a transaction" in made.run("lint").out


def test_the_safe_form_of_a_down_is_no_new_migration(repository: Make) -> None:
    made = repository(
        alembic('op.execute("SELECT 1")', 'op.drop_index("orders_note_idx", table_name="orders")')
    )
    shown = [f for f in made.lint().document["findings"] if f["rule"].startswith("drop-index")]
    assert [f["fix"].get("files") for f in shown] == [None]


def test_what_could_not_be_read_again_is_not_written(
    repository: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = repository({"db/001.sql": TABLE, "db/002.sql": INDEX.format("note")})
    real = files.edited

    def spoiled(*arguments: object) -> dict[str, tuple[bytes, bytes]]:
        found = real(*arguments)  # type: ignore[arg-type]
        return {
            path: (before, after + b"\nCREATE TABEL x;") for path, (before, after) in found.items()
        }

    monkeypatch.setattr(files, "edited", spoiled)
    run = made.lint("--fix")
    assert "what would be written does not parse" in run.err
    assert (made.root / "db/002.sql").read_text() == INDEX.format("note")


@pytest.mark.parametrize(
    ("path", "before", "after", "sound"),
    [
        ("a.py", b"", b"x = 1\n", True),
        ("a.py", b"", b'x = "a\nb"\n', False),
        ("a.sql", b"SELECT 1;", b"SELECT 2;", True),
        ("a.sql", b"SELECT 1;", b"SELEC 2;", False),
        ("a.sql", b"SELEC 1;", b"SELEC 1; SELECT 2;", True),
        ("a.sql", "SELECT 'caf\xe9';".encode("latin-1"), b"SELECT 1;", True),
        ("a.conf", b"", b"executeInTransaction=false", True),
    ],
)
def test_a_file_is_sound_when_it_can_be_read_as_well_as_before(
    path: str, before: bytes, after: bytes, sound: bool
) -> None:
    assert repair.is_sound(path, before, after) is sound


def test_a_plan_says_which_files_wait_for_a_deploy(repository: Make) -> None:
    made = repository(
        {
            "db/00001_a.sql": f"-- +goose Up\n{TABLE}",
            "db/00002_b.sql": "-- +goose Up\nALTER TABLE orders ADD COLUMN a int;\n"
            "ALTER TABLE orders DROP COLUMN note;\n",
        }
    )
    run = made.run("plan", "--write")
    added = [line.removeprefix("added ") for line in run.out.splitlines() if "added" in line]
    assert added
    assert all(f"WAIT: keep {path} back. Deploy first: " in run.err for path in added)
    assert made.lint().gate == [], "the steps of a plan do not stop their own commit"
