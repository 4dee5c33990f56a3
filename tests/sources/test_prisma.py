from pathlib import Path

from senior_backend.sources.discovery import discover
from tests.sources.tree import plant, read, reasons, shape, sql

UP, DOWN = "create table t (id bigint);", "drop table t;"


def test_directories_in_the_order_of_their_names_with_downs_beside(tmp_path: Path):
    folder = read(
        tmp_path / "prisma/migrations",
        {
            "20240102000000_b copy/migration.sql": UP,
            "20240101000000_a.sql/migration.sql": UP,
            "20240101000000_a.sql/down.sql": DOWN,
            "migration_lock.toml": 'provider = "postgresql"',
        },
    )
    assert (folder.source, folder.has_downs) == ("prisma", True)
    assert shape(folder) == [
        ("20240101000000", "a.sql", True),
        ("20240102000000", "b copy", False),
    ]
    assert sql(folder.migrations[0].up) == [("implicit", UP)]
    assert sql(folder.migrations[0].down) == [("implicit", DOWN)]


def test_a_directory_without_a_migration_is_named(tmp_path: Path):
    plant(tmp_path, {"1_a/migration.sql": UP, "2_b/notes.txt": "x"})
    assert reasons(discover([tmp_path], tmp_path)) == {
        "2_b": "has no migration.sql: Prisma stops at it"
    }


def test_migrations_for_another_database_are_left_out(tmp_path: Path):
    plant(
        tmp_path,
        {"p/1_a/migration.sql": UP, "p/migration_lock.toml": 'provider = "mysql"\n'},
    )
    discovery = discover([tmp_path], tmp_path)
    assert reasons(discovery) == {"p": "is for mysql by its migration_lock.toml: left out"}
    assert [item.left_out for item in discovery.found[0].not_read] == [True]
    assert [found.asked for found in discovery.found] == [()]
