"""How deep an expression nests, told before it is parsed.

libpg_query recurses on its stack when it writes a tree out: on the usual 8 MB, 30,000 operands of
one operator (or JOIN, UNION, ``::``) end the process. Nesting to the right (parentheses, CASE,
NOT) is refused by the grammar itself long before.
"""

import re

from senior_backend.sql import lexical

# A fifth of what was seen to work, for threads and systems with a smaller stack.
LIMIT = 4_000
# A level takes two bytes at least (an operator and an operand).
SHORT = 2 * LIMIT

_OPERATORS = rb"-+*/<>=~!@#%^&|?:"
_WORDS = (b"union", b"except", b"intersect", b"join", b"is", b"notnull", b"collate", b"at")
_MARKS = re.compile(
    rb"--|/\*|'|\"|\$|[(),;]|\b(?:and|or)\b|[-+*/<>=~!@\#%^&|?:]+"
    rb"|\b(?:union|except|intersect|join|is|isnull|notnull|collate|at)\b",
    re.IGNORECASE,
)
_QUOTED = frozenset((b"--", b"/*", b"'", b'"', b"$"))


def surely_shallow(sql: bytes) -> bool:
    """Whether a text is too short, or has too few operators, to nest too deep. Quick."""
    if len(sql) < SHORT:
        return True
    # Operator characters of comments and strings are counted too.
    steps = len(sql) - len(sql.translate(None, _OPERATORS))
    if steps > LIMIT:
        return False
    lower = sql.lower()
    return steps + sum(map(lower.count, _WORDS)) <= LIMIT


def too_deep(sql: bytes) -> bool:
    """Whether a statement may nest deeper than is safe to parse."""
    return not surely_shallow(sql) and _deepest(sql) > LIMIT


def _deepest(sql: bytes) -> int:
    """Steps on the longest way from the statement to one operand.

    A comma begins a new operand; AND and OR do too, because their lists are flat in the tree.
    """
    deepest = steps = 0
    outer: list[int] = []
    at = 0
    while mark := _MARKS.search(sql, at):
        at = mark.end()
        kind = mark.group()
        if kind in _QUOTED:
            at = lexical.END_OF[kind](sql, mark.start())
            if at < 0:
                break
        elif kind == b"(":
            outer.append(steps)
            steps += 1
        elif kind == b")":
            steps = outer.pop() if outer else 0
        elif kind in b",;" or kind[:1] in b"oO" or kind[:2].lower() == b"an":
            steps = outer[-1] + 1 if outer else 0
        else:
            steps += 1
            deepest = max(deepest, steps)
    return deepest
