"""golang-migrate and Supabase."""

from pathlib import Path

from senior_backend.sources.discovery import discover
from tests.sources.tree import plant, read, reasons, shape, sql

UP, DOWN = "create table t (id bigint);", "drop table t;"


def test_golang_migrate_sends_each_file_as_one_message(tmp_path: Path):
    folder = read(
        tmp_path,
        {"000002_b.up.sql": UP, "000001_a.up.sql": UP, "000001_a.down.sql": DOWN, "README.md": ""},
    )
    assert folder.source == "golang_migrate"
    assert shape(folder) == [("000001", "a", True), ("000002", "b", False)]
    assert sql(folder.migrations[0].up) == [("implicit", UP)]
    assert sql(folder.migrations[0].down) == [("implicit", DOWN)]


def test_dialects_of_one_version_are_one_migration(tmp_path: Path):
    plant(
        tmp_path,
        {
            "1_a.up.sql": UP,
            "1_a.postgres.up.sql": "select 1;",
            "1_a.down.sql": DOWN,
            "1_a.mysql.down.sql": DOWN,
        },
    )
    discovery = discover([tmp_path], tmp_path)
    (found,) = discovery.found
    (migration,) = found.asked
    assert sql(migration.up) == [("implicit", "select 1;")]
    assert sql(migration.down) == [("implicit", DOWN)]
    assert sorted(reasons(discovery)) == ["1_a.mysql.down.sql", "1_a.up.sql"]
    assert all(item.left_out for item in found.not_read)


def test_supabase_is_known_by_where_it_lies_and_skips_what_has_no_timestamp(tmp_path: Path):
    plant(
        tmp_path,
        {
            "supabase/migrations/20240101000000_a.sql": UP,
            "supabase/migrations/notes.sql": UP,
            "supabase/seed.sql": UP,
        },
    )
    discovery = discover([tmp_path], tmp_path)
    (folder,) = [one.folder for one in discovery.found if one.folder.source == "supabase"]
    assert shape(folder) == [("20240101000000", "a", False)]
    assert (sql(folder.migrations[0].up), folder.has_downs) == ([("implicit", UP)], False)
