"""golang-migrate: ``000001_name.up.sql`` and ``000001_name.down.sql``.

The drivers send a whole file as one message without parameters (golang-migrate/migrate,
``database/pgx/v5/pgx.go``, ``Run``): ``implicit``. With ``x-multi-statement=true`` each statement
is a message of its own: say so with the setting ``transaction``.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from senior_backend.sources import dialects, naming, writing
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Folder, NewMigration, WrittenFiles
from senior_backend.sources.pairs import SqlFile, migrations
from senior_backend.sources.source import Options

ID: Final = "golang_migrate"
TITLE: Final = "golang-migrate"

_NAME: Final = re.compile(r"([0-9]+_.*)\.(up|down)\.sql$", re.DOTALL)


def claims(directory: Directory) -> bool:
    """Whether it has numbered files that end in ``.up.sql``."""
    return any(name.endswith(".up.sql") and _NAME.match(name) for name in directory.sql_files)


def read(directory: Directory, options: Options) -> Folder:
    """Pairs in the order of their numbers."""
    chosen = dialects.for_postgres(tuple(name for name in directory.sql_files if _NAME.match(name)))
    files = [
        SqlFile(directory, name, found[1], "up" if found[2] == "up" else "down")
        for key, name in chosen.names.items()
        if (found := _NAME.match(key))
    ]
    return Folder(
        ID,
        directory.root,
        migrations(ID, files, options.transaction or "implicit"),
        tuple(
            dialects.left_out(directory.shown_path(name), reason)
            for name, reason in chosen.left_out.items()
        ),
    )


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """The next file, or pair where downs exist; what refuses a transaction, alone."""
    steps, remarks = writing.alone(new)
    has_downs = writing.has_downs(folder)
    if not has_downs:
        remarks = (*remarks, *writing.taken_back(new))
    files: dict[str, str] = {}
    versions = naming.newest(folder)
    for step in steps:
        version = naming.next_version(versions, now, "000001")
        versions.append(version)
        stem = f"{version}_{naming.slug(step.name)}"
        files[f"{stem}.up.sql"] = writing.script(step.up, step.note)
        if has_downs:
            files[f"{stem}.down.sql"] = writing.down_script(step.down)
    return writing.written(folder.root, files, remarks)
