"""What template engines and psql put into SQL before a server sees it, and stand-ins for it.

A stand-in has the length of what it replaces, so every offset holds. Known: Go and Jinja
(``{{ }}``, ``{% %}``, ``{# #}``), ERB (``<%= %>``, ``<% %>``), Flyway (``${name}``), and the
variables of psql (``:name``, ``:'name'``, ``:"name"``).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_ENDS = {b"{{": b"}}", b"{%": b"%}", b"{#": b"#}", b"<%": b"%>"}
_CONTROL = re.compile(
    rb"""\{[%\#]
       | \{\{-?\s*(?:/\*|(?:if|else|end|range|with|define|block|template|break|continue)\b)
       | \{\{[!\#/]
       | <%-?\#?(?!=)""",
    re.VERBOSE,
)
_SIGN = re.compile(rb"\$\{|:")
_VARIABLE = re.compile(
    rb"""\$\{[^{}\s'"]+\}
       | (?<![:\w\])]):(?:'\w+'|"\w+"|[A-Za-z_]\w*)""",
    re.VERBOSE,
)
_OPENING = re.compile(rb"\{\{|\{%|\{#|<%")
_QUOTED_VALUE = re.compile(rb"\"\{\{[^{}\r\n\"]*\"[^{}\r\n]*\}\}\"")
_NOT_NAME = re.compile(rb"[^A-Za-z0-9_]")
_PART = re.compile(rb"[\w\"$%{}<>\x80-\xff]")
"""Beside a mark: it is only a part of a name."""


class Mark(NamedTuple):
    """A place of a template: ``control`` steers it (if, for, end), else it gives a value."""

    start: int
    end: int
    control: bool


def mark(data: bytes, at: int, limit: int) -> Mark | None:
    """The template mark that opens at ``at`` and closes before ``limit``; ERB on one line only."""
    opening = data[at : at + 2]
    end = data.find(_ENDS[opening], at + 2, limit)
    if end < 0 or (opening == b"<%" and data.find(b"\n", at, end) >= 0):
        return None
    return Mark(at, end + 2, _CONTROL.match(data, at) is not None)


def marks(sql: bytes, outside: Callable[[bytes], list[tuple[int, int]]]) -> list[Mark]:
    """The marks of template engines in a piece, in the parts ``outside`` of strings."""
    if b"{{" not in sql and b"{%" not in sql and b"<%" not in sql:
        return []
    opened = (
        mark(sql, sign.start(), len(sql))
        for start, end in outside(sql)
        for sign in _OPENING.finditer(sql, start, end)
    )
    return [found for found in opened if found]


def name(content: bytes, *, padded: bool = False) -> bytes:
    """An identifier of the same length; equal content gives equal names.

    With ``padded`` spaces make up the length: then the spaces within a mark make no difference.
    """
    if not padded:
        return b"_" + _NOT_NAME.sub(b"_", content).lower()[1:]
    words = _NOT_NAME.sub(b" ", content).lower().split()
    return (b"_" + b"_".join(words))[: len(content)].ljust(len(content))


def number(content: bytes) -> bytes:
    """A number of the same length, for the places where no name may stand."""
    return b"1" + b" " * (len(content) - 1)


def blank(content: bytes) -> bytes:
    """Spaces for all but line breaks."""
    return re.sub(rb"[^\r\n]", b" ", content)


def with_quoted_values(data: bytes, start: int, end: int) -> bytes:
    """The text with names for marks such as ``"{{ index .Options "Namespace" }}"`` in a range.

    Their own quotes would end the name; all other marks are left.
    """
    if data.find(b"{{", start, end) < 0:
        return data
    part = _QUOTED_VALUE.sub(lambda found: quoted_name(found.group()), data[start:end])
    return data[:start] + part + data[end:]


def quoted_name(quoted: bytes) -> bytes:
    """A mark in double quotes as a quoted name, the same as without quotes."""
    found = name(quoted[1:-1], padded=True)
    stem = found.rstrip()
    return b'"' + stem + b'"' + b" " * (len(found) - len(stem))


def variables(sql: bytes, outside: list[tuple[int, int]]) -> list[Mark]:
    """Places of ``${name}`` and of psql's variables that begin ``outside`` of strings."""
    found = (
        _VARIABLE.match(sql, sign.start())
        for start, end in outside
        for sign in _SIGN.finditer(sql, start, end)
    )
    return [Mark(match.start(), match.end(), control=False) for match in found if match]


def stand_in(sql: bytes, start: int, end: int) -> tuple[int, bytes]:
    """What to parse instead of a value, and from where: a name, or the string of ``:'name'``."""
    content = sql[start:end]
    if content[1:2] in {b"'", b'"'}:
        return start, b" " + content[1:]
    around = sql[start - 1 : start] if start else b"", sql[end : end + 1]
    if around == (b'"', b'"'):
        return start - 1, quoted_name(sql[start - 1 : end + 1])
    part_of_name = any(_PART.match(beside) for beside in around)
    return start, name(content, padded=not part_of_name)
