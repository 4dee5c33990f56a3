from pathlib import Path

from tests.sources.tree import read, shape, sql

UP, DOWN = "create table t (id bigint);", "drop table t;"


def test_directories_hold_both_ways_and_say_whether_they_run_in_a_transaction(tmp_path: Path):
    folder = read(
        tmp_path / "migrations",
        {
            "2024-01-02-000000_b/up.sql": UP,
            "2024-01-02-000000_b/metadata.toml": "run_in_transaction = false\n",
            "2024-01-01-000000_a/up.sql": UP,
            "2024-01-01-000000_a/down.sql": DOWN,
            "00000000000000_diesel_initial_setup/up.sql": UP,
        },
    )
    assert folder.source == "diesel"
    assert shape(folder) == [
        ("00000000000000", "diesel_initial_setup", False),
        ("2024-01-01-000000", "a", True),
        ("2024-01-02-000000", "b", False),
    ]
    assert [sql(one.up) for one in folder.migrations[1:]] == [[("file", UP)], [("implicit", UP)]]
    assert sql(folder.migrations[1].down) == [("file", DOWN)]


def test_versions_count_without_their_hyphens(tmp_path: Path):
    folder = read(
        tmp_path / "migrations",
        {
            "2017-09-23-182408_b/up.sql": UP,
            "20170309122510_a/up.sql": UP,
            "20180101000000_c/up.sql": UP,
        },
    )
    assert [one.name for one in folder.migrations] == ["a", "b", "c"]
