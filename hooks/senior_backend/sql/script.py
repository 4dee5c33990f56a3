"""What a SQL text consists of: the data types that ``read`` fills."""

from dataclasses import dataclass
from typing import Any

from senior_backend.sql.text import Position, SqlText


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that PostgreSQL's grammar accepts.

    ``start`` and ``end`` are byte offsets into ``text.data``, without leading comments and without
    the semicolon. ``node`` is the protobuf message of the parse tree (``pg_query.AlterTableStmt``
    and so on), ``kind`` its name. Locations inside ``node`` count from ``base``: always use
    ``locate`` for them. ``templated``: some names and values in it stand for template marks or psql
    variables, whose real value is not known.
    """

    text: SqlText
    start: int
    end: int
    kind: str
    node: Any
    base: int = 0
    templated: bool = False

    def locate(self, location: int) -> int:
        """The offset in ``text.data`` of a ``location`` found in ``node`` (-1: the start)."""
        return self.start if location < 0 else self.base + location

    @property
    def sql(self) -> str:
        """The statement as it is written."""
        return self.text.data[self.start : self.end].decode("utf-8", errors="replace")

    @property
    def position(self) -> Position:
        """Where in the file it begins."""
        return self.text.position(self.start)


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A piece that could not be parsed: reported, never skipped in silence."""

    text: SqlText
    start: int
    end: int
    reason: str

    @property
    def position(self) -> Position:
        """Where in the file it begins."""
        return self.text.position(self.start)


@dataclass(frozen=True, slots=True)
class Comment:
    """A ``--`` or ``/* */`` comment, with its marks."""

    start: int
    end: int
    content: str


@dataclass(frozen=True, slots=True)
class Script:
    """A SQL text taken apart. ``statements`` and ``unparsed`` together are all that it holds."""

    text: SqlText
    statements: tuple[Statement, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The SQL inside a DO block or a function body, parsed at its own place in the file.

    ``statements`` have offsets of the enclosing text where the body stands in it verbatim.
    ``dynamic`` are places of EXECUTE of a computed string: what they run cannot be seen.
    """

    language: str
    statements: tuple[Statement, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    dynamic: tuple[Position, ...] = ()
