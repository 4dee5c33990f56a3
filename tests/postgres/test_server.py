"""Throw-away servers: what they promise while they run, and that nothing is left of them."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import Session, start
from senior_backend.postgres.address import without_password
from senior_backend.postgres.identity import server_user
from senior_backend.postgres.installation import resolve
from senior_backend.postgres.places import cache
from tests.postgres.processes import eventually, is_gone, needs_root, pid_of


@pytest.fixture(scope="module")
def server():
    with start() as server:
        yield server


def test_answers_on_loopback_and_on_its_unix_socket(server):
    password = urlsplit(server.url()).password
    assert server.url("x") == f"postgresql://postgres:{password}@127.0.0.1:{server.port}/x"
    with Session(f"host={server.socket_directory} port={server.port} user=postgres") as session:
        assert session.execute("select current_database()") == [("postgres",)]


@pytest.mark.parametrize("name", ["my db/x?y#z", "100%", "é@:&="])
def test_url_of_a_database_of_any_name_leads_to_it(server, name):
    with server.session() as session:
        session.execute(f'create database "{name}"')
    with Session(server.url(name)) as session:
        assert session.execute("select current_database()") == [(name,)]


class TestPassword:
    """A superuser runs programs as the server's user, and every account reaches the port."""

    @pytest.mark.parametrize("role", ["postgres", "postgres:", "postgres:wrong"])
    def test_without_it_nobody_gets_in_over_tcp(self, server, role):
        for host in ("127.0.0.1", "localhost"):
            refusal = pytest.raises(NotRunError, match="password")
            with refusal:
                Session(f"postgresql://{role}@{host}:{server.port}/postgres")

    def test_connections_are_checked_by_scram(self, server):
        with server.session() as session:
            rules = session.execute(
                "select distinct type, auth_method from pg_hba_file_rules order by 1"
            )
        assert rules == [("host", "scram-sha-256"), ("local", "trust")]

    def test_only_the_user_of_the_server_gets_to_the_socket(self, server):
        status = server.socket_directory.stat()
        assert status.st_mode & 0o777 == 0o700
        assert status.st_uid == (server_user().uid if server_user() else os.geteuid())

    def test_is_in_no_command_line_and_in_no_log(self, server):
        password = urlsplit(server.url()).password
        with pytest.raises(NotRunError):
            Session(server.url("no_such_database"))
        assert password not in server.log.read_text()
        listing = subprocess.run(["ps", "-Aww", "-o", "args="], capture_output=True, text=True)
        assert f" -D {server.directory}" in listing.stdout
        assert password not in listing.stdout

    def test_is_readable_in_the_cache_by_us_alone(self, server):
        password = urlsplit(server.url()).password
        holder = cache(server_user()) / "clusters.password"
        assert holder.read_text() == password
        assert holder.stat().st_mode & 0o777 == 0o600
        assert holder.stat().st_uid == os.geteuid()

    def test_is_in_no_error_message(self, server):
        url = server.url("no_such_database")
        with pytest.raises(NotRunError) as error:
            Session(url)
        assert urlsplit(url).password not in str(error.value)


def test_listens_on_no_other_interface(server):
    with server.session() as session:
        assert session.execute("show listen_addresses") == [("127.0.0.1",)]


def test_knows_unicode_case_and_keeps_byte_order(server):
    with server.session() as session:
        assert session.execute("select lower('ÉCOLE'), 'Z' < 'a'") == [("école", True)]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("fsync", "off"), ("max_connections", "300"), ("timezone", "UTC"), ("lc_messages", "C")],
)
def test_is_set_up_for_parallel_throw_away_tests(server, setting, value):
    with server.session() as session:
        assert session.execute(f"show {setting}") == [(value,)]


def test_settings_of_the_caller_win_over_ours():
    with start(settings={"max_connections": "17"}) as server, server.session() as session:
        assert session.execute("show max_connections") == [("17",)]


