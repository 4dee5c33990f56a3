"""Each statement runs in the transaction that its tool gives it, and fails as it fails there."""

from dataclasses import replace

import pytest
from psycopg.conninfo import conninfo_to_dict

from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from tests.migrations.trace.traced import lines, migration, prepare

SCHEMA = "create table a (id int primary key); create table b (id int primary key);"
DEFERRED = """alter table b add foreign key (id) references a deferrable initially deferred;
insert into b values (1)"""
NO_BLOCK = "cannot run inside a transaction block"

# Segments with their transaction models, and for each statement: its transaction and its error.
MODELS = [
    ([("alter table a add column x int; select 1", "file")], [(1, None), (1, None)]),
    ([("alter table a add column x int; select 1", "implicit")], [(1, None), (1, None)]),
    ([("alter table a add column x int; select 1", "statement")], [(None, None), (None, None)]),
    ([("alter table a add column x int", "implicit")], [(None, None)]),
    ([("select 1", "file"), ("select 2", "file")], [(1, None), (1, None)]),
    ([("select 1", "run"), ("select 2", "file")], [(1, None), (2, None)]),
    (
        [("select 1", "file"), ("select 2", "statement"), ("select 3", "file")],
        [(1, None), (None, None), (2, None)],
    ),
    (
        [("select 1; select 2", "implicit"), ("select 3; select 4", "implicit")],
        [(1, None), (1, None), (2, None), (2, None)],
    ),
    ([("vacuum a", "implicit")], [(None, None)]),
    ([("vacuum a", "statement")], [(None, None)]),
    ([("vacuum a", "file")], [(1, f"VACUUM {NO_BLOCK}")]),
    ([("select 1; vacuum a", "implicit")], [(1, None), (1, f"VACUUM {NO_BLOCK}")]),
    (
        [("select 1; create index concurrently on a (id)", "implicit")],
        [(1, None), (1, f"CREATE INDEX CONCURRENTLY {NO_BLOCK}")],
    ),
    # A script's own BEGIN and COMMIT.
    (
        [("begin; select 1; commit; select 2", "statement")],
        [(None, None), (1, None), (1, None), (None, None)],
    ),
    (
        [("select 1; commit; vacuum a", "file")],
        [(1, None), (1, None), (None, None)],
    ),
    (
        [("begin; select 1; commit and chain; select 2; commit", "statement")],
        [(None, None), (1, None), (1, None), (2, None), (2, None)],
    ),
    (
        [("begin; select 1; commit; select 2; commit", "implicit")],
        [(1, None), (1, None), (1, None), (2, None), (2, None)],
    ),
    (
        [("select 1; savepoint s", "implicit")],
        [(1, None), (1, "SAVEPOINT can only be used in transaction blocks")],
    ),
    (
        [("begin; savepoint s; release s; commit; select 1", "implicit")],
        [(1, None), (1, None), (1, None), (1, None), (2, None)],
    ),
    ([("savepoint s; rollback to s", "file")], [(1, None), (1, None)]),
    # What is refused only outside a transaction block must not be saved by being looked at.
    (
        [("lock table a", "statement")],
        [(None, "LOCK TABLE can only be used in transaction blocks")],
    ),
    ([("lock table a; select 1", "implicit")], [(1, None), (1, None)]),
    (
        [("declare c cursor for select 1", "statement")],
        [(None, "DECLARE CURSOR can only be used in transaction blocks")],
    ),
    # What must come first in a transaction still does.
    (
        [("set transaction isolation level serializable; select 1", "file")],
        [(1, None), (1, None)],
    ),
    # Deferred until the COMMIT, which is the tool's.
    (
        [(DEFERRED, "file")],
        [
            (1, None),
            (1, None),
            (
                1,
                'insert or update on table "b" violates foreign key constraint "b_id_fkey"',
            ),
        ],
    ),
]


@pytest.mark.parametrize(("parts", "expected"), MODELS)
def test_each_statement_has_its_transaction(tracer: Tracer, parts, expected):
    prepare(tracer, SCHEMA)
    seen = tracer.trace(migration(*parts)).statements
    assert [(one.transaction, one.error) for one in seen] == expected
    errors = [error for _, error in expected if error is not None]
    prepare(tracer, SCHEMA)
    unwatched = tracer.apply(migration(*parts))
    assert ([unwatched.reason] if unwatched else []) == errors


