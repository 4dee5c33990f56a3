"""Migrations run by their own tool on a database in use."""

import contextlib
import dataclasses
import json
import os
import signal
import threading
from pathlib import Path

import jsonschema
import pytest

import senior_backend
from senior_backend.errors import InputError
from senior_backend.migrations.deploy.database import Database
from senior_backend.migrations.deploy.report import Report
from senior_backend.postgres import Session
from senior_backend.postgres.session import StatementError
from tests.migrations.deploy.conftest import LOCK_TIMEOUT_S, of_url
from tests.postgres.processes import eventually

SCHEMA = Path(senior_backend.__file__).parent / "schemas" / "run.json"
ADD_COLUMN = "alter table orders add note text"
BUILD = "create index concurrently orders_total on orders (total)"
BUILD_UNIQUE = "create unique index concurrently orders_total on orders (total)"
SLEEPING = (
    "select count(*) from pg_stat_activity where datname = current_database() "
    "and query like 'select pg_sleep(%'"
)


def outcomes(report: Report) -> list[list[str]]:
    return [[wait.outcome for wait in attempt.waits] for attempt in report.attempts]


# The connection


def test_the_command_gets_the_lock_timeout_beside_what_pgoptions_holds(shop):
    report = shop.sql(
        "create table seen as select current_setting('lock_timeout') as a, "
        "current_setting('work_mem') as b",
        environment={"PGOPTIONS": "-c work_mem=123kB"},
    )
    assert (report.outcome, report.exit_code) == ("done", 0)
    assert shop.ask("select a, b from seen") == [("150ms", "123kB")]


@pytest.mark.verify
def test_options_in_the_address_win_over_pgoptions_so_ours_enter_them(shop):
    shop.url += "?options=-c%20lock_timeout%3D1h%20-c%20work_mem%3D123kB"
    report = shop.sql(
        "create table seen as select current_setting('lock_timeout') as a, "
        "current_setting('work_mem') as b",
    )
    assert report.outcome == "done"
    assert shop.ask("select a, b from seen") == [("150ms", "123kB")]
    assert shop.said("the lock_timeout in the address gives way to --lock-timeout")


@pytest.mark.verify
def test_nothing_is_written_but_what_the_command_writes(shop):
    tables = "select relname from pg_class where relkind in ('r', 'S') and relnamespace = 2200"
    before = shop.ask(tables)
    assert shop.sql("select 1").outcome == "done"
    assert shop.ask(tables) == before
    assert shop.ask("select count(*) from pg_stat_activity where datname = current_database()") == [
        (2,)  # the fixture's, and this one
    ]


# Waiting


def test_a_reader_in_the_way_is_named_and_the_command_lands_after_it(shop):
    shop.hold()
    shop.on_line["attempt 2 of"] = shop.let_go
    report = shop.sql(ADD_COLUMN)
    assert (report.outcome, len(report.attempts)) == ("done", 2)
    assert outcomes(report)[0] == ["timed out"]
    (wait,) = report.attempts[0].waits
    assert wait.lock == "AccessExclusiveLock on orders"
    assert [holder.application for holder in wait.blockers] == ["reports"]
    assert shop.said("in the way: pid")
    assert report.attempts[0].lock_timeout
    assert not report.attempts[1].lock_timeout
    jsonschema.validate(json.loads(report.as_json()), json.loads(SCHEMA.read_text()))


@pytest.mark.verify
def test_a_reader_that_does_not_go_is_waited_for_so_often_and_no_more(shop):
    shop.hold()
    report = shop.sql(ADD_COLUMN, attempts=2)
    assert (report.outcome, report.exit_code, len(report.attempts)) == ("failed", 1, 2)
    assert shop.said("given up after 2 attempts")
    shop.let_go()


@pytest.mark.verify
def test_no_attempt_begins_after_the_longest_wait(shop):
    shop.hold()
    report = shop.sql(ADD_COLUMN, max_wait=0.0)
    assert (report.outcome, len(report.attempts)) == ("failed", 1)
    assert shop.said("--max-wait")
    shop.let_go()


