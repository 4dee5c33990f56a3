import os
from pathlib import Path

import pytest

from senior_backend.errors import InputError
from senior_backend.sources.discovery import Override, discover
from tests.sources.tree import plant, reasons, sources, sql

UP = "create table t (id bigint);\n"
GOOSE = "-- +goose Up\ncreate table t (id bigint);\n\n-- +goose Down\ndrop table t;\n"

REPOSITORY = {
    "prisma/migrations/20240101000000_init/migration.sql": UP,
    "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
    "services/orders/migrations/00001_init.sql": GOOSE,
    "db/0001_a.sql": UP,
    "db/0002_b.sql": UP,
    "db/schema.sql": UP,
    "node_modules/x/0001_a.sql": UP,
    "vendor/y/0001_a.sql": UP,
}


def test_every_folder_below_a_directory_is_found_with_its_tool(tmp_path: Path):
    plant(tmp_path, REPOSITORY)
    assert sources(discover([tmp_path], tmp_path)) == [
        ("plain_sql", ["db/0001_a.sql", "db/0002_b.sql"]),
        ("plain_sql", ["db/schema.sql"]),
        ("prisma", ["prisma/migrations/20240101000000_init/migration.sql"]),
        ("goose", ["services/orders/migrations/00001_init.sql"]),
    ]


@pytest.mark.parametrize("path", [name for name in REPOSITORY if name.endswith(".sql")][:5])
def test_a_file_brings_its_folder_along_and_only_it_is_asked_for(tmp_path: Path, path: str):
    plant(tmp_path, REPOSITORY)
    discovery = discover([tmp_path / path], tmp_path)
    (found,) = discovery.found
    assert [migration.path for migration in found.asked] == [path]
    assert len(found.folder.migrations) == (2 if path.startswith("db/0") else 1)
    assert not discovery.not_read


def test_a_directory_inside_a_folder_asks_for_what_is_in_it(tmp_path: Path):
    plant(
        tmp_path,
        {
            "prisma/migrations/1_a/migration.sql": UP,
            "prisma/migrations/2_b/migration.sql": UP,
            "prisma/migrations/2_b/notes.sql": UP,
        },
    )
    assert sources(discover([tmp_path / "prisma/migrations/2_b"], tmp_path)) == [
        ("prisma", ["prisma/migrations/2_b/migration.sql"]),
        ("plain_sql", ["prisma/migrations/2_b/notes.sql"]),
    ]


def test_files_of_one_folder_share_it(tmp_path: Path):
    plant(tmp_path, REPOSITORY)
    discovery = discover([tmp_path / "db/0001_a.sql", tmp_path / "db/0002_b.sql"], tmp_path)
    assert sources(discovery) == [("plain_sql", ["db/0001_a.sql", "db/0002_b.sql"])]


def test_a_folder_outside_the_repository_is_shown_by_its_whole_path(tmp_path: Path):
    outside = plant(tmp_path / "outside", {"0001_a.sql": UP})
    root = plant(tmp_path / "root", {"x": ""})
    ((_, paths),) = sources(discover([outside / "0001_a.sql"], root))
    assert paths == [str(outside / "0001_a.sql")]


def test_settings_replace_the_tool_and_the_transaction(tmp_path: Path):
    plant(tmp_path, {"a/0001_x.sql": UP, "b/1_x/migration.sql": UP})
    discovery = discover(
        [tmp_path],
        tmp_path,
        [Override(tmp_path / "a", transaction="file"), Override(tmp_path / "b", "plain_sql")],
    )
    first, second = discovery.found
    assert sql(first.folder.migrations[0].up) == [("file", UP.strip())]
    assert second.folder.source == "plain_sql"


