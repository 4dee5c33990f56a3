"""In a terminal, Copier asks what no flag has answered."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ENTER = b"\r"
INTERRUPT = b"\x03"


class Terminal:
    """The command in a pseudo-terminal."""

    def __init__(self, directory: Path, *arguments: str | Path) -> None:
        self.master, slave = pty.openpty()
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "senior_backend", *map(str, arguments)],
            cwd=directory,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
            stdin=slave,
            stdout=slave,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        os.close(slave)

    def expect(self, text: str, seconds: float = 30) -> None:
        """Wait until ``text`` is shown, and forget everything up to it."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.seen:
            ready = select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, f"no {text!r} in {self.seen!r}"
            try:
                self.seen += os.read(self.master, 4096)
            except OSError:
                pytest.fail(f"ended without {text!r}: {self.seen!r}")
        self.seen = self.seen.partition(text.encode())[2]

    def send(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self) -> tuple[int, str]:
        """The exit code and standard error, once the command has ended."""
        assert self.process.stderr
        stderr = self.process.stderr.read().decode()
        code = self.process.wait(30)
        os.close(self.master)
        return code, stderr


def test_flags_are_not_asked_again_and_the_rest_is(tmp_path: Path, tiny: Path) -> None:
    terminal = Terminal(tmp_path, "new", "svc", "--from", tiny, "--answer", "colour=blue")
    terminal.expect("port")
    terminal.send(b"81" + ENTER)  # typed after the default, 80
    terminal.expect("4 files in svc")
    assert terminal.end() == (0, "")
    answers = yaml.safe_load((tmp_path / "svc" / ".copier-answers.yml").read_text())
    assert answers["colour"] == "blue"
    assert answers["port"] == 8081


def test_defaults_asks_nothing_in_a_terminal_either(tmp_path: Path, tiny: Path) -> None:
    terminal = Terminal(tmp_path, "new", "svc", "--from", tiny, "--defaults")
    terminal.expect("4 files in svc")
    assert terminal.end() == (0, "")


def test_leaving_a_question_leaves_nothing_behind(tmp_path: Path, tiny: Path) -> None:
    terminal = Terminal(tmp_path, "new", "a/svc", "--from", tiny)
    terminal.expect("port")
    terminal.send(INTERRUPT)
    assert terminal.end() == (3, "senior-backend: stopped by the user before it was done\n")
    assert not (tmp_path / "a").exists()
