"""`make load-test` in every tree, with its real service, an embedded PostgreSQL and the real tool.

What a machine with neighbours can do is not judged here: thresholds of time are raised, and the
generator may be late. That the scenario's own ones mean something is for the people of a service.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from senior_backend.load.result import Result
from tests.fixtures.template import ROOT, git
from tests.template.make import PATIENCE, command, environment, make, succeed
from tests.template.trees import EXAMPLES, LANGUAGES, REST, TREES

pytestmark = pytest.mark.verify

# Nothing may go there.
NOWHERE = "postgresql://nobody:wrong@127.0.0.1:1/production"
ENVIRONMENT = {
    "SENIOR_BACKEND": str(ROOT),
    "DATABASE_URL": NOWHERE,
    "DATABASE_DIRECT_URL": NOWHERE,
    **PATIENCE,
}
LATE = "ARGS=--max-pacing-error 10s"


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=TREES)
def framework(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def service(framework: str, example: str, installed: Callable[..., Path]) -> Iterator[Path]:
    """An installed service with patient thresholds, put back to its first commit afterwards."""
    directory = installed(framework, example)
    scenario = directory / "loadtest" / "scenario.yml"
    text = re.sub(r"(p\(\d+\))<\d+", r"\1<60000", scenario.read_text())
    scenario.write_text(text.replace("warm_up: 5s", "warm_up: 1s"))
    git(directory, "commit", "--all", "--quiet", "--message", "Patient thresholds")
    yield directory
    git(directory, "reset", "--hard", "--quiet", "HEAD~1")
    git(directory, "clean", "-d", "--force", "--quiet")
    for name in ("results/load-test.json", "results/load-test.html", "loadtest/baseline.json"):
        (directory / name).unlink(missing_ok=True)


def result_of(service: Path) -> Result:
    return Result.model_validate_json((service / "results" / "load-test.json").read_bytes())


def names_in(service: Path) -> set[str]:
    """What the scenario measures."""
    scenario: dict[str, Any] = yaml.safe_load((service / "loadtest" / "scenario.yml").read_text())
    steps = [step for flow in scenario.get("flows", []) for step in flow["steps"]]
    return {request["name"] for request in [*scenario["endpoints"], *steps]}


def programs_in(directory: Path) -> list[str]:
    """The command lines of all processes that work in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve(strict=True) == directory.resolve():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended
    return [line for line in found if line]  # a zombie has none


def assert_nothing_is_left(service: Path) -> None:
    assert programs_in(service) == []
    assert not (service / ".pg").exists(), "the database of development"
    assert git(service, "status", "--porcelain") == ""


def test_a_healthy_service_passes(service: Path):
    output = succeed(service, "load-test", "RATE=20", "DURATION=3s", LATE, **ENVIRONMENT)
    result = result_of(service)
    assert (result.valid, result.invalid_reasons) == (True, [])
    assert (result.requested_rate, result.due, result.total.failed) == (20, 60, 0)
    assert result.endpoints.keys() == names_in(service)
    assert all(endpoint.count > 0 for endpoint in result.endpoints.values())
    assert all(threshold.passed for threshold in result.thresholds)
    page = (service / "results" / "load-test.html").read_text()
    for name in names_in(service):
        assert name in output
        assert name in page
    assert (service / "results" / "service.log").read_text() == ""
    assert_nothing_is_left(service)


@pytest.mark.parametrize("framework", REST, scope="module")
@pytest.mark.parametrize("example", ["orders"], scope="module")
def test_a_service_that_refuses_fails(service: Path):
    """A token of less scope than the scenario needs, as TOKEN hands it over."""
    scope = "SCOPE=customers:write orders:read orders:write"
    token = succeed(service, "--silent", "token", scope).strip()
    arguments = ("load-test", "RATE=20", "DURATION=3s", LATE)
    done = make(service, *arguments, **ENVIRONMENT, TOKEN=token)
    assert "load-test] Error 1\n" in done.stderr, done.stdout + done.stderr
    result = result_of(service)
    assert result.valid
    assert result.total.errors.keys() == {"http 403"}
    assert "http_req_failed" in {t.metric for t in result.thresholds if not t.passed}
    assert_nothing_is_left(service)


@pytest.mark.parametrize("framework", LANGUAGES.values(), scope="module")
@pytest.mark.parametrize("example", ["none"], scope="module")
def test_control_c_reports_what_was_measured_and_stops_everything(service: Path, tmp_path: Path):
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command("load-test", "RATE=20", "DURATION=10m", LATE),
            cwd=service,
            env=environment(**ENVIRONMENT),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while not any("load.worker" in line for line in programs_in(service)):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        time.sleep(5)  # past the warm-up of a second
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) != 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    result = result_of(service)
    assert result.interrupted
    assert result.total.count > 0
    assert result.total.failed == 0, result.total.errors
    assert_nothing_is_left(service)


@pytest.mark.parametrize("framework", ["fastapi"], scope="module")
@pytest.mark.parametrize("example", ["none"], scope="module")
def test_the_next_result_is_compared_with_the_baseline(service: Path):
    arguments = ("load-test", "RATE=20", "DURATION=1s", LATE)
    assert "baseline" not in succeed(service, *arguments, **ENVIRONMENT)
    succeed(service, "load-test-baseline")
    assert "baseline" in succeed(service, *arguments, **ENVIRONMENT)
    report = succeed(service, "load-test-report", "ARGS=--format markdown", **ENVIRONMENT)
    assert all(f"{name}" in report for name in names_in(service))
