"""What both Node trees need: the toolchain, a built service, peers that find its packages."""

import json
import os
import shutil
from functools import cache
from pathlib import Path

from benchmarks.overhead.preparation import generate, run
from benchmarks.overhead.subjects import Subject
from benchmarks.overhead.tree import SERVICE, TUNED, Service, peer
from senior_backend.errors import InputError
from tests.template import node


@cache
def _folder() -> Path:
    """Of `node` and `npm`."""
    return node.folder(os.environ["PATH"])


def _node() -> str:
    return str(_folder() / "node")


class NodeService(Service):
    """It is built, with its packages in `node_modules`."""

    @property
    def command(self) -> tuple[str, ...]:  # noqa: D102
        return (_node(), "dist/main.js")

    def environment(self, database_url: str) -> dict[str, str]:  # noqa: D102
        return super().environment(database_url) | {"NODE_ENV": "production"}

    def versions(self) -> dict[str, str]:  # noqa: D102
        named = json.loads((self.directory / "package.json").read_text())["dependencies"]
        told = ("express", "graphql", "graphql-yoga", "@prisma/client", "@prisma/adapter-pg", "pg")
        packages = self.directory / "node_modules"
        versions = {
            name: json.loads((packages / name / "package.json").read_text())["version"]
            for name in (*told, "pino", "zod")
            if name in named
        }
        return {"Node": run([_node(), "--version"], self.directory).strip().lstrip("v")} | versions


def prepare(framework: str, peers: Path, given: Path | None, directory: Path) -> Service:
    """A built service, and beside it the servers of the folder `peers`, `bare` and `starter`.

    The bare handler finds the service's packages, the starter its own.
    """
    if given is None:
        service = generate(framework, directory)
        _npm(service, "ci")
        _npm(service, "run", "--silent", "build")
    elif (given / "dist/main.js").exists():
        service = given.resolve()
    else:
        raise InputError(
            f"{given} is not built: run `npm ci && npm run build` there, or leave out --service"
        )
    starter = directory / "starter"
    shutil.copytree(peers, starter)
    _npm(starter, "ci")
    bare = directory / "bare"
    shutil.copytree(peers, bare, ignore=shutil.ignore_patterns("package*.json", "starter.js"))
    (bare / "package.json").write_text('{"type": "module"}\n')
    (bare / "node_modules").symlink_to(service / "node_modules")
    return NodeService(service)


def _npm(directory: Path, *arguments: str) -> None:
    environment = os.environ | {
        "PATH": os.pathsep.join((str(_folder()), os.environ["PATH"])),
        "PRISMA_SCHEMA_ENGINE_BINARY": _node(),  # never run here; named, it is not downloaded
    }
    run([str(_folder() / "npm"), *arguments, "--no-audit", "--no-fund"], directory, environment)


def compared(
    service: Service, url: str, files: Path, *, bare: str, starter: str, tuned: bool
) -> list[Subject]:
    """The service between those it is compared with; `bare` and `starter` are their names."""

    def other(name: str, file: str, **more: str) -> Subject:
        own = {"NODE_ENV": "production", "SERVICE": str(service.directory)}
        return peer(url, files, name, (_node(), str(files / file)), files, **own, **more)

    return [
        other(bare, "bare/bare.js"),
        *([other(TUNED, "bare/bare.js", TUNED="1")] if tuned else []),
        service.subject(url, files, SERVICE),
        other(starter, "starter/starter.js"),
    ]