@pytest.mark.verify
def test_a_lock_that_comes_in_time_is_no_reason_to_run_again(shop):
    shop.hold()
    shop.on_line["waiting for"] = shop.let_go
    report = shop.sql(f"{ADD_COLUMN}; select 1/0", lock_timeout=5.0)
    assert (report.outcome, len(report.attempts)) == ("failed", 1)
    assert outcomes(report) == [["granted"]]


@pytest.mark.parametrize(
    "statement", ["syntax error", "select 1/0", "alter table nowhere add a int"]
)
@pytest.mark.verify
def test_other_failures_are_never_tried_again(shop, statement):
    report = shop.sql(statement)
    assert (report.exit_code, len(report.attempts)) == (1, 1)
    assert report.attempts[0].exit_code
    assert not report.attempts[0].lock_timeout


@pytest.mark.verify
def test_without_a_ledger_what_ran_half_way_does_not_run_twice(shop):
    shop.hold()
    report = shop.sql("create table half (a int)", ADD_COLUMN)
    assert len(report.attempts) == 1
    assert shop.said("not tried again: psql keeps no ledger")
    shop.on_line["attempt 2 of"] = shop.let_go
    again = shop.sql("create table if not exists half (a int)", ADD_COLUMN, rerunnable=True)
    assert (again.outcome, len(again.attempts)) == ("done", 2)


@pytest.mark.verify
def test_a_tool_that_refuses_to_go_on_after_a_failure_is_not_run_again(shop, tmp_path):
    migrate = tmp_path / "migrate"
    migrate.write_text(f'#!/bin/sh\nexec "{shop.psql}" -Xq "$3" -c "{ADD_COLUMN}"\n')
    migrate.chmod(0o755)
    shop.hold()
    report = shop.run(str(migrate), "-path", "-database", shop.url)
    assert (report.outcome, len(report.attempts)) == ("failed", 1)
    assert shop.said("golang-migrate marks a version whose migration failed as dirty")
    shop.let_go()


@pytest.mark.verify
def test_a_tools_own_lock_is_waited_for_whatever_the_tool(shop, tmp_path):
    migrate = tmp_path / "migrate"
    migrate.write_text(
        f'#!/bin/sh\nexec "{shop.psql}" -Xq -v ON_ERROR_STOP=1 "$3" '
        f'-c "select pg_advisory_lock(7)" -c "{ADD_COLUMN}"\n'
    )
    migrate.chmod(0o755)
    shop.hold("select pg_advisory_xact_lock(7)")
    shop.on_line["attempt 2 of"] = shop.let_go
    report = shop.run(str(migrate), "-path", "-database", shop.url)
    assert (report.outcome, len(report.attempts)) == ("done", 2)


@pytest.mark.verify
def test_a_timeout_that_the_command_hides_is_said(shop, tmp_path):
    file = tmp_path / "migration.sql"
    file.write_text(f"{ADD_COLUMN};\n")
    shop.hold()
    report = shop.run(shop.psql, "-Xq", "-f", str(file), shop.url)
    assert (report.outcome, report.exit_code, len(report.attempts)) == ("done", 0, 1)
    assert shop.said("and yet the command reports success")
    shop.let_go()


@pytest.mark.verify
def test_a_lock_timeout_that_is_not_in_effect_is_said(shop):
    shop.hold()
    shop.on_line["is not in effect"] = shop.let_go
    report = shop.sql("set lock_timeout = 0", ADD_COLUMN)
    assert (report.outcome, outcomes(report)) == ("done", [["granted"]])
    assert any("sets its own" in note for note in report.notes)


@pytest.mark.verify
def test_a_lock_timeout_that_is_not_in_effect_can_be_enforced(shop):
    shop.hold()
    shop.on_line["attempt 2 of"] = shop.let_go
    report = shop.sql("set lock_timeout = 0", ADD_COLUMN, enforce=True, rerunnable=True)
    assert (report.outcome, outcomes(report)[0]) == ("done", ["cancelled"])


@pytest.mark.verify
def test_a_lock_timeout_of_the_migrations_own_is_one_too(shop):
    shop.hold()
    shop.on_line["attempt 2 of"] = shop.let_go
    report = shop.sql(f"set lock_timeout = '400ms'; {ADD_COLUMN}", lock_timeout=5.0)
    assert (report.outcome, outcomes(report)[0]) == ("done", ["timed out"])


