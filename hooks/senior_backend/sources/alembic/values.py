"""What expressions of a revision file come to, where that is certain without running it."""

import ast
import io
import tokenize
from collections.abc import Mapping
from typing import Final

from senior_backend.sources.alembic.revision import Source
from senior_backend.sql.text import Derived, SqlText, Verbatim

Scope = Mapping[str, ast.expr]
"""Names with the one expression that each stands for."""

_TEXT: Final = frozenset({"text", "DDL", "dedent", "f", "literal_column", "cleandoc"})
"""Functions, by their last name, whose SQL is their first argument."""

_SAME: Final = frozenset({"strip", "lstrip", "rstrip", "bindparams", "execution_options"})
"""Methods that leave the SQL as it is."""


class UncertainError(Exception):
    """What an expression comes to is decided when it runs; the message says why."""

    def __init__(self, node: ast.AST, reason: str) -> None:
        super().__init__(reason)
        self.line: int = getattr(node, "lineno", 1)
        self.reason = reason


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of names and attributes; calls in between count as what they are called on."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            return ".".join(reversed(parts))
        else:
            return ".".join(["?", *reversed(parts)])


def last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def resolved(node: ast.expr, scope: Scope) -> ast.expr:
    """The expression behind a name that stands for one."""
    for _ in range(10):
        if isinstance(node, ast.Name) and node.id in scope:
            node = scope[node.id]
        else:
            break
    return node


def value(node: ast.expr, scope: Scope) -> object:
    """A constant, or a list, tuple or dict of them.

    Raises:
        UncertainError: it is not certain.
    """
    node = resolved(node, scope)
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple() | ast.Set():
            return [value(item, scope) for item in node.elts]
        case ast.Dict():
            return {
                value(key, scope): value(item, scope)
                for key, item in zip(node.keys, node.values, strict=True)
                if key is not None
            }
        case ast.JoinedStr():
            return "".join(str(_part(part, scope)) for part in node.values)
        case ast.BinOp(op=ast.Add()):
            left, right = value(node.left, scope), value(node.right, scope)
            if isinstance(left, str) and isinstance(right, str):
                return left + right
        case ast.UnaryOp(op=ast.USub()):
            inner = value(node.operand, scope)
            if isinstance(inner, int | float):
                return -inner
        case ast.Call() if last_name(node.func) in _TEXT and node.args:
            return value(node.args[0], scope)
    raise UncertainError(node, f"'{_shortened(node)}' is computed when the revision runs")


def _part(part: ast.expr, scope: Scope) -> object:
    if isinstance(part, ast.FormattedValue):
        if part.format_spec is not None or part.conversion not in (-1, 115):
            raise UncertainError(part, "an f-string formats a value")
        return value(part.value, scope)
    return value(part, scope)


def _shortened(node: ast.expr) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def sql_text(node: ast.expr, scope: Scope, source: Source) -> SqlText:
    """The SQL that an expression holds, at its own place in the file where it stands verbatim.

    Raises:
        UncertainError: it is not certain.
    """
    node = resolved(node, scope)
    if isinstance(node, ast.Call):
        name = last_name(node.func)
        if name in _TEXT and node.args:
            return sql_text(node.args[0], scope, source)
        if name in _SAME and isinstance(node.func, ast.Attribute):
            return sql_text(node.func.value, scope, source)
    content = value(node, scope)
    if not isinstance(content, str):
        raise UncertainError(node, f"'{_shortened(node)}' is no text")
    data = content.encode("utf-8", errors="replace")
    start, end = source.slice(node)
    literal = source.data[start:end]
    inside = _inside(literal)
    if inside is not None:
        first, last = inside
        body = literal[first:last]
        if body == data or body.replace(b"\r\n", b"\n") == data:
            line = node.lineno + literal.count(b"\n", 0, first)
            before = source.data[source.starts[line - 1] : start + first]
            column = len(before.decode("utf-8", errors="replace")) + 1
            return SqlText(source.path, body, Verbatim(start + first, line, column))
    return SqlText(source.path, data, Derived(_lines(literal, content, node.lineno)))


def without_colon_marks(text: SqlText) -> SqlText:
    """``\\:`` is how ``text()`` is told that a colon begins no parameter."""
    if b"\\:" not in text.data:
        return text
    rows = text.data.count(b"\n") + 1
    if isinstance(text.place, Verbatim):
        lines = tuple(range(text.place.line, text.place.line + rows))
    else:
        lines = text.place.lines
    return SqlText(text.path, text.data.replace(b"\\:", b":"), Derived(lines))


def _inside(literal: bytes) -> tuple[int, int] | None:
    """Where the text between the quotes of one string literal begins and ends."""
    quote_at = min((at for at in (literal.find(b"'"), literal.find(b'"')) if at >= 0), default=-1)
    if not 0 <= quote_at <= 2:
        return None
    quote = literal[quote_at : quote_at + 1]
    size = 3 if literal[quote_at : quote_at + 3] == quote * 3 else 1
    first, last = quote_at + size, len(literal) - size
    return (first, last) if first <= last and literal.endswith(quote * size) else None


def _lines(literal: bytes, content: str, line: int) -> tuple[int, ...]:
    """The line of the file for each line of a text put together from several literals."""
    places: list[int] = []
    built = ""
    try:
        wrapped = f"({literal.decode()})"
        for token in tokenize.generate_tokens(io.StringIO(wrapped).readline):
            if token.type == tokenize.STRING:
                piece = ast.literal_eval(token.string)
                at = line + token.start[0] - 1
                spread = token.end[0] > token.start[0]
                if not isinstance(piece, str):
                    break
                for character in piece:
                    places.append(at)
                    at += character == "\n" and spread
                built += piece
    except (SyntaxError, ValueError, tokenize.TokenError):
        built = ""
    if built != content:
        return (line,) * (content.count("\n") + 1)
    starts = [0, *(index + 1 for index, character in enumerate(content) if character == "\n")]
    return tuple(places[min(start, len(places) - 1)] if places else line for start in starts)


def derived(path: str, lines: list[tuple[str, int]]) -> SqlText:
    """SQL made of lines, each with the line of the file that it comes from."""
    text = "\n".join(line for line, _ in lines)
    places = tuple(place for line, place in lines for _ in range(line.count("\n") + 1))
    return SqlText(path, text.encode("utf-8", errors="replace"), Derived(places))
