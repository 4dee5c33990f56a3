"""What there is to measure for one framework."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.overhead.api import REST, Api
from benchmarks.overhead.preparation import read_env, run
from benchmarks.overhead.seed import TENANT
from benchmarks.overhead.subjects import Subject, surroundings
from senior_backend.postgres.process import free_port

SCOPES = "orders:read orders:write"
POOL = 10
# On, and never in the way: more requests a minute than there can be.
RATE_LIMIT_PER_MINUTE = 10_000_000

SERVICE = "generated service"
TUNED = "bare, tuned like the service"


@dataclass(frozen=True)
class Service(ABC):
    """A generated service in `directory`, installed and ready to run."""

    directory: Path

    @property
    @abstractmethod
    def command(self) -> tuple[str, ...]:
        """What starts it; subcommands are added to that."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """What runs in all subjects, by name."""

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
        self._run("migrate", environment=self.environment(database_url))

    def token(self, database_url: str, scopes: str = SCOPES) -> str:
        """A development token of the benchmark's tenant."""
        asked = ("token", "--tenant", TENANT, "--scope", scopes)
        return self._run(*asked, environment=self.environment(database_url)).strip()

    def subject(
        self, url: str, logs: Path, name: str = SERVICE, command: tuple[str, ...] = ()
    ) -> Subject:
        """The service as it is measured; `url` is that of the database."""
        ports = {"PORT": str(free_port()), "METRICS_PORT": str(free_port())}
        return Subject(
            name=name,
            command=command or self.command,
            directory=self.directory,
            environment=self.environment(url) | ports,
            log=logs / f"service-{ports['PORT']}.log",
        )

    def _run(self, *arguments: str, environment: Mapping[str, str]) -> str:
        return run([*self.command, *arguments], self.directory, environment)


def peer(
    url: str, logs: Path, name: str, command: tuple[str, ...], directory: Path, **more: str
) -> Subject:
    """A server of this repository that answers the same requests; `more` is for its environment."""
    port = str(free_port())
    own = {"DATABASE_URL": url, "DATABASE_POOL_MAX": str(POOL), "TENANT": TENANT, "PORT": port}
    return Subject(
        name=name,
        command=command,
        directory=directory,
        environment=surroundings() | own | more,
        log=logs / f"peer-{port}.log",
    )


@dataclass(frozen=True)
class Tree:
    """A framework: how its service is had, who stands beside it, and what the table says of them.

    `prepare` takes the directory of a service that is there already, or ``None`` to generate one,
    and a directory of its own. `peers` and `variants` take the service, the database's URL and a
    directory for logs and files; `variants` are the service less one layer each.
    """

    bare: str
    rival: str
    how: str
    goal: float
    """The most that a request may cost, as a multiple of the bare handler's."""
    prepare: Callable[[Path | None, Path], Service]
    peers: Callable[[Service, str, Path], list[Subject]]
    variants: Callable[[Service, str, Path], list[Subject]] | None = None
    api: Api = REST
    tuned: bool = True
    """Whether a second bare handler has the service's tuning, which is no layer."""

    @property
    def baselines(self) -> tuple[str, ...]:
        """What the service is judged by."""
        return (self.bare, TUNED) if self.tuned else (self.bare,)

    @property
    def columns(self) -> tuple[str, ...]:
        """Who is compared, in the table's order."""
        return (*self.baselines, SERVICE, self.rival)
