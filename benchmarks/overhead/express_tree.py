"""The Express service and its peers.

Its layers are not measured one by one: its modules are sealed once they are loaded, so a layer can
only be left out by a service that is written otherwise.
"""

import json
import os
import shutil
from functools import cache
from pathlib import Path

from benchmarks.overhead.preparation import generate, run
from benchmarks.overhead.subjects import Subject
from benchmarks.overhead.tree import POOL, TUNED, Service, Tree, peer
from senior_backend.errors import InputError
from tests.template import node

BARE = "bare Express handler"
STARTER = "express-typescript, Prisma"
HOW = (
    "Every server: one process, the same requests, NODE_ENV=production. Service and bare handler: "
    f"the same statements through Prisma on the same pool of {POOL} connections (pg), writes in a "
    "transaction. The service does all it does in production, its access log into a file "
    "included; the bare handlers check no token, log nothing. The second one leaves out what the "
    "service leaves out of Express and what is no layer: ETags hashed from bodies, X-Powered-By, "
    "the parser of queries, `response.json`. The last one is the request path of the starter "
    "edwinhern/express-typescript 1.0.14 at its versions (body parsers, CORS, Helmet, "
    "express-rate-limit, pino-http into a file, zod; no token, no timeout, no metrics, no "
    "Idempotency-Key) with Prisma's own calls (`include`)."
)

_PEERS = Path(__file__).parent.parent / "bare" / "express"


@cache
def _folder() -> Path:
    """Of `node` and `npm`."""
    return node.folder(os.environ["PATH"])


def _node() -> str:
    return str(_folder() / "node")


class ExpressService(Service):
    """It is built, with its packages in `node_modules`."""

    @property
    def command(self) -> tuple[str, ...]:  # noqa: D102
        return (_node(), "dist/main.js")

    def environment(self, database_url: str) -> dict[str, str]:  # noqa: D102
        return super().environment(database_url) | {"NODE_ENV": "production"}

    def versions(self) -> dict[str, str]:  # noqa: D102
        names = ("express", "@prisma/client", "@prisma/adapter-pg", "pg", "pino", "zod")
        packages = {name: self.directory / "node_modules" / name / "package.json" for name in names}
        versions = {
            name: json.loads(package.read_text())["version"] for name, package in packages.items()
        }
        return {"Node": run([_node(), "--version"], self.directory).strip().lstrip("v")} | versions


def _prepare(given: Path | None, directory: Path) -> Service:
    if given is None:
        service = generate("express", directory)
        _npm(service, "ci")
        _npm(service, "run", "--silent", "build")
    elif (given / "dist/main.js").exists():
        service = given.resolve()
    else:
        raise InputError(
            f"{given} is not built: run `npm ci && npm run build` there, or leave out --service"
        )
    starter = directory / "starter"
    shutil.copytree(_PEERS, starter)
    _npm(starter, "ci")
    # The bare handler finds the service's packages, the starter its own.
    bare = directory / "bare"
    bare.mkdir()
    shutil.copy(_PEERS / "bare.js", bare)
    (bare / "package.json").write_text('{"type": "module"}\n')
    (bare / "node_modules").symlink_to(service / "node_modules")
    return ExpressService(service)


def _npm(directory: Path, *arguments: str) -> None:
    environment = os.environ | {
        "PATH": os.pathsep.join((str(_folder()), os.environ["PATH"])),
        "PRISMA_SCHEMA_ENGINE_BINARY": _node(),  # never run here; named, it is not downloaded
    }
    run([str(_folder() / "npm"), *arguments, "--no-audit", "--no-fund"], directory, environment)


def _peers(service: Service, url: str, logs: Path) -> list[Subject]:
    """The service between those it is compared with."""
    return [
        _peer(service, url, logs, BARE, "bare/bare.js"),
        _peer(service, url, logs, TUNED, "bare/bare.js", TUNED="1"),
        service.subject(url, logs),
        _peer(service, url, logs, STARTER, "starter/starter.js"),
    ]


def _peer(service: Service, url: str, files: Path, name: str, file: str, **more: str) -> Subject:
    own = {"NODE_ENV": "production", "SERVICE": str(service.directory)}
    return peer(url, files, name, (_node(), str(files / file)), files, **own, **more)


EXPRESS = Tree(BARE, STARTER, HOW, _prepare, _peers)
