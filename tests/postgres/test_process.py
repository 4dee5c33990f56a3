"""Whose process is it: told from outside, or said not to be known."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from senior_backend.errors import NotRunError
from senior_backend.postgres import process
from senior_backend.postgres.process import server_of, serves, works_in


@pytest.fixture
def places(tmp_path):
    """Two data directories: ours, and one in which the server with number 7 runs."""
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    (tmp_path / "theirs/postmaster.pid").write_text("7\n")
    (tmp_path / "link").symlink_to(tmp_path / "ours")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("/bin/postgres -D {}/ours -c port=1", True),
        ("postgres -c port=1 -D {}/link", True),
        ("/usr/sbin/nginx -D {}/ours", False),
        ("postgres: checkpointer ", False),
        ("", False),  # ended, not yet waited for
        ("/bin/postgres -D {}/theirs -c port=1", False),
        # The server was started elsewhere, and that place has no server 7 now: it was moved.
        ("/bin/postgres -D {}/gone -c port=1", None),
        ("/bin/postgres -D {}/link/.. -c port=1", None),
        ("/bin/postgres -D ours", None),
        ("/bin/postgres -c port=1", None),
        ("/bin/postgres -D", None),
    ],
)
def test_server_of_a_directory_by_its_command_line(places, arguments, answer):
    words = arguments.format(places).split(" ")
    assert serves(7, words, places / "ours") is answer


@pytest.mark.parametrize("content", [None, "", "x", "-1\n", "0\n", "999999999\n"])
def test_pid_file_without_a_process_is_of_no_server(tmp_path, content):
    if content is not None:
        (tmp_path / "postmaster.pid").write_text(content)
    assert server_of(tmp_path) is None


def test_program_that_works_elsewhere_is_not_the_server(tmp_path):
    assert not works_in(os.getpid(), tmp_path)


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
class TestProcessThatCannotBeLookedInto:
    def test_is_told_by_its_command_line(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Path, "stat", _refusing_cwd(Path.stat))
        program = tmp_path / "postgres"
        program.symlink_to(sys.executable)
        with subprocess.Popen(
            [program, "-c", "print(flush=True); input()", "-D", tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as stranger:
            try:
                stranger.stdout.readline()  # only now it has a command line
                assert works_in(stranger.pid, tmp_path)
            finally:
                stranger.kill()

    def test_without_an_answer_is_an_error_with_a_remedy(self, monkeypatch):
        monkeypatch.setattr(process, "serves", lambda *_: None)
        monkeypatch.setattr(Path, "stat", _refusing_cwd(Path.stat))
        with pytest.raises(NotRunError, match="cannot be told whether process 1 is the server of"):
            works_in(1, Path("/x/data"))


def _refusing_cwd(stat):
    def refusing(path, **options):
        if path.name == "cwd" and path.parts[1] == "proc" and path.parts[2] != "self":
            raise PermissionError
        return stat(path, **options)

    return refusing
