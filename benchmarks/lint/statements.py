"""An own, plain count of statements, to hold against what the linters say they have read.

It shares nothing with the linters: neither a parser nor PostgreSQL's scanner.
"""

import re
from dataclasses import dataclass
from typing import Final

TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<text>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<dollar>\$(?:[^\W\d]\w*)?\$)
    |(?P<psql>\\;?)
    |(?P<mark>[;()\[\]])
    |(?P<word>[^\W\d][\w$]*)
    |(?P<other>[^\s'"$;()\[\]\\/\-A-Za-z_]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
EDGE: Final = re.compile(r"/\*|\*/")
SENDS: Final = re.compile(r"\\(g|gx|gset|gexec|gdesc|crosstabview|watch|parse|sendpipeline)\b")
"""psql's commands that end a statement as a semicolon does."""
MARK: Final = re.compile(
    r"--\s*(\+goose\s+(up|down|statementend)\b|migrate:(up|down)\b|>\s*statement-breakpoint)",
    re.IGNORECASE,
)
"""Comments at which migration tools cut, whether or not a semicolon stands before them."""
COPY: Final = re.compile(r"copy\b[^;]*\bfrom\s+stdin\b", re.IGNORECASE)
DEPTH: Final = {"(": 1, "[": 1, ")": -1, "]": -1}


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
    """The statements of a script as psql reads it; None when it holds a NUL, so is no text.

    Semicolons inside parentheses and inside the body of BEGIN ATOMIC do not end a statement.
    """
    if "\0" in text:
        return None
    found: list[Piece] = []
    first: int | None = None
    last = at = depth = atomic = counted = line = 0
    before = ""

    def end() -> None:
        nonlocal first, depth, atomic, before, counted, line
        if first is not None:
            line += text.count("\n", counted, first)
            counted = first
            sql = text[first:last]
            found.append(Piece(sql, line + 1, line + 1 + sql.count("\n")))
        first, depth, atomic, before = None, 0, 0, ""

    while match := TOKEN.match(text, at):
        kind, at = match.lastgroup, match.end()
        if kind == "space":
            if MARK.match(match[0]):
                end()
            continue
        if kind == "comment":
            at = _after_comment(text, at)
            continue
        if kind == "psql":
            if match[0] != "\\;":
                line_end = text.find("\n", at)
                at = len(text) if line_end < 0 else line_end
                if not SENDS.search(text, match.start(), at):
                    continue
            end()
            continue
        if match[0] == ";" and depth <= 0 and not atomic:
            copies = first is not None and COPY.match(text, first, last)
            end()
            if copies:
                at = _after_rows(text, at)
            continue
        if kind == "dollar":
            close = text.find(match[0], at)
            at = len(text) if close < 0 else close + len(match[0])
        elif kind == "mark":
            depth += DEPTH.get(match[0], 0)
        word = match[0].lower() if kind == "word" else ""
        if atomic:
            atomic += (word in ("atomic", "case")) - (word == "end")
        elif word == "atomic" and before == "begin":
            atomic = 1
        before = word
        first = match.start() if first is None else first
        last = at
    end()
    return found


def _after_comment(text: str, at: int) -> int:
    """Where a comment ends, in which others may be."""
    depth = 1
    while depth and (edge := EDGE.search(text, at)):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return len(text) if depth else at


def _after_rows(text: str, at: int) -> int:
    """Where the rows of COPY FROM STDIN end; where no end is marked there are none."""
    close = re.compile(r"^\\\.[ \t]*\r?$", re.MULTILINE).search(text, at)
    return close.end() if close else at
