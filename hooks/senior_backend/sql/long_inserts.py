"""INSERT statements of many megabytes: all rows are read, but never all at once.

A parse tree takes some forty times the room of its text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from senior_backend.sql import lexical

LONG = 1 << 20
_CHUNK = 1 << 18
INSERT = re.compile(rb"insert\s+into\b", re.IGNORECASE)
_MARK = re.compile(rb"""'|"|\$|--|/\*|\(|\)""")
_VALUES = re.compile(rb"\bvalues\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LongInsert:
    """``head`` is what stands before the first row; ``breaks`` are offsets of commas between rows.

    ``first`` is the whole statement with all rows behind the first break blanked.
    """

    sql: bytes
    head: bytes
    first: bytes
    breaks: tuple[int, ...]
    rows_end: int

    def others(self) -> Iterator[bytes]:
        """The rows behind the first break, in several INSERT statements of the same head."""
        for begin, end in zip(self.breaks, (*self.breaks[1:], self.rows_end), strict=True):
            yield self.head + self.sql[begin + 1 : end]


def long_insert(sql: bytes) -> LongInsert | None:
    """The statement in parts; None when it is not a long ``INSERT INTO ... VALUES``."""
    if len(sql) < LONG or not INSERT.match(sql):
        return None
    breaks: list[int] = []
    head_end = rows_end = -1
    depth = at = 0
    while mark := _MARK.search(sql, at):
        start, kind = mark.start(), mark.group()
        at = mark.end()
        if kind == b"(":
            if not depth and head_end < 0 and _VALUES.search(sql, max(0, start - 64), start):
                head_end = start
                breaks.append(start)
            elif not depth and head_end >= 0 and sql[rows_end:start].strip() != b",":
                break
            depth += 1
        elif kind == b")":
            depth -= 1
            if not depth and head_end >= 0:
                if rows_end > breaks[-1] + _CHUNK:
                    breaks.append(sql.index(b",", rows_end))
                rows_end = at
        else:
            at = lexical.END_OF[kind](sql, start)
            if at < 0 or (not depth and head_end >= 0):
                break
    if len(breaks) < 2:
        return None
    kept = breaks[1]
    first = sql[:kept] + b" " * (rows_end - kept) + sql[rows_end:]
    return LongInsert(sql, sql[:head_end], first, tuple(breaks[1:]), rows_end)
