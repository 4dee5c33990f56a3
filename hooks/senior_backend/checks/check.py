"""What a check is, and what it may look at."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Protocol

from senior_backend import git
from senior_backend.errors import InputError
from senior_backend.findings import Finding, NotAnalyzed

BINARY_PROBE_BYTES = 8000
"""How far Git looks for a NUL byte before it calls a file text (buffer_is_binary)."""


class Check(Protocol):
    """The shape of a check's module."""

    ID: str
    SUMMARY: str
    """One sentence for ``--help``."""

    def check(self, tree: "Tree") -> Iterable[Finding | NotAnalyzed]:
        """Everything that is wrong in ``tree``, and what could not be looked at."""
        ...


@dataclass(frozen=True)
class Settings:
    """Section ``checks`` of ``senior-backend.toml``; in its patterns ``*`` also matches ``/``."""

    exclude: tuple[str, ...] = ()
    """Paths, from the repository's root, that no check looks at."""
    ignore_variables: tuple[str, ...] = ()
    """Environment variables that ``env-example-in-sync`` leaves alone."""


@dataclass(frozen=True)
class Tree:
    """The files of a Git work tree that a check may look at; paths are relative to ``root``."""

    root: Path
    settings: Settings = field(default_factory=Settings)
    asked: tuple[Path, ...] = ()
    """The files and folders named by the user; none means all that Git tracks."""

    @cached_property
    def tracked(self) -> tuple[Path, ...]:
        """Every file that Git tracks, without those that the settings exclude."""
        return tuple(p for p in git.tracked_files(self.root) if not self._excluded(p))

    @cached_property
    def selected(self) -> tuple[Path, ...]:
        """The files to check: those asked for, and what Git tracks below the folders asked for.

        Raises:
            InputError: a file that was asked for does not exist.
        """
        if not self.asked:
            return self.tracked
        chosen: dict[Path, None] = {}
        for path in self.asked:
            place = self.root / path
            if place.is_dir():
                chosen.update(dict.fromkeys(p for p in self.tracked if p.is_relative_to(path)))
            elif not place.is_file():
                raise InputError(f"{path}: no such file; check the path and run this again")
            elif not place.is_symlink() and not self._excluded(path):
                chosen[path] = None
        return tuple(chosen)

    def text(self, path: Path) -> str | None:
        """The file's text, or None for a binary file.

        Raises:
            InputError: the file cannot be read.
        """
        try:
            content = (self.root / path).read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        if b"\0" in content[:BINARY_PROBE_BYTES]:
            return None
        return content.decode("utf-8", errors="replace")

    def _excluded(self, path: Path) -> bool:
        return matches(path.as_posix(), self.settings.exclude)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the shell-style ``patterns`` describes the whole ``name``."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
