"""What a SQL text consists of: the data types that ``read`` fills."""

from dataclasses import dataclass, field
from typing import Any

from senior_backend.sql.text import Position, SqlText


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that PostgreSQL's grammar accepts.

    ``start`` and ``end`` are byte offsets into ``text.data``, without leading comments and without
    the semicolon. ``kind`` is the name of the parse tree's message (``AlterTableStmt`` and so on).
    Locations inside ``node`` count from ``base``: always use ``locate`` for them.
    ``tree`` is None where it would take too much room: ``node`` then parses again at every use.
    ``templated``: some names and values in the tree stand for template marks or psql variables,
    whose real value is not known. ``abridged``: the tree has only the first rows of a VALUES list
    of many megabytes.
    """

    text: SqlText
    start: int
    end: int
    kind: str
    tree: Any = field(repr=False)
    base: int = 0
    templated: bool = False
    abridged: bool = False

    @property
    def node(self) -> Any:  # noqa: ANN401 - a generated message class
        """The protobuf message of the parse tree: ``pg_query.AlterTableStmt`` and so on."""
        if self.tree is not None:
            return self.tree
        from senior_backend.sql import reader

        return reader.parse_again(self)

    def forget(self) -> None:
        """Let the tree go, where it can be made again: it takes many times the room of the text."""
        if not self.templated and not self.abridged:
            object.__setattr__(self, "tree", None)

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
    refused: bool = True
    """A statement that nobody looked at. False for what is out of sight (``\\i``, a body), is for
    another database, or is decided by the value of a template."""

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
