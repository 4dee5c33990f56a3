"""Nothing that a migration does ends a trace: it is data, also when the server goes."""

import threading
import time

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from senior_backend.errors import NotRunError
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.postgres import start
from tests.migrations.trace.traced import lines, migration, prepare

pytestmark = pytest.mark.verify
SCHEMA = "create table a (id int primary key); create table b (id int primary key);"
QUICK = Settings(statement_timeout_s=0.3)
ENDLESS = [
    "select pg_sleep(100)",
    "do $$ begin loop perform 1; end loop; end $$",
    "select count(*) from generate_series(1, 100000) x, generate_series(1, 100000) y",
    "select 'x' from generate_series(1, 10000000000)",
    "copy (select repeat('x', 1000) from generate_series(1, 10000000000)) to stdout",
    "do $$ begin loop raise notice 'x'; end loop; end $$",
    "with recursive r as (select 1 union all select 1 from r) select count(*) from r",
]


@pytest.mark.parametrize("sql", ENDLESS)
@pytest.mark.parametrize("transaction", ["file", "statement"])
def test_a_statement_that_never_ends_is_cancelled(database_url, sql, transaction):
    with Tracer(database_url, QUICK) as tracer:
        prepare(tracer, SCHEMA)
        since = time.monotonic()
        seen, skipped = tracer.trace(
            migration(f"{sql}; select 1", transaction=transaction)
        ).statements
        assert time.monotonic() - since < 20
        assert (seen.error, seen.sqlstate) == ("it did not end in 0.3 s and was cancelled", "57014")
        assert skipped.not_run is not None
        problem = tracer.apply(migration(sql, transaction=transaction))
        assert problem is not None
        assert tracer.trace(migration("select 1")).failed is None


def test_one_that_cannot_be_cancelled_loses_its_session(database_url):
    stubborn = """do $$ begin loop begin perform pg_sleep(60);
exception when query_canceled then null; end; end loop; end $$"""
    with Tracer(database_url, QUICK) as tracer:
        prepare(tracer, SCHEMA)
        sql = f"alter table a add column x int; {stubborn}; select 1"
        _, seen, skipped = tracer.trace(migration(sql)).statements
        assert seen.error == "it did not end in 0.3 s, nor when it was cancelled"
        assert skipped.not_run == "the session ended at line 1"
        assert tracer.trace(migration("alter table a add column x int")).failed is None


def test_a_migration_that_ends_its_own_session(tracer: Tracer):
    prepare(tracer, SCHEMA)
    sql = "select pg_terminate_backend(pg_backend_pid()); select 1"
    for transaction in ("file", "statement"):
        seen, skipped = tracer.trace(migration(sql, transaction=transaction)).statements
        assert seen.error == "terminating connection due to administrator command"
        assert skipped.not_run == "the session ended at line 1"
    assert tracer.trace(migration("select 1")).failed is None


@pytest.mark.parametrize("transaction", ["file", "statement"])
def test_a_migration_that_ends_all_other_sessions(tracer: Tracer, transaction):
    prepare(tracer, SCHEMA)
    kill = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where pid <> pg_backend_pid() and datname = current_database()"
    )
    sql = f"select 1; {kill}; alter table a add column x int"
    *_, seen = tracer.trace(migration(sql, transaction=transaction)).statements
    assert lines(seen) == ["a ACCESS EXCLUSIVE blocks reads and writes"]
    sql = f"{kill}; create index concurrently on a (id)"
    *_, seen = tracer.trace(migration(sql, transaction="statement")).statements
    assert seen.waits_for == ("older transactions",)


def test_a_server_that_goes_and_comes_back():
    with start() as server:
        url = server.create_database()
        with Tracer(url) as tracer:
            prepare(tracer, SCHEMA)
            assert (
                tracer.trace(
                    migration("create index concurrently on a (id)", transaction="implicit")
                ).failed
                is None
            )
            server.kill()
            with pytest.raises(NotRunError):
                tracer.trace(migration("select 1"))
            server.restart()
            seen = tracer.trace(
                migration("create index concurrently on b (id)", transaction="implicit")
            )
            assert seen.failed is None
            (seen,) = tracer.trace(migration("alter table a add column x int")).statements
            assert lines(seen) == ["a ACCESS EXCLUSIVE blocks reads and writes"]


def test_a_server_that_goes_while_a_statement_runs():
    with start() as server, Tracer(server.create_database()) as tracer:
        prepare(tracer, SCHEMA)
        killer = threading.Timer(0.3, server.kill)
        killer.start()
        sql = "alter table a add column x int; select pg_sleep(20); select 1"
        altered, seen, skipped = tracer.trace(migration(sql)).statements
        killer.join()
        assert altered.error is None
        assert seen.error is not None
        assert skipped.not_run == "the session ended at line 1"


