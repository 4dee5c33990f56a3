"""A piece of SQL and where it stands in the file that a person opens."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


class Position(NamedTuple):
    """A place in a file; both count from 1, columns count characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Verbatim:
    """The SQL stands in the file as it is: byte ``offset`` of the file is its first byte."""

    offset: int = 0
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Derived:
    """The SQL was made from something else (a call in Python, a rendering).

    ``lines[n]`` is the line of the file from which line ``n`` (from 0) of the SQL comes. Nothing
    can be edited in place.
    """

    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SqlText:
    """SQL as UTF-8 bytes (no byte order mark), and its place in the file ``path``.

    All offsets in this package are offsets into ``data``, in bytes.
    """

    path: str
    data: bytes = field(repr=False)
    place: Verbatim | Derived = Verbatim()
    _starts: list[int] = field(default_factory=list, repr=False, compare=False)

    def position(self, offset: int) -> Position:
        """Where in the file the byte ``offset`` of the SQL stands."""
        starts = self._starts
        if not starts:
            starts.append(0)
            at = self.data.find(b"\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.data.find(b"\n", at + 1)
        row = bisect_right(starts, offset) - 1
        if isinstance(self.place, Derived):
            lines = self.place.lines
            return Position(lines[min(row, len(lines) - 1)] if lines else 1, 1)
        column = len(self.data[starts[row] : offset].decode("utf-8", errors="replace"))
        first = self.place.column if row == 0 else 1
        return Position(self.place.line + row, column + first)

    def file_offset(self, offset: int) -> int | None:
        """The byte of the file for a byte of the SQL; None when the SQL is not in it verbatim."""
        return self.place.offset + offset if isinstance(self.place, Verbatim) else None
