"""Where one statement ends and the next begins, by PostgreSQL's lexical rules.

Reads what can hide a semicolon (strings, quoted names, dollar quotes, comments, parentheses,
``BEGIN ATOMIC`` bodies) and what psql and template engines mix into SQL; all the rest is skipped
at the speed of a regular expression. Sources: PostgreSQL documentation, "Lexical Structure";
``scan.l`` and ``psqlscan.l``.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from senior_backend.sql import lexical, templates
from senior_backend.sql.templates import Mark


class Span(NamedTuple):
    """A range of bytes."""

    start: int
    end: int


@dataclass(slots=True)
class Pieces:
    """The ``pieces`` between semicolons, and what stands in the text beside SQL.

    Pieces have no blanks, comments or template control marks around them. ``errors`` says what is
    lexically wrong with the piece that begins there. ``meta`` are psql's backslash commands,
    ``templates`` the marks of template engines outside of strings.
    """

    pieces: list[Span] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)
    meta: list[Span] = field(default_factory=list)
    templates: list[Mark] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)


# Each alternative begins with a fixed byte: the search then skips all others in C.
_MARK = rb"""'|"|\$|--|/\*|;|\(|\)|\\|\{\{|\{%|\{\#|<%"""
_MARKS = re.compile(_MARK, re.VERBOSE)
_MARKS_AND_WORDS = re.compile(
    _MARK + rb"|[bB][eE][gG][iI][nN]|[cC][aA][sS][eE]|[eE][nN][dD]", re.VERBOSE
)
_SOLID = frozenset((b"'", b'"', b"$", b"(", b")"))
_BEGIN_ATOMIC = re.compile(rb"\bbegin\s+atomic\b", re.IGNORECASE)
_ATOMIC = re.compile(rb"\s+atomic\b", re.IGNORECASE)
_COPY_FROM_STDIN = re.compile(rb"copy\b.*?\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_COPY_END = re.compile(rb"^\\\.[ \t]*\r?$", re.MULTILINE)
_STATEMENT_AND_LINE_END = re.compile(rb";[ \t]*\r?\n")
# Commands of psql that send what stands before them, as a semicolon does.
_SENDING = re.compile(rb"\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch)(?![a-z])")


def split(data: bytes) -> Pieces:
    """Cut a text at its semicolons.

    What is never closed (a string, a parenthesis) spoils its own statement only: the text goes on
    at the next semicolon, for quotes at the next that ends a line.
    """
    splitter = _Splitter(data)
    splitter.run()
    return splitter.found


class _Splitter:
    """One pass over a text; ``first`` and ``last`` bound the piece that is being read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.found = Pieces()
        self.first = -1
        self.last = 0
        self.error = ""
        self.depth = 0
        self.atomic = 0
        self.opened = -1
        self.doubled = b"{{" in data

    def run(self) -> None:
        data = self.data
        search = (_MARKS_AND_WORDS if _BEGIN_ATOMIC.search(data) else _MARKS).search
        at = 0
        size = len(data)
        while at < size:
            mark = search(data, at)
            if mark is None:
                self._plain(at, size)
                at = size
            else:
                start, kind = mark.start(), mark.group()
                # What is followed by more of the same piece needs no look at its blanks.
                if start > at and (self.first < 0 or kind not in _SOLID):
                    self._plain(at, start)
                at = self._mark(start, kind)
            if at >= size and self.depth and data.find(b";", self.opened) >= 0:
                at = self._close(self.opened)
        self._finish(size)

    def _mark(self, start: int, kind: bytes) -> int:
        """Take in what begins at ``start``; where it ends."""
        after = start + len(kind)
        if kind == b";":
            if not self.depth and not self.atomic:
                return self._finish(after)
            self._extend(start, after)
        elif kind == b"(":
            if not self.depth:
                self.opened = start
            self.depth += 1
            self._extend(start, after)
        elif kind == b")":
            self.depth = max(0, self.depth - 1)
            self._extend(start, after)
        elif kind == b"\\":
            return self._meta(start)
        elif kind[:1].isalpha():
            self._word(start, after, kind.lower())
        elif kind[:1] in b"{<":
            return self._template(start)
        else:
            return self._quoted(start, kind)
        return after

    def _plain(self, start: int, end: int) -> None:
        """Bytes without any mark: they belong to the piece unless they are blank."""
        part = self.data[start:end].rstrip()
        if part:
            self._extend(start + len(part) - len(part.lstrip()), start + len(part))

    def _extend(self, start: int, end: int) -> None:
        if self.first < 0:
            self.first = start
        self.last = end

    def _word(self, start: int, end: int, word: bytes) -> None:
        """BEGIN ATOMIC opens a body, CASE nests in it, END closes either."""
        self._extend(start, end)
        if not lexical.is_word(self.data, start, end):
            return
        if word == b"begin":
            if not self.atomic and _ATOMIC.match(self.data, end):
                self.atomic = 1
        elif self.atomic:
            self.atomic += 1 if word == b"case" else -1

    def _quoted(self, start: int, kind: bytes) -> int:
        """A comment, string, quoted name or dollar quote; where it ends."""
        data = self.data
        if kind == b"--":
            end = lexical.line_end(data, start)
            self.found.comments.append(Span(start, end))
            return end
        if kind == b"/*":
            end = lexical.comment_end(data, start)
            if end >= 0:
                self.found.comments.append(Span(start, end))
                return end
            wrong = "a comment is not closed"
        elif kind == b"'":
            end, wrong = lexical.string_end(data, start), "a string is not closed"
        elif kind == b'"':
            end, wrong = lexical.quoted_name_end(data, start), "a quoted name is not closed"
            if self.doubled:
                end = self._quoted_template(start, end)
        else:
            end, wrong = lexical.dollar_end(data, start), "a dollar-quoted string is not closed"
        if end < 0:
            self.error = self.error or wrong
            following = _STATEMENT_AND_LINE_END.search(data, start)
            end = following.start() if following else len(data)
            self.depth = self.atomic = 0
            self._plain(start, end)
        else:
            self._extend(start, end)
        return end

    def _quoted_template(self, start: int, end: int) -> int:
        """The end of a quoted name with a template's value in it that has such quotes itself.

        As in ``"{{ index .Options "Namespace" }}".users``. (In strings, two braces are arrays.)
        """
        at = self.data.find(b"{{", start, end)
        while at >= 0:
            found = templates.mark(self.data, at, lexical.line_end(self.data, at))
            if found is None or found.end <= end:
                break
            self.found.templates.append(found)
            end = lexical.quoted_name_end(self.data, found.end - 1)
            at = self.data.find(b"{{", found.end, end)
        return end

    def _template(self, start: int) -> int:
        found = templates.mark(self.data, start, len(self.data))
        if found is None:
            self._extend(start, start + 2)
            return start + 2
        self.found.templates.append(found)
        if not found.control:
            self._extend(start, found.end)
        return found.end

    def _meta(self, start: int) -> int:
        """A backslash command of psql reaches to the end of its line."""
        data = self.data
        end = lexical.line_end(data, start)
        separates = data.startswith(rb"\;", start)
        if separates or _SENDING.search(data, start, end):  # also as in `\bind 1 \g`
            self.depth = self.atomic = 0
            self._finish(start)
            if separates:
                return start + 2
        self.found.meta.append(Span(start, end))
        return end

    def _close(self, opened: int) -> int:
        """End the piece at the first semicolon after a parenthesis that is never closed."""
        at = self.data.find(b";", opened)
        found = self.found
        for spans in (found.comments, found.meta, found.templates):
            while spans and spans[-1].start > at:
                spans.pop()
        self.error = "a parenthesis is not closed"
        self.last = len(self.data[:at].rstrip()) if self.data[at - 1 : at].isspace() else at
        self.depth = self.atomic = 0
        return self._finish(at + 1)

    def _finish(self, at: int) -> int:
        """The piece ends before ``at``; where the next begins (after the data of a COPY)."""
        first, self.first = self.first, -1
        error, self.error = self.error, ""
        if first < 0:
            return at
        data, last = self.data, self.last
        self.found.pieces.append(Span(first, last))
        if error:
            self.found.errors[first] = error
        if data[first] in b"cC" and _COPY_FROM_STDIN.match(data, first, last):
            end = _COPY_END.search(data, at)
            if end:
                return end.end()
        return at
