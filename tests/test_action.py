"""action.yml: what its linters say, and its steps run by bash as a runner runs them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.migrations.conftest import Repository

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, LINT = ACTION["runs"]["steps"]

TABLE = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
INDEX = "CREATE INDEX {} ON orders (note);\n"


@pytest.mark.parametrize(
    "command",
    [
        ("check-jsonschema", "--builtin-schema", "vendor.github-actions"),
        ("zizmor", "--offline", "--quiet"),
    ],
    ids=lambda command: command[0],
)
def test_the_linters_find_nothing(command: tuple[str, ...]) -> None:
    program, *arguments = command
    done = subprocess.run(
        [TOOLS / program, *arguments, ROOT / "action.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_text_of_others_reaches_scripts_through_the_environment_only() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def test_every_input_is_described_and_used() -> None:
    used = str(ACTION["runs"])
    for name, given in ACTION["inputs"].items():
        assert given["description"]
        assert f"inputs.{name} " in used


@dataclass(frozen=True)
class Ended:
    """How a step ended: its code, what it printed, its outputs, and the job's summary."""

    code: int
    printed: str
    outputs: str
    summary: str


class Runner:
    """A job's machine: a clone of the repository, and a directory for temporary files."""

    def __init__(self, workspace: Path, temporary: Path) -> None:
        self.workspace, self.temporary = workspace, temporary
        self.temporary.mkdir(exist_ok=True)

    def run(
        self, step: Mapping[str, Any], *, base_ref: str = "", inputs: Mapping[str, str] = {}
    ) -> Ended:
        """Run a step with GitHub's expressions filled in."""
        context = {
            "github.action_path": str(ROOT),
            "github.base_ref": base_ref,
            **{
                f"inputs.{name}": inputs.get(name, given["default"])
                for name, given in ACTION["inputs"].items()
            },
        }
        variables = {
            name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: context[found[1]], value)
            for name, value in step["env"].items()
        }
        outputs, summary = self.temporary / "outputs", self.temporary / "summary"
        for file in (outputs, summary):
            file.write_text("")
        script = self.temporary / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env={
                **os.environ,
                **variables,
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RUNNER_TEMP": str(self.temporary),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(
            done.returncode, done.stdout + done.stderr, outputs.read_text(), summary.read_text()
        )


@pytest.fixture
def origin(tmp_path: Path) -> Repository:
    """A repository whose main holds a finding, and whose branch adds another."""
    made = Repository(tmp_path / "origin")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    made.write({"db/001_orders.sql": TABLE, "db/002_old.sql": INDEX.format("old")})
    made.commit()
    made.git("checkout", "-qb", "feature")
    made.write({"db/003_new.sql": INDEX.format("new")})
    made.commit()
    return made


@pytest.fixture
def runner(origin: Repository, tmp_path: Path) -> Runner:
    """What actions/checkout leaves on a branch: one commit, no other branch."""
    found = Runner(tmp_path / "workspace", tmp_path / "runner")
    depth = ("--depth=1", "--branch=feature")
    origin.git("clone", "-q", *depth, f"file://{origin.root}", str(found.workspace))
    return found


@pytest.fixture
def installed(runner: Runner) -> Runner:
    """With the program where the first step puts it."""
    program = runner.temporary / "senior-backend" / "bin" / "senior-backend"
    program.parent.mkdir(parents=True)
    program.symlink_to(TOOLS / "senior-backend")
    return runner


def annotated(ended: Ended) -> list[str]:
    return re.findall(
        r"^::error file=([^,]+),line=1,.*title=index-not-conc", ended.printed, re.MULTILINE
    )


class TestLint:
    def test_a_pull_request_is_told_of_what_it_adds(self, installed: Runner) -> None:
        ended = installed.run(LINT, base_ref="main")
        assert (ended.code, ended.outputs) == (1, "exit-code=1\n")
        assert annotated(ended) == ["db/003_new.sql"]
        assert "`db/003_new.sql:1`" in ended.summary
        assert "CREATE INDEX CONCURRENTLY new" in ended.summary
        assert "002_old" not in ended.summary

    def test_a_pull_request_without_migrations_is_clean(
        self, origin: Repository, installed: Runner
    ) -> None:
        origin.git("checkout", "-q", "main")
        origin.git("merge", "-q", "feature")
        ended = installed.run(LINT, base_ref="main")
        assert (ended.code, ended.outputs, annotated(ended)) == (0, "exit-code=0\n", [])

    def test_outside_a_pull_request_everything_is_linted(self, installed: Runner) -> None:
        ended = installed.run(LINT)
        assert (ended.code, annotated(ended)) == (1, ["db/002_old.sql", "db/003_new.sql"])

    @pytest.mark.parametrize(
        ("inputs", "code", "found"),
        [
            ({"since": ""}, 1, ["db/002_old.sql", "db/003_new.sql"]),
            ({"since": "HEAD"}, 0, []),
            ({"since": "nowhere"}, 2, []),
            ({"paths": "db/001_orders.sql", "since": ""}, 0, []),
            ({"paths": "db/001_orders.sql\ndb/003_new.sql\n"}, 1, ["db/003_new.sql"]),
            ({"paths": "elsewhere"}, 2, []),
            ({"paths": "$(touch stolen); db", "since": ""}, 2, []),
            ({"pg": "18"}, 1, ["db/003_new.sql"]),
            ({"pg": "9"}, 2, []),
            ({"paths": "db/001_orders.sql", "fail-on": "note"}, 0, []),
            ({"fail-on": "everything"}, 2, []),
        ],
    )
    def test_inputs_are_options(
        self, installed: Runner, inputs: dict[str, str], code: int, found: list[str]
    ) -> None:
        ended = installed.run(LINT, base_ref="main", inputs=inputs)
        assert (ended.code, ended.outputs) == (code, f"exit-code={code}\n"), ended.printed
        assert annotated(ended) == found
        assert not (installed.workspace / "stolen").exists()

    def test_sarif_is_written_where_it_is_asked_for(self, installed: Runner) -> None:
        installed.run(LINT, base_ref="main", inputs={"sarif": "out.sarif"})
        assert '"db/003_new.sql"' in (installed.workspace / "out.sarif").read_text()

    def test_a_target_that_cannot_be_fetched_is_said(self, installed: Runner) -> None:
        ended = installed.run(LINT, base_ref="gone")
        assert (ended.code, ended.outputs) == (2, "exit-code=2\n")
        assert "origin/gone: no revision" in ended.printed


@pytest.mark.verify
def test_the_first_step_installs_what_the_second_runs(runner: Runner) -> None:
    inputs = {"trace": "true", "comment-file": "comment.md"}
    ended = runner.run(INSTALL, inputs=inputs)
    assert ended.code == 0, ended.printed
    ended = runner.run(LINT, base_ref="main", inputs=inputs)
    assert (ended.code, annotated(ended)) == (1, ["db/003_new.sql"])
    said = (runner.workspace / "comment.md").read_text()
    assert said == ended.summary
    linted, traced = said.index("index-not-concurrent"), said.index("PostgreSQL 18")
    assert linted < traced < said.rindex("writes")
    assert "002_old" not in said


def test_a_python_that_is_too_old_is_told_so(runner: Runner) -> None:
    old = runner.temporary / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    path = os.environ["PATH"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{runner.temporary}{os.pathsep}{path}")
        ended = runner.run(INSTALL)
    assert ended.code == 3
    assert ended.printed.startswith("::error::Python 3.11 or newer is needed")
