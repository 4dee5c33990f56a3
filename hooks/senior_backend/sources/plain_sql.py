"""Folders of ``.sql`` files that no tool claims, and single files.

Who runs them is unknown; psql is assumed, which runs each statement on its own unless told ``-1``
(PostgreSQL docs, psql, ``--single-transaction``).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from senior_backend.sources import dialects, naming, purposes, writing
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import (
    Folder,
    Migration,
    NewMigration,
    NotRead,
    Segment,
    WrittenFiles,
)
from senior_backend.sources.pairs import Direction, SqlFile, migrations
from senior_backend.sources.source import Options

ID: Final = "plain_sql"
TITLE: Final = "plain SQL files"

UP_DIRECTORIES: Final = frozenset({"up", "ups", "deploy"})
DOWN_DIRECTORIES: Final = frozenset(
    {"down", "downs", "rollback", "rollbacks", "undo", "revert", "reverts"}
)
_UP_WORDS: Final = frozenset({"up", "do", "deploy"})
_DOWN_WORDS: Final = frozenset({"down", "undo", "rollback", "revert"})
_LAST: Final = re.compile(
    r"(?P<stem>.*?)(?P<mark>[._-]|^)(?P<word>up|do|deploy|down|undo|rollback|revert)$",
    re.IGNORECASE | re.DOTALL,
)
# Postgrator's 001.do.orders.sql and 001.undo.orders.sql.
_SECOND: Final = re.compile(r"(\d+)[._](do|undo)[._](.*)$", re.IGNORECASE | re.DOTALL)

# squawk's comment for a file that no transaction is assumed around (squawk docs, CLI).
_ALONE: Final = re.compile(rb"(?:--|/\*)\s*squawk-disable-assume-in-transaction\b")

_ENDING: Final = re.compile(r"([._-](?:up|do|down|undo|rollback|revert))?\.sql$", re.IGNORECASE)


def claims(directory: Directory) -> bool:
    """Whether it holds ``.sql`` files, itself or in folders for each way."""
    return bool(directory.sql_files) or any(
        name.lower() in UP_DIRECTORIES and below.sql_files
        for name, below in directory.directories.items()
    )


def read(directory: Directory, options: Options) -> Folder:
    """Numbered files in the order of their numbers; without any, all in the order of names.

    Where some are numbered, the others (a schema dump, seeds) are no part of the sequence: they
    are left for a folder of their own.
    """
    chosen = dialects.for_postgres(directory.sql_files)
    files = [*_own(directory, chosen), *_below(directory)]
    numbered = any(naming.stem_of(file.stem).version for file in files)
    if numbered:
        files = [file for file in files if naming.stem_of(file.stem).version]
    found = migrations(ID, files, options.transaction or "statement")
    if options.transaction:
        found = tuple(map(_as_the_file_says, found))
    others = {} if numbered else dict(_of_other_purpose(found))
    found = tuple(one for one in found if one.path not in others)
    return Folder(
        ID,
        directory.root,
        found,
        (
            *others.values(),
            *(
                dialects.left_out(directory.shown_path(name), reason)
                for name, reason in chosen.left_out.items()
            ),
        ),
        has_downs=any(migration.down is not None for migration in found),
    )


def _as_the_file_says(migration: Migration) -> Migration:
    """As the settings say it runs, or without a transaction where a comment in the file says so."""

    def stated(segment: Segment) -> Segment:
        alone = _ALONE.search(segment.text.data)
        transaction = "statement" if alone else segment.transaction
        return Segment(segment.text, transaction, stated=True)

    down = None if migration.down is None else tuple(map(stated, migration.down))
    return replace(migration, up=tuple(map(stated, migration.up)), down=down)


def _of_other_purpose(found: tuple[Migration, ...]) -> Iterator[tuple[str, NotRead]]:
    """Files that are no migrations, by path, with why."""
    for migration in found:
        for segment in migration.up:
            if purpose := purposes.left_out_text(segment.text):
                yield migration.path, purpose


def _own(directory: Directory, chosen: dialects.Sorted) -> Iterator[SqlFile]:
    stems = {key[:-4] for key in chosen.names}
    for key, name in chosen.names.items():
        stem, direction = _direction(key[:-4], stems)
        yield SqlFile(directory, name, stem, direction)


def _below(directory: Directory) -> Iterator[SqlFile]:
    for folder, below in directory.directories.items():
        lower = folder.lower()
        if lower in UP_DIRECTORIES or lower in DOWN_DIRECTORIES:
            direction: Direction = "up" if lower in UP_DIRECTORIES else "down"
            chosen = dialects.for_postgres(below.sql_files)
            stems = {key[:-4] for key in chosen.names}
            for key, name in chosen.names.items():
                yield SqlFile(below, name, _direction(key[:-4], stems)[0], direction)


def _direction(stem: str, stems: set[str]) -> tuple[str, Direction]:
    """The stem without its mark, and the way.

    After an underscore or a dash the word may be part of a name (``0005_mark_down``): it counts
    when the other way is there.
    """
    second = _SECOND.match(stem)
    if second:
        way: Direction = "down" if second[2].lower() in _DOWN_WORDS else "up"
        return f"{second[1]}.{second[3]}", way
    last = _LAST.match(stem)
    if last is None:
        return stem, "up"
    way = "down" if last["word"].lower() in _DOWN_WORDS else "up"
    if last["mark"] in ("_", "-"):
        others = _UP_WORDS if way == "down" else _DOWN_WORDS
        head = f"{last['stem']}{last['mark']}"
        partner = any(f"{head}{word}" in stems for word in others)
        if not partner and not (way == "down" and last["stem"] in stems):
            return stem, "up"
    return last["stem"], way


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """``0008_name.sql`` in the scheme of the newest file, its down where downs lie, if any do."""
    files: dict[str, str] = {}
    has_downs = writing.has_downs(folder)
    versions = naming.newest(folder)
    up_form, down_form = _forms(folder)
    for migration in new:
        version = naming.next_version(versions, now)
        versions.append(version)
        stem = f"{version}_{naming.slug(migration.name)}"
        files[up_form.format(stem)] = writing.script(migration.up, migration.note)
        if migration.down and has_downs:
            files[down_form.format(stem)] = writing.script(migration.down)
    remarks = [] if has_downs else writing.taken_back(new)
    remarks += [
        f"{migration.name}: run it with psql, without -1 (--single-transaction): it refuses a "
        "transaction."
        for migration in new
        if not migration.transactional
    ]
    return writing.written(folder.root, files, remarks)


@lru_cache(maxsize=8)
def _forms(folder: Folder) -> tuple[str, str]:
    """How files are named up and down, as the newest that has both; else the newest."""
    paired = [migration for migration in folder.migrations if _has_two_files(migration)]
    if paired:
        up, down = (_form(path) for path in paired[-1].files[:2])
        return _relative(up, down), _relative(down, up)
    if folder.migrations and folder.migrations[-1].path.lower().endswith(".up.sql"):
        return "{}.up.sql", "{}.down.sql"
    return "{}.sql", "{}.down.sql"


def _has_two_files(migration: Migration) -> bool:
    return bool(migration.version) and migration.down is not None and len(migration.files) == 2


def _form(path: str) -> PurePosixPath:
    """The path with ``{}`` for the stem."""
    whole = PurePosixPath(path)
    found = re.search(
        r"([._-](?:up|do|down|undo|rollback|revert))?\.sql$", whole.name, re.IGNORECASE
    )
    return whole.with_name("{}" + (found[0] if found else ".sql"))


def _relative(form: PurePosixPath, other: PurePosixPath) -> str:
    """Relative to the folder: where the two lie apart, each in the directory of its way."""
    if form.parent == other.parent:
        return form.name
    inside = form.parent.name.lower()
    below = inside in UP_DIRECTORIES or inside in DOWN_DIRECTORIES
    return f"{form.parent.name}/{form.name}" if below else form.name