@pytest.mark.verify
def test_a_command_that_works_elsewhere_is_noticed(shop):
    seen = "no session of the command was seen in this database"
    assert shop.sql("select pg_sleep(2.1)").outcome == "done"
    assert not shop.said(seen)
    assert shop.run("sleep", "2.1").outcome == "done"
    assert shop.said(seen)


# What stands in the way


def test_a_long_transaction_is_named_and_nothing_is_run(shop):
    shop.hold("select 'secret', count(*) from orders")
    report = shop.sql(ADD_COLUMN, max_transaction_age=0.001)
    assert (report.outcome, report.exit_code, report.attempts) == ("refused", 3, [])
    (obstacle,) = report.obstacles
    assert "reports, idle in transaction" in obstacle
    assert "secret" not in obstacle
    assert report.summary() == "nothing was run"
    report = shop.sql(ADD_COLUMN, max_transaction_age=0.001, verbose=True)
    assert "secret" in report.obstacles[0]
    shop.let_go()


@pytest.mark.verify
def test_a_long_transaction_is_waited_for_when_asked(shop):
    shop.hold()
    shop.on_line["in the way"] = shop.let_go
    report = shop.sql(ADD_COLUMN, max_transaction_age=0.001, wait=20.0)
    assert (report.outcome, report.obstacles) == ("done", [])


@pytest.mark.verify
def test_transactions_of_other_databases_are_in_nobodys_way(shop, database_url):
    with Session(database_url) as elsewhere:
        elsewhere.execute("begin; select 1")
        assert shop.sql(ADD_COLUMN, max_transaction_age=0.001).outcome == "done"


def test_an_invalid_index_is_named_with_the_way_to_drop_it(shop):
    shop.leave_invalid("left_before")
    report = shop.sql(ADD_COLUMN, wait=600.0)  # it would not go by itself
    assert (report.outcome, report.exit_code) == ("refused", 3)
    (obstacle,) = report.obstacles
    assert "`DROP INDEX CONCURRENTLY IF EXISTS public.left_before`" in obstacle
    assert shop.indexes()["left_before"] is False


@pytest.mark.verify
def test_invalid_indexes_are_dropped_first_when_asked(shop):
    shop.leave_invalid("left_before")
    report = shop.sql(ADD_COLUMN, clean_invalid=True)
    assert report.outcome == "done"
    assert report.dropped == ["DROP INDEX CONCURRENTLY IF EXISTS public.left_before"]
    assert list(shop.indexes()) == ["orders_pkey"]


@pytest.mark.verify
def test_a_partitioned_index_that_waits_for_its_partitions_is_not_invalid(shop):
    shop.other.execute(
        "create table parts (a int) partition by range (a);"
        "create table part partition of parts for values from (0) to (9);"
        "create index parts_a on only parts (a)"
    )
    assert shop.sql(ADD_COLUMN).outcome == "done"


# CONCURRENTLY


def test_what_a_failed_build_leaves_is_dropped_and_nothing_else(shop):
    shop.leave_invalid("left_before")
    report = shop.sql(BUILD_UNIQUE, force=True)
    assert (report.outcome, report.exit_code, len(report.attempts)) == ("failed", 1, 1)
    assert report.dropped == ["DROP INDEX CONCURRENTLY IF EXISTS public.orders_total"]
    assert shop.indexes() == {"left_before": False, "orders_pkey": True}


OLD_SNAPSHOT = "set transaction isolation level repeatable read; select 1"
"""A build waits for it although it has nothing to do with the table."""


def test_a_build_waits_for_older_transactions_longer_than_other_statements(shop):
    shop.hold(OLD_SNAPSHOT)
    shop.on_line["attempt 2 of"] = threading.Timer(5 * LOCK_TIMEOUT_S, shop.let_go).start
    report = shop.sql(BUILD)
    assert (report.outcome, len(report.attempts)) == ("done", 2)
    assert [a.lock_timeout_s for a in report.attempts] == [LOCK_TIMEOUT_S, 20.0]
    assert max(wait.waited_s for wait in report.attempts[1].waits) > LOCK_TIMEOUT_S
    assert all(wait.concurrently for a in report.attempts for wait in a.waits)
    assert shop.indexes() == {"orders_pkey": True, "orders_total": True}
    assert report.built == ["public.orders_total"]
    assert len(report.dropped) == 1, "the leftover of the first attempt"
    assert report.left == []


