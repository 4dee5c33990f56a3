"""Public repositories at fixed commits, unpacked outside of this one."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from benchmarks.lint.manifest import Repository
from senior_backend.errors import NotRunError

VARIABLE = "MIGRATION_LINT_CORPUS"


def cache() -> Path:
    """Where fetched and unpacked things are kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "senior-backend" / "benchmarks"


class Corpus:
    """Folders of public repositories.

    ``mirror`` is a directory of Git directories (``OWNER+NAME`` or ``OWNER/NAME``, bare or not) to
    read instead of the network.
    """

    def __init__(self, directory: Path, mirror: Path | None = None) -> None:
        self.directory = directory
        self.mirror = mirror

    def unpacked(self, repository: Repository) -> Path:
        """The wanted parts of a repository at its commit; raises ``NotRunError``."""
        name = repository.name.replace("/", "+")
        place = self.directory / "trees" / f"{name}@{repository.commit[:12]}"
        if not place.exists():
            git = self._mirrored(repository) or self._fetched(repository)
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as part:
                _unpack(git, repository, Path(part) / "tree")
                shutil.move(Path(part) / "tree", place)
        return place

    def _mirrored(self, repository: Repository) -> Path | None:
        if self.mirror is None:
            return None
        for name in (repository.name.replace("/", "+"), repository.name):
            for inner in ("", "repo", ".git", "repo/.git"):
                git = self.mirror / name / inner
                if (git / "HEAD").is_file() and (git / "objects").is_dir():
                    return git
        raise NotRunError(
            f"{self.mirror} has no {repository.name}: clone it there, or leave out --corpus"
        )

    def _fetched(self, repository: Repository) -> Path:
        git = self.directory / "git" / repository.name.replace("/", "+")
        if not git.exists():
            git.mkdir(parents=True)
            _git(git, "init", "--quiet", "--bare")
            _git(git, "remote", "add", "origin", f"https://github.com/{repository.name}.git")
        _git(
            git, "fetch", "--quiet", "--depth", "1", "--filter=blob:none", "origin",
            repository.commit,
        )  # fmt: skip
        return git


def _unpack(git: Path, repository: Repository, into: Path) -> None:
    """Write the wanted files. What is left out never reaches the disk."""
    paths = [*repository.paths, *(f":(exclude){path}" for path in repository.without)]
    archive = _git(git, "archive", "--format=tar", repository.commit, "--", *paths)
    into.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        # Python before 3.11.4 may have no filters; Git itself names no path outside of the tree.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(into)


def _git(git: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", f"--git-dir={git}", *arguments], capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or ["failed"]
        raise NotRunError(f"git {arguments[0]} in {git}: {reason[-1]}")
    return done.stdout
