"""The Go service and its peers."""

import os
from functools import cache
from pathlib import Path

from benchmarks.overhead.preparation import generate, run
from benchmarks.overhead.subjects import Subject
from benchmarks.overhead.tree import POOL, Service, Tree, peer
from senior_backend.errors import InputError
from tests.template import go

BARE = "bare net/http handler"
STARTER = "gin, GORM"
HOW = (
    "Every server: one process on one core, the same requests. Service and bare handler: the same "
    f"statements through pgx on the same pool of {POOL} connections, writes in a transaction. The "
    "service does all it does in production, its access log into a file included; the bare handler "
    "checks no token, logs nothing. The last one is gin with its default middlewares (a log line, "
    "recovery) and GORM with the calls of its documentation (Preload, Create)."
)

_PEERS = Path(__file__).parent.parent / "bare" / "go"


@cache
def _go() -> str:
    return str(go.folder(os.environ["PATH"]) / "go")


class GoService(Service):
    """It is built, as one program."""

    @property
    def command(self) -> tuple[str, ...]:  # noqa: D102
        return (str(self.directory / "bin/service"),)

    def versions(self) -> dict[str, str]:  # noqa: D102
        told = ("github.com/jackc/pgx/v5",)
        lines = run([_go(), "version", "-m", *self.command], self.directory).splitlines()
        modules = [line.split() for line in lines if line.strip().startswith("dep")]
        return {"Go": lines[0].split()[-1].removeprefix("go")} | {
            name: version for _, name, version, *_ in modules if name in told
        }


def _prepare(given: Path | None, directory: Path) -> Service:
    service = generate("go", directory) if given is None else given.resolve()
    if not (service / "go.mod").exists():
        raise InputError(f"{given} is no Go service: it has no go.mod")
    (command,) = (service / "cmd").iterdir()
    _build(service, f"./cmd/{command.name}", service / "bin/service")
    _build(_PEERS, "./bare", directory / "bare")
    _build(_PEERS, "./starter", directory / "starter")
    return GoService(service)


def _build(module: Path, package: str, target: Path) -> None:
    run(
        [_go(), "build", "-trimpath", "-o", str(target), package],
        module,
        os.environ | go.SETTINGS | {"CGO_ENABLED": "0"},
    )


def _peers(service: Service, url: str, files: Path) -> list[Subject]:
    """The service between those it is compared with."""
    return [
        peer(url, files, BARE, (str(files / "bare"),), files),
        service.subject(url, files),
        peer(url, files, STARTER, (str(files / "starter"),), files, GIN_MODE="release"),
    ]


GO = Tree(BARE, STARTER, HOW, 2.0, _prepare, _peers, tuned=False)
