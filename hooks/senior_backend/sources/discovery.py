"""The migration folders below, or around, the paths that a person names."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from senior_backend.errors import InputError
from senior_backend.sources import dialects, plain_sql, purposes
from senior_backend.sources.directory import Directory, shown
from senior_backend.sources.migration import Folder, Migration, NotRead, Transaction
from senior_backend.sources.registry import BY_ID, SOURCES
from senior_backend.sources.source import Options, Source

_LEVELS: Final = 6
"""How far up a folder is looked for around a path outside the repository."""


@dataclass(frozen=True, slots=True)
class Override:
    """What a setting says of a path and all below it: the tool, the transaction, or both."""

    path: Path
    source: str | None = None
    transaction: Transaction | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A migration folder, and which of its migrations were asked for.

    The others come before and between: they are replayed, not reported.
    """

    folder: Folder
    asked: tuple[Migration, ...]
    not_read: tuple[NotRead, ...] = ()
    """Files of the folder that were asked for and are no part of any migration."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """All that stands below the paths named: folders, and files that belong to none."""

    found: tuple[Found, ...] = ()
    not_read: tuple[NotRead, ...] = ()


def discover(paths: Sequence[Path], root: Path, overrides: Sequence[Override] = ()) -> Discovery:
    """Every migration folder that ``paths`` hold or are part of.

    A file, or a directory inside a migration folder, brings the whole folder along, with the
    migrations asked for marked. Paths are shown relative to ``root``, the repository.

    Raises:
        InputError: a path does not exist, or an override names no source.
    """
    for override in overrides:
        if override.source is not None and override.source not in BY_ID:
            known = ", ".join(BY_ID)
            raise InputError(f"{override.source}: no source of migrations; known are {known}")
    search = _Search(_absolute(root), [(_absolute(item.path), item) for item in overrides])
    for path in paths:
        search.add(_absolute(path))
    return search.result()


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - without following links


@dataclass(slots=True)
class _Reached:
    folder: Folder
    files: frozenset[str]
    asked: set[str] = field(default_factory=set)


class _Search:
    """Folders read so far, each once, however many paths lead to it."""

    def __init__(self, root: str, overrides: list[tuple[str, Override]]) -> None:
        self.root = root
        # The innermost setting wins.
        self.overrides = sorted(overrides, key=lambda item: len(item[0]), reverse=True)
        self.claimed: dict[str, _Reached | None] = {}
        self.plain: dict[str, list[_Reached]] = {}
        self.reached: dict[int, _Reached] = {}
        self.not_read: dict[str, NotRead] = {}
        self.listed: dict[str, Directory] = {}

    def add(self, path: str) -> None:
        if os.path.isdir(path):  # noqa: PTH112
            self._add_directory(path)
        elif os.path.lexists(path):
            self._add_file(path)
        else:
            raise InputError(f"{path}: no such file or directory")

    def _add_file(self, path: str) -> None:
        name = shown(path, self.root)
        if not os.path.isfile(path):  # noqa: PTH113
            self._note(NotRead(name, 1, "is no file: a link to nothing, a pipe or a socket", True))
            return
        for reached in self._around(os.path.dirname(path)):  # noqa: PTH120
            if name in reached.files:
                self._ask(reached, {name})
                return
        chosen = self._setting(path).source is not None
        if not chosen and (purpose := purposes.left_out_file(name)):
            self._note(purpose)
            return
        for reached in self._plain_around(os.path.dirname(path)):  # noqa: PTH120
            if name in reached.files:
                self._ask(reached, {name})
                return
        # What a hook names because of its ending, such as Python in any folder called versions.
        reason = "belongs to no migration folder: left out"
        self._note(NotRead(name, 1, reason, whole=True, left_out=True))

    def _add_directory(self, path: str) -> None:
        prefix = shown(path, self.root)
        taken: set[str] = set()
        for reached in self._around(os.path.dirname(path)):  # noqa: PTH120
            inside = {name for name in reached.files if name.startswith(f"{prefix}/")}
            if inside:
                self._ask(reached, inside)
                taken |= inside
        for reached in self._below(self._directory(path), taken):
            self._ask(reached, reached.files)

    def _around(self, start: str) -> Iterator[_Reached]:
        """Folders of tools that may hold a path in ``start``, the outermost first."""
        for path in reversed(self._above(start)):
            reached = self._claimed(path)
            if reached:
                yield reached

    def _plain_around(self, start: str) -> Iterator[_Reached]:
        """Folders of plain SQL for a file in ``start``, which may be the ``down/`` of one."""
        taken = self._taken(self._above(start))
        for path in (os.path.dirname(start), start):  # noqa: PTH120
            yield from self._plain(path, taken)

    def _above(self, start: str) -> list[str]:
        """``start`` and the directories that it is in, up to the repository's root."""
        inside = start == self.root or start.startswith(f"{self.root}/")
        above = [start]
        while above[-1] != (self.root if inside else "/") and (inside or len(above) < _LEVELS):
            above.append(os.path.dirname(above[-1]))  # noqa: PTH120
        return above

    def _taken(self, paths: list[str]) -> set[str]:
        return {
            name
            for path in paths
            if (reached := self.claimed.get(path)) is not None
            for name in reached.files
        }

    def _below(self, directory: Directory, taken: set[str]) -> Iterator[_Reached]:
        if directory.unreadable:
            reason = f"cannot be listed: {directory.unreadable}"
            self._note(NotRead(directory.shown, 1, reason, whole=True))
            return
        self.listed.setdefault(directory.path, directory)
        reached = self._claimed(directory.path, taken)
        if reached:
            yield reached
            taken |= reached.files
            if directory.shown in reached.files:
                return
        for plain in self._plain(directory.path, taken):
            yield plain
            taken |= plain.files
        for name in directory.odd:
            if name.lower().endswith(".sql"):
                path = directory.shown_path(name)
                reason = "is no file: a link to nothing, a pipe or a socket"
                self._note(NotRead(path, 1, reason, whole=True))
        for name, below in directory.directories.items():
            foreign = dialects.left_out_directory(below) or self._purpose(below, taken)
            if foreign and any(part.sql_files for part in below.walk()):
                self._note(foreign)
            elif below.shown not in taken:
                if name.lower().endswith(".sql") and not (below.files or below.directories):
                    self._note(NotRead(below.shown, 1, "is an empty directory", whole=True))
                yield from self._below(below, taken)

    def _purpose(self, directory: Directory, taken: set[str]) -> NotRead | None:
        """Why a directory holds no migrations by its name; None when a tool or setting differs."""
        purpose = purposes.left_out_directory(directory)
        if purpose is None or self._setting(directory.path).source is not None:
            return None
        return None if self._claimed(directory.path, taken) else purpose

    def _claimed(self, path: str, taken: Collection[str] = ()) -> _Reached | None:
        """The folder at ``path`` that a tool claims; plain SQL is asked elsewhere."""
        if path not in self.claimed:
            directory = self._directory(path).without(taken)
            source, options = self._source(directory)
            folder = source.read(directory, options) if source else None
            self.claimed[path] = _Reached(folder, _files(folder)) if folder else None
        return self.claimed[path]

    def _plain(self, path: str, taken: set[str]) -> list[_Reached]:
        """Plain SQL at ``path`` that no tool took: numbered files, then the rest."""
        if path not in self.plain:
            folders: list[_Reached] = []
            hidden = set(taken)
            directory = self._directory(path)
            options = Options(self._setting(path).transaction)
            while plain_sql.claims(left := directory.without(hidden)):
                folder = plain_sql.read(left, options)
                files = _files(folder)
                if not files:
                    break
                folders.append(_Reached(folder, files))
                hidden |= files
            self.plain[path] = folders
        return self.plain[path]

    def _source(self, directory: Directory) -> tuple[Source | None, Options]:
        setting = self._setting(directory.path)
        options = Options(setting.transaction)
        if setting.source is not None:
            source = BY_ID[setting.source]
            own = _absolute(setting.path) == directory.path
            chosen = (
                source if source is not plain_sql and (own or source.claims(directory)) else None
            )
            return chosen, options
        candidates = (source for source in SOURCES if source is not plain_sql)
        return next((one for one in candidates if one.claims(directory)), None), options

    def _setting(self, path: str) -> Override:
        source: str | None = None
        transaction: Transaction | None = None
        at = path
        for prefix, override in self.overrides:
            if path == prefix or path.startswith(f"{prefix}/"):
                if source is None and override.source is not None:
                    source, at = override.source, prefix
                transaction = transaction or override.transaction
        return Override(Path(at), source, transaction)

    def _directory(self, path: str) -> Directory:
        if path not in self.listed:
            self.listed[path] = Directory(path, shown(path, self.root))
        return self.listed[path]

    def _ask(self, reached: _Reached, files: set[str] | frozenset[str]) -> None:
        self.reached.setdefault(id(reached), reached).asked |= files

    def _note(self, not_read: NotRead) -> None:
        self.not_read.setdefault(not_read.path, not_read)

    def result(self) -> Discovery:
        found = [
            Found(
                reached.folder,
                tuple(
                    migration
                    for migration in reached.folder.migrations
                    if not reached.asked.isdisjoint(migration.files)
                ),
                tuple(item for item in reached.folder.not_read if item.path in reached.asked),
            )
            for reached in self.reached.values()
        ]
        return Discovery(tuple(found), tuple(self.not_read.values()))


def _files(folder: Folder) -> frozenset[str]:
    """Every file, and directory left out, that a folder accounts for."""
    return frozenset(
        [
            *(path for migration in folder.migrations for path in migration.files),
            *(item.path for item in folder.not_read),
        ]
    )
