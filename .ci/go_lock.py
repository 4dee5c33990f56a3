"""Write go.mod and go.sum of the Go tree anew: `go mod tidy` changes neither, whatever the answers.

What only some answers import stands in a condition. Run by `make go-lock` (UPGRADE=1: everything to
the newest version, the tools' modules as well).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import copier
from node_lock import merged

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "template" / "{% if framework == 'go' %}.{% endif %}"
MODULE = "example.com/the-module-of-the-service"
FILES = ("go.mod", "go.sum")
Texts = dict[str, list[str]]


def go(service: Path, *arguments: str) -> None:
    """Run Go in the service."""
    subprocess.run(["go", *arguments], cwd=service, check=True, env={**os.environ, "GOWORK": "off"})


def tidy(directory: Path, *, upgrade: bool, **answers: str) -> Texts:
    """Lines of both files as Go writes them for a service of these answers."""
    data = {"framework": "go", "go_module": MODULE, "project_name": "svc", **answers}
    copier.run_copy(str(ROOT), directory, data, defaults=True, vcs_ref="HEAD", quiet=True)
    if upgrade:
        go(directory, "get", "-u", "-t", "./...")
        go(directory / "tools", "get", "-u", "tool")
    go(directory, "mod", "tidy")
    go(directory / "tools", "mod", "tidy")
    return {name: (directory / name).read_text().splitlines(keepends=True) for name in FILES}


def main() -> int:
    """Write the files of the template."""
    upgrade = bool(os.environ.get("UPGRADE"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        without = tidy(folder / "none", upgrade=upgrade, cache="none")
        with_redis = tidy(folder / "redis", upgrade=upgrade, cache="redis")
        for file in FILES:
            text = merged(without[file], with_redis[file]).replace(MODULE, "{{ go_module }}")
            (TREE / f"{file}.jinja").write_text(text)
            (TREE / "tools" / file).write_text((folder / "redis" / "tools" / file).read_text())
    print("wrote the lock files of go")
    return 0


if __name__ == "__main__":
    sys.exit(main())
