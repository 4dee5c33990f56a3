"""The command line as a whole: its table of tools, its exit codes, its start-up."""

import subprocess
import sys

import pytest

from senior_backend import __version__
from senior_backend.cli import TOOLS


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "senior_backend", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_tool() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in TOOLS)


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_says_what_it_does(tool: str) -> None:
    done = run(tool, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: senior-backend " + tool)


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"senior-backend, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no-such-tool",), "No such command 'no-such-tool'; see senior-backend --help"),
        (("--no-such-flag",), "No such option '--no-such-flag'; see senior-backend --help"),
        (("check", "x"), "No such command 'x'; see senior-backend check --help"),
        (("new",), "Missing argument 'DIR'; see senior-backend new --help"),
    ],
)
def test_bad_usage_is_one_line_and_exits_2(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"senior-backend: {message}\n"


def test_without_arguments_the_help_is_shown() -> None:
    done = run()
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: senior-backend")


def test_a_bug_shows_its_traceback_and_exits_3_not_1() -> None:
    code = (
        "from senior_backend import cli; cli.TOOLS['new'] = 'senior_backend.nowhere:new'; "
        "cli.main(['new'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 3
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("module", "interrupted"),
    [
        ("click", "raise KeyboardInterrupt"),
        ("senior_backend.explain", "type('Made', (), {'field': Field()})"),
    ],
)
def test_ctrl_c_during_an_import_is_no_bug(module: str, interrupted: str) -> None:
    """Importing is most of what a short command does."""
    code = f"""
import sys

class Field:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt

class Finder:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            {interrupted}

sys.meta_path.insert(0, Finder())
sys.argv = ["senior-backend", "explain", "no-conflict-markers"]
from senior_backend.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_reader_that_stops_reading_gets_no_traceback() -> None:
    command = f"{sys.executable} -m senior_backend explain no-conflict-markers | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_rule_is_refused_with_the_nearest_one() -> None:
    done = run("explain", "no-conflict-marker")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "senior-backend: no rule 'no-conflict-marker'; did you mean 'no-conflict-markers'?\n"
    )


def test_starting_a_hook_imports_nothing_heavy() -> None:
    code = "import senior_backend.checks.command, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"rich", "yaml", "psycopg", "asyncio", "copier", "pydantic", "importlib.metadata"}
    assert not heavy & set(done.stdout.split())