def test_setting_that_does_not_exist_is_named_in_one_line():
    with pytest.raises(NotRunError, match=r'did not start: unrecognized .* "no_such_setting"$'):
        start(settings={"no_such_setting": "1"})


def test_servers_can_be_started_by_many_threads_at_once(open_path, monkeypatch):
    """With an empty cache, so that all of them want the same cluster initialised first."""
    programs = resolve(None, None, server_user()).bin_dir
    monkeypatch.setenv("SENIOR_BACKEND_CACHE", str(open_path / "cache"))

    def port_of_a_server(_: int) -> int:
        with start(pg_bin=programs) as server:
            server.create_database("same_name")
            return server.port

    with ThreadPoolExecutor(3) as threads:
        assert len(set(threads.map(port_of_a_server, range(3)))) == 3


class TestDatabases:
    def test_dropping_one_cuts_its_connections(self, server):
        url = server.create_database()
        with Session(url) as session:
            server.drop_database(url)
            with pytest.raises(NotRunError):
                session.execute("select 1")

    def test_only_what_was_created_here_is_dropped(self, server):
        with server.session() as session:
            session.execute("create database of_somebody_else")
        with pytest.raises(InputError, match="of_somebody_else was not created here"):
            server.drop_database("of_somebody_else")

    @pytest.mark.parametrize("name", ["", "Upper", "with-dash", 'a"b', "a" * 64, "1st"])
    def test_names_that_would_need_quoting_are_refused(self, server, name):
        with pytest.raises(InputError, match="1 to 63 of a-z"):
            server.create_database(name)


class TestOutage:
    def test_paused_server_keeps_connections_and_answers_nothing(self, server):
        with server.session() as session:
            server.pause()
            answered = threading.Event()

            def ask():
                session.execute("select 1")
                answered.set()

            thread = threading.Thread(target=ask)
            thread.start()
            assert not answered.wait(0.3)
            server.resume()
            assert answered.wait(5)
            thread.join()

    def test_killed_server_refuses_and_comes_back_on_its_port_with_its_data(self, server):
        url = server.create_database()
        with Session(url) as session:
            session.execute("create table kept (n int); insert into kept values (42)")
            server.kill()
            with pytest.raises(NotRunError):
                session.execute("select 1")
        shown = re.escape(without_password(url))
        with pytest.raises(NotRunError, match=f"cannot connect to {shown}: Connection refused"):
            Session(url)
        server.restart()
        with Session(url) as session:
            assert session.execute("select n from kept") == [(42,)]

    def test_restart_waits_for_its_port(self, server):
        server.kill()
        with socket.socket() as squatter:
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            squatter.bind((server.host, server.port))
            squatter.listen()
            threading.Timer(0.3, squatter.close).start()
            server.restart()
        server.session().close()


class TestEndOfTheParent:
    """A server must not outlive the process that asked for it, whatever ends that process."""

    PROGRAM = textwrap.dedent(
        """
        import sys, time
        from senior_backend.postgres import start
        from tests.postgres.processes import pid_of
        server = start()
        print(pid_of(server), server.directory, server.url(), flush=True)
        {then}
        """
    )

    def parent(self, then: str):
        process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM.format(then=then)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        pid, directory, _ = process.stdout.readline().split()
        return process, Path(directory), int(pid)

    def test_killed(self):
        process, directory, pid = self.parent("time.sleep(60)")
        assert directory.exists()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert eventually(lambda: is_gone(directory, pid))

    def test_ended_without_stopping_the_server(self):
        process, directory, pid = self.parent("sys.exit(3)")
        assert process.wait() == 3
        assert is_gone(directory, pid)

    def test_killed_while_the_server_is_paused(self):
        process, directory, pid = self.parent("server.pause(); print(flush=True); time.sleep(60)")
        process.stdout.readline()
        process.kill()
        process.wait()
        assert eventually(lambda: is_gone(directory, pid))

    def test_killed_while_a_fork_of_it_lives_on(self):
        """A fork without exec, as multiprocessing makes, inherits every open file."""
        process, directory, pid = self.parent(
            "import os\n"
            "child = os.fork()\n"
            "if child == 0: time.sleep(20); os._exit(0)\n"
            "print(child, flush=True)\n"
            "time.sleep(60)"
        )
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        try:
            assert eventually(lambda: is_gone(directory, pid), seconds=5)
        finally:
            os.kill(child, signal.SIGKILL)

    def test_supervisor_killed_too(self):
        """Then the next start sweeps."""
        process, directory, pid = self.parent("time.sleep(60)")
        supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        process.kill()
        os.kill(supervisor, signal.SIGKILL)
        process.wait()
        assert directory.exists()
        start().stop()
        assert eventually(lambda: is_gone(directory, pid))


