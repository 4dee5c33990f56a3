"""A directory as migration tools see it: listed once, when first asked, and never again."""

import os
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

SKIPPED: Final = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        ".tox",
        ".nox",
        ".venv",
        "venv",
        ".virtualenv",
        "virtualenv",
        "node_modules",
        "vendor",
        "bower_components",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".terraform",
        "site-packages",
    ]
)
"""Directories of other people's code and of caches: never entered."""


class Directory:
    """Names in a directory; ``shown`` is its path as a person sees it.

    Links to files count as files; links to directories are not followed, so there are no loops.
    """

    def __init__(self, path: str, shown: str, hidden: Collection[str] = ()) -> None:
        self.path = path
        self.shown = shown
        self._hidden = hidden

    @classmethod
    def at(cls, path: Path, root: Path) -> "Directory":
        """``path``, shown relative to ``root`` when it is below it."""
        return cls(str(path), shown(str(path), str(root)))

    @property
    def name(self) -> str:
        """The last part of its path."""
        return os.path.basename(self.path)  # noqa: PTH119 - names may hold anything

    @property
    def root(self) -> Path:
        """Its path."""
        return Path(self.path)

    def path_of(self, name: str) -> str:
        """The path of something in it, to open."""
        return f"{self.path}/{name}"

    def shown_path(self, name: str) -> str:
        """The path of something in it, for a person."""
        return name if self.shown in ("", ".") else f"{self.shown}/{name}"

    @cached_property
    def _entries(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str | None]:
        files: list[str] = []
        directories: list[str] = []
        odd: list[str] = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            if entry.name not in SKIPPED:
                                directories.append(entry.name)
                        elif entry.is_file():
                            files.append(entry.name)
                        elif not entry.is_dir():
                            odd.append(entry.name)
                    except OSError:
                        odd.append(entry.name)
        except OSError as error:
            return (), (), (), error.strerror or type(error).__name__
        return tuple(sorted(files)), tuple(sorted(directories)), tuple(sorted(odd)), None

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Names of files, sorted."""
        names = self._entries[0]
        if not self._hidden:
            return names
        return tuple(name for name in names if self.shown_path(name) not in self._hidden)

    @cached_property
    def sql_files(self) -> tuple[str, ...]:
        """Names of files that end in ``.sql``, in any case, sorted."""
        return tuple(name for name in self.files if name[-4:].lower() == ".sql")

    @cached_property
    def directories(self) -> dict[str, "Directory"]:
        """Directories in it by name, sorted; those of ``SKIPPED`` left out."""
        return {
            name: Directory(self.path_of(name), self.shown_path(name), self._hidden)
            for name in self._entries[1]
        }

    @property
    def odd(self) -> tuple[str, ...]:
        """Names of what is neither file nor directory: pipes, sockets, links to nothing."""
        return self._entries[2]

    @property
    def unreadable(self) -> str | None:
        """Why it could not be listed."""
        return self._entries[3]

    def without(self, shown_paths: Collection[str]) -> "Directory":
        """The same directory, with these files hidden, here and below."""
        copy = Directory(self.path, self.shown, shown_paths)
        copy._entries = self._entries
        return copy

    def walk(self) -> Iterator["Directory"]:
        """It, and every directory below it, parents first."""
        yield self
        for directory in self.directories.values():
            yield from directory.walk()

    def head(self, name: str, size: int = 4096) -> bytes:
        """The first bytes of a file; nothing when it cannot be read."""
        try:
            with open(self.path_of(name), "rb", buffering=0) as file:  # noqa: PTH123 - no Path each
                return file.read(size)
        except OSError:
            return b""


def sample(names: tuple[str, ...], size: int = 3) -> tuple[str, ...]:
    """A few of them: the first, the last and what lies between."""
    if len(names) <= size:
        return names
    return tuple(names[index * (len(names) - 1) // (size - 1)] for index in range(size))


def shown(path: str, root: str) -> str:
    """``path`` relative to ``root`` when it is below it, in POSIX form; else as it is."""
    if path == root:
        return "."
    return path.removeprefix(f"{root}/")
