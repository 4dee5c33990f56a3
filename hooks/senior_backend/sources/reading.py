"""A file of SQL from disk, or why it cannot be read."""

import codecs
import os
from typing import Final

from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import NotRead
from senior_backend.sql.text import SqlText, Verbatim

LARGEST: Final = 50_000_000
"""Bytes; what is larger holds data, not a migration."""

BYTE_ORDER_MARK: Final = codecs.BOM_UTF8


def read_sql(directory: Directory, name: str) -> SqlText | NotRead:
    """The SQL of a file, without a byte order mark.

    An empty file, one that is not UTF-8 text, too large or unreadable is a ``NotRead``.
    """
    path = directory.shown_path(name)
    try:
        with open(directory.path_of(name), "rb", buffering=0) as file:  # noqa: PTH123 - no Path each
            if os.fstat(file.fileno()).st_size > LARGEST:
                reason = f"is larger than {LARGEST // 1_000_000} MB: data rather than a migration"
                return NotRead(path, 1, reason, whole=True)
            data = file.readall()
    except OSError as error:
        return NotRead(path, 1, f"cannot be read: {error.strerror}", whole=True)
    return text_of(path, data)


def text_of(path: str, data: bytes) -> SqlText | NotRead:
    """``data`` as SQL of the file ``path``, or why it is none."""
    place = Verbatim()
    if data.startswith(BYTE_ORDER_MARK):
        data = data[len(BYTE_ORDER_MARK) :]
        place = Verbatim(offset=len(BYTE_ORDER_MARK))
    if not data or data.isspace():
        return NotRead(path, 1, "is empty")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return NotRead(path, 1, "is UTF-16, not UTF-8; convert it", whole=True)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return NotRead(path, line, "holds NUL bytes: not SQL text", whole=True)
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            return NotRead(path, line, "is not UTF-8; convert it", whole=True)
    return SqlText(path, data, place)


def section(text: SqlText, start: int, end: int) -> SqlText:
    """The bytes ``start`` to ``end`` of a text; ``start`` is where a line begins."""
    assert isinstance(text.place, Verbatim)  # noqa: S101 - a section of a file
    line = text.place.line + text.data.count(b"\n", 0, start)
    return SqlText(text.path, text.data[start:end], Verbatim(text.place.offset + start, line))