@pytest.mark.verify
def test_a_leftover_is_dropped_before_the_next_attempt_however_long_that_takes(shop):
    shop.hold("update orders set total = total where id = 1")
    shop.on_line["dropping"] = threading.Timer(2 * LOCK_TIMEOUT_S, shop.let_go).start
    report = shop.sql(BUILD)
    assert (report.outcome, len(report.attempts), report.left) == ("done", 2, [])


@pytest.mark.verify
def test_a_leftover_that_stays_ends_it_and_is_named(shop):
    shop.hold("update orders set total = total where id = 1")
    report = shop.sql(BUILD, concurrent_timeout=LOCK_TIMEOUT_S)
    assert (report.outcome, len(report.attempts)) == ("failed", 1)
    assert report.left == ["public.orders_total: canceling statement due to lock timeout"]
    assert shop.said("`DROP INDEX CONCURRENTLY IF EXISTS public.orders_total`")
    shop.let_go()
    assert shop.sql("select 1", clean_invalid=True).outcome == "done"
    assert list(shop.indexes()) == ["orders_pkey"]


@pytest.mark.verify
def test_a_build_may_wait_from_the_first_attempt_on(shop):
    shop.hold("update orders set total = total where id = 1")
    shop.on_line["waiting for older transactions"] = threading.Timer(0.3, shop.let_go).start
    report = shop.sql(BUILD, concurrently=True)
    assert (report.outcome, len(report.attempts), report.dropped) == ("done", 1, [])


def test_other_waits_stay_bounded_while_builds_may_wait(shop):
    shop.hold()
    shop.on_line["attempt 2 of"] = shop.let_go
    report = shop.sql(ADD_COLUMN, concurrently=True)
    assert (report.outcome, len(report.attempts)) == ("done", 2)
    assert outcomes(report)[0] == ["cancelled"]


@pytest.mark.verify
def test_an_application_that_came_from_here_is_neither_cancelled_nor_counted(shop):
    shop.hold()
    outcome = []

    def application():
        with Session(shop.url) as session:
            session.execute("set application_name = 'shop'")
            session.execute("begin; lock table orders in access exclusive mode; commit")
            outcome.append("through")

    thread = threading.Thread(target=application)
    threading.Timer(0.5, thread.start).start()
    threading.Timer(1.5, shop.let_go).start()
    report = shop.sql("select pg_sleep(2)", "select 1/0", concurrently=True, enforce=True)
    thread.join()
    assert outcome == ["through"]
    assert (report.outcome, outcomes(report)) == ("failed", [[]])
    assert not shop.said("not in effect")


@pytest.mark.verify
def test_a_session_with_a_name_of_its_own_is_bounded_when_its_port_is_the_commands(shop):
    shop.hold()
    shop.on_line["attempt 2 of"] = shop.let_go
    command = shop.command(ADD_COLUMN)
    report = shop.run(
        *command, concurrently=True, environment={"PGAPPNAME": "mytool"}, rerunnable=True
    )
    assert (report.outcome, outcomes(report)[0]) == ("done", ["cancelled"])


@pytest.mark.verify
def test_what_another_session_failed_to_build_is_left_to_it(shop):
    shop.other.execute("create table many (a int)")
    shop.hold("lock table many in row exclusive mode")

    def build():
        with Session(shop.url) as session, contextlib.suppress(StatementError):
            session.execute("set lock_timeout = '1s'")  # long enough to be seen at it
            session.execute("create index concurrently many_a on many (a)")

    threading.Timer(0.5, build).start()
    report = shop.sql("select pg_sleep(3)")
    assert (report.outcome, report.exit_code, report.dropped) == ("done", 0, [])
    assert shop.said("INVALID index public.many_a is left: another session was building on many")


def test_an_index_that_is_about_to_be_valid_is_no_leftover(shop):
    shop.leave_invalid("finishing")
    with Database.open(shop.url) as database:
        (index,) = database.invalid()
        # As a build ends: its row is changed, and that is not committed yet.
        shop.hold("update pg_index set indisvalid = true where indexrelid = 'finishing'::regclass")
        assert database.invalid() == []
        assert not database.is_leftover(index)
        shop.other.execute("rollback")
        assert database.invalid() == [index]
        shop.hold("drop index finishing")
        assert not database.is_leftover(index), "it is being dropped"
        shop.let_go()
        assert not database.is_leftover(index)


