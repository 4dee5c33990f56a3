"""sql-migrate: ``-- +migrate Up`` and ``-- +migrate Down`` in one file, any number of times.

Each way runs in one transaction, or each statement on its own after ``notransaction`` on its line
(rubenv/sql-migrate, README "Writing migrations"; ``sqlparse/sqlparse.go``). The order is that of
the numbers at the beginning of the names.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from senior_backend.sources import goose, naming, writing
from senior_backend.sources.directory import Directory, sample
from senior_backend.sources.migration import (
    Folder,
    Migration,
    NewMigration,
    NotRead,
    Segment,
    Transaction,
    WrittenFiles,
)
from senior_backend.sources.reading import read_sql, section
from senior_backend.sources.source import Options

ID: Final = "sql_migrate"
TITLE: Final = "sql-migrate"

_BLOCK: Final = re.compile(rb"^--[ \t]*\+migrate[ \t]+(Up|Down)\b([^\r\n]*)", re.MULTILINE)


def claims(directory: Directory) -> bool:
    """Whether its files have blocks of sql-migrate."""
    return any(_BLOCK.search(directory.head(name)) for name in sample(tuple(directory.sql_files)))


def read(directory: Directory, options: Options) -> Folder:
    """Its files in the order of their numbers, then of their names."""
    found = [_migration(directory, name, options) for name in directory.sql_files]
    found.sort(key=lambda one: naming.order(one.version, one.path))
    return Folder(ID, directory.root, tuple(found))


def _migration(directory: Directory, name: str, options: Options) -> Migration:
    path = directory.shown_path(name)
    version, title = naming.stem_of(name.removesuffix(".sql"))
    text = read_sql(directory, name)
    if isinstance(text, NotRead):
        return Migration(ID, path, version, title, (), None, (text,), files=(path,))
    blocks = list(_BLOCK.finditer(text.data))
    if not blocks:
        reason = "has no '-- +migrate Up' line: sql-migrate stops at it"
        not_read = NotRead(path, 1, reason, whole=True)
        return Migration(ID, path, version, title, (), None, (not_read,), files=(path,))
    ways: dict[bytes, list[Segment]] = {b"Up": [], b"Down": []}
    alone = {block[1] for block in blocks if b"notransaction" in block[2].split()}
    for index, block in enumerate(blocks):
        # From the first byte: comments before the block may be instructions to the linter.
        start = block.start() if index else 0
        end = blocks[index + 1].start() if index + 1 < len(blocks) else len(text.data)
        transaction: Transaction = options.transaction or "file"
        if block[1] in alone:
            transaction = "statement"
        ways[block[1]].append(Segment(section(text, start, end), transaction))
    down = tuple(ways[b"Down"]) or None
    return Migration(ID, path, version, title, tuple(ways[b"Up"]), down, files=(path,))


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """The next version in the folder's scheme; a down where others have one."""
    has_downs = writing.has_downs(folder)
    files: dict[str, str] = {}
    versions = naming.newest(folder)
    first = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    for migration in new:
        version = naming.next_version(versions, now, first)
        versions.append(version)
        option = "" if migration.transactional else " notransaction"
        parts = [writing.script((), migration.note)] if migration.note else []
        parts += [f"-- +migrate Up{option}\n", *_statements(migration.up)]
        if migration.down and has_downs:
            parts += [f"\n-- +migrate Down{option}\n", *_statements(migration.down)]
        files[f"{version}-{naming.slug(migration.name)}.sql"] = "".join(parts)
    remarks = [] if has_downs else writing.taken_back(new)
    return writing.written(folder.root, files, remarks)


def _statements(statements: Sequence[str]) -> list[str]:
    return [f"{_marked(goose.statement(text))}\n" for text in statements]


def replaced(data: bytes, start: int, end: int, statements: Sequence[str]) -> tuple[int, int, str]:
    """As with goose, a statement with a semicolon at a line's end is marked as one."""
    begin, stop, text = goose.replaced(data, start, end, statements)
    return begin, stop, _marked(text)


def _marked(text: str) -> str:
    return text.replace("-- +goose ", "-- +migrate ")
