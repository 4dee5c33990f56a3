"""Where one statement ends and the next begins, by PostgreSQL's lexical rules.

Reads what can hide a semicolon (strings, quoted names, dollar quotes, comments, parentheses,
``BEGIN ATOMIC`` bodies) and what psql and template engines mix into SQL; all the rest is skipped
at the speed of a regular expression. Rules: PostgreSQL documentation, "Lexical Structure", and
``scan.l``; ``psqlscan.l`` for what psql adds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """A range of bytes and what stands in it."""

    start: int
    end: int


@dataclass(slots=True)
class Pieces:
    """``pieces`` between semicolons, without surrounding blanks and comments, and what is not SQL.

    ``errors`` maps the start of a piece to what is lexically wrong with it. ``meta`` are psql's
    backslash commands, ``templates`` the marks of template engines outside of strings.
    """

    pieces: list[Span] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)
    meta: list[Span] = field(default_factory=list)
    templates: list[Span] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)


# Each alternative begins with a fixed byte: the engine then skips all others in C.
_MARK = rb"""'|"|\$|--|/\*|;|\(|\)|\\|\{\{|\{%|\{\#|<%"""
_MARKS = re.compile(_MARK, re.VERBOSE)
_MARKS_AND_WORDS = re.compile(_MARK + rb"|[bB][eE][gG][iI][nN]|[cC][aA][sS][eE]|[eE][nN][dD]")
_BEGIN_ATOMIC = re.compile(rb"\bbegin\s+atomic\b", re.IGNORECASE)
_ATOMIC = re.compile(rb"\s+atomic\b", re.IGNORECASE)
_COMMENT_ONLY = re.compile(rb"--|/\*|'|\"|\$")
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_DOLLAR_TAG = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$")
_NAME_BEFORE = re.compile(rb"[A-Za-z_\x80-\xff][\w$\x80-\xff]*\Z")
_NAME_REST = re.compile(rb"[\w$\x80-\xff]*")
_ESCAPE_STRING = re.compile(
    rb"'(?:[^'\\]|\\.|'')*+'(?:[ \t\f\v]*+[\r\n](?:\s|--[^\r\n]*+[\r\n])*+'(?:[^'\\]|\\.|'')*+')*+",
    re.DOTALL,
)
_LINE_BREAK = re.compile(rb"[\r\n]")
_BLANK = re.compile(rb"\s*")
_COPY_FROM_STDIN = re.compile(rb"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_COPY_END = re.compile(rb"^\\\.[ \t]*\r?$", re.MULTILINE)
_TEMPLATE_ENDS = {b"{{": b"}}", b"{%": b"%}", b"{#": b"#}", b"<%": b"%>"}
# Commands of psql that send what stands before them, as a semicolon does.
_SENDING = re.compile(rb"\\(?:;|g|gx|gset|gexec|gdesc|gdescribe|crosstabview|watch)(?![a-z])")
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$") | (
    frozenset(range(0x80, 0x100))
)


def string_end(data: bytes, at: int) -> int:
    """The end of the string whose quote stands at ``at``; -1 when it is not terminated."""
    if at and data[at - 1] in b"eE" and (at < 2 or data[at - 2] not in _NAME_BYTES):
        match = _ESCAPE_STRING.match(data, at)
        return match.end() if match else -1
    return data.find(b"'", at + 1) + 1 or -1


