"""PostgreSQL's quotes and comments: where each ends.

Every function takes the text and the offset of the opening byte, and gives the offset after the
closing one, or -1 when there is none. Source: documentation, "Lexical Structure".
"""

import re

NAME_BYTES = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$"
) | frozenset(range(0x80, 0x100))

_QUOTES = re.compile(rb"--|/\*|'|\"|\$")
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_LINE_BREAK = re.compile(rb"[\r\n]")
_DOLLAR_TAG = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$")
_WORD_BEFORE = re.compile(rb"[\w$\x80-\xff]+\Z")
_WORD_REST = re.compile(rb"[\w$\x80-\xff]*")
# With backslash escapes; goes on in a string on a later line, which has escapes as well.
_ESCAPE_STRING = re.compile(
    rb"""'(?:[^'\\]|\\.|'')*+'
         (?:[ \t\f\v]*+[\r\n](?:[ \t\r\n\f\v]|--[^\r\n]*+[\r\n])*+'(?:[^'\\]|\\.|'')*+')*+""",
    re.DOTALL | re.VERBOSE,
)


def is_word(data: bytes, start: int, end: int) -> bool:
    """Whether these letters are a word of their own, not a part of a longer name."""
    return (start == 0 or data[start - 1] not in NAME_BYTES) and (
        end >= len(data) or data[end] not in NAME_BYTES
    )


def line_end(data: bytes, at: int) -> int:
    """The end of the line, before its line break; never -1."""
    found = _LINE_BREAK.search(data, at)
    return found.start() if found else len(data)


def comment_end(data: bytes, at: int) -> int:
    """A ``/*`` comment; they nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(data, at):
        depth += 1 if edge.group() == b"/*" else -1
        if not depth:
            return edge.end()
    return -1


def string_end(data: bytes, at: int) -> int:
    """A string in single quotes. A doubled quote may end it: the next string then follows."""
    if at and data[at - 1] in b"eE" and (at < 2 or data[at - 2] not in NAME_BYTES):
        found = _ESCAPE_STRING.match(data, at)
        return found.end() if found else -1
    return data.find(b"'", at + 1) + 1 or -1


def quoted_name_end(data: bytes, at: int) -> int:
    """A name in double quotes; a doubled quote is as in a string."""
    return data.find(b'"', at + 1) + 1 or -1


def dollar_end(data: bytes, at: int) -> int:
    """A dollar: the end of the name it is part of, of the quote it opens, or just itself."""
    before = data[at - 1] if at else 0x20
    if before in NAME_BYTES:
        found = _WORD_BEFORE.search(data, max(0, at - 4096), at)
        word = found.group() if found else b""
        if word.startswith(b"$"):  # a quote that ended there; the name begins after it
            word = word.rpartition(b"$")[2]
        if word and word[:1] not in b"0123456789":
            rest = _WORD_REST.match(data, at)
            return rest.end() if rest else at + 1
    tag = _DOLLAR_TAG.match(data, at)
    if tag is None:
        return at + 1
    end = data.find(tag.group(), tag.end())
    return end + len(tag.group()) if end >= 0 else -1


def comments(data: bytes) -> list[tuple[int, int]]:
    """The spans of the comments, up to the first quote that is never closed."""
    found: list[tuple[int, int]] = []
    at = 0
    while mark := _QUOTES.search(data, at):
        start = mark.start()
        kind = mark.group()
        at = END_OF[kind](data, start)
        if at < 0:
            break
        if kind in {b"--", b"/*"}:
            found.append((start, at))
    return found


def outside(data: bytes) -> list[tuple[int, int]]:
    """The spans that are neither quoted nor a comment."""
    found: list[tuple[int, int]] = []
    begin = at = 0
    while mark := _QUOTES.search(data, at):
        start, kind = mark.start(), mark.group()
        at = END_OF[kind](data, start)
        if kind == b"$" and (at == start + 1 or (at > 0 and data[at - 1 : at] != b"$")):
            continue
        if start > begin:
            found.append((begin, start))
        if at < 0:
            return found
        begin = at
    found.append((begin, len(data)))
    return found


END_OF = {
    b"--": line_end,
    b"/*": comment_end,
    b"'": string_end,
    b'"': quoted_name_end,
    b"$": dollar_end,
}
