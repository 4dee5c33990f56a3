"""Run a generated service's Makefile as its people do: a plain shell, their PATH, uv, Node, Go."""

import os
import subprocess
import sys
from pathlib import Path

from tests.template import go, node

TOOLS = Path(sys.executable).parent
# Of this environment a service's make may see uv only; its own tools come from its own lock.
MACHINE = os.pathsep.join(
    part for part in os.environ["PATH"].split(os.pathsep) if Path(part).resolve() != TOOLS.resolve()
)
PATH = os.pathsep.join((str(node.folder(MACHINE)), str(go.folder(MACHINE)), MACHINE))
UV = TOOLS / "uv"


def environment(**variables: str) -> dict[str, str]:
    """An environment for make, without what the caller's shell or pytest has set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"HOME", "LANG", "TMPDIR", "USER", "NODE_EXTRA_CA_CERTS"}
        or name in {"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB"}
        or name.startswith(("PIP_", "UV_", "SSL_", "npm_config_"))
    }
    return {**kept, **go.SETTINGS, "PATH": PATH, "UV_PYTHON_DOWNLOADS": "never", **variables}


# For services that answer on a machine with neighbours: what is slow there shall not be refused.
PATIENCE = {
    "DATABASE_POOL_ACQUIRE_TIMEOUT_MS": "60000",
    "DATABASE_STATEMENT_TIMEOUT_MS": "60000",
    "REQUEST_TIMEOUT_MS": "60000",
}


def command(*arguments: str) -> list[str]:
    """The make command line; ``UV=`` spares each service the download of a uv of its own."""
    return ["make", "--no-print-directory", f"UV={UV}", *arguments]


def make(
    service: Path, *arguments: str, timeout: float = 600, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run make in `service` and wait; `variables` are added to its environment."""
    return subprocess.run(
        command(*arguments),
        cwd=service,
        env=environment(**variables),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        check=False,
    )


def succeed(service: Path, *arguments: str, **variables: str) -> str:
    """Standard output of a make that must exit 0."""
    result = make(service, *arguments, **variables)
    assert result.returncode == 0, f"make {' '.join(arguments)}\n{result.stdout}\n{result.stderr}"
    return result.stdout