def comment_end(data: bytes, at: int) -> int:
    """The end of the ``/*`` comment at ``at`` (they nest); -1 when it is not terminated."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(data, at):
        depth += 1 if edge.group() == b"/*" else -1
        if not depth:
            return edge.end()
    return -1


def line_end(data: bytes, at: int) -> int:
    """The end of the line that holds ``at``, without its line break."""
    end = _LINE_BREAK.search(data, at)
    return end.start() if end else len(data)


def dollar_end(data: bytes, at: int) -> tuple[int, bool]:
    """The end of what the dollar at ``at`` begins; False when it is an unterminated quote."""
    if at and data[at - 1] in _NAME_BYTES and _NAME_BEFORE.search(data, max(0, at - 256), at):
        name = _NAME_REST.match(data, at)
        return (name.end() if name else at + 1), True
    tag = _DOLLAR_TAG.match(data, at)
    if tag is None:
        return at + 1, True
    end = data.find(tag.group(), tag.end())
    return (end + len(tag.group()), True) if end >= 0 else (len(data), False)


def comments(data: bytes) -> list[Span]:
    """The comments of a text that PostgreSQL accepts."""
    return list(_comments(data))


def _comments(data: bytes) -> Iterator[Span]:
    at = 0
    while mark := _COMMENT_ONLY.search(data, at):
        at = mark.start()
        kind = mark.group()
        if kind == b"--":
            end = line_end(data, at)
            yield Span(at, end)
        elif kind == b"/*":
            end = comment_end(data, at)
            if end < 0:
                return
            yield Span(at, end)
        elif kind == b"'":
            end = string_end(data, at)
        elif kind == b'"':
            end = data.find(b'"', at + 1) + 1 or -1
        else:
            end, _ = dollar_end(data, at)
        if end < 0:
            return
        at = end


def split(data: bytes) -> Pieces:
    """Cut a text at its semicolons. What is lexically broken ends with the line it began on."""
    return _Splitter(data).run()


class _Splitter:
    """One pass over a text. ``first`` and ``last`` bound the piece that is being read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.found = Pieces()
        self.first = -1
        self.last = 0
        self.error = ""

    def run(self) -> Pieces:
        data = self.data
        search = (_MARKS_AND_WORDS if _BEGIN_ATOMIC.search(data) else _MARKS).search
        at = depth = atomic = 0
        opened = -1
        size = len(data)
        while at < size:
            mark = search(data, at)
            start = mark.start() if mark else size
            self._text(at, start)
            if mark is None:
                at = size
            else:
                kind = mark.group()
                at = mark.end()
                if kind == b";":
                    if depth or atomic:
                        self._token(start, at)
                    else:
                        at = self._finish(at)
                elif kind == b"(":
                    if not depth:
                        opened = start
                    depth += 1
                    self._token(start, at)
                elif kind == b")":
                    depth = max(0, depth - 1)
                    self._token(start, at)
                elif kind[0] in b"bBcCeE":
                    at, atomic = self._word(start, at, kind.lower(), atomic)
                elif kind == b"\\":
                    at, sends = self._meta(start)
                    if sends:
                        depth = atomic = 0
                        self._finish(start)
                else:
                    at = self._quoted(start, kind)
            if at >= size and depth and data.find(b";", opened) >= 0:
                # A parenthesis is never closed: only that statement is lost, not all after it.
                at, depth = self._cut(opened), 0
        self._finish(size)
        return self.found

    def _cut(self, opened: int) -> int:
        """End the piece at the first semicolon after the open parenthesis; where to go on."""
        at = self.data.find(b";", opened)
        self.last = at
        self.error = "a parenthesis is not closed"
        for spans in (self.found.comments, self.found.meta, self.found.templates):
            while spans and spans[-1].start > at:
                spans.pop()
        return self._finish(at + 1)

    def _text(self, start: int, end: int) -> None:
        """Bytes without any mark: they belong to the piece unless they are blank."""
        blank = _BLANK.match(self.data, start, end)
        first = blank.end() if blank else start
        if first < end:
            if self.first < 0:
                self.first = first
            while self.data[end - 1] in b" \t\r\n\f\v":
                end -= 1
            self.last = end

    def _token(self, start: int, end: int) -> None:
        if self.first < 0:
            self.first = start
        self.last = end

    def _word(self, start: int, end: int, word: bytes, atomic: int) -> tuple[int, int]:
        """BEGIN ATOMIC opens a body, CASE nests in it, END closes either."""
        data = self.data
        self._token(start, end)
        if (start and data[start - 1] in _NAME_BYTES) or (
            end < len(data) and data[end] in _NAME_BYTES
        ):
            return end, atomic
        if word == b"begin":
            return end, atomic or (1 if _ATOMIC.match(data, end) else 0)
        if atomic:
            atomic += 1 if word == b"case" else -1
        return end, atomic

    def _quoted(self, start: int, kind: bytes) -> int:
        """A string, quoted name, dollar quote, comment or template mark; where it ends."""
        data, found = self.data, self.found
        if kind == b"--":
            end = line_end(data, start)
            found.comments.append(Span(start, end))
            return end
        if kind == b"/*":
            end = comment_end(data, start)
            if end >= 0:
                found.comments.append(Span(start, end))
                return end
            wrong = "a comment is not closed"
        elif kind == b"'":
            end, wrong = string_end(data, start), "a string is not closed"
        elif kind == b'"':
            end, wrong = data.find(b'"', start + 1) + 1 or -1, "a quoted name is not closed"
        elif kind == b"$":
            end, closed = dollar_end(data, start)
            wrong = "a dollar-quoted string is not closed"
            end = end if closed else -1
        else:
            close = data.find(_TEMPLATE_ENDS[kind], start + 2)
            if close < 0 or (kind == b"<%" and b"\n" in data[start:close]):
                end = start + 2
            else:
                end = close + 2
                found.templates.append(Span(start, end))
            self._token(start, end)
            return end
        if end < 0:
            self.error = wrong
            self._token(start, start + 1)
            end = _recovery(data, start)
            self._text(start, end)
            return end
        self._token(start, end)
        return end

    def _meta(self, start: int) -> tuple[int, bool]:
        """A backslash command of psql reaches to the end of its line; whether it sends."""
        sending = _SENDING.match(self.data, start)
        if sending and sending.group() == rb"\;":
            return sending.end(), True
        end = line_end(self.data, start)
        self.found.meta.append(Span(start, end))
        return end, bool(sending)

    def _finish(self, at: int) -> int:
        """The piece ends before ``at``; where the next begins (after the data of a COPY)."""
        first, self.first = self.first, -1
        error, self.error = self.error, ""
        if first < 0:
            return at
        data = self.data
        self.found.pieces.append(Span(first, self.last))
        if error:
            self.found.errors[first] = error
        if data[first] in b"cC" and _COPY_FROM_STDIN.match(
            data, first, min(self.last, first + 4096)
        ):
            end = _COPY_END.search(data, at)
            if end:
                return end.end()
        return at


def _recovery(data: bytes, start: int) -> int:
    """Where to go on after a quote that is never closed: the next line that follows a ``;``."""
    match = re.compile(rb";[ \t]*\r?\n").search(data, start)
    return match.start() if match else len(data)
