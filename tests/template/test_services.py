"""Every tree as its people use it: set up, lint, test, migrate, serve, commit."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.contract.service import free_port
from tests.fixtures.template import ROOT, commit_all, git
from tests.template.make import PATH, TOOLS, command, environment, make, succeed
from tests.template.trees import EXAMPLES, LANGUAGES, TREES

pytestmark = pytest.mark.verify

CHECKOUT = str(ROOT)
# How Python, Node and Go show where a program stopped.
CRASH = re.compile(r"Traceback|^ +at |^panic: |^goroutine ", re.MULTILINE)
# How the programs that run tests say that all passed.
PASSED = {
    "python": re.compile(r"\d+ passed"),
    "node": re.compile(r"\d+ passed"),
    "go": re.compile(r"^DONE \d+ tests", re.MULTILINE),
}
# A call that the example answers with 200, given a token from `make token`.
FIRST_CALL = {
    ("rest", "orders"): "/v1/customers",
    ("rest", "none"): "/v1/ping",
    ("graphql", "orders"): f"/graphql?query={quote('{ customers { edges { node { id } } } }')}",
    ("graphql", "none"): f"/graphql?query={quote('{ ping { message } }')}",
}


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=TREES)
def tree(request: pytest.FixtureRequest) -> str:
    return request.param


# What differs between trees and not between examples.
with_orders = pytest.mark.parametrize("example", ["orders"], scope="module")
# What the Makefile does by itself is the same with both examples, and in all trees of one language.
of_the_makefile = pytest.mark.parametrize(
    ("tree", "example"), [(tree, "orders") for tree in LANGUAGES.values()], scope="module"
)


@pytest.fixture
def service(tree: str, example: str, installed: Callable[..., Path]) -> Iterator[Path]:
    """An installed service, put back to its first commit afterwards."""
    directory = installed(tree, example)
    yield directory
    git(directory, "reset", "--hard", "--quiet")
    git(directory, "clean", "-d", "--force", "--quiet")
    (directory / ".env").unlink(missing_ok=True)


def test_lint_finds_nothing_and_leaves_nothing_behind(service: Path):
    succeed(service, "lint")
    succeed(service, "token")
    assert git(service, "status", "--porcelain") == ""


def test_the_tests_pass_without_a_database_and_leave_nothing_behind(service: Path, tree: str):
    nowhere = "postgresql://nobody:wrong@127.0.0.1:1/production"
    output = succeed(
        service,
        "test",
        SENIOR_BACKEND=CHECKOUT,
        DATABASE_URL=nowhere,
        DATABASE_DIRECT_URL=nowhere,
    )
    assert PASSED[TREES[tree].language].search(output)
    assert "skipped" not in output
    assert git(service, "status", "--porcelain") == ""


def environment_of_tests(service: Path, *arguments: str, **variables: str) -> dict[str, str]:
    """What `make test` gives to the test run, by running `env` in its place."""
    output = succeed(service, "test", "TESTS=env", *arguments, **variables)
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


@of_the_makefile
def test_the_tests_use_a_given_server_and_see_no_other(service: Path):
    given = "postgresql://tests@127.0.0.1:1/tests"
    seen = environment_of_tests(service, TEST_DATABASE_URL=given, DATABASE_URL="postgresql://x/y")
    assert seen["TEST_DATABASE_URL"] == given
    assert not {"DATABASE_URL", "DATABASE_DIRECT_URL"} & seen.keys()


@of_the_makefile
def test_the_tests_take_their_server_and_nothing_else_from_the_env_file(service: Path):
    given = "postgresql://tests@127.0.0.1:1/tests?sslmode=require&x=y"
    (service / ".env").write_text(f"TEST_DATABASE_URL={given}\nDATABASE_URL=x\nLOG_LEVEL=error\n")
    seen = environment_of_tests(service)
    assert seen["TEST_DATABASE_URL"] == given
    assert not {"DATABASE_URL", "LOG_LEVEL"} & seen.keys()


@of_the_makefile
def test_the_tests_get_a_server_of_their_own(service: Path):
    seen = environment_of_tests(service, SENIOR_BACKEND=CHECKOUT)
    assert re.match(r"postgresql://postgres:\w+@127\.0\.0\.1:", seen["TEST_DATABASE_URL"])


@of_the_makefile
def test_the_tests_use_the_server_of_compose(service: Path, tmp_path: Path):
    """Docker is played by a program that answers as it does."""
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\ncase "$*" in "compose port "*) echo 127.0.0.1:49153 ;; esac\n')
    docker.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{PATH}"
    seen = environment_of_tests(service, "DB=compose", PATH=path)
    assert seen["TEST_DATABASE_URL"].startswith("postgresql://postgres:postgres@127.0.0.1:49153/")


@of_the_makefile
def test_set_up_is_done_once(service: Path, tree: str):
    ready = service / TREES[tree].tools / ".ready"
    before = ready.stat().st_mtime_ns
    succeed(service, "setup")
    assert ready.stat().st_mtime_ns == before


def drifted(description: str, text: str) -> str:
    """It with one thing more than the code has."""
    if description == "schema.graphql":
        return f'{text}\n"""Not what the code says"""\ntype Drift {{\n  id: ID\n}}\n'
    document = json.loads(text)
    operations = next(iter(document["paths"].values()))
    next(iter(operations.values()))["summary"] = "Not what the code says"
    return json.dumps(document, indent=2) + "\n"


@with_orders
def test_an_api_description_that_drifted_is_found(service: Path, tree: str):
    name, target = TREES[tree].description, TREES[tree].described_by
    description = service / name
    recorded = description.read_text()
    description.write_text(drifted(name, recorded))

    result = make(service, "lint")
    assert result.returncode != 0
    assert re.search(f"{name} is not what the code says: run '.+ {target}'", result.stderr)
    assert "Not what the code says" in result.stdout

    succeed(service, target)
    assert description.read_text() == recorded


def tables_in(database_url: str) -> set[str]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'")
        return {name for (name,) in rows}


def test_migrations_go_up_and_down_to_nothing_and_up_again(service: Path, database_url: str):
    succeed(service, "migrate", DATABASE_URL=database_url)
    whole = tables_in(database_url)
    assert len(whole) > 1
    succeed(service, "migrate", "DOWN=base", DATABASE_URL=database_url)
    assert len(tables_in(database_url)) <= 1, "the ledger alone may stay"
    succeed(service, "migrate", DATABASE_URL=database_url)
    assert tables_in(database_url) == whole


@with_orders
def test_every_hook_passes_on_a_fresh_service_and_a_commit_is_made(
    service: Path, tmp_path_factory: pytest.TempPathFactory
):
    """The hooks come from the commit that the service pins, as at a first `git commit`."""
    cache = tmp_path_factory.getbasetemp() / "pre-commit"
    hooks = {**environment(), "PRE_COMMIT_HOME": str(cache)}
    run = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    result = subprocess.run(run, cwd=service, env=hooks, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("Passed") >= 5

    (service / "README.md").write_text("<<<<<<< before updating\n=======\n>>>>>>> after updating\n")
    git(service, "add", "README.md")
    result = subprocess.run(run[:-1], cwd=service, env=hooks, capture_output=True, text=True)
    assert result.returncode == 1
    assert "README.md" in result.stdout


def get(url: str, token: str | None = None) -> tuple[int, str]:
    """Status and body; ``(0, reason)`` while nothing answers."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


