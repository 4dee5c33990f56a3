"""goose: ``00001_name.sql`` with ``-- +goose Up`` and ``-- +goose Down`` in one file.

goose runs each statement in one transaction a file, or each on its own after
``-- +goose NO TRANSACTION``, which holds for both ways (pressly/goose, README "SQL migrations",
``internal/sqlparser/parser.go``). ``StatementBegin`` and ``StatementEnd`` are comments to
PostgreSQL. Migrations in Go cannot be read.
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

ID: Final = "goose"
TITLE: Final = "goose"

_ANNOTATION: Final = re.compile(rb"^--[ \t]*\+goose[ \t]++([^\r\n]*)", re.MULTILINE)
_NO_TRANSACTION: Final = "-- +goose NO TRANSACTION\n"
_ENDS_A_LINE: Final = re.compile(r";[ \t]*(--.*)?\n")
_SET_LOCAL: Final = re.compile(r"set\s+local\s", re.IGNORECASE)
_INDEX: Final = re.compile(r"(create(\s+unique)?|drop)\s+index\s", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"(\d+)_(.*)\.(sql|go)$", re.DOTALL)


def claims(directory: Directory) -> bool:
    """Whether its numbered files have goose's annotations."""
    names = tuple(name for name in directory.sql_files if name[0].isdigit())
    return any(_is_goose(directory.head(name)) for name in sample(names))


def _is_goose(head: bytes) -> bool:
    return any(
        found[1].rstrip().lower() in (b"up", b"no transaction")
        for found in _ANNOTATION.finditer(head)
    )


def read(directory: Directory, options: Options) -> Folder:
    """Numbered files in the order of their numbers; those in Go have nothing to show."""
    found: list[tuple[int, Migration]] = []
    for name in directory.files:
        numbered = _NUMBERED.match(name)
        if numbered is None or name.endswith("_test.go"):
            continue
        version, title, kind = numbered.groups()
        migration = (
            _in_go(directory, name, version, title)
            if kind == "go"
            else _in_sql(directory, name, version, title, options)
        )
        found.append((int(version), migration))
    found.sort(key=lambda item: item[0])
    return Folder(ID, directory.root, tuple(migration for _, migration in found))


def _in_go(directory: Directory, name: str, version: str, title: str) -> Migration:
    path = directory.shown_path(name)
    not_read = NotRead(path, 1, "is a migration in Go: what it runs cannot be seen", whole=True)
    return Migration(ID, path, version, title, (), None, (not_read,), files=(path,))


def _in_sql(
    directory: Directory, name: str, version: str, title: str, options: Options
) -> Migration:
    path = directory.shown_path(name)
    text = read_sql(directory, name)
    if isinstance(text, NotRead):
        return Migration(ID, path, version, title, (), None, (text,), files=(path,))
    marks = [
        (found.start(), found[1].rstrip().lower()) for found in _ANNOTATION.finditer(text.data)
    ]
    up = next((start for start, mark in marks if mark == b"up"), None)
    down = next((start for start, mark in marks if mark == b"down"), None)
    if up is None or (down is not None and down < up):
        reason = "has no '-- +goose Up' line at its start: goose stops at it"
        not_read = NotRead(path, 1, reason, whole=True)
        return Migration(ID, path, version, title, (), None, (not_read,), files=(path,))
    on_its_own = any(mark == b"no transaction" for _, mark in marks)
    transaction = "statement" if on_its_own else options.transaction or "file"
    end = len(text.data) if down is None else down
    # From the first byte: comments before the annotation may be instructions to the linter.
    segments = (Segment(section(text, 0, end), transaction),)
    return Migration(
        ID,
        path,
        version,
        title,
        segments,
        None if down is None else (Segment(section(text, down, len(text.data)), transaction),),
        tuple(_substitutions(path, text.data, marks)),
        files=(path,),
    )


