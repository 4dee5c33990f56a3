"""A rotating sample of all the services that there can be, each put through its own CI.

Which they are depends on the commit; `make verify SEED=...` chooses those of another run again.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.service import free_port
from tests.fixtures.template import git
from tests.template.make import PATH, PATIENCE, UV, environment
from tests.template.pipeline import read
from tests.template.trees import Answers, name_of, sample, seed

pytestmark = pytest.mark.verify


@pytest.fixture
def redis_url() -> Iterator[str | None]:
    """A Redis that ends with the test; None where there is none to start."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()


@pytest.mark.parametrize("answers", sample(seed()), ids=name_of)
def test_what_continuous_integration_runs_succeeds(
    answers: Answers,
    tmp_path: Path,
    generate: Callable[..., Path],
    database_url: str,
    redis_url: str | None,
):
    service = generate(tmp_path / "payments-api", **answers)
    jobs = read(service, answers["ci"])
    check = jobs["check"]
    here = {"TEST_DATABASE_URL": database_url, "DATABASE_URL": database_url}
    if "TEST_REDIS_URL" in check.environment:
        if redis_url is None:
            pytest.skip("needs redis-server (apt install redis-server)")
        here["TEST_REDIS_URL"] = redis_url
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").symlink_to(UV)
    # Migrations first, since they need nothing installed. The image needs Docker. What a job puts
    # into its image is here already.
    parts = (jobs["migrations"], check, jobs["load"])
    given = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    for job, step in [(part, step) for part in parts for step in part.steps]:
        wanted = {**job.environment, **step.environment, **given}
        if job is jobs["load"]:
            wanted |= PATIENCE
        variables = {
            name: here.get(name, value.replace("$CI_PROJECT_DIR", str(service)))
            for name, value in wanted.items()
        }
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step.script],
            cwd=service,
            env=environment(PATH=f"{tmp_path / 'bin'}{os.pathsep}{PATH}", **variables),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=job.minutes * 60,
            check=False,
        )
        assert done.returncode == 0, (
            f"{step.script}\n{done.stdout[-20_000:]}\n{done.stderr[-2_000:]}"
        )
    assert git(service, "status", "--porcelain") == ""