def test_after_an_error_the_rest_is_not_run(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = "alter table a add column x int;\nselect 1 / 0;\nselect 2;"
    _, failed, skipped = tracer.trace(migration(sql)).statements
    assert (failed.line, failed.error, failed.sqlstate) == (2, "division by zero", "22012")
    assert skipped.not_run == "the transaction was aborted at line 2"
    (again,) = tracer.trace(migration("alter table a add column x int")).statements
    assert again.error is None, "the failed transaction was rolled back"
    sql = sql.replace("column x", "column y")
    *_, skipped = tracer.trace(migration(sql, transaction="statement")).statements
    assert skipped.not_run == "its tool stops at the error at line 2"


def test_what_no_server_can_run_is_passed_over(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = """\\set ON_ERROR_STOP on
select :value;
alter tabel a add column x int;
copy a from stdin;
create table {{ name }} (id int);
select 1;
"""
    trace = tracer.trace(migration(sql, transaction="statement"))
    assert [(one.line, one.not_run) for one in trace.statements] == [
        (1, "a command of psql: only psql runs it"),
        (2, "it has a placeholder whose value is not known"),
        (3, 'syntax error at or near "tabel"'),
        (4, "COPY FROM STDIN: its rows come from the client"),
        (5, "it has a placeholder whose value is not known"),
        (6, None),
    ]
    problem = tracer.apply(migration(sql, transaction="statement"))
    assert str(problem) == (
        "1_change.sql:2: not run: it has a placeholder whose value is not known"
    )
    assert tracer.apply(migration("\\echo done\nselect 1", transaction="statement")) is None


def test_a_transaction_around_the_run_goes_on_from_migration_to_migration(tracer: Tracer):
    prepare(tracer, SCHEMA)
    first = tracer.trace(migration("alter table a add column x int", transaction="run", name="1"))
    second = tracer.trace(migration("select x from a; select 2", transaction="run", name="2"))
    assert [lines(one) for one in first.statements] == [
        ["a ACCESS EXCLUSIVE blocks reads and writes"]
    ]
    assert [(one.transaction, one.error) for one in second.statements] == [(1, None), (1, None)]
    (held,) = second.lock_queue
    assert (held.path, held.relation, held.statements) == ("1", "a", 2)
    tracer.finish()
    assert tracer.trace(migration("select x from a")).failed is None


def test_an_error_ends_the_whole_run(tracer: Tracer):
    prepare(tracer, SCHEMA)
    tracer.trace(migration("create table c (id int); select 1/0", transaction="run", name="1.sql"))
    second = tracer.trace(migration("select 1", transaction="run", name="2.sql"))
    assert second.statements[0].not_run == "the transaction was aborted at 1.sql:1"
    tracer.finish()
    assert tracer.trace(migration("create table c (id int)")).failed is None


def test_nothing_of_a_session_is_left_for_the_next_migration(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = """
set search_path = pg_catalog; set statement_timeout = '3s'; set role pg_monitor;
set session_replication_role = replica; create temp table t (id int);
set client_min_messages = error; select pg_advisory_lock(1); prepare p as select 1; listen l
"""
    for run in (tracer.apply, tracer.trace):
        run(migration(sql, transaction="statement"))
        seen = tracer.trace(
            migration(
                "create table t (id int references a); alter table a add check (id > 0);"
                "prepare p as select 1; select pg_advisory_unlock(1); alter table t drop id"
            )
        )
        assert seen.failed is None
        assert seen.statements[1].scans == ("a",)
        tracer.apply(migration("drop table t cascade"))


def test_a_new_session_has_what_was_set_for_its_database(database_url):
    name = conninfo_to_dict(database_url)["dbname"]
    with Tracer(database_url, Settings(own_server=True)) as tracer:
        tracer.trace(migration(f"create schema s; alter database {name} set search_path = s"))
        tracer.trace(migration("create table t (id int)"))
        (seen,) = tracer.trace(migration("alter table t add column x int")).statements
    assert [lock.relation for lock in seen.locks] == ["s.t"]


def test_a_transaction_that_a_script_leaves_open_is_not_committed(tracer: Tracer):
    prepare(tracer, SCHEMA)
    trace = tracer.trace(migration("begin; drop table a", transaction="statement"))
    assert trace.notes == ("the transaction that it begins is never committed",)
    assert tracer.trace(migration("select * from a")).failed is None


def test_a_lock_that_blocks_is_followed_to_the_end_of_its_transaction(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = """alter table a add column x int;
create index on b (id);
select pg_sleep(0.02);
alter table b add column x int;
select 1;
"""
    queue = tracer.trace(migration(sql)).lock_queue
    assert [
        (one.line, one.relation, one.blocks, one.transaction, one.statements) for one in queue
    ] == [
        (1, "a", ("reads", "writes"), 1, 4),
        (2, "b", ("writes",), 1, 2),
        (4, "b", ("reads", "writes"), 1, 1),
    ]
    first, second, third = queue
    assert first.duration_ms > second.duration_ms > 20 > third.duration_ms


def test_what_savepoints_give_back_is_no_longer_held(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = "savepoint s; alter table a add column x int; rollback to s; select 1; lock table b"
    assert tracer.trace(migration(sql)).lock_queue == ()
    (again,) = tracer.trace(migration("alter table a add column x int")).statements
    assert again.error is None


def test_each_statement_on_its_own_holds_nothing(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = "alter table a add column x int; select 1"
    assert tracer.trace(migration(sql, transaction="statement")).lock_queue == ()


def test_the_way_back_runs_as_well(tracer: Tracer):
    prepare(tracer, SCHEMA)
    down = migration("alter table a drop column x").up
    both = replace(migration("alter table a add column x int"), down=down)
    assert tracer.trace(both).failed is None
    back = tracer.trace(both, "down")
    assert (back.direction, back.failed) == ("down", None)
    assert back.statements[0].sql == "alter table a drop column x"


def test_settings_hold_in_every_session(database_url):
    variables = {"default_table_access_method": "heap", "work_mem": "5MB"}
    settings = Settings(timezone="Europe/Oslo", variables=variables)
    with Tracer(database_url, settings) as tracer:
        prepare(tracer, "create table t (at timestamp);")
        sql = "reset all; alter table t alter at type timestamptz; select 1"
        assert tracer.trace(migration(sql)).statements[1].rewrites == ("t",)
        check = "select 1 / (current_setting('work_mem') = '5MB')::int"
        assert tracer.trace(migration(check)).failed is None
    with Tracer(database_url) as tracer:
        prepare(tracer, "create table t (at timestamp);")
        (seen,) = tracer.trace(migration("alter table t alter at type timestamptz")).statements
        assert seen.rewrites == ()


COPIED = r"""copy a (id) from stdin;
1
2
\.

copy a (id) from stdin with (format csv, delimiter ';');
\.
select 1 / (count(*) = 2)::int from a;
"""


def test_rows_that_stand_in_the_file_are_copied_as_psql_does_it(tracer: Tracer):
    prepare(tracer, "create table a (id int);")
    for model in ("statement", "file"):
        trace = tracer.trace(migration("truncate a", COPIED, transaction=model))
        assert trace.failed is None
        assert [(one.line, one.rows) for one in trace.statements[1:]] == [(1, 2), (6, 0), (8, 1)]
    assert tracer.apply(migration("truncate a", COPIED, transaction="statement")) is None


def test_rows_are_refused_like_any_statement_and_not_sent_within_a_message(tracer: Tracer):
    prepare(tracer, "create table a (id int primary key);")
    seen, _ = tracer.trace(migration("copy a from stdin;\n1\nx\n\\.\nselect 1;")).statements
    assert seen.sqlstate == "22P02"
    seen, _ = tracer.trace(
        migration("copy a from stdin;\n1\n\\.\nselect 1;", transaction="implicit")
    ).statements
    assert seen.not_run == "COPY FROM STDIN: its rows come from the client"
