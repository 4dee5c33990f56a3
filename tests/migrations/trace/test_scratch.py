"""The PostgreSQL that migrations are tried on: there while it is used, and nothing after."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.migrations.trace.scratch.server import (
    TRACE_PREFIX,
    Scratch,
    Where,
    open_scratch,
)
from senior_backend.postgres import Databases, Session, start
from senior_backend.postgres.address import with_database
from tests.postgres.processes import eventually, has_ended


@pytest.fixture(scope="module")
def given() -> Iterator[Databases]:
    """A server that others run; its roles and databases are this file's."""
    with start() as server:
        yield server


@pytest.fixture
def plain_role(given: Databases) -> str:
    """The address of a role that may do nothing in particular."""
    with given.session() as session:
        session.execute("drop role if exists plain; create role plain login password 'p'")
    return re.sub(r"//[^@]+@", "//plain:p@", given.url())


def databases(given: Databases) -> set[str]:
    with given.session() as session:
        return {name for (name,) in session.execute("select datname from pg_database")}


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with open_scratch(Where()) as scratch:
        yield scratch


class TestOfOurOwn:
    def test_gives_databases_copies_of_them_and_takes_them_back(self, scratch: Scratch) -> None:
        assert scratch.own
        assert scratch.version.startswith(f"{scratch.major}.")
        assert scratch.programs is not None
        assert (scratch.programs / "pg_dump").is_file()
        first = scratch.database()
        with Session(first) as session:
            session.execute("create table t (id int)")
        copy = scratch.database(first)
        with Session(copy) as session:
            assert session.execute("select count(*) from t") == [(0,)]
        scratch.drop(copy)
        with pytest.raises(NotRunError, match="does not exist"):
            Session(copy)

    def test_an_extension_that_it_lacks_can_be_added_while_it_runs(self, scratch: Scratch) -> None:
        with Session(scratch.database()) as session:
            scratch.add_extension(
                "no_such", "stub", "create function f() returns int return 1;", ["2.0"]
            )
            session.execute("create extension no_such version '2.0'")
            assert session.execute(
                "select extversion, f() from pg_extension where extname ~ 'no_'"
            ) == [("2.0", 1)]


class TestGiven:
    def test_databases_of_ours_come_and_go_and_nothing_else_is_touched(
        self, given: Databases
    ) -> None:
        before = databases(given)
        with open_scratch(Where(server=given.url())) as scratch:
            assert not scratch.own
            urls = [scratch.database(), scratch.database()]
            made = databases(given) - before
            assert len(made) == len(urls)
            assert all(name.startswith(TRACE_PREFIX) for name in made)
            scratch.drop(urls[0])
        assert databases(given) == before

    def test_what_a_killed_run_left_is_dropped_at_the_next_start(self, given: Databases) -> None:
        left = f"{TRACE_PREFIX}0badcafe_1"
        with given.session() as session:
            session.execute(f"create database {left}")
        with open_scratch(Where(server=given.url())):
            assert left not in databases(given)

    def test_a_living_run_keeps_its_databases_whichever_database_others_begin_from(
        self, given: Databases
    ) -> None:
        with open_scratch(Where(server=given.url())) as living:
            url = living.database()
            with open_scratch(Where(server=with_database(given.url(), "template1"))):
                Session(url).close()

    def test_databases_of_another_role_and_of_other_names_stay(
        self, given: Databases, plain_role: str
    ) -> None:
        theirs = [f"{TRACE_PREFIX}0badcafe_2", f"{TRACE_PREFIX}notes", f"x{TRACE_PREFIX}0badcafe_3"]
        with given.session() as session:
            for name in theirs:
                session.execute(f"create database {name}")
            session.execute(f"alter database {theirs[0]} owner to plain")
        with open_scratch(Where(server=given.url())):
            assert databases(given).issuperset(theirs)
        with given.session() as session:
            for name in theirs:
                session.execute(f"drop database {name}")
            session.execute("drop role plain")

    def test_a_role_that_may_not_create_databases_is_told_so(
        self, given: Databases, plain_role: str
    ) -> None:
        with (
            open_scratch(Where(server=plain_role)) as scratch,
            pytest.raises(NotRunError, match="may not create databases: alter role"),
        ):
            scratch.database()

    @pytest.mark.parametrize(
        ("server", "major", "error", "says"),
        [
            ("postgresql://127.0.0.1:1/x", None, NotRunError, "--server: cannot connect to"),
            ("mysql://127.0.0.1/x", None, InputError, "--server: .* is not a PostgreSQL address"),
            (None, 14, InputError, r"--server is PostgreSQL 1[5-9]\.\d+, and --pg asks for 14"),
        ],
    )
    def test_a_server_that_will_not_do_is_said_in_one_line(
        self,
        server: str | None,
        major: int | None,
        error: type[Exception],
        says: str,
        given: Databases,
    ) -> None:
        where = Where((major,) if major else (), server or given.url())
        with pytest.raises(error, match=says) as raised:
            open_scratch(where)
        assert "\n" not in str(raised.value)


