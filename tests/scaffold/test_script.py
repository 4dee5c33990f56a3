"""The command of the skill, word for word, from a checkout."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.fixtures.template import ROOT, git


def test_the_script_needs_no_installation_of_this_package(
    tmp_path: Path, template_repository: Path
) -> None:
    """``-S`` would also hide click: an empty package in front shows whose code runs."""
    decoy = tmp_path / "decoy" / "senior_backend"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise SystemExit('not the checkout')")
    done = subprocess.run(
        [
            sys.executable, template_repository / "scripts" / "api_scaffolder.py",
            "./services/payments-api", "--framework", "fastapi", "--style", "rest",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(decoy.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    service = tmp_path / "services" / "payments-api"
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == f"git+file://{template_repository}"
    assert answers["project_name"] == "payments-api"
    hooks = yaml.safe_load((service / ".pre-commit-config.yaml").read_text())["repos"]
    ours = next(r for r in hooks if r["repo"] == f"file://{template_repository}")
    assert ours["rev"] == git(template_repository, "rev-parse", "HEAD")


def test_without_the_requirements_the_remedy_is_named() -> None:
    script = ROOT / "scripts" / "api_scaffolder.py"
    done = subprocess.run(
        [sys.executable, "-S", script, "svc"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "",
        "api_scaffolder: click is not installed: pip install -r requirements.txt\n",
    )
