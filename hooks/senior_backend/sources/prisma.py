"""Prisma Migrate: ``migrations/<timestamp>_name/migration.sql``.

``prisma migrate deploy`` sends a whole file as one simple query (prisma-engines,
``schema-engine/connectors/sql-schema-connector``, ``raw_cmd``): a statement alone runs outside a
transaction block, several form an implicit transaction. Order: names of the directories. Prisma
runs no down files; ``down.sql`` beside is the form that ``prisma migrate diff`` documents.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from senior_backend.sources import dialects, naming, writing
from senior_backend.sources.directory import Directory, sample
from senior_backend.sources.migration import (
    Folder,
    Migration,
    NewMigration,
    NotRead,
    Segment,
    WrittenFiles,
)
from senior_backend.sources.pairs import SqlFile, segments
from senior_backend.sources.source import Options

ID: Final = "prisma"
TITLE: Final = "Prisma"

_LOCK: Final = "migration_lock.toml"
_PROVIDER: Final = re.compile(rb"^\s*provider\s*=\s*\"([^\"]*)\"", re.MULTILINE)
_POSTGRES: Final = (b"postgresql", b"postgres", b"cockroachdb")


def claims(directory: Directory) -> bool:
    """Whether it has a ``migration_lock.toml``, or its directories a ``migration.sql`` each."""
    if _LOCK in directory.files:
        return True
    names = tuple(name for name in directory.directories if name[0].isdigit())
    return any("migration.sql" in directory.directories[name].files for name in sample(names))


def read(directory: Directory, options: Options) -> Folder:
    """Directories in the order of their names; those without ``migration.sql`` are reported."""
    if _LOCK in directory.files:
        provider = _PROVIDER.search(directory.head(_LOCK))
        if provider and provider[1] not in _POSTGRES:
            reason = f"is for {provider[1].decode(errors='replace')} by its {_LOCK}: left out"
            not_postgres = dialects.left_out(directory.shown, reason)
            return Folder(ID, directory.root, not_read=(not_postgres,), has_downs=False)
    found: list[Migration] = []
    not_read: list[NotRead] = []
    for name, below in directory.directories.items():
        if "migration.sql" in below.files:
            found.append(_migration(name, below, options))
        elif naming.stem_of(name).version:
            reason = "has no migration.sql: Prisma stops at it"
            not_read.append(NotRead(below.shown, 1, reason, whole=True))
    has_downs = any(migration.down is not None for migration in found)
    return Folder(ID, directory.root, tuple(found), tuple(not_read), has_downs)


def _migration(name: str, below: Directory, options: Options) -> Migration:
    transaction = options.transaction or "implicit"
    not_read: list[NotRead] = []
    up = SqlFile(below, "migration.sql", name, "up")
    down: tuple[Segment, ...] | None = None
    files = [below.shown_path("migration.sql")]
    if "down.sql" in below.files:
        lower = SqlFile(below, "down.sql", name, "down")
        down = segments([lower], transaction, not_read, may_be_empty=True)
        files.append(below.shown_path("down.sql"))
    up_segments = segments([up], transaction, not_read)
    version, title = naming.stem_of(name)
    return Migration(
        ID, files[0], version, title or name, up_segments, down, tuple(not_read), files=tuple(files)
    )


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """``<timestamp>_name/migration.sql`` and, where others have one, ``down.sql``.

    What refuses a transaction stands alone.
    """
    files: dict[str, str] = {}
    steps, remarks = writing.alone(new)
    has_downs = writing.has_downs(folder)
    if not has_downs:
        remarks = (*remarks, *writing.taken_back(new))
    versions = [migration.version for migration in folder.migrations]
    dated = [version for version in versions if len(version) == 14]
    first = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    for step in steps:
        version = naming.next_version(dated, now, first)
        dated.append(version)
        place = f"{version}_{naming.slug(step.name)}"
        files[f"{place}/migration.sql"] = writing.script(step.up, step.note)
        if has_downs:
            files[f"{place}/down.sql"] = writing.down_script(step.down)
    return writing.written(folder.root, files, remarks)
