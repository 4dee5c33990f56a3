"""The command of the skill, word for word, from a checkout."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fixtures.template import ROOT
from tests.load.cli import GENEROUS
from tests.load.service import service

SCRIPT = ROOT / "scripts" / "api_load_tester.py"


def test_the_script_needs_no_installation_and_no_folder(tmp_path: Path) -> None:
    """Packages that come first in the path, and modules beside the user, are not ours."""
    decoy = tmp_path / "decoy" / "senior_backend"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise SystemExit('not the checkout')")
    here = tmp_path / "here"
    here.mkdir()
    for name in ("select.py", "socket.py", "pydantic.py"):
        (here / name).write_text("raise SystemExit('not the standard library')")
    with service() as target:
        done = subprocess.run(
            [
                sys.executable, SCRIPT, "--target", f"http://localhost:{target.port}/api/v1",
                "--rps", "100", "--duration", "500ms", "--output", "results/load-test.json",
                *GENEROUS,
            ],
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(decoy.parent)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        sent = target.count("/api/v1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n")[0] == f"100 rps for 500 ms to localhost:{target.port}"
    document = json.loads((here / "results" / "load-test.json").read_text())
    assert document["completed"] == sent == 50
    assert document["target"] == f"http://localhost:{target.port}/api/v1"


def test_the_line_at_the_start_is_that_of_the_documentation(tmp_path: Path) -> None:
    """The host of the documentation is not there: what is printed before that counts."""
    documented = re.search(
        r"^python scripts/api_load_tester\.py (--target \S+ --rps .+)$",
        (ROOT / "SKILL.md").read_text(),
        re.MULTILINE,
    )
    assert documented
    arguments = documented[1]
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments.replace("example.com", "invalid").split()],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "500 rps for 60 s to staging.invalid\n"
    assert done.returncode == 3
    assert done.stderr.startswith("senior-backend: staging.invalid: unknown host")
    assert (tmp_path / "results").is_dir()


def test_without_the_requirements_the_remedy_is_named() -> None:
    done = subprocess.run([sys.executable, "-S", SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "",
        "api_load_tester: click is not installed: pip install -r requirements.txt\n",
    )
