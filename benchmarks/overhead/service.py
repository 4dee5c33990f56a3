"""The generated service, installed from its lock and ready to be measured."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.overhead.seed import TENANT
from benchmarks.overhead.subjects import surroundings
from senior_backend.errors import NotRunError
from tests.fixtures.template import ROOT, answer_flags, commit_all, copier, snapshot

SCOPES = "orders:read orders:write"
POOL = 10
# On, and never in the way: more requests a minute than there can be.
RATE_LIMIT_PER_MINUTE = 10_000_000

UV = str(Path(sys.executable).with_name("uv"))
PIP = (UV, "pip", "install", "--quiet", "--python", ".venv/bin/python")


@dataclass(frozen=True)
class Service:
    """A generated service in `directory`, with a virtual environment of its own."""

    directory: Path

    @property
    def python(self) -> str:
        """Its interpreter, which runs the peers too: the same versions of everything."""
        return str(self.directory / ".venv/bin/python")

    def environment(self, database_url: str) -> dict[str, str]:
        """As `.env.example` has it, with this database, and without a wait at the end."""
        return (
            surroundings()
            | read_env(self.directory / ".env.example")
            | {
                "DATABASE_URL": database_url,
                "DATABASE_POOL_MAX": str(POOL),
                "RATE_LIMIT_PER_MINUTE": str(RATE_LIMIT_PER_MINUTE),
                "SHUTDOWN_DRAIN_MS": "0",
            }
        )

    def migrate(self, database_url: str) -> None:
        """Bring a database to the service's schema."""
        self._app("migrate", environment=self.environment(database_url))

    def token(self, database_url: str) -> str:
        """A development token of the benchmark's tenant."""
        asked = ("token", "--tenant", TENANT, "--scope", SCOPES)
        return self._app(*asked, environment=self.environment(database_url)).strip()

    def versions(self) -> dict[str, str]:
        """What runs in all subjects, by name."""
        names = ("fastapi", "uvicorn", "sqlalchemy", "asyncpg", "psycopg", "pydantic")
        program = (
            "import platform, importlib.metadata as m; print('Python', platform.python_version());"
            f"[print(name, m.version(name)) for name in {names!r}]"
        )
        lines = run([self.python, "-c", program], self.directory).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def _app(self, *arguments: str, environment: Mapping[str, str]) -> str:
        return run([self.python, "-m", "app", *arguments], self.directory, environment)


def generate(directory: Path) -> Service:
    """Generate the FastAPI service from this checkout into `directory`, and install it."""
    template = snapshot(directory / "template")
    service = directory / "service"
    answers = {"framework": "fastapi", "example": "orders"}
    copied = copier("copy", "--defaults", *answer_flags(answers), template, service)
    if copied.returncode:
        raise NotRunError(f"copier failed: {copied.stderr.strip().splitlines()[-1]}")
    commit_all(service, "Start the service")
    install(service)
    install_psycopg(service)
    return Service(service)


def install(service: Path) -> None:
    """A virtual environment in `service` with its locked dependencies."""
    run([UV, "venv", "--quiet", "--python", sys.executable, ".venv"], service)
    run([*PIP, "--require-hashes", "-r", "requirements.txt"], service)


def install_psycopg(service: Path) -> None:
    """The driver of the synchronous peer, beside the service's own dependencies."""
    run([*PIP, "--constraint", str(ROOT / "requirements.txt"), "psycopg[binary]"], service)


def read_env(path: Path) -> dict[str, str]:
    """The variables that a `.env` file sets; empty ones are left out."""
    lines = path.read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs if value}


def run(command: list[str], directory: Path, environment: Mapping[str, str] | None = None) -> str:
    """The output of a command. Raises ``NotRunError`` with its last line when it fails."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=None if environment is None else dict(environment),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotRunError(f"`{' '.join(command)}` failed: {lines[-1] if lines else 'no output'}")
    return done.stdout
