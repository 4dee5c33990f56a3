"""On a server that others use, nothing is changed but the database of the trace."""

from collections.abc import Iterator

import psycopg
import pytest

from senior_backend import sql
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.migrations.trace.scratch.beyond import reaches_beyond
from senior_backend.migrations.trace.scratch.server import Scratch, Where, open_scratch
from senior_backend.postgres import Databases
from senior_backend.sql.text import SqlText
from tests.migrations.trace.traced import migration

BEYOND = (
    "alter system set work_mem = '5MB'",
    "create role r",
    "create user r",
    "drop role r",
    "grant r to s",
    "alter role r rename to s",
    "alter role r set work_mem = '5MB'",
    "alter database d rename to e",
    "alter database d owner to r",
    "drop database d",
    "alter tablespace t owner to r",
    "grant connect on database d to r",
    "grant set on parameter work_mem to r",
    "comment on database d is 'x'",
    "comment on role r is 'x'",
    "security label on role r is 'x'",
    "create subscription s connection 'host=h' publication p",
    "drop subscription s",
    "copy t to '/tmp/t'",
    "copy t from program 'curl h'",
    "do $$ begin create role r; end $$",
    "do $$ begin if true then alter role r rename to s; end if; end $$",
    "do $$ begin execute format('create role %I', 'r'); end $$",
    "do $$ begin execute 'alter system set work_mem = 1'; end $$",
)
WITHIN = (
    "create table t ()",
    "comment on table t is 'role'",
    "grant select on t to public",
    "alter table t owner to current_user",
    "alter schema a rename to b",
    "create user mapping for public server s",
    "copy t to stdout",
    "copy t from '/tmp/t'",
    "set role none",
    "do $$ begin execute 'create table t ()'; end $$",
    "do $$ begin execute 'create user mapping for public server s'; end $$",
)


@pytest.mark.parametrize("statement", BEYOND)
def test_these_reach_beyond_their_database(statement: str) -> None:
    assert beyond(statement)


@pytest.mark.parametrize("statement", WITHIN)
def test_these_do_not(statement: str) -> None:
    assert not beyond(statement)


def beyond(text: str) -> bool:
    (statement,) = sql.read(SqlText("x.sql", text.encode())).statements
    return reaches_beyond(statement)


@pytest.fixture(scope="module")
def given(postgres_server: Databases) -> Iterator[Scratch]:
    with open_scratch(Where(server=postgres_server.url())) as scratch:
        yield scratch


def test_they_are_not_run_and_the_rest_is(given: Scratch, database_url: str) -> None:
    text = "alter system set work_mem = '5MB'; create role beyond_r; select 1"
    with given.tracer(database_url, Settings()) as tracer:
        trace = tracer.trace(migration(text, transaction="statement"))
        assert [one.not_run is None for one in trace.statements] == [False, False, True]
        problem = tracer.apply(migration(text, transaction="statement"))
    assert problem is not None
    assert "reaches beyond the scratch database" in problem.reason
    assert not has_role(database_url)


def test_a_tracer_that_was_told_nothing_of_its_server_is_careful(database_url: str) -> None:
    with Tracer(database_url) as tracer:
        assert tracer.apply(migration("create role beyond_r")) is not None
    assert not has_role(database_url)


@pytest.mark.verify
def test_on_a_server_of_our_own_all_is_run() -> None:
    with open_scratch(Where()) as scratch:
        url = scratch.database()
        with scratch.tracer(url, Settings()) as tracer:
            assert tracer.apply(migration("create role beyond_r")) is None
        assert has_role(url)


def has_role(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute("select 1 from pg_roles where rolname = 'beyond_r'")
        return found.fetchone() is not None
