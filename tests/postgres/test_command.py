"""``senior-backend postgres``, run as people and Makefiles run it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import Session, connect_to, persistent
from senior_backend.postgres.address import without_password
from senior_backend.postgres.process import server_of
from senior_backend.postgres.server import _sweep
from tests.postgres.processes import (
    command_line,
    eventually,
    has_ended,
    is_gone,
    needs_root,
    needs_setpriv,
    without_capability,
)

ROOT = Path("/var/lib/senior-backend")


class Project:
    """A folder in which somebody works, with a server in ``.pg``."""

    def __init__(self, root: Path, senior_backend):
        self.root = root
        self.directory = root / ".pg"
        self._senior_backend = senior_backend

    def postgres(self, *arguments):
        return self._senior_backend("postgres", *arguments, cwd=self.root)

    def up(self, *arguments) -> str:
        """Start the server; returns its URL."""
        finished = self.postgres("up", *arguments)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    def remove(self) -> None:
        with contextlib.suppress(InputError):  # a test may have made it somebody else's
            persistent.down(self.directory, remove=True)

    @property
    def data(self) -> Path:
        record = json.loads((self.directory / "server.json").read_text())
        return self.directory / record["data"]


@pytest.fixture
def project(open_path, senior_backend):
    root = open_path / "project"
    root.mkdir(mode=0o755)
    project = Project(root, senior_backend)
    yield project
    project.remove()


def assert_one_line(finished: subprocess.CompletedProcess[str], code: int, text: str):
    assert finished.returncode == code, finished.stderr
    assert text in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert finished.stdout == ""


def test_life_of_a_server(project):
    """One story, because each step needs the one before it."""
    url = project.up()
    with Session(url) as session:
        session.execute("create table kept (n int); insert into kept values (42)")
        assert session.execute("show fsync") == [("on",)]
    assert (project.directory / ".gitignore").read_text() == "*\n"

    assert project.up() == url
    assert project.postgres("url").stdout == f"{url}\n"
    named = project.postgres("url", "--database", "orders").stdout
    assert named == url.removesuffix("postgres") + "orders\n"
    odd = project.postgres("url", "--database", "my db/x?y#z%é").stdout
    assert odd == url.removesuffix("postgres") + "my%20db%2Fx%3Fy%23z%25%C3%A9\n"
    status = project.postgres("status")
    assert status.returncode == 0
    assert without_password(url) in status.stdout
    assert urlsplit(url).password not in status.stdout

    pid = server_of(project.data)
    assert_one_line(project.postgres("down"), 0, "the server in .pg is stopped")
    assert server_of(project.data) is None
    assert has_ended(pid)
    assert project.postgres("status").returncode == 1
    assert_one_line(
        project.postgres("url"), 3, "start it with `senior-backend postgres up --dir .pg`"
    )

    other = project.postgres("up", "--pg", "14")
    assert_one_line(other, 2, f"{project.directory} holds data of PostgreSQL")
    assert "14 was asked for: name another directory" in other.stderr

    # The data and, as its port is free, the address are those of before.
    assert project.up() == url
    with Session(url) as session:
        assert session.execute("select n from kept") == [(42,)]

    assert project.postgres("down", "--remove").returncode == 0
    assert list(project.root.iterdir()) == []


class TestPassword:
    def test_only_the_caller_can_read_it(self, project):
        url = project.up()
        password = urlsplit(url).password
        record = project.directory / "server.json"
        assert record.stat().st_mode & 0o777 == 0o600
        assert json.loads(record.read_text())["password"] == password
        assert password not in (project.directory / "log").read_text()
        # What initdb read it from is gone.
        assert not list(project.data.parent.glob("*.password"))
        assert password not in repr(persistent.status(project.directory))

    def test_without_it_nobody_gets_in_over_tcp(self, project):
        with pytest.raises(NotRunError, match="password"):
            Session(project.up().replace(":" + urlsplit(project.up()).password, ""))

    def test_each_server_has_its_own_and_keeps_it(self, project):
        first = project.up()
        project.postgres("down")
        assert project.up() == first
        other = persistent.up(project.root / "other")
        try:
            assert other.password != urlsplit(first).password
        finally:
            persistent.down(project.root / "other", remove=True)

    def test_directory_of_a_version_without_passwords_serves_and_is_named(self, project):
        url = project.up()
        hba = project.data / "pg_hba.conf"
        hba.write_text(hba.read_text().replace("scram-sha-256", "trust"))
        project.postgres("down")
        record = json.loads((project.directory / "server.json").read_text())
        del record["password"]
        (project.directory / "server.json").write_text(json.dumps(record))
        again = project.postgres("up")
        assert again.stdout.strip() == url.replace(":" + urlsplit(url).password, "")
        assert "asks for no password: `down --remove`, then `up`" in again.stderr
        Session(again.stdout.strip()).close()


def test_down_of_nothing_says_so(project):
    assert_one_line(project.postgres("down"), 0, "the server in .pg was not running")


def test_many_ups_at_once_start_one_server(project):
    commands = [
        subprocess.Popen(
            command_line("postgres", "up"), cwd=project.root, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    urls = {command.communicate(timeout=60)[0] for command in commands}
    assert [command.returncode for command in commands] == [0, 0, 0]
    assert len(urls) == 1
    assert [path.name for path in project.root.iterdir()] == [".pg"]


def test_up_after_a_crash_recovers(project):
    url = project.up()
    with Session(url) as session:
        session.execute("create table kept (n int); insert into kept values (42)")
    pid = server_of(project.data)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: server_of(project.data) is None)
    assert (project.data / "postmaster.pid").exists()
    # After a reboot the number in the pid file may be anybody's; here it is ours.
    lines = (project.data / "postmaster.pid").read_text().splitlines()
    (project.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert project.postgres("status").returncode == 1
    assert project.postgres("down").returncode == 0
    assert project.up() == url
    with Session(url) as session:
        assert session.execute("select n from kept") == [(42,)]


def test_port_of_last_time_is_given_up_when_it_is_taken(project):
    url = project.up()
    port = int(url.rpartition(":")[2].partition("/")[0])
    project.postgres("down")
    with socket.create_server(("127.0.0.1", port)):
        assert project.up() != url
        taken = project.postgres("up", "--port", str(port))
        assert_one_line(taken, 2, "`senior-backend postgres down` first")
        project.postgres("down")
        assert_one_line(project.postgres("up", "--port", str(port)), 2, f"port {port} is in use")


@pytest.mark.parametrize("command", ["up", "down", "status", "url"])
def test_directory_of_somebody_else_is_left_alone(project, command):
    project.directory.mkdir()
    (project.directory / "precious").write_text("data")
    refused = project.postgres(command)
    assert_one_line(refused, 2, "was not made by `senior-backend postgres up`")
    assert (project.directory / "precious").read_text() == "data"


def marker(**changes: object) -> str:
    content = {"made_by": "senior-backend postgres up", "id": "0123456789ab", "data": "data"}
    return json.dumps(content | changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "was not made by"),
        ("not json", "was not made by"),
        ("[1]", "was not made by"),
        (marker(data="/home/precious/data"), "was not made by"),
        (marker(id="../../home/precious", data=f"{ROOT}/../../home/precious/data"), "was not made"),
        (marker(id=1), "was not made by"),
        (marker(port="5432"), "was not made by"),
        (marker(password=["x"]), "was not made by"),
        (marker(colour="red"), "is of another version of senior-backend"),
    ],
)
def test_marker_that_is_not_ours_is_not_believed(project, content, message):
    project.directory.mkdir()
    (project.directory / "server.json").write_text(content)
    with pytest.raises(InputError, match=message):
        persistent.up(project.directory)


@pytest.mark.parametrize("command", ["up", "down", "status", "url"])
def test_line_break_in_the_name_of_the_directory_is_refused(project, command):
    refused = project.postgres(command, "--dir", "a\nb")
    assert_one_line(refused, 2, "a\\nb' has a line break in its name")
    assert list(project.root.iterdir()) == []


# What means something to a list of settings, to a shell, or to Python's `splitlines`.
ODD_NAMES = ["a,b", 'a"b', "a'b", " a  b ", "$(a)`b`\\", "a%p=b", "-D", "a\u2028b\rc", "a\udcffb"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_directory_of_any_other_name_serves(project, name):
    project.directory = project.root / name
    running = persistent.up(project.directory)
    Session(running.url()).close()
    # Its only socket is where it belongs.
    assert (project.directory / f"socket/.s.PGSQL.{running.port}").exists()
    assert persistent.status(project.directory) == running
    assert persistent.down(project.directory)


def test_file_in_the_place_of_the_directory(project):
    project.directory.touch()
    assert_one_line(project.postgres("up"), 2, "is not a directory")


def test_up_that_cannot_be_leaves_no_directory(project):
    assert_one_line(project.postgres("up", "--pg", "13"), 2, "PostgreSQL 13 is too old")
    assert not project.directory.exists()


@needs_root
class TestRootBelowAPrivateHome:
    """The server user cannot enter a home of mode 0700, and the home must stay as it is."""

    @pytest.fixture
    def project(self, tmp_path, senior_backend):
        home = tmp_path / "home"
        home.mkdir(mode=0o700)
        project = Project(home / "project", senior_backend)
        project.root.mkdir()
        yield project
        project.remove()

    def test_data_is_kept_elsewhere_and_removed_with_the_directory(self, project):
        url = project.up()
        connect_to(url).stop()
        elsewhere = project.data.parent
        assert elsewhere.parent == ROOT
        assert project.root.parent.stat().st_mode & 0o777 == 0o700
        assert str(project.data) in project.postgres("status").stdout
        assert project.postgres("url").stdout.strip() == url
        project.postgres("down")
        subprocess.run(["rm", "-rf", elsewhere], check=True)
        assert project.up()  # with a new cluster
        project.postgres("down", "--remove")
        assert not elsewhere.exists()
        assert not project.directory.exists()

    @pytest.mark.parametrize("part", ["", "data", "directory"])
    def test_data_removed_by_hand_hinders_no_command(self, project, part):
        project.up()
        elsewhere = project.data.parent
        assert project.postgres("down").returncode == 0
        subprocess.run(["rm", "-rf", elsewhere / part], check=True)
        assert project.postgres("status").returncode == 1
        assert_one_line(project.postgres("down"), 0, "was not running")
        assert_one_line(project.postgres("down", "--remove"), 0, "was not running")
        assert not elsewhere.exists()
        assert list(project.root.iterdir()) == []

    def test_data_removed_by_hand_with_the_data_of_all_is_made_anew(
        self, project, monkeypatch, open_path
    ):
        monkeypatch.setattr("senior_backend.postgres.places.DURABLE", (open_path / "durable",))
        persistent.up(project.directory)
        persistent.down(project.directory)
        subprocess.run(["rm", "-rf", open_path / "durable"], check=True)
        Session(persistent.up(project.directory).url()).close()
        assert persistent.down(project.directory, remove=True)
        assert list((open_path / "durable").iterdir()) == []

    def test_server_of_a_directory_that_another_version_made_is_no_orphan(self, project, open_path):
        project.up()
        pid, marker = server_of(project.data), project.directory / "server.json"
        content = marker.read_text()
        marker.write_text(json.dumps(json.loads(content) | {"colour": "red"}))
        try:
            persistent.up(open_path / "other")
            persistent.down(open_path / "other", remove=True)
            assert not has_ended(pid)
        finally:
            marker.write_text(content)

    def test_removal_by_hand_is_noticed(self, project):
        project.postgres("up")
        elsewhere, pid = project.data.parent, server_of(project.data)
        subprocess.run(["rm", "-rf", project.directory], check=True)
        try:
            again = project.postgres("up")
            assert again.returncode == 0
            assert f"`rm -rf {elsewhere}` if it is not needed" in again.stderr
            assert project.data.parent != elsewhere
            assert has_ended(pid)
        finally:
            subprocess.run(["rm", "-rf", elsewhere], check=True)

    def test_moved_directory_keeps_its_data_and_a_copy_does_not_share_it(self, project):
        url = project.postgres("up").stdout
        project.root = project.root.rename(project.root.with_name("moved"))
        project.directory = project.root / ".pg"
        moved = project.postgres("up")
        assert moved.stdout == url
        assert "rm -rf" not in moved.stderr

        copy = project.root / "copy"
        subprocess.run(["cp", "-R", project.directory, copy], check=True)
        refused = project.postgres("up", "--dir", "copy")
        assert_one_line(refused, 2, f"{copy} is a copy of {project.directory}")


@needs_setpriv
class TestRootThatMayNotLookIntoProcesses:
    """Docker's default: no capability SYS_PTRACE, and /proc/PID/cwd is closed."""

    @pytest.fixture
    def project(self, project):
        def run(*arguments, cwd: Path):
            command = without_capability("sys_ptrace", *command_line(*arguments))
            return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)

        project._senior_backend = run
        return project

    def test_life_of_a_server(self, project):
        url = project.up()
        before = (project.data / "postmaster.pid").read_bytes()
        assert without_password(url) in project.postgres("status").stdout
        assert project.up() == url
        assert (project.data / "postmaster.pid").read_bytes() == before
        pid = server_of(project.data)
        assert_one_line(project.postgres("down"), 0, "the server in .pg is stopped")
        assert has_ended(pid)
        assert project.postgres("status").returncode == 1

    def test_server_that_cannot_be_told_is_left_as_it_is(self, project):
        """Its directory was moved while it ran: its command line names the old place."""
        project.up()
        pid = server_of(project.data)
        moved = project.directory.rename(project.root / "moved")
        before = (moved / "data/postmaster.pid").read_bytes()
        try:
            for command in ("up", "status", "url", "down"):
                refused = project.postgres(command, "--dir", "moved")
                assert_one_line(refused, 3, f"process {pid} is the server of {moved}/data")
            refused = project.postgres("down", "--dir", "moved", "--remove")
            assert_one_line(refused, 3, f"process {pid} is the server of {moved}/data")
            assert (moved / "data/postmaster.pid").read_bytes() == before
            assert not has_ended(pid)
        finally:
            project.directory = moved

    def test_sweep_ends_servers_that_it_can_tell(self):
        script = textwrap.dedent(
            """
            import os, signal, sys
            from pathlib import Path
            from senior_backend.postgres import start
            from tests.postgres.processes import is_gone, eventually, pid_of
            server = start()
            pid = pid_of(server)
            supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(supervisor, signal.SIGKILL)
            server._channel._process.wait()
            assert server.directory.exists()
            start().stop()
            assert eventually(lambda: is_gone(server.directory, pid))
            """
        )
        command = without_capability("sys_ptrace", sys.executable, "-c", script)
        subprocess.run(command, check=True, timeout=60)

    def test_sweep_leaves_what_it_cannot_tell(self, monkeypatch, tmp_path):
        home = tmp_path / "pg-x"
        (home / "data").mkdir(parents=True)

        def cannot_tell(data):
            raise NotRunError(str(data))

        monkeypatch.setattr("senior_backend.postgres.server.server_of", cannot_tell)
        _sweep(tmp_path)
        assert (home / "data").is_dir()
        monkeypatch.setattr("senior_backend.postgres.server.server_of", lambda _: None)
        _sweep(tmp_path)
        assert not home.exists()


