"""The cost of type changes by the lock model, and by the PostgreSQL that the tests run on."""

import pytest

from senior_backend.migrations.lock_model.effect import Effect
from tests.migrations.lock_model.schema import catalog_of, effects_of
from tests.migrations.observe import Observation, Observer


def differences(sql: str, schema: str, seen: Observation, major: int) -> list[str]:
    """Everything in which the model and the server differ."""
    catalog = catalog_of(schema)
    index_of = {catalog_name.name: i.table.name for catalog_name, i in catalog.indexes.items()}
    said = effects_of(sql, schema, major)
    locks = {name: lock for name, lock in seen.locks.items() if name not in seen.indexes}
    told = {n: e.lock for n, e in said.items() if e.lock is not None and n not in index_of}
    found = [
        f"lock {name}: {told.get(name)}, seen {locks.get(name)}"
        for name in locks.keys() | told.keys()
        if told.get(name) != locks.get(name)
    ]
    sets = {"rewrite": seen.rewrites, "scan": seen.scans, "index_build": seen.index_builds}
    for flag, shown in sets.items():
        for name in (said.keys() | shown) - index_of.keys():
            value = getattr(said.get(name, Effect(name, None)), flag)
            if value is None:
                found.append(f"unknown {flag} {name}")
            elif value != (name in shown):
                found.append(f"{flag} {name}: {value}")
    for name in seen.indexes & seen.locks.keys():
        lock = seen.locks[name]
        if name in said and said[name].lock != lock:
            found.append(f"index {name}: {said[name].lock}, seen {lock}")
        # CONCURRENTLY locks the old index when no query uses it any more (docs, REINDEX).
        alone = "concurrently" in sql
        if lock.blocks_reads and not alone and "reads" not in said[index_of[name]].blocked:
            found.append(f"index {name} is not said to be locked from its readers")
    return sorted(found)


TYPES = [
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(10,2)",
    "numeric(12,2)",
    "numeric(12,4)",
    "real",
    "text",
    "varchar",
    "varchar(10)",
    "varchar(20)",
    "char(10)",
    "bpchar",
    "citext",
    "boolean",
    "date",
    "timestamp",
    "timestamp(3)",
    "timestamptz",
    "timestamptz(3)",
    "time",
    "interval",
    "interval(3)",
    "interval hour",
    "interval year to month",
    "uuid",
    "json",
    "jsonb",
    "bytea",
    "inet",
    "cidr",
    "bit(8)",
    "varbit",
    "varbit(8)",
    "varbit(16)",
    "oid",
    "regclass",
    "mood",
    "xml",
    "plain_text",
    "checked_text",
    "nested_text",
    "short_text",
    "text[]",
    "varchar[]",
    "varchar(10)[]",
    "integer[]",
]
TYPE_SETUP = """
create extension citext;
create type mood as enum ('a');
create domain plain_text as text;
create domain checked_text as text check (value <> '');
create domain nested_text as plain_text;
create domain short_text as varchar(10);
"""


@pytest.mark.parametrize("old", TYPES)
def test_the_cost_of_every_type_change_is_known(observer: Observer, old: str):
    """To every other type that PostgreSQL accepts without USING, with an index where it can."""
    index = "" if old in ("json", "xml") else " create index on t (c);"
    schema = f"{TYPE_SETUP} create table t (c {old});{index}"
    wrong = []
    accepted = 0
    for new in TYPES:
        sql = f"alter table t alter column c type {new}"
        seen = observer.rehearse(schema, sql)
        if seen.error is None:
            accepted += 1
            found = differences(sql, schema, seen, observer.major)
            wrong += [f"to {new}: {difference}" for difference in found]
    assert accepted
    assert wrong == []


def test_timestamps_are_rewritten_but_in_utc(observer: Observer):
    schema = "create table t (c timestamp);"
    sql = "set timezone = 'Europe/Oslo'; alter table t alter column c type timestamptz"
    seen = observer.observe(schema, sql)
    assert seen.shows("t rewrite")
    assert differences(sql, schema, seen, observer.major) == []
    unknown = effects_of("alter table t alter column c type timestamptz", schema, timezone=None)
    assert unknown["t"].rewrite is None
    assert "TimeZone" in unknown["t"].unknown
