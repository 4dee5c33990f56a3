"""New migrations in the form of each tool, and that reading them gives back what was written."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from senior_backend.errors import InputError
from senior_backend.sources.discovery import discover
from senior_backend.sources.flyway import LOCK
from senior_backend.sources.migration import Folder, NewMigration, WrittenFiles
from senior_backend.sources.naming import next_version
from senior_backend.sources.registry import BY_ID, replaced
from tests.sources.alembic.revisions import ENV, revision
from tests.sources.tree import plant, sql

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ONE = "select 1;"
GOOSE = "-- +goose Up\nselect 1;\n-- +goose Down\nselect 1;\n"
DBMATE = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;\n"
RUN_SQL = "from app.migrations import run_sql\n"
OURS = {
    "migrations/env.py": ENV,
    "migrations/sql/0001_a.up.sql": ONE,
    "migrations/sql/0001_a.down.sql": ONE,
    "migrations/versions/0001_a.py": revision(
        "0001", up="run_sql('0001_a.up.sql')", downgrade="run_sql('0001_a.down.sql')", more=RUN_SQL
    ),
    "app/migrations.py": "def run_sql(name: str, *, transaction: bool = True) -> None: ...\n",
}

BACKFILL = NewMigration(
    "Add Note",
    ("set lock_timeout = '2s'", "alter table orders add column note text;"),
    ("alter table orders drop column note",),
    note="Expand: old code does not see it.",
)
INDEX = NewMigration(
    "orders_note_idx",
    ("create index concurrently orders_note_idx on orders (note)",),
    ("drop index concurrently orders_note_idx",),
    transactional=False,
)

FOLDERS = {
    "plain_numbers": ({"db/0009_a.sql": ONE}, "0010_add_note.sql"),
    "plain_down_folder": (
        {"db/0009_a.sql": ONE, "db/down/0009_a.sql": ONE},
        "0010_add_note.sql",
    ),
    "plain_undo": ({"db/0009_a.sql": ONE, "db/0009_a.undo.sql": ONE}, "0010_add_note.sql"),
    "prisma": (
        {"prisma/migrations/20240101000000_a/migration.sql": ONE},
        "20260304050607_add_note/migration.sql",
    ),
    "prisma_from_the_future": (
        {"prisma/migrations/20990101000000_a/migration.sql": ONE},
        "20990101000001_add_note/migration.sql",
    ),
    "diesel": (
        {
            "migrations/2024-01-01-000000_a/up.sql": ONE,
            "migrations/2024-01-01-000000_a/down.sql": ONE,
        },
        "2026-03-04-050607_add_note/up.sql",
    ),
    "diesel_from_the_future": (
        {"migrations/2099-01-01-000000_a/up.sql": ONE},
        "2099-01-01-000001_add_note/up.sql",
    ),
    "supabase": (
        {"supabase/migrations/20240101000000_a.sql": ONE},
        "20260304050607_add_note.sql",
    ),
    "goose_numbers": ({"db/00009_a.sql": GOOSE}, "00010_add_note.sql"),
    "goose_timestamps": ({"db/20240101000000_a.sql": GOOSE}, "20260304050607_add_note.sql"),
    "golang_migrate": ({"db/000009_a.up.sql": ONE}, "000010_add_note.up.sql"),
    "golang_migrate_seconds": ({"db/1700000000_a.up.sql": ONE}, "1772600767_add_note.up.sql"),
    "dbmate": ({"db/20240101000000_a.sql": DBMATE}, "20260304050607_add_note.sql"),
    "flyway": ({"db/V9__a.sql": ONE, "db/U9__a.sql": ONE}, "V10__add_note.sql"),
    "flyway_parts": ({"db/V1_09__a.sql": ONE, "db/U1_09__a.sql": ONE}, "V1_10__add_note.sql"),
    "flyway_below": (
        {"db/migration/v1/V9__a.sql": ONE, "db/migration/v1/U9__a.sql": ONE},
        "v1/V10__add_note.sql",
    ),
    "alembic": (
        {"migrations/env.py": ENV, "migrations/versions/0001_a.py": revision("0001")},
        "versions/0002_add_note.py",
    ),
    "alembic_with_sql_files": (OURS, "sql/0002_add_note.up.sql"),
}


def write(root: Path, files: dict[str, str], *new: NewMigration) -> tuple[Folder, WrittenFiles]:
    """The folder before, and what is written for it."""
    folder = discover([plant(root, files)], root).found[0].folder
    return folder, BY_ID[folder.source].write(folder, new, NOW)


@pytest.mark.parametrize(("files", "first"), FOLDERS.values(), ids=FOLDERS)
def test_what_is_written_is_read_as_it_was_meant(tmp_path: Path, files: dict[str, str], first: str):
    before, written = write(tmp_path, files, BACKFILL, INDEX)
    assert next(iter(written.files)) == first
    plant(before.root, written.files)
    after = next(
        found.folder
        for found in discover([tmp_path], tmp_path).found
        if found.folder.root == before.root
    )
    count = len(before.migrations)
    assert after.migrations[:count] == before.migrations
    note, index = after.migrations[count:]
    assert _statements(note.up) == ["set lock_timeout = '2s'", BACKFILL.up[1].rstrip(";")]
    assert _statements(index.up) == list(INDEX.up)
    assert {segment.transaction for segment in index.up} <= {"statement", "implicit"}
    if any(migration.down is not None for migration in before.migrations):
        assert _statements(note.down) == list(BACKFILL.down)
        assert _statements(index.down) == list(INDEX.down)
        assert {segment.transaction for segment in index.down or ()} <= {"statement", "implicit"}
    elif before.source != "alembic":
        assert (note.down, index.down) == (None, None)
        assert not [name for name in written.files if "down" in name.lower()]
    assert not (*note.not_read, *index.not_read)


def _statements(segments: object) -> list[str]:
    """Statements of a way, without comments."""
    assert isinstance(segments, tuple)
    lines = [
        line
        for _, text in sql(segments) or []
        for line in text.splitlines()
        if line and not line.startswith("--")
    ]
    return [line.rstrip(";") for line in lines]


@pytest.mark.parametrize(("files", "first"), FOLDERS.values(), ids=FOLDERS)
def test_nothing_is_overwritten(tmp_path: Path, files: dict[str, str], first: str):
    folder, written = write(tmp_path, files, BACKFILL)
    assert first in written.files
    plant(folder.root, {first: "theirs"})
    with pytest.raises(InputError, match="exists"):
        BY_ID[folder.source].write(folder, [BACKFILL], NOW)


FOLLOWING = [
    ("20240101000059", "20240101000100"),
    ("20240229235959", "20240301000000"),
    ("20991231235959", "21000101000000"),
    ("209912312359", "210001010000"),
    ("20991231", "21000101"),
    ("20990101000060", "20990101000061"),
    ("0009", "0010"),
    ("4070908800", "4070908801"),
]


@pytest.mark.parametrize(("newest", "following"), FOLLOWING)
def test_a_version_that_names_a_moment_is_followed_by_a_moment(newest: str, following: str) -> None:
    assert next_version([newest], datetime(2024, 1, 1, tzinfo=UTC)) == following


def test_diesel_writes_no_empty_file_beside_others_that_go_back(tmp_path: Path):
    files = {"m/2024-01-01-000000_a/up.sql": ONE, "m/2024-01-01-000000_a/down.sql": ONE}
    _, written = write(tmp_path, files, NewMigration("x", (ONE,)))
    assert dict(written.files) == {
        "2026-03-04-050607_x/up.sql": f"{ONE}\n",
        "2026-03-04-050607_x/down.sql": "-- Nothing to take back.\n",
    }


def test_without_downs_what_would_take_it_back_is_only_told(tmp_path: Path):
    _, written = write(tmp_path, {"db/0001_a.sql": ONE}, BACKFILL)
    assert list(written.files) == ["0002_add_note.sql"]
    (remark,) = written.remarks
    assert remark.startswith("Add Note: the folder has no downs")
    assert remark.endswith("run: alter table orders drop column note;")


REPLACED = [
    pytest.param("select 1;\n", ("a", "b;"), "a;\nb;\n", id="statements end their lines"),
    pytest.param(
        "  select 1; -- why\n",
        ("do $$\nx;\n$$", "b"),
        "  \n-- +goose StatementBegin\ndo $$\nx;\n$$;\n-- +goose StatementEnd\nb;\n -- why\n",
        id="one with semicolons at line ends",
    ),
    pytest.param(
        "-- +goose StatementBegin\nselect 1;\n-- +goose StatementEnd\n",
        ("a", "do $$\nx;\n$$"),
        "a;\n-- +goose StatementBegin\ndo $$\nx;\n$$;\n-- +goose StatementEnd\n",
        id="one that has annotations",
    ),
    pytest.param(
        "-- +goose StatementBegin\nselect 1;\nselect 2;\n-- +goose StatementEnd\n",
        ("do $$\nx;\n$$",),
        "-- +goose StatementBegin\ndo $$\nx;\n$$;\nselect 2;\n-- +goose StatementEnd\n",
        id="one of several between annotations",
    ),
]


@pytest.mark.parametrize(("before", "statements", "after"), REPLACED)
def test_goose_finds_the_ends_of_what_replaces_a_statement(
    before: str, statements: tuple[str, ...], after: str
) -> None:
    data = f"-- +goose Up\n{before}".encode()
    at = data.index(b"select 1")
    start, end, text = replaced("goose", data, at, at + len("select 1"), statements)
    assert (data[:start] + text.encode() + data[end:]).decode() == f"-- +goose Up\n{after}"


def test_prisma_has_one_statement_that_refuses_a_transaction_in_each_file(tmp_path: Path):
    new = NewMigration(
        "indexes",
        ("set lock_timeout = 0", "create index concurrently a on t (a)", "vacuum t"),
        ("drop index concurrently a",),
        transactional=False,
    )
    _, written = write(tmp_path, {"p/1_a/migration.sql": ONE, "p/1_a/down.sql": ONE}, new)
    assert dict(written.files) == {
        "20260304050607_indexes_1/migration.sql": "create index concurrently a on t (a);\n",
        "20260304050607_indexes_1/down.sql": "-- Nothing to take back.\n",
        "20260304050608_indexes_2/migration.sql": "vacuum t;\n",
        "20260304050608_indexes_2/down.sql": "drop index concurrently a;\n",
    }
    assert "settings such as lock_timeout are left out" in written.remarks[0]


def test_goose_says_that_a_file_has_no_transaction(tmp_path: Path):
    _, written = write(tmp_path, {"db/00001_a.sql": GOOSE}, INDEX)
    assert dict(written.files) == {
        "00002_orders_note_idx.sql": (
            "-- +goose NO TRANSACTION\n"
            "-- +goose Up\n"
            "create index concurrently orders_note_idx on orders (note);\n"
            "\n-- +goose Down\n"
            "drop index concurrently orders_note_idx;\n"
        )
    }


def test_goose_is_told_where_a_statement_with_semicolons_ends(tmp_path: Path):
    new = NewMigration("f", ("do $$\nbegin\n  perform 1;\nend $$",))
    _, written = write(tmp_path, {"db/00001_a.sql": GOOSE}, new)
    (text,) = written.files.values()
    assert "-- +goose StatementBegin\ndo $$" in text
    assert "end $$;\n-- +goose StatementEnd\n" in text


def test_dbmate_leaves_its_transaction(tmp_path: Path):
    _, written = write(tmp_path, {"db/20240101000000_a.sql": DBMATE}, INDEX)
    (text,) = written.files.values()
    assert text.count("transaction:false") == 2


def test_flyway_needs_a_conf_and_its_lock_out_of_the_way(tmp_path: Path):
    files = {"db/V1__a.sql": ONE}
    _, written = write(tmp_path, files, INDEX)
    assert written.files["V2__orders_note_idx.sql.conf"] == "executeInTransaction=false\n"
    assert f"Set flyway.{LOCK}=false" in written.remarks[-1]
    assert "U2__orders_note_idx.sql" not in written.files
    assert "drop index concurrently orders_note_idx;" in written.remarks[0]
    _, written = write(
        tmp_path / "set", {**files, "db/flyway.conf": f"flyway.{LOCK}=false\n"}, INDEX
    )
    assert not any(LOCK in remark for remark in written.remarks)


def test_plain_files_follow_the_form_of_the_newest_pair(tmp_path: Path):
    _, written = write(tmp_path, {"db/up/0001_a.sql": ONE, "db/down/0001_a.sql": ONE}, BACKFILL)
    assert list(written.files) == ["up/0002_add_note.sql", "down/0002_add_note.sql"]


def test_alembic_leaves_its_transaction_in_a_block(tmp_path: Path):
    files = {"m/env.py": ENV, "m/versions/a.py": revision("8f2e", "7a1b")}
    _, written = write(tmp_path, files, INDEX)
    ((path, text),) = written.files.items()
    assert path.startswith("versions/")
    assert path.endswith("_orders_note_idx.py")
    assert 'down_revision = "8f2e"' in text
    assert text.index("with op.get_context().autocommit_block():") < text.index("op.execute(")


def test_alembic_runs_sql_files_where_the_others_do(tmp_path: Path):
    _, written = write(tmp_path, OURS, INDEX)
    assert list(written.files) == [
        "sql/0002_orders_note_idx.up.sql",
        "sql/0002_orders_note_idx.down.sql",
        "versions/0002_orders_note_idx.py",
    ]
    text = written.files["versions/0002_orders_note_idx.py"]
    assert "from app.migrations import run_sql" in text
    assert 'run_sql("0002_orders_note_idx.up.sql", transaction=False)' in text


def test_alembic_literals_keep_what_python_and_sqlalchemy_would_change(tmp_path: Path):
    statement = "update t set a = ':x', j = '{\"a\":1}', b = E'\\n', c = \"d\"::text where e = 1"
    files = {"m/env.py": ENV, "m/versions/a.py": revision("0001")}
    folder, written = write(tmp_path, files, NewMigration("x", (statement,)))
    plant(folder.root, written.files)
    (found,) = discover([tmp_path], tmp_path).found
    assert sql(found.folder.migrations[1].up) == [("file", statement)]
    # SQLAlchemy takes a colon before a letter for a parameter, and a backslash before it away.
    assert "'\\:x'" in next(iter(written.files.values()))
