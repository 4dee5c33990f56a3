"""``senior-backend postgres``, run as people and Makefiles run it."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from senior_backend.postgres import Session, connect_to
from senior_backend.postgres.process import server_of
from tests.postgres.processes import (
    command_line,
    eventually,
    has_ended,
    is_gone,
    needs_root,
    reachable,
)


class Project:
    """A folder in which somebody works, with a server in ``.pg``."""

    def __init__(self, root: Path, senior_backend):
        self.root = root
        self.directory = root / ".pg"
        self._senior_backend = senior_backend

    def postgres(self, *arguments):
        return self._senior_backend("postgres", *arguments, cwd=self.root)

    @property
    def data(self) -> Path:
        record = json.loads((self.directory / "server.json").read_text())
        return self.directory / record["data"]


@pytest.fixture
def project(tmp_path, senior_backend):
    root = reachable(tmp_path) / "project"
    root.mkdir(mode=0o755)
    project = Project(root, senior_backend)
    yield project
    project.postgres("down", "--remove")


def assert_one_line(finished: subprocess.CompletedProcess[str], code: int, text: str):
    assert finished.returncode == code, finished.stderr
    assert text in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert finished.stdout == ""


def test_life_of_a_server(project):
    """One story, because each step needs the one before it."""
    started = project.postgres("up")
    assert started.returncode == 0, started.stderr
    url = started.stdout.strip()
    with Session(url) as session:
        session.execute("create table kept (n int); insert into kept values (42)")
        assert session.execute("show fsync") == [("on",)]
    assert (project.directory / ".gitignore").read_text() == "*\n"

    again = project.postgres("up")
    assert (again.returncode, again.stdout) == (0, started.stdout)
    assert project.postgres("url").stdout == started.stdout
    named = project.postgres("url", "--database", "orders").stdout
    assert named == url.removesuffix("postgres") + "orders\n"
    status = project.postgres("status")
    assert status.returncode == 0
    assert url in status.stdout

    pid = server_of(project.data)
    assert_one_line(project.postgres("down"), 0, "the server in .pg is stopped")
    assert server_of(project.data) is None
    assert has_ended(pid)
    assert project.postgres("status").returncode == 1
    assert_one_line(
        project.postgres("url"), 3, "start it with `senior-backend postgres up --dir .pg`"
    )

    # The data and, as its port is free, the address are those of before.
    assert project.postgres("up").stdout == started.stdout
    with Session(url) as session:
        assert session.execute("select n from kept") == [(42,)]

    assert project.postgres("down", "--remove").returncode == 0
    assert list(project.root.iterdir()) == []


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
    url = project.postgres("up").stdout.strip()
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
    again = project.postgres("up")
    assert again.stdout.strip() == url, again.stderr
    with Session(url) as session:
        assert session.execute("select n from kept") == [(42,)]


def test_port_of_last_time_is_given_up_when_it_is_taken(project):
    url = project.postgres("up").stdout.strip()
    port = int(url.rpartition(":")[2].partition("/")[0])
    project.postgres("down")
    with socket.create_server(("127.0.0.1", port)):
        elsewhere = project.postgres("up")
        assert elsewhere.returncode == 0
        assert elsewhere.stdout.strip() != url
        taken = project.postgres("up", "--port", str(port))
        assert_one_line(taken, 2, "`senior-backend postgres down` first")
        project.postgres("down")
        assert_one_line(project.postgres("up", "--port", str(port)), 2, f"port {port} is in use")


def test_data_of_another_major_is_left_alone(project):
    project.postgres("up")
    project.postgres("down")
    refused = project.postgres("up", "--pg", "14")
    assert_one_line(refused, 2, "holds data of PostgreSQL")
    assert "14 was asked for: name another directory" in refused.stderr


@pytest.mark.parametrize("command", ["up", "down", "status", "url"])
def test_directory_of_somebody_else_is_left_alone(project, command):
    project.directory.mkdir()
    (project.directory / "precious").write_text("data")
    refused = project.postgres(command)
    assert_one_line(refused, 2, "was not made by `senior-backend postgres up`")
    assert (project.directory / "precious").read_text() == "data"
    (project.directory / "precious").unlink()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "was not made by"),
        ("not json", "was not made by"),
        ("[1]", "was not made by"),
        (
            '{"made_by": "senior-backend postgres up", "colour": "red"}',
            "is of another version of senior-backend",
        ),
    ],
)
def test_marker_that_is_not_ours_is_not_believed(project, content, message):
    project.directory.mkdir()
    (project.directory / "server.json").write_text(content)
    assert_one_line(project.postgres("up"), 2, message)
    (project.directory / "server.json").unlink()


def test_file_in_the_place_of_the_directory(project):
    project.directory.touch()
    assert_one_line(project.postgres("up"), 2, "is not a directory")
    project.directory.unlink()


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
        project.postgres("down", "--remove")

    def test_data_is_kept_elsewhere_and_removed_with_the_directory(self, project):
        url = project.postgres("up").stdout.strip()
        connect_to(url).stop()
        elsewhere = project.data.parent
        assert elsewhere.parent == Path("/var/lib/senior-backend")
        assert project.root.parent.stat().st_mode & 0o777 == 0o700
        assert str(project.data) in project.postgres("status").stdout
        assert project.postgres("url").stdout.strip() == url
        project.postgres("down", "--remove")
        assert not elsewhere.exists()
        assert not project.directory.exists()

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

    def test_moved_directory_keeps_its_data(self, project):
        url = project.postgres("up").stdout
        project.root = project.root.rename(project.root.with_name("moved"))
        project.directory = project.root / ".pg"
        moved = project.postgres("up")
        assert moved.stdout == url
        assert "rm -rf" not in moved.stderr

    def test_copied_directory_does_not_share_the_data(self, project):
        project.postgres("up")
        copy = project.root / "copy"
        subprocess.run(["cp", "-R", project.directory, copy], check=True)
        refused = project.postgres("up", "--dir", "copy")
        assert_one_line(refused, 2, f"{copy} is a copy of {project.directory}")


class TestRun:
    def test_command_finds_an_empty_database(self, senior_backend):
        program = (
            "import os\n"
            "from senior_backend.postgres import Session\n"
            "with Session(os.environ['TEST_DATABASE_URL']) as session:\n"
            "    print(session.execute('select current_database()')[0][0])\n"
        )
        finished = senior_backend("postgres", "run", "--", sys.executable, "-c", program)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.startswith("senior_backend_")
        assert finished.stderr == ""

    def test_variable_can_be_named_and_options_of_the_command_are_its_own(self, senior_backend):
        command = ("sh", "-c", 'echo "$DB" "$1"', "--env", "--pg")
        finished = senior_backend("postgres", "run", "--env", "DB", "--", *command)
        assert finished.stdout.startswith("postgresql://postgres@127.0.0.1:")
        assert finished.stdout.endswith(" --pg\n")

    @pytest.mark.parametrize(
        ("script", "code"), [("exit 7", 7), ("kill -KILL $$", 137)], ids=["exit", "signal"]
    )
    def test_exit_code_is_that_of_the_command(self, senior_backend, script, code):
        finished = senior_backend("postgres", "run", "--", "sh", "-c", script)
        assert finished.returncode == code

    def test_command_that_does_not_exist(self, senior_backend):
        finished = senior_backend("postgres", "run", "--", "no-such-command")
        assert_one_line(finished, 127, "no-such-command: command not found")

    def test_no_command_is_a_usage_error(self, senior_backend):
        assert senior_backend("postgres", "run").returncode == 2

    TRAP = (
        "trap 'echo caught; exit 5' INT TERM; echo $TEST_DATABASE_URL; while :; do sleep 0.05; done"
    )

    def started(self):
        process = subprocess.Popen(
            command_line("postgres", "run", "--", "sh", "-c", self.TRAP),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        with Session(process.stdout.readline().strip()) as session:
            data = Path(session.execute("show data_directory")[0][0])
        return process, data.parent, server_of(data)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_signals_go_to_the_command(self, number):
        process, directory, pid = self.started()
        process.send_signal(number)
        assert process.stdout.read() == "caught\n"
        assert process.wait() == 5
        assert is_gone(directory, pid)

    def test_killed_run_leaves_no_server(self):
        process, directory, pid = self.started()
        (command,) = [
            int(child)
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children")
            .read_text()
            .split()
            if b"trap" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        process.kill()
        process.wait()
        try:
            assert eventually(lambda: is_gone(directory, pid))
        finally:
            os.kill(command, signal.SIGTERM)
