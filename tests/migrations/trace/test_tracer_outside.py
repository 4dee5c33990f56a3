"""Statements outside transactions: what they lock and wait for, and that others go on meanwhile."""

import time

import psycopg
import pytest

from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from tests.migrations.trace.traced import lines, migration, prepare

SCHEMA = """
create table orders (id int primary key, note text);
create index orders_note on orders (note);
create table events (id int, day date not null) partition by range (day);
create table events_2020 partition of events for values from ('2020-01-01') to ('2021-01-01');
create table events_2021 partition of events for values from ('2021-01-01') to ('2022-01-01');
insert into orders select i, i % 2 from generate_series(1, 100) i;
"""
OLDER = "waits for older transactions"
RW = "blocks reads and writes"
CASES = [
    (
        "create index concurrently on orders (note)",
        [
            "orders SHARE UPDATE EXCLUSIVE",
            "scan orders",
            "build orders_note_idx on orders",
            OLDER,
        ],
    ),
    (
        "create unique index concurrently u on orders (note)",
        [
            "orders SHARE UPDATE EXCLUSIVE",
            "scan orders",
            "build u on orders",
            OLDER,
            'error could not create unique index "u"',
        ],
    ),
    (
        "drop index concurrently orders_note",
        ["orders SHARE UPDATE EXCLUSIVE", "orders_note SHARE UPDATE EXCLUSIVE", OLDER],
    ),
    (
        "reindex index concurrently orders_note",
        [
            "orders SHARE UPDATE EXCLUSIVE",
            "orders_note SHARE UPDATE EXCLUSIVE",
            "scan orders",
            "build orders_note_ccnew on orders",
            OLDER,
        ],
    ),
    # The partition is closed for an instant, when nobody uses it any more.
    (
        "alter table events detach partition events_2020 concurrently",
        [f"events_2020 ACCESS EXCLUSIVE wanted {RW}", "events SHARE UPDATE EXCLUSIVE", OLDER],
    ),
    ("vacuum orders", ["orders SHARE UPDATE EXCLUSIVE wanted"]),
    (
        "vacuum full orders",
        [
            f"orders ACCESS EXCLUSIVE wanted {RW}",
            "rewrite orders",
            "scan orders",
            "build orders_pkey on orders",
            "build orders_note on orders",
        ],
    ),
    # One table after another: it is held up at each of them.
    (
        "vacuum (full) events",
        [
            f"events ACCESS EXCLUSIVE wanted {RW}",
            f"events_2020 ACCESS EXCLUSIVE wanted {RW}",
            f"events_2021 ACCESS EXCLUSIVE wanted {RW}",
            "rewrite events_2020",
            "rewrite events_2021",
            "scan events_2020",
            "scan events_2021",
        ],
    ),
    (
        "vacuum orders, events",
        [
            "events SHARE UPDATE EXCLUSIVE wanted",
            "events_2020 SHARE UPDATE EXCLUSIVE wanted",
            "events_2021 SHARE UPDATE EXCLUSIVE wanted",
            "orders SHARE UPDATE EXCLUSIVE wanted",
        ],
    ),
    # It asks for SHARE on each partition while it lists them: writers wait behind it.
    (
        "reindex table concurrently events",
        [
            "events_2020 SHARE blocks writes",
            "events_2021 SHARE wanted blocks writes",
            "events SHARE UPDATE EXCLUSIVE blocks writes",
        ],
    ),
    (
        "do $$ begin alter table orders add column x int; commit; end $$",
        [f"orders ACCESS EXCLUSIVE wanted {RW}"],
    ),
    ("reindex schema nowhere", ['error schema "nowhere" does not exist']),
]


@pytest.mark.parametrize(("sql", "expected"), CASES)
def test_it_is_told_as_postgresql_does_it(tracer: Tracer, sql, expected):
    prepare(tracer, SCHEMA)
    (seen,) = tracer.trace(migration(sql, transaction="statement")).statements
    assert lines(seen) == expected
    assert seen.transaction is None


def test_it_is_the_same_every_time(tracer: Tracer):
    """What is seen is what it is held up at, never what happened to be there at some moment."""
    for sql, expected in CASES[:6:5] * 5:
        prepare(tracer, SCHEMA)
        (seen,) = tracer.trace(migration(sql, transaction="statement")).statements
        assert lines(seen) == expected


def test_others_read_and_write_while_it_waits(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = "create index concurrently on orders (note)"
    (seen,) = tracer.trace(migration(sql, transaction="implicit")).statements
    assert "while it waited for older transactions, others read and wrote orders" in seen.notes
    assert all(lock.blocks == () and lock.granted for lock in seen.locks)


def test_an_invalid_index_that_is_left_is_named(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = "create unique index concurrently u on orders (note); select 1"
    failed, skipped = tracer.trace(migration(sql, transaction="statement")).statements
    assert failed.sqlstate == "23505"
    assert "it left an INVALID index behind: public.u" in failed.notes
    assert skipped.not_run == "its tool stops at the error at line 1"


def test_a_procedure_runs_transactions_of_its_own(tracer: Tracer):
    prepare(
        tracer,
        SCHEMA + "create procedure p() language plpgsql as "
        "$$ begin delete from orders where id = 1; commit; "
        "alter table orders add column x int; rollback; end $$;",
    )
    (seen,) = tracer.trace(migration("call p()", transaction="statement")).statements
    assert lines(seen) == [f"orders ACCESS EXCLUSIVE wanted {RW}"]
    check = "do $$ begin assert (select count(*) from orders) = 99; end $$"
    assert tracer.trace(migration(check)).failed is None, "its own COMMIT was one"
    (seen,) = tracer.trace(migration("call p()")).statements
    assert seen.error == "invalid transaction termination", "as in its tool's transaction"


def test_nobody_is_left_in_the_way(tracer: Tracer):
    prepare(tracer, SCHEMA)
    for sql, _ in CASES:
        tracer.trace(migration(sql, transaction="statement"))
    check = """do $$ begin assert 0 = (select count(*) from pg_locks where locktype = 'relation'
and relation >= 16384 and pid <> pg_backend_pid()
and database = (select oid from pg_database where datname = current_database())); end $$"""
    assert tracer.apply(migration(check)) is None


def test_what_never_ends_is_cancelled(database_url):
    with Tracer(database_url, Settings(statement_timeout_s=0.3)) as tracer:
        prepare(tracer, SCHEMA)
        with psycopg.connect(database_url) as other:
            other.execute("insert into orders values (1000)")
            since = time.monotonic()
            sql = "create index concurrently slow on orders (note)"
            (seen,) = tracer.trace(migration(sql, transaction="statement")).statements
            assert time.monotonic() - since < 20
        assert seen.error == "it did not end in 0.3 s and was cancelled"
        assert seen.sqlstate == "57014"
        assert seen.waits_for == ("older transactions",)
        assert "it left an INVALID index behind: public.slow" in seen.notes


def test_what_a_transaction_before_it_has_made_is_known_by_its_last_name(tracer: Tracer):
    prepare(tracer, "create table a (id int); create table b (id int);")
    made = "create table n (id int); alter table a add column x int; alter table n rename to m"
    trace = tracer.trace(
        migration((made, "file"), ("create index concurrently on b (id)", "statement"))
    )
    assert lines(trace.statements[-1])[0] == "b SHARE UPDATE EXCLUSIVE"
    assert not any("held up" in note for note in trace.statements[-1].notes)