def test_an_unknown_source_and_a_missing_path_are_errors_of_the_user(tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        discover([tmp_path / "none"], tmp_path)
    with pytest.raises(InputError, match="liquibase: no source of migrations; known are"):
        discover([tmp_path], tmp_path, [Override(tmp_path, "liquibase")])


def test_each_bad_file_is_named_and_the_rest_is_read(tmp_path: Path):
    plant(
        tmp_path,
        {
            "0001_good.sql": UP,
            "0002_empty.sql": "",
            "0003_binary.sql": b"select 1;\n\0\x01",
            "0004_latin.sql": b"select 1;\n-- caf\xe9\n",
            "0005_two\nlines and spaces.sql": UP,
            "0006_marked.sql": b"\xef\xbb\xbf" + UP.encode(),
        },
    )
    (tmp_path / "0007_directory.sql").mkdir()
    (tmp_path / "0008_nowhere.sql").symlink_to(tmp_path / "none")
    (tmp_path / "0009_link.sql").symlink_to(tmp_path / "0001_good.sql")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "0010_pipe.sql")
    discovery = discover([tmp_path], tmp_path)
    assert reasons(discovery) == {
        "0002_empty.sql": "is empty",
        "0003_binary.sql": "holds NUL bytes: not SQL text",
        "0004_latin.sql": "is not UTF-8; convert it",
        "0007_directory.sql": "is an empty directory",
        "0008_nowhere.sql": "is no file: a link to nothing, a pipe or a socket",
        "0010_pipe.sql": "is no file: a link to nothing, a pipe or a socket",
    }
    ((_, paths),) = sources(discovery)
    assert "0005_two\nlines and spaces.sql" in paths
    marked = discovery.found[0].folder.migrations[5].up[0].text
    assert marked.data == UP.encode()
    assert marked.file_offset(0) == 3


def test_a_name_that_is_not_utf_8_is_read_like_others(tmp_path: Path):
    plant(tmp_path, {os.fsdecode(b"0001_caf\xe9.sql"): UP})
    (found,) = discover([tmp_path], tmp_path).found
    assert sql(found.asked[0].up) == [("statement", UP.strip())]


@pytest.mark.usefixtures("permissions_hold")
def test_unreadable_files_are_named(tmp_path: Path):
    plant(tmp_path, {"0001_a.sql": UP})
    (tmp_path / "0001_a.sql").chmod(0)
    assert reasons(discover([tmp_path], tmp_path)) == {
        "0001_a.sql": "cannot be read: Permission denied"
    }


def test_python_that_is_no_revision_never_ends_the_run(tmp_path: Path):
    plant(
        tmp_path,
        {
            "m/env.py": "",
            "m/versions/a.py": b"revision = '1'\x00",
            "m/versions/b.py": "revision = '2'\ndef upgrade():\n    op.execute(" + "(" * 500,
            "m/versions/c.py": "revision = '3'\nx = " + "-" * 20_000 + "1\n",
            "m/versions/d.py": b"revision = '4'\nx = '\xff'\n",
            "m/versions/e.py": "revision = '5'\ndown_revision = None\n",
        },
    )
    discovery = discover([tmp_path], tmp_path)
    assert [one.version for one in discovery.found[0].asked] == ["5"]
    assert sorted(reasons(discovery)) == [f"m/versions/{name}.py" for name in "abcd"]


def test_files_for_other_databases_are_left_out_by_name(tmp_path: Path):
    plant(
        tmp_path,
        {
            "ory/20200101_a.up.sql": UP,
            "ory/20200101_a.mysql.up.sql": UP,
            "ory/20200101_a.postgres.up.sql": UP,
            "ory/20200102_b.sqlite3.up.sql": UP,
            "ory/20200102_b.up.sql": UP,
            "db/mysql/0001_a.sql": UP,
            "db/postgres/0001_a.sql": UP,
        },
    )
    discovery = discover([tmp_path], tmp_path)
    assert [paths for _, paths in sources(discovery)] == [
        ["db/postgres/0001_a.sql"],
        ["ory/20200101_a.postgres.up.sql", "ory/20200102_b.up.sql"],
    ]
    assert reasons(discovery) == {
        "db/mysql": "is for MySQL by its name: left out",
        "ory/20200101_a.mysql.up.sql": "is for MySQL by its name: left out",
        "ory/20200101_a.up.sql": "has a twin for PostgreSQL beside it: left out",
        "ory/20200102_b.sqlite3.up.sql": "is for SQLite by its name: left out",
    }
