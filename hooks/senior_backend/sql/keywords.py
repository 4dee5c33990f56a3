"""Words of a statement where they are words: not in quotes, comments or parentheses."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from senior_backend.sql import lexical

_WORD: Final = re.compile(rb"[a-z_\x80-\xff][\w$\x80-\xff]*|[()]", re.IGNORECASE)

Span = tuple[int, int]


def everywhere(data: bytes) -> list[tuple[str, Span]]:
    """Every word, also within parentheses, in lower case, with its bytes."""
    return [(word, span) for word, _, span in _words(data)]


def top_level(data: bytes) -> list[tuple[str, Span]]:
    """Every word outside of parentheses, in lower case, with its bytes."""
    return [(word, span) for word, depth, span in _words(data) if depth == 0]


def _words(data: bytes) -> Iterator[tuple[str, int, Span]]:
    depth = 0
    for start, end in lexical.outside(data):
        for word in _WORD.finditer(data, start, end):
            text = word.group().decode("utf-8", "replace").lower()
            if text in "()":
                depth += 1 if text == "(" else -1
            else:
                yield text, depth, word.span()


def find(data: bytes, wanted: Sequence[str], start: int = 0) -> Span | None:
    """The bytes from the first to the last of ``wanted``, which follow one another."""
    words = [word for word in top_level(data) if word[1][0] >= start]
    for at in range(len(words) - len(wanted) + 1):
        if [text for text, _ in words[at : at + len(wanted)]] == list(wanted):
            return words[at][1][0], words[at + len(wanted) - 1][1][1]
    return None
