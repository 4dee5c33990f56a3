"""Which statements of a fix stand for which of the file as it was written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from senior_backend.findings import Finding
from senior_backend.migrations.prove.seen import Seen

_WORD: Final = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|[\w$.]+", re.UNICODE)
_PART: Final = re.compile(r"[^\W_]+")
_EVERYWHERE: Final = frozenset(
    {"add", "alter", "by", "column", "concurrently", "constraint", "create", "default", "drop"}
    | {"exists", "if", "in", "index", "key", "local", "not", "null", "on", "only", "or", "set"}
    | {"references", "table", "to", "unique", "using", "valid", "validate"}
)
"""Words that say nothing about what a statement is about."""
_ALIKE: Final = 0.15
"""How many of their names two statements share at least."""
_VERY_ALIKE: Final = 0.6
"""The same beside a statement that is still there."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement as written, and what it has become: nothing, itself, or several.

    Settings stand before the statement that they are for. ``written`` is empty for what only the
    fix has, ``fixed`` where it took the statement away.
    """

    written: tuple[Seen, ...]
    fixed: tuple[Seen, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def unchanged(self) -> bool:
        """Whether both are the same words, with the same locks of their own."""
        ours, theirs = (_bodies(side) for side in (self.written, self.fixed))
        return [_words(s.statement.sql) for s in ours] == [_words(s.statement.sql) for s in theirs]


def pair(
    written: Sequence[Seen], fixed: Sequence[Seen], findings: Sequence[Finding] = ()
) -> tuple[Pair, ...]:
    """All statements of both sides, once each, in the order of the file as it was written."""
    ours, theirs = _grouped(written), _grouped(fixed)
    by_line = _by_statement(ours, findings)
    partner = _partners(
        [_key(group) for group in ours],
        [_key(group) for group in theirs],
        {number for number, found in enumerate(by_line) if found},
    )
    pairs: list[Pair] = []
    shown = 0
    for number, group in enumerate(ours):
        mine = [other for other, of in enumerate(partner) if of == number]
        # What only the fix has, and stands before these, comes where it stands.
        while mine and shown < mine[0]:
            if partner[shown] is None:
                pairs.append(Pair((), theirs[shown]))
            shown += 1
        if mine:
            shown = max(shown, mine[-1] + 1)
        pairs.append(
            Pair(group, tuple(s for other in mine for s in theirs[other]), by_line[number])
        )
    told = {id(seen) for one in pairs for seen in one.fixed}
    pairs += [
        Pair((), group)
        for group, of in zip(theirs, partner, strict=True)
        if of is None and not any(id(seen) in told for seen in group)
    ]
    return tuple(pairs)


def unplaced(written: Sequence[Seen], findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that stand at no statement that was run: in the way back, or in the file as such."""
    placed = {id(one) for found in _by_statement(_grouped(written), findings) for one in found}
    return tuple(one for one in findings if id(one) not in placed)


def _grouped(statements: Sequence[Seen]) -> list[tuple[Seen, ...]]:
    """Each statement with the settings before it; what is left at the end goes with the last."""
    groups: list[tuple[Seen, ...]] = []
    lead: list[Seen] = []
    for seen in statements:
        lead.append(seen)
        if not seen.is_frame:
            groups.append(tuple(lead))
            lead = []
    if lead and groups:
        groups[-1] = (*groups[-1], *lead)
    elif lead:
        groups.append(tuple(lead))
    return groups


def _bodies(group: Sequence[Seen]) -> list[Seen]:
    return [seen for seen in group if not seen.is_frame] or list(group)


def _key(group: Sequence[Seen]) -> tuple[str, ...]:
    return tuple(word for seen in _bodies(group) for word in _words(seen.statement.sql))


def _words(sql: str) -> tuple[str, ...]:
    return tuple(word.lower() if word[:1] not in "\"'" else word for word in _WORD.findall(sql))


def _partners(
    ours: list[tuple[str, ...]], theirs: list[tuple[str, ...]], found: set[int]
) -> list[int | None]:
    """For each of theirs which of ours it stands for: the same one, else the one most like it.

    One that stays may have got others before and after it, where something was ``found`` at it.
    What is like none of ours goes with its neighbour: a fix writes its statements together.
    """
    partner: list[int | None] = [None] * len(theirs)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    taken: set[int] = set()
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            partner[block.b + step] = block.a + step
            taken.add(block.a + step)
    left = [number for number in range(len(ours)) if number not in taken]
    mended = [number for number in range(len(ours)) if number in taken & found]
    for number, words in enumerate(theirs):
        for candidates, least in ((left, _ALIKE), (mended, _VERY_ALIKE)):
            likeness = {other: _likeness(ours[other], words) for other in candidates}
            best = max(candidates, key=likeness.__getitem__, default=None)
            if partner[number] is None and best is not None and likeness[best] >= least:
                partner[number] = best
    for order in (range(1, len(theirs)), range(len(theirs) - 2, -1, -1)):
        step = 1 if order.step > 0 else -1
        for number in order:
            neighbour = partner[number - step]
            if partner[number] is None and neighbour in left:
                partner[number] = neighbour
    return partner


def _likeness(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Of what two statements name: 0 nothing in common, 1 all of the shorter."""
    names, others = (
        {part for word in words for part in _PART.findall(word.lower())} - _EVERYWHERE
        for words in (one, other)
    )
    shorter = min(len(names), len(others))
    return len(names & others) / shorter if shorter else 0.0


def _by_statement(
    groups: Sequence[Sequence[Seen]], findings: Sequence[Finding]
) -> list[tuple[Finding, ...]]:
    found: list[list[Finding]] = [[] for _ in groups]
    for finding in findings:
        if finding.details.get("direction", "up") != "up":
            continue
        at = None
        for number, group in enumerate(groups):
            first = group[0].statement
            if first.path == finding.path and first.line <= finding.line:
                at = number
        if at is not None:
            found[at].append(finding)
    return [tuple(one) for one in found]