@contextlib.contextmanager
def dev(service: Path, log: Path, **variables: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """`make dev` in a terminal of its own, once it is ready; the process and its base URL."""
    port, metrics_port = free_port(), free_port()
    variables = {"PORT": str(port), "METRICS_PORT": str(metrics_port), **variables}
    with log.open("w") as output:
        process = subprocess.Popen(
            command("dev"),
            cwd=service,
            env=environment(SENIOR_BACKEND=CHECKOUT, **variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while get(f"{url}/readyz")[0] != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield process, url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def press_control_c(process: subprocess.Popen) -> None:
    """What a terminal does: the signal goes to make, the shell and the server at once."""
    os.killpg(process.pid, signal.SIGINT)


def test_make_dev_serves_and_control_c_stops_it(
    service: Path, tree: str, example: str, database_url: str, tmp_path: Path
):
    log = tmp_path / "log"
    path = FIRST_CALL[TREES[tree].style, example]
    with dev(service, log, DATABASE_URL=database_url) as (process, url):
        assert (service / ".env").exists()
        token = succeed(service, "--silent", "token").strip()
        assert get(f"{url}{path}")[0] == 401
        status, body = get(f"{url}{path}", token)
        assert status == 200, body

        press_control_c(process)
        assert process.wait(timeout=20) in {0, -signal.SIGINT, 130, 2}
        assert get(f"{url}/livez")[0] == 0, "nothing listens any more"
    assert not CRASH.search(log.read_text())
    assert not (service / ".pg").exists(), "the given server was used"


@of_the_makefile
def test_make_dev_starts_a_database_where_none_is_given(service: Path, tmp_path: Path):
    log = tmp_path / "log"
    try:
        with dev(service, log) as (process, _):
            press_control_c(process)
            process.wait(timeout=20)
        url = succeed(service, "--silent", "db", SENIOR_BACKEND=CHECKOUT).strip()
        assert len(tables_in(url)) > 1, "the data of the first start"
    finally:
        succeed(service, "db-stop", SENIOR_BACKEND=CHECKOUT)
        # As root the data lies elsewhere: removing the folder would leave it behind.
        remove = [TOOLS / "senior-backend", "postgres", "down", "--remove"]
        subprocess.run(remove, cwd=service, check=True)


@with_orders
def test_a_port_that_is_taken_is_named_in_one_line(
    service: Path, database_url: str, tmp_path: Path
):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = make(
            service,
            "dev",
            DATABASE_URL=database_url,
            PORT=str(port),
            METRICS_PORT=str(free_port()),
            timeout=60,
        )
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert not CRASH.search(output)
    lines = [line for line in output.splitlines() if str(port) in line and "use" in line]
    assert len(lines) == 1, output


@of_the_makefile
def test_clean_keeps_the_data_and_the_keys(tree: str, example: str, tmp_path: Path, generate):
    service = generate(tmp_path / "svc", framework=tree, example=example)
    for kept in (".pg/data", ".dev/key", ".env"):
        (service / kept).parent.mkdir(exist_ok=True)
        (service / kept).write_text("kept\n")
    tools = service / TREES[tree].tools
    tools.mkdir()
    succeed(service, "clean")
    assert not tools.exists()
    assert (service / ".pg" / "data").exists()
    assert (service / ".dev" / "key").exists()
    assert (service / ".env").exists()


@with_orders
def test_the_locks_are_what_was_asked_for(service: Path):
    """`make lock` leaves committed locks alone while the packages that are named stay the same."""
    succeed(service, "lock")
    assert git(service, "status", "--porcelain") == ""


@of_the_makefile
def test_a_service_in_its_first_commit_has_no_secret(service: Path):
    assert not {".env", ".dev"} & {Path(name).parts[0] for name in git(service, "ls-files").split()}
    assert commit_all(service, "Nothing new")
