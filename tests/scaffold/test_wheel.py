"""An installed copy needs no checkout: it carries its questions and knows where it came from."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.fixtures.template import git

pytestmark = pytest.mark.verify


def uv(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def installed(environment: Path, requirement: str) -> Path:
    """The ``senior-backend`` command of a new environment that holds ``requirement``."""
    uv("venv", "--quiet", "--python", sys.executable, environment)
    uv("pip", "install", "--quiet", "--python", environment / "bin" / "python", requirement)
    return environment / "bin" / "senior-backend"


def call(command: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, template_repository: Path) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", out, template_repository)
    (built,) = out.glob("*.whl")
    return built


def test_a_wheel_alone_has_the_questions_the_checks_and_the_pages(
    tmp_path: Path, wheel: Path
) -> None:
    command = installed(tmp_path / "environment", str(wheel))
    shown = call(command, "new", "--help", cwd=tmp_path)
    assert "--framework [fastapi" in shown.stdout
    page = call(command, "explain", "no-conflict-markers", cwd=tmp_path)
    assert page.stdout.startswith("# No conflict markers")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text("<<<<<<< a\n=======\n>>>>>>> b\n")
    assert call(command, "check", "no-conflict-markers", "a", cwd=tmp_path).returncode == 1
    # Without the extra there is no Copier, and no template is written.
    done = call(command, "new", "svc", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("senior-backend: Copier is not installed in this environment")
    assert not (tmp_path / "svc").exists()


def test_an_installation_from_git_generates_from_the_same_commit(
    tmp_path: Path, template_repository: Path
) -> None:
    commit = git(template_repository, "rev-parse", "HEAD")
    address = f"git+file://{template_repository}"
    requirement = f"senior-backend[scaffold] @ {address}@{commit}"
    command = installed(tmp_path / "environment", requirement)
    done = call(command, "new", "svc", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    answers = yaml.safe_load((tmp_path / "svc" / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == address
    assert answers["_commit"] == "v1.0.0"  # the tag of that commit
