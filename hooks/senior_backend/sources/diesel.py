"""Diesel: ``migrations/<date>_name/up.sql`` and ``down.sql``.

A file is sent as one message inside a transaction: ``file``. With ``run_in_transaction = false`` in
``metadata.toml`` beside it, it is still one message: ``implicit`` (diesel-rs/diesel,
``diesel_migrations/src/file_based_migrations.rs``).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from senior_backend.sources import naming, writing
from senior_backend.sources.directory import Directory, sample
from senior_backend.sources.migration import (
    Folder,
    Insertion,
    Migration,
    NewMigration,
    NotRead,
    Segment,
    WrittenFiles,
)
from senior_backend.sources.pairs import SqlFile, segments
from senior_backend.sources.source import Options

ID: Final = "diesel"
TITLE: Final = "Diesel"

_METADATA: Final = "metadata.toml"
_ALONE: Final = re.compile(rb"^\s*run_in_transaction\s*=\s*false", re.MULTILINE)
_NO_TRANSACTION: Final = "run_in_transaction = false\n"
_FORM: Final = "%Y-%m-%d-%H%M%S"


def claims(directory: Directory) -> bool:
    """Whether its numbered directories have an ``up.sql`` each."""
    names = tuple(name for name in directory.directories if name[0].isdigit())
    return any("up.sql" in directory.directories[name].files for name in sample(names))


def read(directory: Directory, options: Options) -> Folder:
    """Directories in the order of their versions, in which Diesel leaves the hyphens out."""
    found = tuple(
        _migration(name, below, options)
        for name, below in sorted(directory.directories.items(), key=lambda item: _place(item[0]))
        if "up.sql" in below.files
    )
    return Folder(ID, directory.root, found)


def _place(name: str) -> str:
    return name.partition("_")[0].replace("-", "")


def _migration(name: str, below: Directory, options: Options) -> Migration:
    alone = _METADATA in below.files and _ALONE.search(below.head(_METADATA))
    transaction = "implicit" if alone else options.transaction or "file"
    not_read: list[NotRead] = []
    up = segments([SqlFile(below, "up.sql", name, "up")], transaction, not_read)
    down: tuple[Segment, ...] | None = None
    if "down.sql" in below.files:
        lower = [SqlFile(below, "down.sql", name, "down")]
        down = segments(lower, transaction, not_read, may_be_empty=True)
    version, title = naming.stem_of(name)
    files = tuple(
        below.shown_path(file) for file in ("up.sql", "down.sql", _METADATA) if file in below.files
    )
    return Migration(ID, files[0], version, title, up, down, tuple(not_read), files=files)


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """``<date>_name``, with a down where others have one.

    What refuses a transaction stands alone, with its metadata. Diesel refuses empty files.
    """
    steps, remarks = writing.alone(new)
    files: dict[str, str] = {}
    has_downs = writing.has_downs(folder)
    if not has_downs:
        remarks = (*remarks, *writing.taken_back(new))
    moment = now.astimezone(UTC)
    newest = max((migration.version for migration in folder.migrations), default="")
    for step in steps:
        moment = max(moment, _moment(newest) + timedelta(seconds=1))
        newest = moment.strftime(_FORM)
        place = f"{newest}_{naming.slug(step.name)}"
        files[f"{place}/up.sql"] = writing.script(step.up, step.note)
        if has_downs:
            files[f"{place}/down.sql"] = writing.down_script(step.down)
        if not step.transactional:
            files[f"{place}/{_METADATA}"] = _NO_TRANSACTION
    return writing.written(folder.root, files, remarks)


def outside_transaction(
    _folder: Folder, migration: Migration, way: tuple[Segment, ...]
) -> Insertion | None:
    """A ``metadata.toml``, which holds for both ways; None when the migration has one.

    A way of several statements stays one transaction, of its message.
    """
    place = migration.path.rpartition("/")
    path = f"{place[0]}{place[1]}{_METADATA}"
    if path in migration.files or len(way) != 1:
        return None
    return Insertion(path, 0, _NO_TRANSACTION, alone=True)


def _moment(version: str) -> datetime:
    """The moment that a version names; long ago when it names none."""
    try:
        return datetime.strptime(version, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
