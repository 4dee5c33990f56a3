"""What traffic pays for a statement, as a sentence made of what was seen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from senior_backend.migrations.prove.seen import Seen
from senior_backend.migrations.trace.observed import Traffic

Grade = Literal["fails", "all wait", "writes wait", "for an instant", "nobody waits"]
"""Gravest first; ``all wait`` and ``writes wait``: for as long as the work takes."""

_GRADES: Final[tuple[Grade, ...]] = (
    "fails",
    "all wait",
    "writes wait",
    "for an instant",
    "nobody waits",
)
_MOST_NAMES: Final = 3
_WAIT: Final[Mapping[tuple[Traffic, ...], str]] = {
    ("reads", "writes"): "reads and writes of {} wait",
    ("writes",): "writes to {} wait",
    ("reads",): "reads of {} wait",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sentence without a full stop, and how grave it is."""

    text: str
    grade: Grade

    def as_json(self) -> dict[str, str]:
        """Its published form."""
        return {"text": self.text, "grade": self.grade}


def of(group: Sequence[Seen]) -> Verdict | None:
    """The verdict on statements that stand for one; None where there is nothing to judge."""
    judged = [seen for seen in group if not seen.is_frame]
    if not judged:
        return None
    for seen in judged:
        if seen.statement.error is not None:
            return Verdict(f"fails: {seen.statement.error}", "fails")
    not_run = [seen.statement.not_run for seen in judged if seen.statement.not_run]
    if len(not_run) == len(judged):
        return Verdict(f"not run: {not_run[0]}", "fails")
    grade = gravest(grade_of(seen) for seen in judged)
    parts = [part for seen in judged for part in _parts(seen)]
    waits = [part for part in dict.fromkeys(parts) if part.endswith(_WAITS)]
    others = [part for part in dict.fromkeys(parts) if part not in waits]
    if grade == "nobody waits":
        others.insert(0, "nobody waits")
    timeout = next((s.lock_timeout for s in judged if s.lock_timeout and s.blocked), None)
    if timeout:
        others.append(f"gives up after {timeout} in the queue for its lock")
    return Verdict("; ".join([*(part.removesuffix(_WAITS) for part in waits), *others]), grade)


def grade_of(seen: Seen) -> Grade:
    """How grave one statement is."""
    if seen.statement.error is not None or seen.statement.not_run:
        return "fails"
    waiting = seen.waiting
    if not waiting:
        return "nobody waits"
    if seen.work is None:
        return "for an instant"
    return "all wait" if any("reads" in blocks for blocks in waiting.values()) else "writes wait"


def gravest(grades: Iterable[Grade]) -> Grade:
    """The worst of several."""
    return min(grades, key=_GRADES.index, default="nobody waits")


_WAITS: Final = "\0"
"""Marks the parts of a sentence that say who waits: they go first."""


def _parts(seen: Seen) -> list[str]:
    during = _during(seen)
    waiting = seen.waiting
    if not waiting:
        beside = _beside(seen)
        return [beside] if beside else []
    by_traffic: dict[tuple[Traffic, ...], list[str]] = {}
    for relation, blocks in waiting.items():
        by_traffic.setdefault(blocks, []).append(relation)
    parts = []
    for blocks in sorted(by_traffic, key=len, reverse=True):
        names = by_traffic[blocks]
        sentence = _WAIT[blocks].format(listed(names))
        since = {g.line for n in names if (g := seen.held.get(n)) and n not in seen.blocked}
        if during and since:
            sentence += f", locked since line {min(since)},"
        parts.append(f"{sentence} {during or 'for an instant'}{_WAITS}")
    return parts


def _during(seen: Seen) -> str:
    """While what; empty for what takes no longer on a big table."""
    statement = seen.statement
    match seen.work:
        case "rewrite":
            return f"while {_each(statement.rewrites)} is rewritten"
        case "build":
            count = len(statement.index_builds)
            return "while the index is built" if count == 1 else f"while {count} indexes are built"
        case "scan":
            return f"while every row of {listed(statement.scans)} is read"
    return ""


def _beside(seen: Seen) -> str:
    statement = seen.statement
    if seen.changes_rows:
        return "the rows that it changes stay locked until it commits"
    match seen.work:
        case "rewrite":
            return f"{listed(statement.rewrites)} rewritten"
        case "build":
            count = len(statement.index_builds)
            return "the index is built" if count == 1 else f"{count} indexes are built"
        case "scan":
            return f"every row of {listed(statement.scans)} is read"
    return ""


def _each(names: Sequence[str]) -> str:
    return f"each of {listed(names)}" if len(names) > 1 else listed(names)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, a few of them."""
    shown = list(dict.fromkeys(names))
    if len(shown) > _MOST_NAMES:
        return f"{', '.join(shown[: _MOST_NAMES - 1])} and {len(shown) - _MOST_NAMES + 1} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
