"""Comments of a revision that tell the linter what to ignore."""

import ast
import io
import tokenize
from collections.abc import Iterator

from senior_backend.sources.alembic.revision import Revision
from senior_backend.sources.migration import CommentBeside

_MARK = "-ignore"


def comments(revision: Revision) -> Iterator[CommentBeside]:
    """Each with the lines of the Python statement that it stands in or before."""
    if _MARK.encode() not in revision.source.data:
        return
    statements = [node for node in ast.walk(revision.tree) if isinstance(node, ast.stmt)]
    for token in tokenize.tokenize(io.BytesIO(revision.source.data).readline):
        if token.type == tokenize.COMMENT and _MARK in token.string:
            line = token.start[0]
            about = _about(statements, line)
            yield CommentBeside(revision.path, line, token.string, about)


def _about(statements: list[ast.stmt], line: int) -> tuple[int, int]:
    """The statement that has the line, a compound one on its first line only; else the next."""
    following: list[tuple[int, int]] = []
    for node in statements:
        first, last = node.lineno, node.end_lineno or node.lineno
        if first <= line <= (first if hasattr(node, "body") else last):
            return first, last
        if first > line:
            following.append((first, -last))
    first, last = min(following, default=(line, -line))
    return first, -last
