from pathlib import Path

import pytest

from senior_backend.sources.discovery import Override, discover
from tests.sources.tree import plant, read, shape, sources, sql

ONE = "select 1;"

LAYOUTS = {
    "numbers_order_files_not_letters": (
        ["10_c.sql", "2_b.sql", "0001_a.sql"],
        [("0001", "a", False), ("2", "b", False), ("10", "c", False)],
    ),
    "timestamps": (
        ["20240102030405_b.sql", "20240101030405_a.sql"],
        [("20240101030405", "a", False), ("20240102030405", "b", False)],
    ),
    "names_without_numbers": (["b.sql", "a.sql"], [("", "a", False), ("", "b", False)]),
    "dotted_marks": (["1_a.up.sql.txt", "x_a.up.sql", "x_a.down.sql"], [("", "x_a", True)]),
    "undo_beside": (["0001_a.sql", "0001_a.undo.sql"], [("0001", "a", True)]),
    "rollback_beside": (["0001_a.sql", "0001_a_rollback.sql"], [("0001", "a", True)]),
    "postgrator": (["001.do.a.sql", "001.undo.a.sql"], [("001", "a", True)]),
    "down_folder": (["0001_a.sql", "down/0001_a.sql"], [("0001", "a", True)]),
    "down_folder_under_other_names": (
        ["0001_create.sql", "rollback/0001_drop.sql"],
        [("0001", "create", True)],
    ),
    "a_folder_each_way": (["up/0001_a.sql", "down/0001_a.sql"], [("0001", "a", True)]),
    "a_word_in_a_name_is_no_mark": (["0001_mark_down.sql"], [("0001", "mark_down", False)]),
    "a_word_with_a_partner_is": (["0001_a_up.sql", "0001_a_down.sql"], [("0001", "a", True)]),
    "capital_endings": (["0001_a.SQL"], [("0001", "a", False)]),
    "a_lonely_down": (
        ["0001_a.sql", "0002_b.down.sql"],
        [("0001", "a", False), ("0002", "b", True)],
    ),
}


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(tmp_path: Path, files: list[str], expected: list[tuple[str, str, bool]]):
    assert shape(read(tmp_path, dict.fromkeys(files, ONE))) == expected


def test_statements_run_on_their_own_as_psql_runs_them(tmp_path: Path):
    folder = read(
        tmp_path, {"0001_a.up.txt": "", "0001_a.sql": ONE, "0001_a.down.sql": "drop table t;"}
    )
    (migration,) = folder.migrations
    assert sql(migration.up) == [("statement", ONE)]
    assert sql(migration.down) == [("statement", "drop table t;")]
    assert migration.files == ("0001_a.sql", "0001_a.down.sql")


def test_a_lonely_down_is_a_way_down_only(tmp_path: Path):
    (migration,) = read(tmp_path, {"0002_b.down.sql": ONE}).migrations
    assert (migration.up, sql(migration.down)) == ((), [("statement", ONE)])


def test_an_empty_down_is_a_down_that_does_nothing(tmp_path: Path):
    (migration,) = read(tmp_path, {"0001_a.sql": ONE, "0001_a.down.sql": ""}).migrations
    assert (migration.down, migration.not_read) == ((), ())


def test_a_dump_beside_numbered_files_is_a_folder_of_its_own(tmp_path: Path):
    plant(tmp_path, {"0001_a.sql": ONE, "schema.sql": ONE})
    assert sources(discover([tmp_path], tmp_path)) == [
        ("plain_sql", ["0001_a.sql"]),
        ("plain_sql", ["schema.sql"]),
    ]


def test_a_file_in_a_down_folder_belongs_to_the_folder_above(tmp_path: Path):
    plant(tmp_path, {"db/0001_a.sql": ONE, "db/down/0001_a.sql": ONE})
    (found,) = discover([tmp_path / "db/down/0001_a.sql"], tmp_path).found
    assert [migration.path for migration in found.asked] == ["db/0001_a.sql"]


@pytest.mark.parametrize("comment", ["-- squawk-disable-assume-in-transaction\n", "/* other */\n"])
def test_a_comment_of_squawk_takes_away_the_transaction_that_settings_assume(
    comment: str, tmp_path: Path
):
    (tmp_path / "001.sql").write_text(f"{comment}SELECT 1;\n")
    (tmp_path / "002.sql").write_text("SELECT 1;\n")
    (found,) = discover([tmp_path], tmp_path, [Override(tmp_path, transaction="file")]).found
    ways = [one.up[0].transaction for one in found.folder.migrations]
    assert ways == ["statement" if "squawk" in comment else "file", "file"]
    assert all(one.up[0].stated for one in found.folder.migrations)
