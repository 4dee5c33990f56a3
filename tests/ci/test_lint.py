"""What `make lint` looks at."""

import subprocess
import sys
from pathlib import Path

from tests.fixtures.template import ROOT


def _lines(*command: str | Path) -> set[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def test_every_python_file_is_linted_but_for_those_of_the_template():
    ruff = Path(sys.executable).with_name("ruff")
    linted = _lines(ruff, "check", "--show-files", ".")
    tracked = {ROOT / name for name in _lines("git", "ls-files", "*.py", "*.pyi")}
    passed_over = {path.relative_to(ROOT) for path in tracked if str(path) not in linted}
    # Files of the template are linted where they are files of a service.
    assert {path.parts[0] for path in passed_over} == {"template"}
