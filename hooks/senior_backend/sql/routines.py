"""The SQL inside DO blocks, functions and procedures."""

import re
from typing import Any

from senior_backend.sql import lexical, plpgsql, reader, splitter
from senior_backend.sql.script import Body, Comment, Script, Statement, Unparsed
from senior_backend.sql.text import SqlText

_BODY_WORD = re.compile(rb"\b(?:(begin)\s+atomic|(return))\b", re.IGNORECASE)
_LAST_END = re.compile(rb"\bend\s*\Z", re.IGNORECASE)
_RETURN = re.compile(rb"return\b", re.IGNORECASE)
_VARIABLE = re.compile(rb"\s?(?:AS\b)?\s*:'", re.IGNORECASE)
_COMMENT = re.compile(rb"--[^\r\n]*+|/\*[^*]*+\*/")
_READERS = {"sql", "plpgsql"}


def bodies(statement: Statement) -> tuple[Body, ...]:
    """The body of a DO, CREATE FUNCTION or CREATE PROCEDURE in SQL or PL/pgSQL; else nothing."""
    if statement.kind == "DoStmt":
        options, language = statement.node.args, "plpgsql"
    elif statement.kind == "CreateFunctionStmt":
        options, language = statement.node.options, "sql"
    else:
        return ()
    source = None
    for option in options:
        element = option.def_elem
        if element.defname == "language":
            language = element.arg.string.sval.lower()
        elif element.defname == "as":
            source = element
    if language not in _READERS:
        return ()
    if source is not None:
        return (_of_literal(statement, source, language),)
    if statement.kind == "CreateFunctionStmt" and statement.node.HasField("sql_body"):
        return (_of_standard(statement),)
    return ()


def body_with_comments(statement: Statement) -> Script | None:
    """Its statements and comments; a string that looks like a comment counts as one."""
    text = statement.text
    comments = tuple(
        Comment(found.start(), found.end(), found.group().decode("utf-8", "replace"))
        for found in _COMMENT.finditer(text.data, statement.start, statement.end)
    )
    if not comments:
        return None
    statements = (s for body in bodies(statement) for s in body.statements if s.text is text)
    inner = tuple(sorted(statements, key=lambda s: s.start))
    return Script(text, inner, comments=comments) if inner else None


def _of_literal(statement: Statement, source: Any, language: str) -> Body:  # noqa: ANN401
    argument = source.arg
    items = argument.list.items
    value = (items[0] if items else argument).string.sval.encode()
    start, text = statement.locate(source.location), statement.text
    if statement.templated and _VARIABLE.match(text.data, start - 1):
        return Body(language, dynamic=(text.position(start - 1),))
    at = text.data.find(value, start, statement.end)
    if at < 0:
        text = reader.derived(text, start, statement.end, value)
        at = 0
    if language == "plpgsql":
        return plpgsql.read_body(text, at, at + len(value))
    script = reader.read_part(text, at, at + len(value))
    return Body("sql", script.statements, script.unparsed)


def _of_standard(statement: Statement) -> Body:
    """BEGIN ATOMIC ... END, or RETURN with an expression."""
    text = statement.text
    data = text.data[statement.start : statement.end]
    for begin, end in lexical.outside(data):
        word = _BODY_WORD.search(data, begin, end)
        if word:
            break
    else:
        return Body("sql")
    if word.group(2):
        return _pieces(text, statement.start + word.start(), statement.end)
    last = _LAST_END.search(data)
    stop = last.start() if last else len(data)
    return _pieces(text, statement.start + word.end(), statement.start + stop)


def _pieces(text: SqlText, start: int, end: int) -> Body:
    statements: list[Statement] = []
    unparsed: list[Unparsed] = []
    for piece in splitter.split(text.data[start:end]).pieces:
        first, last = start + piece.start, start + piece.end
        sql = text.data[first:last]
        if _RETURN.match(sql):
            sql = b"SELECT" + sql[len(b"RETURN") :]
        found = reader.parse_piece(text, first, last, sql, first)
        if isinstance(found, Statement):
            statements.append(found)
        else:
            unparsed.append(found)
    return Body("sql", tuple(statements), tuple(unparsed))
