from pathlib import Path

import pytest

from senior_backend.sources.discovery import discover
from senior_backend.sources.flyway import LOCK
from tests.sources.tree import plant, read, reasons, shape, sql

ONE = "create table t (id bigint);"
CONCURRENT = "create index concurrently i on t (id);"


def test_versions_compare_part_by_part_and_repeatable_scripts_come_last(tmp_path: Path):
    names = ["V1_10__e", "V1.2__d", "V1__b", "V0.9__a", "V1_1_1__c", "R__views", "V20240101__f"]
    folder = read(tmp_path, {f"{name}.sql": ONE for name in names} | {"U1__b.sql": ONE})
    assert folder.source == "flyway"
    assert [(version, name) for version, name, _ in shape(folder)] == [
        ("0.9", "a"),
        ("1", "b"),
        ("1_1_1", "c"),
        ("1.2", "d"),
        ("1_10", "e"),
        ("20240101", "f"),
        ("", "views"),
    ]
    assert [one.down is not None for one in folder.migrations] == [False, True, *[False] * 5]
    assert [one.repeatable for one in folder.migrations] == [*[False] * 6, True]


def test_folders_below_are_one_location_without_those_of_other_databases(tmp_path: Path):
    plant(
        tmp_path,
        {
            "db/migration/common/V1__a.sql": ONE,
            "db/migration/postgresql/V2__b.sql": ONE,
            "db/migration/mysql/V2__b.sql": ONE,
        },
    )
    discovery = discover([tmp_path], tmp_path)
    (found,) = discovery.found
    assert [one.path for one in found.asked] == [
        "db/migration/common/V1__a.sql",
        "db/migration/postgresql/V2__b.sql",
    ]
    assert reasons(discovery) == {"db/migration/mysql": "is for MySQL by its name: left out"}


def test_callbacks_run_after_everything(tmp_path: Path):
    folder = read(tmp_path, {"V1__a.sql": ONE, "afterMigrate__views.sql": ONE})
    assert [one.path for one in folder.migrations] == ["V1__a.sql", "afterMigrate__views.sql"]
    assert folder.migrations[1].repeatable


TRANSACTIONS = {
    "by_default": ({"V1__a.sql": ONE}, "file"),
    "the_script_says_no": (
        {"V1__a.sql": ONE, "V1__a.sql.conf": "executeInTransaction=false\n"},
        "statement",
    ),
    "the_script_says_yes": (
        {"V1__a.sql": CONCURRENT, "V1__a.sql.conf": "executeInTransaction=true\n"},
        "file",
    ),
    "flyway_sees_that_postgres_refuses": ({"V1__a.sql": CONCURRENT}, "statement"),
    "a_comment_changes_nothing": ({"V1__a.sql": f"-- vacuum\n{ONE}"}, "file"),
    "both_kinds_are_refused": ({"V1__a.sql": f"{ONE}\n{CONCURRENT}"}, "file"),
    "both_kinds_with_mixed": (
        {"V1__a.sql": f"{ONE}\n{CONCURRENT}", "flyway.conf": "flyway.mixed=true\n"},
        "statement",
    ),
    "flyway_does_not_see_reindex_table_concurrently": (
        {"V1__a.sql": "reindex table concurrently t;"},
        "file",
    ),
    "a_group_is_one_transaction": (
        {"V1__a.sql": ONE, "flyway.toml": "[flyway]\ngroup = true\n"},
        "run",
    ),
    "spring": (
        {
            "V1__a.sql": ONE,
            "application.properties": "spring.flyway.execute-in-transaction=false\n",
        },
        "statement",
    ),
}


@pytest.mark.parametrize(("files", "expected"), TRANSACTIONS.values(), ids=TRANSACTIONS)
def test_transactions(tmp_path: Path, files: dict[str, str], expected: str):
    (migration,) = read(tmp_path, files).migrations
    assert [model for model, _ in sql(migration.up) or []] == [expected]


LOCKS = {
    "unset": ({}, "true"),
    "conf": ({"flyway.conf": "flyway.postgresql.transactional.lock=false\n"}, "false"),
    "toml": ({"flyway.toml": "[flyway.postgresql]\ntransactional.lock = false\n"}, "false"),
    "spring": (
        {"application.properties": "spring.flyway.postgresql.transactional-lock=false\n"},
        "false",
    ),
    "broken_toml": ({"flyway.toml": "[flyway"}, "true"),
}


@pytest.mark.parametrize(("files", "expected"), LOCKS.values(), ids=LOCKS)
def test_the_setting_for_which_concurrently_waits(
    tmp_path: Path, files: dict[str, str], expected: str
):
    folder = read(tmp_path, {"V1__a.sql": ONE, **files})
    assert folder.settings[LOCK] == expected


def test_a_script_is_changed_when_its_conf_is(tmp_path: Path):
    plant(tmp_path, {"V1__a.sql": ONE, "V1__a.sql.conf": "executeInTransaction=false"})
    (found,) = discover([tmp_path / "V1__a.sql.conf"], tmp_path).found
    assert [one.path for one in found.asked] == ["V1__a.sql"]
