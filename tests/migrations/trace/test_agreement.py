"""The model's word beside what was seen: equal, harmless, unknown or wrong."""

from dataclasses import replace

import pytest

from senior_backend import sql
from senior_backend.catalog.model import Catalog
from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.step import Assumptions
from senior_backend.migrations.trace.agreement import Prediction, compare, predictions, tally
from senior_backend.migrations.trace.observed import (
    IndexBuild,
    MigrationTrace,
    ObservedLock,
    ObservedStatement,
)
from senior_backend.migrations.walk import Walk
from senior_backend.sources.migration import Migration, Segment

BEFORE = (
    "create table orders (id int primary key, total int); create index orders_total on orders "
    "(total); create table lines (order_id int references orders); create view large as select id "
    "from orders; create function touch() returns trigger language plpgsql as 'begin return new; "
    "end'; create table watched (id int); create trigger t before insert on watched for each row "
    "execute function touch();"
)
AE = Lock.ACCESS_EXCLUSIVE
BOTH = ("reads", "writes")


def migration(text: str) -> Migration:
    segment = Segment(sql.SqlText("m.sql", text.encode()), "file")
    return Migration("x", "m.sql", "1", "m", (segment,))


def said(text: str) -> tuple[Prediction, ...]:
    """What the model says of statements on the tables above."""
    walk = Walk(Catalog(), Assumptions(major=18, timezone="UTC"))
    list(walk.replay(migration(BEFORE), 0))
    return predictions(walk.steps(migration(text), "up", 1, 1))


def seen(text: str, *locks: ObservedLock, number: int | None = 1) -> ObservedStatement:
    return ObservedStatement("m.sql", 1, text, number, locks)


def lock(relation: str, mode: Lock, *blocks: str, kind: str = "table") -> ObservedLock:
    return ObservedLock(relation, kind, mode, blocks)  # type: ignore[arg-type]


def told(text: str, *statements: ObservedStatement, probed: bool = True) -> list[str]:
    """Every comparison that did not end equal, with how it ended."""
    trace = MigrationTrace("m.sql", "up", statements)
    return [
        f"{one.verdict}: {one}"
        for agreed in compare(said(text), trace, probed=probed)
        for one in agreed.comparisons
        if one.verdict != "equal"
    ]


ADD = "alter table orders add column c int"
BUILD = "create index i on orders (total)"
CASES = [
    (ADD, seen(ADD, lock("orders", AE, *BOTH)), []),
    (
        ADD,
        seen(ADD, lock("orders", Lock.SHARE, "writes")),
        [
            "wrong: orders: lock said ACCESS EXCLUSIVE, seen SHARE",
            "wrong: orders: blocks said reads and writes, seen writes",
        ],
    ),
    (ADD, seen(ADD), ["wrong: orders: lock said ACCESS EXCLUSIVE, seen none"]),
    (
        ADD,
        replace(seen(ADD, lock("orders", AE, *BOTH)), rewrites=("orders",)),
        [
            "wrong: orders: rewrite said no, seen yes",
            "wrong: orders: scan said no, seen yes",
        ],
    ),
    (
        ADD,
        seen(ADD, lock("orders", AE, *BOTH), lock("lines", AE, *BOTH)),
        [
            "wrong: lines: lock said none, seen ACCESS EXCLUSIVE",
            "wrong: lines: blocks said nothing, seen reads and writes",
        ],
    ),
    (
        ADD,
        seen(ADD, lock("orders", AE, *BOTH), lock("elsewhere.t", AE)),
        [
            (
                "unknown: elsewhere.t: lock said none, seen ACCESS EXCLUSIVE (no migration "
                "shows what creates it)"
            )
        ],
    ),
    (
        BUILD,
        replace(
            seen(BUILD, lock("orders", Lock.SHARE, "writes")), index_builds=(IndexBuild("orders"),)
        ),
        [],
    ),
    (
        "comment on table orders is 'x'",
        seen("comment on table orders is 'x'", lock("orders", Lock.ACCESS_SHARE)),
        ["harmless: orders: lock said SHARE UPDATE EXCLUSIVE, seen ACCESS SHARE"],
    ),
    (
        "drop index orders_total",
        seen(
            "drop index orders_total",
            lock("orders", AE, *BOTH),
            lock("orders_total", AE, *BOTH, kind="index"),
        ),
        [],
    ),
    (
        "insert into watched values (1)",
        seen(
            "insert into watched values (1)",
            lock("watched", Lock.ROW_EXCLUSIVE),
            lock("orders", Lock.ROW_EXCLUSIVE),
        ),
        [
            "unknown: orders: lock said none, seen ROW EXCLUSIVE (what the triggers of watched do)",
        ],
    ),
    (
        "drop view large",
        seen("drop view large", lock("large", AE, "reads", kind="view")),
        [],
    ),
]


@pytest.mark.parametrize(("text", "statement", "expected"), CASES)
def test_comparisons(text: str, statement: ObservedStatement, expected: list[str]):
    assert told(text, statement) == expected


def test_what_a_transaction_holds_already_is_not_taken_again():
    twice = f"{ADD}; alter table orders add column d int"
    second = "alter table orders add column d int"
    first = seen(ADD, lock("orders", AE, *BOTH))
    assert told(twice, first, seen(second)) == []
    assert told(twice, first, seen(second, number=2)) == [
        "wrong: orders: lock said ACCESS EXCLUSIVE, seen none"
    ]


def test_a_renamed_table_is_held_under_its_new_name():
    rename, then = "alter table orders rename to bills", "alter table bills add column c int"
    assert told(f"{rename}; {then}", seen(rename, lock("orders", AE, *BOTH)), seen(then)) == []


def test_outside_a_transaction_a_lock_may_be_gone_before_it_is_seen():
    text = "vacuum orders"
    assert told(text, seen(text, number=None)) == [
        (
            "unknown: orders: lock said SHARE UPDATE EXCLUSIVE, seen none (outside a transaction: "
            "released before it could be seen)"
        ),
        "unknown: orders: scan said unknown, seen no (how much of it was vacuumed before)",
    ]


def test_what_stands_in_a_body_may_not_run():
    text = "do $$ begin if false then alter table orders add column c int; end if; end $$"
    assert told(text, seen(text)) == [
        (
            "unknown: orders: lock said ACCESS EXCLUSIVE, seen none (it stands in a body, "
            "which may not have come to it)"
        )
    ]


def test_tables_of_the_migration_itself_are_nobodys():
    create, index = "create table t (id int)", "create index on t (id)"
    assert told(f"{create}; {index}", seen(create), seen(index)) == []


def test_statements_that_failed_or_did_not_run_are_not_compared():
    failed = replace(seen(ADD), error="relation does not exist")
    skipped = replace(seen(ADD), not_run="the statement before it failed")
    assert compare(said(ADD), MigrationTrace("m.sql", "up", (failed, skipped))) == ()


def test_what_waits_is_compared_only_where_it_was_tried():
    statement = seen(ADD, lock("orders", AE))
    assert told(ADD, statement) == ["wrong: orders: blocks said reads and writes, seen nothing"]
    assert told(ADD, statement, probed=False) == []


def test_verdicts_are_counted():
    agreements = compare(said(ADD), MigrationTrace("m.sql", "up", (seen(ADD),)))
    assert tally(agreements) == {"wrong": 1, "equal": 3}
    assert agreements[0].verdict == "wrong"