class TestKilled:
    """SIGKILL in the middle of a statement that would go on for a minute."""

    @pytest.fixture
    def sleeping(self, tmp_path: Path) -> Iterator[Any]:
        (tmp_path / "migrations").mkdir()
        file = tmp_path / "migrations" / "0001_sleep.sql"
        file.write_text("create table t (id int);\nselect pg_sleep(60);\n")
        started: list[subprocess.Popen[bytes]] = []

        def begin(*options: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "senior_backend", "migrations", "trace", *options]
            started.append(
                subprocess.Popen(
                    [*command, "--timeout", "120", "migrations"],
                    cwd=tmp_path,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
            return started[-1]

        yield begin
        for process in started:
            process.kill()
            process.wait()

    def test_a_server_of_our_own_ends_with_its_folder_and_socket(self, sleeping: Any) -> None:
        process = sleeping()
        found: dict[str, Any] = {}

        def has_begun() -> bool:
            found.update(_below(process.pid))
            return any("pg_sleep" in line or "SELECT" in line for line in found.values())

        assert eventually(has_begun, seconds=60), found
        pids = [int(pid) for pid in _below(process.pid)]
        homes = {
            Path(home) for line in found.values() for home in re.findall(r"-D (\S+)/data", line)
        }
        assert homes
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert eventually(lambda: all(map(has_ended, pids)))
        assert eventually(lambda: not any(home.exists() for home in homes))

    def test_databases_on_a_given_server_go_at_the_next_start(
        self, sleeping: Any, given: Databases
    ) -> None:
        before = databases(given)
        process = sleeping("--server", given.url())
        running = (
            "select 1 from pg_stat_activity where query ~ '^select pg_sleep' and state = 'active'"
        )
        with given.session() as session:
            assert eventually(lambda: bool(session.execute(running)), seconds=60)
            left = databases(given) - before
            assert len(left) == 1
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            alive = "select 1 from pg_locks where locktype = 'advisory'"
            assert eventually(lambda: not session.execute(alive))
        with open_scratch(Where(server=given.url())):
            assert databases(given) == before

    @pytest.mark.parametrize(
        "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.verify)]
    )
    def test_databases_on_a_given_server_go_at_once_when_it_is_asked_to_end(
        self, number: signal.Signals, sleeping: Any, given: Databases
    ) -> None:
        before = databases(given)
        process = sleeping("--server", given.url())
        running = "select 1 from pg_stat_activity where query ~ '^select pg_sleep'"
        with given.session() as session:
            assert eventually(lambda: bool(session.execute(running)), seconds=60)
            process.send_signal(number)
            assert process.wait(30) == 128 + number
        assert databases(given) == before


def _below(pid: int) -> dict[str, str]:
    """The command lines of a process' descendants, by process."""
    listing = subprocess.run(
        ["ps", "-Aww", "-o", "pid=,ppid=,args="], capture_output=True, text=True
    )
    rows = [line.split(None, 2) for line in listing.stdout.splitlines()]
    found: dict[str, str] = {}
    pending = [str(pid)]
    while pending:
        parent = pending.pop()
        for process, above, *arguments in rows:
            if above == parent:
                found[process] = " ".join(arguments)
                pending.append(process)
    return found


@pytest.mark.verify
@pytest.mark.xdist_group("majors")
@pytest.mark.parametrize("major", range(14, 19))
def test_every_major_takes_further_extensions(major: int) -> None:
    with open_scratch(Where(), major) as scratch, Session(scratch.database()) as session:
        assert scratch.major == major
        scratch.add_extension("no_such", "stub", "create table made_by_it (id int);")
        session.execute("create extension no_such")
        session.execute("create extension if not exists citext")
        assert session.execute("select count(*) from made_by_it") == [(0,)]