class TestDirectory:
    def test_is_made_and_removed_with_the_server(self, open_path):
        directory = open_path / "here"
        with start(directory=directory) as server:
            assert server.directory == directory
        assert not directory.exists()
        server.stop()  # once more does no harm
        with pytest.raises(NotRunError, match="the server was stopped"):
            server.restart()

    def test_existing_one_is_refused_and_left_alone(self, tmp_path):
        (tmp_path / "precious").write_text("data")
        with pytest.raises(InputError, match="cannot be made for a server"):
            start(directory=tmp_path)
        assert (tmp_path / "precious").read_text() == "data"

    def test_line_break_in_its_name_is_refused(self, open_path):
        with pytest.raises(InputError, match=r"/a\\nb' has a line break in its name"):
            start(directory=open_path / "a\nb")

    @pytest.mark.parametrize("name", ["a,b", 'a"b c', "a\u2028b"])
    def test_temporary_folder_of_any_other_name_serves(self, open_path, monkeypatch, name):
        (open_path / name).mkdir(mode=0o755)
        monkeypatch.setattr("tempfile.tempdir", str(open_path / name))
        with start() as server:
            assert (open_path / name) in server.directory.parents
            server.session().close()

    def test_temporary_folder_with_a_line_break_is_passed_over(self, open_path, monkeypatch):
        (open_path / "a\nb").mkdir(mode=0o755)
        monkeypatch.setattr("tempfile.tempdir", str(open_path / "a\nb"))
        with start() as server:
            assert "\n" not in str(server.directory)

    def test_too_deep_for_a_unix_socket_still_listens_on_loopback(self, open_path):
        with start(directory=open_path / ("d" * 100)) as server:
            assert server.socket_directory is None
            server.session().close()


@needs_root
class TestRoot:
    def test_server_runs_as_an_unprivileged_user(self, server):
        status = Path(f"/proc/{pid_of(server)}/status").read_text()
        identities = [
            line.split()[1:] for line in status.splitlines() if line[:4] in ("Uid:", "Gid:")
        ]
        assert [set(numbers) for numbers in identities] == [
            {str(server_user().uid)},
            {str(server_user().gid)},
        ]
        assert "\nGroups:\t \n" in status or "\nGroups:\t\n" in status

    def test_works_where_that_user_cannot_go_and_changes_no_mode(
        self, open_path, tmp_path, monkeypatch
    ):
        home = tmp_path / "home"
        home.mkdir(mode=0o700)
        monkeypatch.setenv("TMPDIR", str(home))
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.chdir(home)
        monkeypatch.setenv("SENIOR_BACKEND_CACHE", str(open_path / "cache"))
        before = os.umask(0o077)
        try:
            with start() as server:
                server.session().close()
        finally:
            os.umask(before)
        assert home.stat().st_mode & 0o777 == 0o700

    def test_directory_that_user_cannot_enter_is_refused(self, tmp_path):
        home = tmp_path / "home"
        home.mkdir(mode=0o700)
        with pytest.raises(InputError, match=r"cannot be entered by `.+`, who runs PostgreSQL"):
            start(directory=home / "server")
        assert not (home / "server").exists()
