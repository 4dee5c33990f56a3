"""dbmate: ``20240101000000_name.sql`` with ``-- migrate:up`` and ``-- migrate:down``.

dbmate sends a block as one message, inside BEGIN and COMMIT: ``file``. After ``transaction:false``
on the block's line it is still one message, without BEGIN: ``implicit``, so only a statement alone
escapes a transaction (amacneil/dbmate, ``pkg/dbmate/db.go``, ``Migrate``; ``migration.go``).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
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
from senior_backend.sources.reading import read_sql, section
from senior_backend.sources.source import Options

ID: Final = "dbmate"
TITLE: Final = "dbmate"

_NAME: Final = re.compile(r"([0-9]+)_?(.*)\.sql$", re.DOTALL)
_BLOCK: Final = re.compile(
    rb"^--[ \t]*migrate:(up|down)(?:[ \t]+([^\r\n]*))?[ \t\r]*$", re.MULTILINE
)

_NO_TRANSACTION: Final = " transaction:false"


def claims(directory: Directory) -> bool:
    """Whether its numbered files have blocks of dbmate."""
    names = tuple(name for name in directory.sql_files if name[0].isdigit())
    return any(_BLOCK.search(directory.head(name)) for name in sample(names))


def read(directory: Directory, options: Options) -> Folder:
    """Numbered files in the order of their names."""
    found = [
        _migration(directory, name, numbered[1], numbered[2], options)
        for name in directory.sql_files
        if (numbered := _NAME.match(name))
    ]
    return Folder(ID, directory.root, tuple(found))


def _migration(
    directory: Directory, name: str, version: str, title: str, options: Options
) -> Migration:
    path = directory.shown_path(name)
    text = read_sql(directory, name)
    if isinstance(text, NotRead):
        return Migration(ID, path, version, title, (), None, (text,), files=(path,))
    blocks = list(_BLOCK.finditer(text.data))
    if not blocks or blocks[0][1] != b"up":
        reason = "has no '-- migrate:up' line first: dbmate stops at it"
        not_read = NotRead(path, 1, reason, whole=True)
        return Migration(ID, path, version, title, (), None, (not_read,), files=(path,))
    up: list[Segment] = []
    down: list[Segment] = []
    for index, block in enumerate(blocks):
        # From the first byte: comments before the block may be instructions to the linter.
        start = block.start() if index else 0
        end = blocks[index + 1].start() if index + 1 < len(blocks) else len(text.data)
        alone = b"transaction:false" in (block[2] or b"").split()
        transaction = "implicit" if alone else options.transaction or "file"
        (up if block[1] == b"up" else down).append(Segment(section(text, start, end), transaction))
    return Migration(
        ID, path, version, title, tuple(up), tuple(down) if down else None, files=(path,)
    )


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """``<timestamp>_name.sql``, with a down where others have one.

    What refuses a transaction stands alone in ``transaction:false``.
    """
    steps, remarks = writing.alone(new)
    has_downs = writing.has_downs(folder)
    if not has_downs:
        remarks = (*remarks, *writing.taken_back(new))
    files: dict[str, str] = {}
    versions = naming.newest(folder)
    first = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    for step in steps:
        version = naming.next_version(versions, now, first)
        versions.append(version)
        option = "" if step.transactional else _NO_TRANSACTION
        parts = [writing.script((), step.note)] if step.note else []
        parts += [f"-- migrate:up{option}\n", writing.script(step.up)]
        # Older releases refuse a file without the block, which may be empty.
        down = writing.script(step.down) if step.down and has_downs else ""
        parts += [f"\n-- migrate:down{option}\n", down]
        files[f"{version}_{naming.slug(step.name)}.sql"] = "".join(parts)
    return writing.written(folder.root, files, remarks)


def outside_transaction(
    _folder: Folder, _migration: Migration, way: tuple[Segment, ...]
) -> Insertion | None:
    """``transaction:false`` for the only block of a way; None when it says something already."""
    block = _BLOCK.search(way[0].text.data) if len(way) == 1 else None
    if block is None or b"transaction:" in (block[2] or b""):
        return None
    offset = way[0].text.file_offset(block.end(1))
    return None if offset is None else Insertion(way[0].text.path, offset, _NO_TRANSACTION, True)
