"""goose and dbmate: both ways in one file."""

from pathlib import Path

import pytest

from senior_backend.sources.migration import Segment
from senior_backend.sql.text import Position
from tests.sources.tree import read, shape, sql

GOOSE = """\
-- A comment before.
-- +goose Up
create table t (id bigint);
-- +goose StatementBegin
create function f() returns int language sql as $$ select 1; $$;
-- +goose StatementEnd

-- +goose Down
drop table t;
"""


def test_goose_has_both_ways_in_one_file_at_their_own_places(tmp_path: Path):
    folder = read(tmp_path, {"00002_b.sql": GOOSE, "00010_c.sql": GOOSE, "00001_a.sql": GOOSE})
    assert folder.source == "goose"
    assert [version for version, _, _ in shape(folder)] == ["00001", "00002", "00010"]
    migration = folder.migrations[0]
    assert migration.down is not None
    (up,), (down,) = migration.up, migration.down
    assert up.text.data + down.text.data == GOOSE.encode()
    at = down.text.data.index(b"drop")
    assert down.text.position(at) == Position(9, 1)
    assert down.text.file_offset(at) == GOOSE.index("drop")
    assert (up.transaction, down.transaction) == ("file", "file")


def test_goose_without_a_transaction_runs_statements_on_their_own_both_ways(tmp_path: Path):
    text = "-- +goose no transaction\n-- +goose Up\nselect 1;\n-- +goose Down\nselect 2;\n"
    (migration,) = read(tmp_path, {"1_a.sql": text}).migrations
    assert [segment.transaction for segment in migration.up] == ["statement"]
    assert [segment.transaction for segment in migration.down or ()] == ["statement"]


def test_goose_migrations_in_go_keep_their_place_and_are_not_read(tmp_path: Path):
    folder = read(
        tmp_path,
        {
            "1_a.sql": GOOSE,
            "2_b.go": "package migrations",
            "2_b_test.go": "package migrations",
            "main.go": "package main",
            "3_c.sql": GOOSE,
        },
    )
    assert shape(folder) == [("1", "a", True), ("2", "b", False), ("3", "c", True)]
    (not_read,) = folder.migrations[1].not_read
    assert (not_read.path, not_read.whole) == ("2_b.go", True)


@pytest.mark.parametrize("text", ["select 1;\n", "-- +goose Down\nselect 1;\n-- +goose Up\n"])
def test_a_file_that_goose_stops_at_is_named(tmp_path: Path, text: str):
    folder = read(tmp_path, {"1_a.sql": GOOSE, "2_b.sql": text})
    (not_read,) = folder.migrations[1].not_read
    assert "goose stops at it" in not_read.reason


def test_variables_that_goose_puts_in_are_named_with_their_line(tmp_path: Path):
    text = "-- +goose Up\n-- +goose ENVSUB ON\nselect '$ONE';\n-- +goose ENVSUB OFF\nselect '$2';\n"
    (migration,) = read(tmp_path, {"1_a.sql": text}).migrations
    assert [(item.line, item.whole) for item in migration.not_read] == [(3, False)]


DBMATE = """\
-- migrate:up
create table t (id bigint);
select 1;

-- migrate:down
drop table t;
"""


def test_dbmate_sends_a_block_inside_a_transaction(tmp_path: Path):
    folder = read(tmp_path, {"20240101000000_a.sql": DBMATE})
    assert (folder.source, shape(folder)) == ("dbmate", [("20240101000000", "a", True)])
    (migration,) = folder.migrations
    assert _models(migration.up) == ["file"]
    assert migration.down is not None
    (down,) = migration.down
    assert down.text.position(down.text.data.index(b"drop")) == Position(6, 1)


def test_dbmate_without_a_transaction_still_sends_one_message(tmp_path: Path):
    text = DBMATE.replace("migrate:up", "migrate:up transaction:false")
    (migration,) = read(tmp_path, {"1_a.sql": text}).migrations
    assert (_models(migration.up), _models(migration.down)) == (["implicit"], ["file"])


def test_a_file_that_dbmate_stops_at_is_named(tmp_path: Path):
    folder = read(tmp_path, {"1_a.sql": DBMATE, "2_b.sql": "select 1;"})
    assert "dbmate stops at it" in folder.migrations[1].not_read[0].reason


def _models(segments: tuple[Segment, ...] | None) -> list[str]:
    return [model for model, _ in sql(segments) or []]
