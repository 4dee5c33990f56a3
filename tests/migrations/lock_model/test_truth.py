"""The lock model says what PostgreSQL 14 to 18 were observed to do, or that it cannot be known.

``observed.json`` holds the observations and how they were made. Every difference stands here, in
``UNKNOWN`` or ``DEVIATIONS``, and a line there that no longer happens fails as well.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from senior_backend.migrations.lock_model.effect import Effect
from tests.migrations.lock_model.schema import catalog_of, effects_of

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "observed.json").read_text())
SCHEMA = (HERE / "schema.sql").read_text()
MAJORS = (14, 15, 16, 17, 18)
FLAGS = ("rewrite", "scan", "index_build")


PLAN = "the planner decides; nobody waits for the lock"
UNKNOWN = {
    "alter table child set tablespace pg_default": (
        ("rewrite child",),
        "the replay does not keep tablespaces",
    ),
    "alter table child set access method heap": (
        ("rewrite child", "scan child", "index_build child"),
        "the replay does not keep access methods",
    ),
    "create table ctas as select * from child": (("scan child",), PLAN),
    "create materialized view mv2 as select * from child": (("scan child",), PLAN),
    "refresh materialized view mv": (("scan child",), PLAN),
    "delete from child where n<100": (("scan child",), PLAN),
    "select * from child for update": (("scan child",), PLAN),
    "insert into child2(id,pid,n,e) select id+1000000,pid,n,1 from child": (("scan child",), PLAN),
}
"""What the model answers with "not known", and why."""


@dataclass(frozen=True)
class Deviation:
    """Where the model does not say what was recorded, and who says that it is right."""

    statement: str
    differences: tuple[str, ...]
    majors: tuple[int, ...]
    source: str


EMPTY_FILES = "PostgreSQL docs, TRUNCATE: new, empty files; no row is read or written"
DEVIATIONS = (
    Deviation(
        "truncate child",
        ("index_build child: False", "rewrite child: False"),
        MAJORS,
        EMPTY_FILES,
    ),
    Deviation(
        "truncate parent cascade",
        tuple(
            f"{what} {table}: False"
            for what in ("index_build", "rewrite")
            for table in ("child", "child2", "parent")
        ),
        MAJORS,
        EMPTY_FILES,
    ),
    Deviation(
        "alter table partx detach partition partx1 concurrently",
        ("lock partx1: ACCESS EXCLUSIVE, observed None",),
        MAJORS,
        "docs, ALTER TABLE, DETACH PARTITION: its second transaction, too short to be sampled "
        "(the live test sees it)",
    ),
    Deviation(
        "alter table child validate constraint fk_nv",
        ("lock parent: ROW SHARE, observed None",),
        (15, 17),
        "docs, ALTER TABLE, VALIDATE CONSTRAINT; seen on 14, 16 and 18: sampling missed it",
    ),
    Deviation(
        "vacuum child",
        ("lock child: SHARE UPDATE EXCLUSIVE, observed ACCESS SHARE",),
        (17, 18),
        "docs, 13.3.1 Table-Level Locks; seen on 14 to 16: sampling missed it",
    ),
    Deviation(
        "vacuum analyze child2",
        ("lock child2: SHARE UPDATE EXCLUSIVE, observed ACCESS SHARE",),
        (18,),
        "docs, 13.3.1 Table-Level Locks; seen on 14 to 17: sampling missed it",
    ),
    Deviation(
        "drop index concurrently child_n",
        ("index child_n is not said to be locked from its readers",),
        (18,),
        "docs, DROP INDEX CONCURRENTLY: at its end, when no query uses the index any more",
    ),
    Deviation(
        "reindex table concurrently child",
        tuple(
            f"index {name} is not said to be locked from its readers"
            for name in ("child_expr", "child_pkey", "child_uq", "child_v")
        ),
        (15,),
        "docs, REINDEX, Rebuilding Indexes Concurrently: when the old index goes, and no query "
        "uses it any more",
    ),
)


def observed(sql: str, major: int) -> dict[str, Any]:
    """What was recorded for a statement."""
    case = next(case for case in RECORDED["statements"] if case["sql"] == sql)
    return next(o for o in case["observed"] if major in o["majors"]) | {"alone": case["alone"]}


def differences(sql: str, major: int) -> list[str]:
    """Everything in which the model and the record differ."""
    catalog = catalog_of(SCHEMA)
    tables = {name.name for name in catalog.tables}
    index_of = {name.name: index.table.name for name, index in catalog.indexes.items()}
    seen = observed(sql, major)
    if "error" in seen:
        return []
    said = effects_of(sql, SCHEMA, major)
    locks = {name: lock for name, lock in seen["locks"].items() if name in tables}
    told = {n: str(e.lock) for n, e in said.items() if n in tables and e.lock is not None}
    found = [
        f"lock {name}: {told.get(name)}, observed {locks.get(name)}"
        for name in locks.keys() | told.keys()
        if told.get(name) != locks.get(name)
    ]
    for flag in FLAGS:
        if flag == "scan" and seen["alone"]:
            continue  # was not recorded
        for name in tables:
            value = getattr(said.get(name, Effect(name, None)), flag)
            if value is None:
                found.append(f"{flag} {name}")
            elif value != (name in seen.get(flag, ())):
                found.append(f"{flag} {name}: {value}")
    for index, table in index_of.items():
        lock = seen["locks"].get(index)
        if index in said and str(said[index].lock) != lock:
            found.append(f"index {index}: {said[index].lock}, observed {lock}")
        if lock == "ACCESS EXCLUSIVE" and "reads" not in said[table].blocked:
            found.append(f"index {index} is not said to be locked from its readers")
    return sorted(found)


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("sql", [case["sql"] for case in RECORDED["statements"]])
def test_the_model_says_what_was_observed(sql: str, major: int):
    expected = [*UNKNOWN.get(sql, ((), ""))[0]]
    for deviation in DEVIATIONS:
        if deviation.statement == sql and major in deviation.majors:
            expected += deviation.differences
    if "error" not in observed(sql, major):
        assert differences(sql, major) == sorted(expected)


def test_every_statement_is_recorded_for_all_majors():
    assert len(RECORDED["statements"]) == 163
    for case in RECORDED["statements"]:
        assert sorted(m for o in case["observed"] for m in o["majors"]) == list(MAJORS)


@pytest.mark.parametrize("sql", UNKNOWN)
def test_what_is_not_known_says_on_what_it_depends(sql: str):
    unknown = [e for e in effects_of(sql, SCHEMA).values() if None in (e.rewrite, e.scan)]
    assert unknown
    assert all(effect.unknown for effect in unknown)
