"""What each tool's module has, and how the tools come onto this machine."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.load.job import Job, Reported
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

BUILD_TIMEOUT_S = 3600


class Peer(Protocol):
    """One tool, called as its users call it."""

    name: str
    keeps_a_rate: bool
    """It can be told requests a second."""
    features: str
    """What stands for the full features."""

    def obtain(self) -> None:
        """Find, fetch or build it; raises ``NotRunError`` with what is missing."""
        ...

    def version(self) -> str:
        """As it says itself."""
        ...

    def command(self, job: Job, directory: Path) -> list[str]:
        """The command line; files that it needs are written to ``directory``."""
        ...

    def report(self, finished: Finished, directory: Path) -> Reported:
        """What it said of its run; raises ``NotRunError`` when it failed."""
        ...


def cache() -> Path:
    """Where built tools are kept from run to run."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "senior-backend" / "bench"


def needed(program: str, how: str) -> str:
    """The path of a program; raises ``NotRunError`` with how to get it."""
    found = shutil.which(program)
    if found is None:
        raise NotRunError(f"{program} is missing: {how}")
    return found


def build(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command that fetches or builds, quietly, and behind all else on this machine."""
    try:
        done = subprocess.run(
            ["nice", "-n", "19", *command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotRunError(f"`{' '.join(command)}` took more than an hour") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotRunError(f"`{' '.join(command)}` failed: {lines[-1] if lines else 'no output'}")


def go_install(program: str, module: str, version: str) -> Path:
    """A Go program from the module proxy, built once; raises ``NotRunError``."""
    path = cache() / f"{program}-{version}" / program
    if not path.exists():
        go = needed("go", f"install Go to measure {program}")
        build(
            [go, "install", "-p", "1", f"{module}@v{version}"],
            {"GOBIN": str(path.parent), "GOMAXPROCS": "1"},
        )
    return path


def output(command: Sequence[str]) -> str:
    """What a command prints; raises ``NotRunError`` when it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=60
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotRunError(f"{Path(command[0]).name} failed: {lines[-1] if lines else 'no output'}")
    return done.stdout.strip() or done.stderr.strip()


def milliseconds(text: str) -> float:
    """``1.5ms``, ``250us``, ``2.00s``, ``1.00m`` in milliseconds."""
    for unit, factor in (("us", 0.001), ("µs", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(f"{text!r} is no duration")