def _substitutions(path: str, data: bytes, marks: list[tuple[int, bytes]]) -> list[NotRead]:
    """Where the environment decides what the SQL says."""
    places: list[NotRead] = []
    for index, (start, mark) in enumerate(marks):
        if mark == b"envsub on":
            off = (start for start, mark in marks[index:] if mark == b"envsub off")
            at = data.find(b"$", start, next(off, len(data)))
            if at >= 0:
                line = data.count(b"\n", 0, at) + 1
                reason = "goose puts variables of the environment into this SQL (ENVSUB)"
                places.append(NotRead(path, line, reason))
    return places


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """The next number, or a timestamp where the folder has timestamps; a down where others do."""
    has_downs = writing.has_downs(folder)
    files: dict[str, str] = {}
    versions = naming.newest(folder)
    first = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    for migration in new:
        version = naming.next_version(versions, now, first)
        versions.append(version)
        parts = [writing.script((), migration.note)] if migration.note else []
        if not migration.transactional:
            parts.append(_NO_TRANSACTION)
        parts += ["-- +goose Up\n", _statements(migration.up)]
        if migration.down and has_downs:
            parts += ["\n-- +goose Down\n", _statements(migration.down)]
        files[f"{version}_{naming.slug(migration.name)}.sql"] = "".join(parts)
    remarks = [] if has_downs else writing.taken_back(new)
    return writing.written(folder.root, files, remarks)


def _statements(statements: Sequence[str]) -> str:
    return "".join(f"{statement(text)}\n" for text in statements)


def statement(text: str) -> str:
    """``text`` with its end: goose takes the end of a line after a semicolon, unless told where."""
    text = writing.terminated(text)
    if _ENDS_A_LINE.search(text):
        return f"-- +goose StatementBegin\n{text}\n-- +goose StatementEnd"
    return text


def replaced(data: bytes, start: int, end: int, statements: Sequence[str]) -> tuple[int, int, str]:
    """What to write between which bytes, where one statement is, with the annotations it needs."""
    texts = [statement(text) for text in statements]
    marks = [(m.start(), m.end(), m[1].rstrip().lower()) for m in _ANNOTATION.finditer(data)]
    before = [mark for mark in marks if mark[0] < start][-1:]
    after = [mark for mark in marks if mark[0] >= end][:1]
    if before and before[0][2] == b"statementbegin":
        only = not data[before[0][1] : start].strip()
        if not only or not after or data[end : after[0][0]].strip() not in (b"", b";"):
            return writing.replaced(data, start, end, statements)
        return before[0][0], after[0][1], "\n".join(texts)
    if all(text.endswith(";") for text in texts):
        return writing.replaced(data, start, end, statements)
    if semicolon := re.compile(rb"\s*;").match(data, end):
        end = semicolon.end()
    line_before = "" if data[:start].endswith(b"\n") or not start else "\n"
    line_after = "\n" if data[end : data.find(b"\n", end) + 1 or len(data)].strip() else ""
    return start, end, line_before + "\n".join(texts) + line_after


def outside_transaction(
    _folder: Folder, migration: Migration, way: tuple[Segment, ...]
) -> Insertion | None:
    """``NO TRANSACTION`` at the top, which holds for both ways.

    None when the other way needs a transaction: several statements must not stop half way.
    """
    other = migration.down if way is migration.up else migration.up
    if len(way) != 1 or not all(map(_may_run_outside, other or ())):
        return None
    text = migration.up[0].text
    offset = text.file_offset(0)
    return None if offset is None else Insertion(text.path, offset, _NO_TRANSACTION)


def _may_run_outside(segment: Segment) -> bool:
    """Whether it is a statement alone, and no SET LOCAL beside it would lose its effect.

    Before a statement on an index it may: that becomes CONCURRENTLY, which wants no timeout.
    """
    from senior_backend import sql  # the parser is loaded for the few files that need it

    texts = [one.sql for one in sql.read(segment.text).statements]
    local = [text for text in texts if _SET_LOCAL.match(text)]
    others = [text for text in texts if not _SET_LOCAL.match(text)]
    if len(others) > 1:
        return False
    return not local or all(map(_INDEX.match, others))