def test_a_statement_of_many_megabytes(tracer: Tracer):
    prepare(tracer, "create table t (c text);")
    values = ", ".join(f"('{'x' * 1000}')" for _ in range(8000))
    (seen,) = tracer.trace(migration(f"insert into t values {values}")).statements
    assert (seen.error, seen.rows) == (None, 8000)
    assert len(seen.sql) <= 20_000


GOES_AWAY = [
    "drop table a",
    "drop schema public cascade; create schema public",
    (
        "alter schema public rename to private; alter table private.a add column x int; "
        "alter schema private rename to public"
    ),
    "alter table a rename to c; alter table b rename to a; drop table c",
]


@pytest.mark.parametrize("sql", GOES_AWAY)
@pytest.mark.parametrize("transaction", ["file", "statement", "implicit"])
def test_what_is_looked_at_may_go_away(database_url, sql, transaction):
    with Tracer(database_url) as tracer:
        prepare(tracer, SCHEMA)
        trace = tracer.trace(migration(sql, transaction=transaction))
        assert [one.error for one in trace.statements] == [None] * len(trace.statements)
        assert any(one.locks for one in trace.statements)


UNUSUAL = [
    "set role pg_monitor",
    "set session authorization pg_monitor; reset session authorization",
    "set session_replication_role = replica",
    "set search_path = ''",
    "set client_min_messages = error",
    "set lock_timeout = '5ms'",
    "set default_transaction_isolation = serializable",
    "set default_transaction_read_only = off",
    "set client_encoding = latin1",
    "set standard_conforming_strings = off",
    "set datestyle = 'German, DMY'",
    "select set_config('search_path', '', false)",
    "select pg_advisory_lock(42)",
    "listen changes; notify changes, 'x'",
    "prepare p as select 1",
    "set transaction_read_only = off",
]


@pytest.mark.parametrize("setting", UNUSUAL)
@pytest.mark.parametrize("transaction", ["file", "statement"])
def test_settings_of_the_migration_do_not_hide_what_it_does(tracer: Tracer, setting, transaction):
    prepare(tracer, SCHEMA)
    sql = f"{setting}; reset role; alter table public.a add check (id > 0)"
    trace = tracer.trace(migration(sql, transaction=transaction))
    assert [one.error for one in trace.statements] == [None] * len(trace.statements)
    told = [line for line in lines(trace.statements[-1]) if "_pkey" not in line]
    assert told == ["a ACCESS EXCLUSIVE blocks reads and writes", "scan a"]


def test_a_role_that_is_no_superuser_sees_the_same(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute("create role plain_migrator login password 'x'")
        connection.execute(f'alter database "{name}" owner to plain_migrator')
        connection.execute("alter schema public owner to plain_migrator")
    try:
        url = make_conninfo(database_url, user="plain_migrator", password="x")
        with Tracer(url) as tracer:
            prepare(tracer, SCHEMA)
            sql = "alter table a add check (id > 0); create index on b (id)"
            check, index = tracer.trace(migration(sql)).statements
            assert lines(check)[:2] == ["a ACCESS EXCLUSIVE blocks reads and writes", "scan a"]
            assert check.wal_bytes
            assert lines(index) == [
                "b SHARE blocks writes",
                "scan b",
                "build b_id_idx on b",
            ]
            sql = "create index concurrently on b (id)"
            (seen,) = tracer.trace(migration(sql, transaction="statement")).statements
            assert seen.waits_for == ("older transactions",)
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("drop owned by plain_migrator cascade")
            connection.execute(f'alter database "{name}" owner to current_user')
            connection.execute("drop role plain_migrator")


def test_a_timeout_that_ends_the_looking_is_no_error_of_the_migration(database_url):
    many = "".join(f"create table t{n} (id int primary key);" for n in range(300))
    with Tracer(database_url, Settings(probe=False)) as tracer:
        prepare(tracer, many)
        names = ", ".join(f"t{n}" for n in range(300))
        sql = f"lock table {names}; set local statement_timeout = 1; select 1; lock t1; select 2"
        trace = tracer.trace(migration(sql))
    assert trace.statements[-1].not_run is not None
    own = "a timeout that it has set" in " ".join(trace.notes)
    assert own != (trace.failed is not None), "SELECT 1 itself takes less, if rarely not"


def test_a_database_that_does_not_exist_is_one_clear_line(postgres_server):
    url = postgres_server.url("no_such_database")
    with Tracer(url) as tracer, pytest.raises(NotRunError, match="no_such_database") as raised:
        tracer.trace(migration("select 1"))
    assert "\n" not in str(raised.value)
