"""A SQL text taken apart: every piece becomes a statement, or says why it could not."""

from typing import Any

from senior_backend.sql import libpg_query, splitter
from senior_backend.sql.script import Comment, Script, Statement, Unparsed
from senior_backend.sql.splitter import Pieces, Span
from senior_backend.sql.text import SqlText

# Nothing so short can nest deep enough to exhaust the parser's stack (two bytes a level at least).
_SHORT = 8_192


def read(text: SqlText) -> Script:
    """Take a text apart; never raises. Usually one call of the parser for the whole of it."""
    data = text.data
    if not data.strip():
        return Script(text)
    if b"\0" in data:
        return Script(text, unparsed=(Unparsed(text, 0, len(data), "binary data: NUL bytes"),))
    if len(data) <= _SHORT and b"\\." not in data:
        try:
            tree = libpg_query.parse(data)
        except (libpg_query.GrammarError, libpg_query.TooDeepError):
            pass
        else:
            return _whole(text, tree)
    return _by_piece(text)


def _whole(text: SqlText, tree: Any) -> Script:  # noqa: ANN401
    data = text.data
    spans = splitter.comments(data) if b"--" in data or b"/*" in data else []
    statements = []
    for raw in tree.stmts:
        start = raw.stmt_location
        end = start + raw.stmt_len if raw.stmt_len else len(data)
        start, end = _trim(data, start, end, spans)
        statements.append(_statement(text, start, end, 0, raw.stmt))
    return Script(text, tuple(statements), comments=_comments(data, spans))


def _trim(data: bytes, start: int, end: int, comments: list[Span]) -> tuple[int, int]:
    """A span without blanks and comments around it."""
    for comment in comments:
        if comment.end > end:
            break
        if comment.start >= start and not data[start : comment.start].strip():
            start = comment.end
    for comment in reversed(comments):
        if comment.start < start:
            break
        if comment.end <= end and not data[comment.end : end].strip():
            end = comment.start
    while start < end and data[start] in b" \t\r\n\f\v":
        start += 1
    while end > start and data[end - 1] in b" \t\r\n\f\v":
        end -= 1
    return start, end


def _statement(text: SqlText, start: int, end: int, base: int, stmt: Any) -> Statement:  # noqa: ANN401
    node = getattr(stmt, stmt.WhichOneof("node"))
    return Statement(text, start, end, type(node).__name__, node, base)


def _comments(data: bytes, spans: list[Span]) -> tuple[Comment, ...]:
    return tuple(
        Comment(start, end, data[start:end].decode("utf-8", "replace")) for start, end in spans
    )


def _by_piece(text: SqlText) -> Script:
    found = splitter.split(text.data)
    statements: list[Statement] = []
    unparsed: list[Unparsed] = []
    for piece in found.pieces:
        result = _piece(text, piece, found)
        if isinstance(result, Statement):
            statements.append(result)
        else:
            unparsed.append(result)
    return Script(text, tuple(statements), tuple(unparsed), _comments(text.data, found.comments))


def _piece(text: SqlText, piece: Span, found: Pieces) -> Statement | Unparsed:
    start, end = piece
    wrong = found.errors.get(start)
    if wrong:
        return Unparsed(text, start, end, wrong)
    try:
        tree = libpg_query.parse(text.data[start:end])
    except libpg_query.GrammarError as error:
        return Unparsed(text, start, end, error.message)
    except libpg_query.TooDeepError:
        return Unparsed(text, start, end, "nested too deeply")
    if len(tree.stmts) != 1:
        return Unparsed(text, start, end, "not one statement")
    return _statement(text, start, end, start, tree.stmts[0].stmt)
