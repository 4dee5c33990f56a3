"""Who is measured: the service, its peers, and the service less one layer each."""

from pathlib import Path

from benchmarks.overhead.layers import EVERY_LAYER, LAYERS
from benchmarks.overhead.seed import TENANT
from benchmarks.overhead.service import POOL, Service
from benchmarks.overhead.subjects import Subject, surroundings
from senior_backend.postgres.process import free_port

BARE = "bare FastAPI handler"
TUNED = "bare, tuned like the service"
SERVICE = "generated service"
SYNC = "sync handler, ORM session"

_PEERS = Path(__file__).parent.parent / "bare"
_LAUNCHER = Path(__file__).with_name("without_layer.py")


def peers(service: Service, url: str, logs: Path) -> list[Subject]:
    """The service between those it is compared with; `url` is that of the database."""
    return [
        _peer(service, url, logs, BARE, "fastapi_bare.py"),
        _peer(service, url, logs, TUNED, "fastapi_bare.py", TUNED="1"),
        _service(service, url, logs, SERVICE, "-m", "app"),
        _peer(service, url, logs, SYNC, "fastapi_sync.py"),
    ]


def variants(service: Service, url: str, logs: Path) -> list[Subject]:
    """The service whole, and less one layer each; its name is then that of the missing layer.

    All are started by the same launcher, so that they differ in the layer alone.
    """
    missing = {name: key for key, name in LAYERS.items()} | {EVERY_LAYER: ",".join(LAYERS)}
    return [
        _service(service, url, logs, name, str(_LAUNCHER), keys, TENANT)
        for name, keys in ({SERVICE: ""} | missing).items()
    ]


def _peer(service: Service, url: str, logs: Path, name: str, file: str, **more: str) -> Subject:
    return Subject(
        name=name,
        command=(service.python, str(_PEERS / file)),
        directory=service.directory,
        environment=surroundings()
        | {
            "DATABASE_URL": url,
            "DATABASE_POOL_MAX": str(POOL),
            "TENANT": TENANT,
            "PORT": (port := str(free_port())),
        }
        | more,
        log=logs / f"peer-{port}.log",
    )


def _service(service: Service, url: str, logs: Path, name: str, *arguments: str) -> Subject:
    ports = {"PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    return Subject(
        name=name,
        command=(service.python, *arguments),
        directory=service.directory,
        environment=service.environment(url) | ports,
        log=logs / f"service-{ports['PORT']}.log",
    )
