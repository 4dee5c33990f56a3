"""sql-migrate: both ways in one file, in blocks that may come again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from senior_backend.sources import sql_migrate
from senior_backend.sources.migration import NewMigration
from tests.sources.tree import plant, read, sql

TABLE = "-- +migrate Up\nCREATE TABLE a (id int);\n\n-- +migrate Down\nDROP TABLE a;\n"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_blocks_of_a_way_run_one_after_the_other_in_one_transaction(tmp_path: Path) -> None:
    text = "-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n-- +migrate Up\nSELECT 3;\n"
    folder = read(tmp_path, {"m/20250101.sql": TABLE, "m/20250102-more.sql": text})
    assert folder.source == "sql_migrate"
    assert [one.version for one in folder.migrations] == ["20250101", "20250102"]
    more = folder.migrations[1]
    assert sql(more.up) == [
        ("file", "-- +migrate Up\nSELECT 1;"),
        ("file", "-- +migrate Up\nSELECT 3;"),
    ]
    assert sql(more.down) == [("file", "-- +migrate Down\nSELECT 2;")]


def test_notransaction_holds_for_its_own_way(tmp_path: Path) -> None:
    text = "-- +migrate Up notransaction\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n"
    (one,) = read(tmp_path, {"m/1.sql": text}).migrations
    assert [segment.transaction for segment in one.up] == ["statement"]
    assert [segment.transaction for segment in one.down or ()] == ["file"]


def test_a_file_without_a_block_is_named(tmp_path: Path) -> None:
    folder = read(tmp_path, {"m/1.sql": TABLE, "m/2.sql": "SELECT 1;\n"})
    (missing,) = folder.migrations[1].not_read
    assert "sql-migrate stops at it" in missing.reason


@pytest.mark.parametrize("transactional", [True, False])
def test_what_is_written_is_read_back(tmp_path: Path, transactional: bool) -> None:
    folder = read(tmp_path, {"m/20250101000000-a.sql": TABLE})
    body = "DO $$ BEGIN\n  PERFORM 1;\nEND $$"
    new = NewMigration("next", (body, "SELECT 1"), ("SELECT 2",), transactional)
    plant(folder.root, sql_migrate.write(folder, [new], NOW).files)
    option = "" if transactional else " notransaction"
    text = (folder.root / "20260102030405-next.sql").read_text()
    assert text == (
        f"-- +migrate Up{option}\n-- +migrate StatementBegin\n{body};\n-- +migrate StatementEnd\n"
        f"SELECT 1;\n\n-- +migrate Down{option}\nSELECT 2;\n"
    )
    again = read(tmp_path, {}).migrations[1]
    wanted = "file" if transactional else "statement"
    assert [segment.transaction for segment in (*again.up, *(again.down or ()))] == [wanted] * 2
