"""The FastAPI service, its peers, and the service less one layer each."""

import sys
from pathlib import Path

from benchmarks.overhead.layers import EVERY_LAYER, LAYERS
from benchmarks.overhead.preparation import generate, run
from benchmarks.overhead.seed import TENANT
from benchmarks.overhead.subjects import Subject
from benchmarks.overhead.tree import POOL, SERVICE, TUNED, Service, Tree, peer
from senior_backend.errors import InputError
from tests.fixtures.template import ROOT

BARE = "bare FastAPI handler"
SYNC = "sync handler, ORM session"
HOW = (
    "Every server: one process, uvloop, httptools, the same requests. Service and bare handler: "
    f"the same statements on the same pool of {POOL} connections (asyncpg). The service does all "
    "it does in production, its access log into a file included; the others check no token, log "
    "nothing. The service also collects garbage rarely and numbers parameters once: that is tuning "
    "and no layer, so the second bare handler has it too, and the layers' cost is the ratio to it."
)

_PEERS = Path(__file__).parent.parent / "bare"
_LAUNCHER = Path(__file__).with_name("without_layer.py")
_UV = str(Path(sys.executable).with_name("uv"))
_PIP = (_UV, "pip", "install", "--quiet", "--python", ".venv/bin/python")


class FastApiService(Service):
    """It has a virtual environment of its own."""

    @property
    def python(self) -> str:
        """Its interpreter, which runs the peers too: the same versions of everything."""
        return str(self.directory / ".venv/bin/python")

    @property
    def command(self) -> tuple[str, ...]:  # noqa: D102
        return (self.python, "-m", "app")

    def versions(self) -> dict[str, str]:  # noqa: D102
        names = ("fastapi", "uvicorn", "sqlalchemy", "asyncpg", "psycopg", "pydantic")
        program = (
            "import platform, importlib.metadata as m; print('Python', platform.python_version());"
            f"[print(name, m.version(name)) for name in {names!r}]"
        )
        lines = run([self.python, "-c", program], self.directory).splitlines()
        return dict(line.split(" ", 1) for line in lines)


def _prepare(given: Path | None, directory: Path) -> Service:
    if given is None:
        service = generate("fastapi", directory)
        run([_UV, "venv", "--quiet", "--python", sys.executable, ".venv"], service)
        run([*_PIP, "--require-hashes", "-r", "requirements.txt"], service)
    elif (given / ".venv/bin/python").exists():
        service = given.resolve()
    else:
        raise InputError(f"{given} has no .venv: run `make setup` there, or leave out --service")
    # The driver of the synchronous peer, beside the service's own dependencies.
    run([*_PIP, "--constraint", str(ROOT / "requirements.txt"), "psycopg[binary]"], service)
    return FastApiService(service)


def _peers(service: Service, url: str, logs: Path) -> list[Subject]:
    """The service between those it is compared with."""
    return [
        _peer(service, url, logs, BARE, "fastapi_bare.py"),
        _peer(service, url, logs, TUNED, "fastapi_bare.py", TUNED="1"),
        service.subject(url, logs),
        _peer(service, url, logs, SYNC, "fastapi_sync.py"),
    ]


def _peer(service: Service, url: str, logs: Path, name: str, file: str, **more: str) -> Subject:
    command = (service.command[0], str(_PEERS / file))
    return peer(url, logs, name, command, service.directory, **more)


def _variants(service: Service, url: str, logs: Path) -> list[Subject]:
    """The service whole, and less one layer each; its name is then that of the missing layer.

    All are started by the same launcher, so that they differ in the layer alone.
    """
    missing = {name: key for key, name in LAYERS.items()} | {EVERY_LAYER: ",".join(LAYERS)}
    return [
        service.subject(url, logs, name, (service.command[0], str(_LAUNCHER), keys, TENANT))
        for name, keys in ({SERVICE: ""} | missing).items()
    ]


FASTAPI = Tree(BARE, SYNC, HOW, 1.4, _prepare, _peers, _variants)