@pytest.mark.verify
def test_a_locked_table_holds_up_no_look(shop):
    shop.leave_invalid("left_before")
    shop.hold("lock table orders in access exclusive mode")
    with Database.open(shop.url) as database:
        (index,) = database.invalid()
        assert database.definition(index) == "", "for which it would wait"
        shop.let_go()
        assert database.definition(index).startswith("CREATE UNIQUE INDEX left_before ON")


@pytest.mark.verify
def test_a_watch_that_loses_its_session_goes_on(shop):
    shop.hold()

    def interfere():
        if eventually(lambda: shop.ask(SLEEPING) == [(1,)]):
            shop.ask(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
                "'senior-backend-migrations-watch' and datname = current_database()"
            )

    threading.Thread(target=interfere).start()
    report = shop.sql("select pg_sleep(3)", ADD_COLUMN, concurrently=True, attempts=1)
    shop.let_go()
    assert outcomes(report) == [["cancelled"]]
    assert shop.said("not watched for a while")


@pytest.mark.verify
def test_a_database_without_an_encoding(shop, postgres_server, psql):
    name = f"ascii_{os.getpid()}"
    place = shop.url.rpartition("/")[0]
    shop.other.execute(f"create database {name} encoding 'SQL_ASCII' template template0 locale 'C'")
    try:
        there = dataclasses.replace(shop, url=f"{place}/{name}", psql=psql, lines=[])
        with Session(there.url) as session:
            session.execute("create table orders (total int); insert into orders values (1), (1)")
        there.leave_invalid("left_before")
        report = there.sql("select 1", clean_invalid=True)
        assert report.dropped == ["DROP INDEX CONCURRENTLY IF EXISTS public.left_before"]
    finally:
        shop.other.execute(f"drop database {name} with (force)")


@pytest.mark.verify
def test_success_with_an_invalid_index_is_no_success(shop, tmp_path):
    file = tmp_path / "migration.sql"
    file.write_text(f"{BUILD_UNIQUE};\n")
    report = shop.run(shop.psql, "-Xq", "-f", str(file), shop.url)
    assert (report.outcome, report.exit_code) == ("failed", 1)
    assert any("CREATE UNIQUE INDEX CONCURRENTLY orders_total ON" in n for n in report.notes)


@pytest.mark.verify
def test_a_drop_that_did_not_end_is_left_to_the_migration(shop):
    shop.other.execute("create index orders_total on orders (total)")
    shop.hold()
    report = shop.sql("drop index concurrently orders_total", attempts=1)
    assert report.outcome == "failed"
    assert shop.indexes()["orders_total"] is False
    assert any("orders_total was valid before" in note for note in report.notes)
    shop.let_go()


# Endings


@pytest.mark.verify
def test_a_signal_while_waiting_to_try_again_ends_it(shop):
    shop.hold()
    shop.on_line["attempt 2 of"] = lambda: os.kill(os.getpid(), signal.SIGTERM)
    report = shop.sql(ADD_COLUMN, delay=60.0)
    assert (report.outcome, report.exit_code, len(report.attempts)) == ("interrupted", 143, 1)
    shop.let_go()


def test_what_the_command_was_at_ends_with_it(shop):
    def interrupt():
        if eventually(lambda: shop.ask(SLEEPING) == [(1,)]):
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt).start()
    report = shop.sql("select pg_sleep(600)")
    assert (report.outcome, report.exit_code) == ("interrupted", 143)
    assert shop.ask(SLEEPING + " and state <> 'idle'") == [(0,)]


@pytest.mark.verify
def test_a_command_that_is_not_there(shop):
    with pytest.raises(InputError, match="no-such-tool: command not found"):
        shop.run("no-such-tool", "up")


@pytest.mark.verify
def test_the_password_is_never_shown(shop):
    shop.hold()
    report = shop.sql(ADD_COLUMN, attempts=1)
    shop.let_go()
    shown = report.as_json() + report.summary() + "\n".join(shop.lines)
    assert "psql" in shown
    assert of_url(shop.url)
    assert of_url(shop.url) not in shown
