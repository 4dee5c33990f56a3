"""What cannot be known is said so, with what it depends on; it is never guessed."""

import pytest

from senior_backend.catalog.model import Catalog
from tests.migrations.lock_model.schema import effects_on

UNSEEN = [
    ("alter table t alter column c type text", "rewrite", "the present type of c"),
    ("alter table t alter column c set not null", "scan", "whether a CHECK or NOT NULL"),
    ("alter table t add column c currency", "rewrite", "whether currency is a domain"),
    ("alter table t add column c int default next_id()", "rewrite", "next_id() is volatile"),
    ("alter table t validate constraint c", "scan", "the constraint, which no migration creates"),
    ("alter table t set logged", "rewrite", "whether it is so already"),
    ("alter table t add primary key using index i", "scan", "NOT NULL already"),
    ("alter table p attach partition t for values from (1) to (2)", "scan", "proves the bound"),
]


@pytest.mark.parametrize(("sql", "flag", "why"), UNSEEN)
def test_of_a_table_that_no_migration_creates(sql: str, flag: str, why: str):
    effect = effects_on(sql, Catalog())["t"]
    assert getattr(effect, flag) is None
    assert why in effect.unknown


CERTAIN = [
    ("alter table t alter column c type text using upper(c)", "rewrite"),
    ("alter table t add column c timestamptz default clock_timestamp()", "rewrite"),
    ("alter table t add column c serial", "rewrite"),
    ("alter table t add constraint c check (a > 0)", "scan"),
    ("create index on t (a)", "index_build"),
    ("vacuum full t", "rewrite"),
]


@pytest.mark.parametrize(("sql", "flag"), CERTAIN)
def test_what_does_not_depend_on_the_schema_is_certain_all_the_same(sql: str, flag: str):
    assert getattr(effects_on(sql, Catalog())["t"], flag) is True


PARTITIONED = "create table p (id int, c text) partition by range (id);"


def test_partitions_created_out_of_sight_are_not_forgotten():
    sql = f"{PARTITIONED} alter table p add column d float default random()"
    effect = effects_on(sql, Catalog())["p"]
    assert effect.rewrite is None
    assert "partitions" in effect.unknown


CHECKS = [
    ("c is not null", False),
    ("(c is not null) and a > 0", False),
    ("not c is null", False),
    ("c is not null or a > 0", True),
    ("a > 0 and c is not null or b > 0", True),
    ("c is null", True),
    ("c > 0", True),
    ("c is not null or c is null", True),
    ("not (c is not null)", True),
]


@pytest.mark.parametrize(("check", "scan"), CHECKS)
def test_only_a_check_that_forbids_nulls_spares_the_scan(check: str, scan: bool):
    schema = f"create table t (a int, b int, c int, check ({check}));"
    effect = effects_on(f"{schema} alter table t alter column c set not null", Catalog())["t"]
    assert effect.scan is scan
