"""An own, plain count of statements, to hold against what the linters say they have read."""

import re
from dataclasses import dataclass

SEMICOLON = ord(";")
# A bracket is its own kind of token.
DEPTH = {ord("("): 1, ord("["): 1, ord(")"): -1, ord("]"): -1}


@dataclass(frozen=True)
class Piece:
    """What stands between two semicolons; lines count from 1, the end is inclusive."""

    sql: str
    line: int
    end_line: int

    def begins_with(self, pattern: str) -> bool:
        """Whether the statement begins with the pattern, case and spacing apart."""
        return re.match(pattern, " ".join(self.sql.split()), re.IGNORECASE) is not None


def pieces(text: str) -> list[Piece] | None:
    """The statements of a script; None when PostgreSQL's scanner does not get through it.

    Semicolons inside parentheses and inside the body of BEGIN ATOMIC do not end a statement.
    """
    import postgast

    data = text.encode()
    if b"\0" in data:
        return None
    try:
        tokens = postgast.scan(text).tokens
    except postgast.PgQueryError:
        return None
    kinds = postgast.pg_query_pb2
    found: list[Piece] = []
    first = last = None
    depth = atomic = before = 0
    for token in tokens:
        kind = token.token
        if kind in (kinds.SQL_COMMENT, kinds.C_COMMENT):
            continue
        if kind == SEMICOLON and depth <= 0 and not atomic:
            if first is not None:
                found.append(_piece(data, first, last or first))
            first = last = None
            before = 0
            continue
        depth += DEPTH.get(kind, 0)
        if atomic or (kind == kinds.ATOMIC and before == kinds.BEGIN_P):
            atomic += (kind in (kinds.ATOMIC, kinds.CASE)) - (kind == kinds.END_P)
        before = kind
        first = token.start if first is None else first
        last = token.end
    if first is not None:
        found.append(_piece(data, first, last or first))
    return found


def _piece(data: bytes, start: int, end: int) -> Piece:
    line = data.count(b"\n", 0, start) + 1
    sql = data[start:end].decode(errors="replace")
    return Piece(sql, line, line + sql.count("\n"))
