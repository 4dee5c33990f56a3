"""Which statements of a fix stand for which of the file as it was written."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
    | {"references", "table", "to", "type", "unique", "using", "valid", "validate"}
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
    names = [_names(words) for words in ours]
    # What all are about tells none from another.
    common = Counter(name for some in names for name in some)
    for number, words in enumerate(theirs):
        if partner[number] is None:
            about = _names(words)
            likeness = {
                other: _likeness(names[other], about, common)
                for candidates, least in ((left, _ALIKE), (mended, _VERY_ALIKE))
                for other in candidates
                if _likeness(names[other], about, common) >= least
            }
            partner[number] = max(likeness, key=likeness.__getitem__, default=None)
    for order in (range(1, len(theirs)), range(len(theirs) - 2, -1, -1)):
        step = 1 if order.step > 0 else -1
        for number in order:
            neighbour = partner[number - step]
            if partner[number] is None and neighbour in left:
                partner[number] = neighbour
    return partner


def _names(words: tuple[str, ...]) -> frozenset[str]:
    parts = {part for word in words for part in _PART.findall(word.lower())}
    return frozenset(parts - _EVERYWHERE)


def _likeness(one: frozenset[str], other: frozenset[str], common: Mapping[str, int]) -> float:
    """Of what two statements name: 0 nothing in common, 1 all of the shorter.

    A name counts for less the more statements have it, as ``common`` says.
    """

    def weight(names: frozenset[str]) -> float:
        return sum(1 / (common.get(name) or 1) for name in names)

    shorter = min(weight(one), weight(other))
    return weight(one & other) / shorter if shorter else 0.0


def _by_statement(
    groups: Sequence[Sequence[Seen]], findings: Sequence[Finding]
) -> list[tuple[Finding, ...]]:
    found: list[list[Finding]] = [[] for _ in groups]
    begins = list(_begins(groups))
    for finding in findings:
        if finding.details.get("direction", "up") != "up":
            continue
        at = None
        for number, path, line, column in begins:
            if path == finding.path and (line, column) <= (finding.line, finding.column):
                at = number
        if at is not None:
            found[at].append(finding)
    return [tuple(one) for one in found]


def _begins(groups: Sequence[Sequence[Seen]]) -> Iterator[tuple[int, str, int, int]]:
    """Where statements begin, with the number of their group.

    The column is the least that it can be: it tells those apart that share a line.
    """
    before, column = ("", 0), 1
    for number, group in enumerate(groups):
        for seen in group:
            one = seen.statement
            if before != (one.path, one.line):
                before, column = (one.path, one.line), 1
            yield number, one.path, one.line, column
            column += len(one.sql) + 1
