import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from senior_backend.errors import InputError
from senior_backend.sources import drizzle
from senior_backend.sources.discovery import discover
from senior_backend.sources.migration import NewMigration
from tests.sources.tree import plant, read, reasons, shape, sql

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CUT = "create table t (id int)\n--> statement-breakpoint\nalter table t add n int"


def journal(*tags: str, dialect: str = "postgresql") -> str:
    entries = [{"idx": index, "when": index, "tag": tag} for index, tag in enumerate(tags)]
    return json.dumps({"version": "7", "dialect": dialect, "entries": entries})


def test_the_journal_says_what_is_run_in_which_order_in_one_transaction(tmp_path: Path):
    folder = read(
        tmp_path / "drizzle",
        {
            "meta/_journal.json": journal("0001_b", "0000_a"),
            "0000_a.sql": "drop table t;",
            "0001_b.sql": CUT,
        },
    )
    assert folder.source == "drizzle"
    assert shape(folder) == [("0001", "b", False), ("0000", "a", False)]
    assert not folder.has_downs
    first, second = (sql(one.up) for one in folder.migrations)
    created, altered = CUT.split("\nalter")
    assert first == [("run", created), ("run", f"alter{altered}")]
    assert second == [("run", "drop table t;")]


def test_what_the_journal_and_the_folder_do_not_share_is_told(tmp_path: Path):
    root = plant(
        tmp_path / "drizzle",
        {
            "meta/_journal.json": journal("0000_a", "0001_b"),
            "0000_a.sql": "select 1;",
            "0002_c.sql": "select 1;",
        },
    )
    assert reasons(discover([root], root)) == {
        "0001_b.sql": "is not there; meta/_journal.json lists it",
        "0002_c.sql": "is not in meta/_journal.json: Drizzle does not run it",
    }


@pytest.mark.parametrize("content", ["", "[]", '{"entries": 1}', '{"entries": [{}]}', "{"])
def test_a_broken_journal_is_told_in_one_line(tmp_path: Path, content: str):
    files = {"meta/_journal.json": content, "0000_a.sql": "select 1;"}
    root = plant(tmp_path / "drizzle", files)
    [(path, reason)] = reasons(discover([root], root)).items()
    assert path == "meta/_journal.json"
    assert reason.startswith("is no journal of Drizzle")


def test_another_database_is_left_out(tmp_path: Path):
    files = {"meta/_journal.json": journal("0000_a", dialect="mysql"), "0000_a.sql": "select 1;"}
    root = plant(tmp_path / "drizzle", files)
    assert list(reasons(discover([root], root)).values()) == [
        "is for mysql by its _journal.json: left out"
    ]


def test_a_new_migration_is_for_drizzle_to_list(tmp_path: Path):
    files = {"meta/_journal.json": journal("0041_a"), "0041_a.sql": "select 1;"}
    folder = read(tmp_path / "drizzle", files)
    made = drizzle.write(folder, [NewMigration("Fill n", ("select 2",), ())], NOW)
    assert made.files == {"0042_fill_n.sql": "select 2;\n"}
    assert "drizzle-kit generate --custom --name=fill_n" in made.remarks[0]
    alone = NewMigration(
        "Index", ("create index concurrently i on t (n)",), (), transactional=False
    )
    with pytest.raises(InputError, match="one transaction"):
        drizzle.write(folder, [alone], NOW)
