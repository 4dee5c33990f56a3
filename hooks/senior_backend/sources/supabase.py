"""Supabase: ``supabase/migrations/<timestamp>_name.sql``.

The CLI sends the statements of a file, and the line of its history, as one pipeline of the
extended protocol, "implicitly transactional" (supabase/cli, ``pkg/migration/file.go``,
``ExecBatch``): a first statement that refuses a transaction commits by itself, a later one fails
(PostgreSQL docs, 55.2.4 "Pipelining"). That is ``implicit``. It knows no down migrations.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from senior_backend.sources import naming, writing
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Folder, NewMigration, WrittenFiles
from senior_backend.sources.pairs import SqlFile, migrations
from senior_backend.sources.source import Options

ID: Final = "supabase"
TITLE: Final = "Supabase"

_NAME: Final = re.compile(r"[0-9]+_.*\.sql$", re.DOTALL)


def claims(directory: Directory) -> bool:
    """Whether it is the ``migrations`` of a directory called ``supabase``."""
    return (
        directory.name == "migrations"
        and directory.root.parent.name == "supabase"
        and any(_NAME.match(name) for name in directory.sql_files)
    )


def read(directory: Directory, options: Options) -> Folder:
    """Files in the order of their timestamps; those without one the CLI skips too."""
    files = [
        SqlFile(directory, name, name[:-4], "up")
        for name in directory.sql_files
        if _NAME.match(name)
    ]
    found = migrations(ID, files, options.transaction or "implicit")
    return Folder(ID, directory.root, found, has_downs=False)


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """``<timestamp>_name.sql``; what refuses a transaction, alone."""
    steps, remarks = writing.alone(new)
    files: dict[str, str] = {}
    versions = naming.newest(folder)
    first = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    for step in steps:
        version = naming.next_version(versions, now, first)
        versions.append(version)
        files[f"{version}_{naming.slug(step.name)}.sql"] = writing.script(step.up, step.note)
    return writing.written(folder.root, files, remarks)
