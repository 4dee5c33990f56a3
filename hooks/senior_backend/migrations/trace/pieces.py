"""What a segment of a migration consists of: statements to run, and what no server can run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from senior_backend import sql
from senior_backend.sql.script import Script, Statement
from senior_backend.sql.text import SqlText

_LONGEST: Final = 20_000
"""Characters of a statement that a trace shows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement. ``kind`` is its node's name in the grammar; empty where it was not read.

    ``not_run`` says why it cannot be sent; ``message`` is what to send.
    """

    path: str
    line: int
    message: bytes
    kind: str = ""
    not_run: str | None = None
    statement: Statement | None = None

    @property
    def shown(self) -> str:
        """The statement as it is written; the beginning of a very long one."""
        text = self.message.decode("utf-8", "replace").strip()
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def pieces(text: SqlText) -> list[Piece]:
    """Everything that stands in a text, in its order."""
    script = sql.read(text)
    found = {piece_at: piece for piece_at, piece in _pieces(text, script)}
    return [found[at] for at in sorted(found)]


def _pieces(text: SqlText, script: Script) -> Iterator[tuple[int, Piece]]:
    commands = [c for c in script.comments if c.content.startswith("\\")]
    for command in commands:
        line = text.position(command.start).line
        message = text.data[command.start : command.end]
        reason = "a command of psql: only psql runs it"
        yield command.start, Piece(text.path, line, message, not_run=reason)
    for unread in script.unparsed:
        message = text.data[unread.start : unread.end]
        line = unread.position.line
        yield unread.start, Piece(text.path, line, message, not_run=unread.reason)
    for statement in script.statements:
        message = text.data[statement.start : statement.end]
        for command in commands:
            if statement.start <= command.start < statement.end:
                at, end = command.start - statement.start, command.end - statement.start
                message = message[:at] + b" " * (end - at) + message[end:]
        yield (
            statement.start,
            Piece(
                text.path,
                statement.position.line,
                message,
                statement.kind,
                _cannot_run(statement),
                statement,
            ),
        )


def _cannot_run(statement: Statement) -> str | None:
    if statement.templated:
        return "it has a placeholder whose value is not known"
    if statement.kind == "CopyStmt":
        node = statement.node
        if node.is_from and not node.filename and not node.is_program:
            return "COPY FROM STDIN: its rows come from the client"
    return None
