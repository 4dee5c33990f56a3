"""What a segment of a migration consists of: statements to run, and what no server can run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from senior_backend import sql
from senior_backend.operations.reader import read as operations
from senior_backend.operations.session import TransactionControl
from senior_backend.sql.script import Script, Statement
from senior_backend.sql.text import SqlText

_LONGEST: Final = 20_000
"""Characters of a statement that a trace shows."""

NO_ROWS: Final = "COPY FROM STDIN: its rows come from the client"
_COPIED: Final = re.compile(rb"[^\n;]*;[^\n]*\n(.*?)^\\\.[ \t]*\r?$", re.MULTILINE | re.DOTALL)
"""From the end of COPY FROM STDIN: its rows, up to the line that ends them."""

_COMMAND: Final = re.compile(rb"\\(\S*)")
_FOR_PEOPLE: Final = frozenset(
    b"echo qecho warn set unset pset timing restrict unrestrict conninfo errverbose "
    b"encoding prompt x a t H C f q".split()
)
"""Commands of psql without which a migration does the same to the database."""


@dataclass(frozen=True)
class Piece:
    """One statement. ``kind`` is its node's name in the grammar; empty where it was not read.

    ``not_run`` says why it cannot be sent; ``message`` is what to send. ``matters``: without it
    the migration has not run. ``rows`` are those of COPY FROM STDIN that stand in the file after
    it, as psql sends them.
    """

    path: str
    line: int
    message: bytes
    kind: str = ""
    not_run: str | None = None
    matters: bool = True
    statement: Statement | None = None
    rows: bytes | None = None

    @property
    def shown(self) -> str:
        """The statement as it is written; the beginning of a very long one."""
        text = self.message.decode("utf-8", "replace").strip()
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

    @cached_property
    def control(self) -> TransactionControl | None:
        """What it does to the transaction: BEGIN, COMMIT, SAVEPOINT and so on."""
        if self.kind != "TransactionStmt" or self.statement is None:
            return None
        found = next(iter(operations(self.statement)), None)
        return found if isinstance(found, TransactionControl) else None

    @cached_property
    def ends_transactions(self) -> bool:
        """Whether it is a DO block with COMMIT or ROLLBACK in it."""
        if self.kind != "DoStmt" or self.statement is None:
            return False
        return any(
            inner.kind == "TransactionStmt"
            for body in sql.bodies(self.statement)
            for inner in body.statements
        )

    @cached_property
    def without_data(self) -> bool:
        """Whether it is REFRESH MATERIALIZED VIEW ... WITH NO DATA."""
        if self.kind != "RefreshMatViewStmt" or self.statement is None:
            return False
        return bool(self.statement.node.skip_data)


def pieces(text: SqlText) -> list[Piece]:
    """Everything that stands in a text, in its order."""
    found = dict(_pieces(text, sql.read(text)))
    return [found[at] for at in sorted(found)]


def _pieces(text: SqlText, script: Script) -> Iterator[tuple[int, Piece]]:
    commands = [c for c in script.comments if c.content.startswith("\\")]
    for command in commands:
        line = text.position(command.start).line
        message = text.data[command.start : command.end]
        name = _COMMAND.match(message)
        matters = name is None or name[1] not in _FOR_PEOPLE
        reason = "a command of psql: only psql runs it"
        yield command.start, Piece(text.path, line, message, not_run=reason, matters=matters)
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
        line = statement.position.line
        rows = _rows(statement) if _wants_rows(statement) else None
        why = _cannot_run(statement, rows)
        piece = Piece(text.path, line, message, statement.kind, why, statement=statement, rows=rows)
        yield statement.start, piece


def _wants_rows(statement: Statement) -> bool:
    if statement.kind != "CopyStmt":
        return False
    node = statement.node
    return bool(node.is_from and not node.filename and not node.is_program)


def _rows(statement: Statement) -> bytes | None:
    found = _COPIED.match(statement.text.data, statement.end)
    return found[1] if found is not None else None


def _cannot_run(statement: Statement, rows: bytes | None) -> str | None:
    if statement.templated:
        return "it has a placeholder whose value is not known"
    return NO_ROWS if rows is None and _wants_rows(statement) else None
