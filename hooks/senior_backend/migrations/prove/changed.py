"""The words of a statement, and those that another does not have."""

import re
import textwrap
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final

_WORD: Final = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|[\w$.]+|[^\s\w]", re.UNICODE)


def shown(sql: str, most: int) -> list[str]:
    """The lines of a statement as it is written, the first ``most`` of them."""
    first, _, rest = sql.strip().partition("\n")
    lines = [first.rstrip(), *(line.rstrip() for line in textwrap.dedent(rest).splitlines())]
    lines = [line.expandtabs(4) for line in lines if line.strip()]
    if rest:
        lines[1:] = [f"  {line}" for line in lines[1:]]
    if len(lines) > most:
        lines[most - 1 :] = [f"… {len(lines) - most + 1} more lines"]
    return lines


def new_words(before: str, after: str) -> Iterator[tuple[int, int]]:
    """Where in ``after`` words stand that ``before`` does not have, as ranges of characters."""
    theirs = list(_WORD.finditer(after))
    old = [match[0].lower() for match in _WORD.finditer(before)]
    matcher = SequenceMatcher(None, old, [match[0].lower() for match in theirs], autojunk=False)
    for action, _, _, start, end in matcher.get_opcodes():
        if action in ("insert", "replace"):
            yield theirs[start].start(), theirs[end - 1].end()