@needs_setpriv
def test_server_that_may_not_be_stopped_is_said_in_one_line(project):
    project.up()
    command = without_capability("kill", *command_line("postgres", "down"))
    refused = subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=60)
    assert_one_line(refused, 3, "may not be stopped by us")
    assert project.postgres("status").returncode == 0


class TestRun:
    def test_command_finds_an_empty_database_and_keeps_its_options_and_exit_code(
        self, senior_backend
    ):
        program = (
            "import os, sys\n"
            "from senior_backend.postgres import Session\n"
            "with Session(os.environ['DB']) as session:\n"
            "    print(session.execute('select current_database()')[0][0], sys.argv[1:])\n"
            "sys.exit(7)\n"
        )
        command = (sys.executable, "-c", program, "--env", "--pg")
        finished = senior_backend("postgres", "run", "--env", "DB", "--", *command)
        assert finished.stdout.startswith("senior_backend_")
        assert finished.stdout.endswith(" ['--env', '--pg']\n")
        assert finished.stderr == ""
        assert finished.returncode == 7

    @pytest.mark.parametrize(
        ("name", "code", "message"),
        [
            ("no-such-command", 127, "no-such-command: command not found"),
            ("/etc/passwd", 126, "/etc/passwd cannot be executed"),
        ],
    )
    def test_command_that_cannot_be_started(self, senior_backend, name, code, message):
        assert_one_line(senior_backend("postgres", "run", "--", name), code, message)

    @pytest.mark.parametrize("name", ["A=B", "", "A B", "1A", "A\n", "É"])
    def test_name_that_no_variable_can_have_is_refused(self, senior_backend, name):
        refused = senior_backend("postgres", "run", "--env", name, "--", "true")
        assert_one_line(refused, 2, f"{name!r} is no name of an environment variable")

    def test_no_command_is_a_usage_error(self, senior_backend):
        assert senior_backend("postgres", "run").returncode == 2

    def test_killed_run_leaves_no_server(self):
        script = "echo $$ $TEST_DATABASE_URL; exec sleep 60"
        process = subprocess.Popen(
            command_line("postgres", "run", "--", "sh", "-c", script),
            stdout=subprocess.PIPE,
            text=True,
        )
        command, url = process.stdout.readline().split()
        with Session(url) as session:
            data = Path(session.execute("show data_directory")[0][0])
        pid = server_of(data)
        process.kill()
        process.wait()
        try:
            assert eventually(lambda: is_gone(data.parent, pid))
        finally:
            os.kill(int(command), signal.SIGTERM)
