"""What traffic pays for a statement, as a sentence made of what was seen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_BRIEFLY: Final = "for an instant"
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
    ran = [seen for seen in judged if not seen.statement.not_run]
    if not ran:
        return Verdict(f"not run: {judged[0].statement.not_run}", "fails")
    judged = ran
    grade = gravest(grade_of(seen) for seen in judged)
    beside = [_beside(seen) for seen in judged if not seen.waiting]
    parts = [*_waits(judged), *(sentence for sentence in beside if sentence)]
    timeout = next((s.lock_timeout for s in judged if s.lock_timeout and s.blocked), None)
    if timeout:
        parts.append(f"gives up after {timeout} in the queue for its lock")
    nobody = "nobody waits for more than is held" if any(s.held for s in judged) else "nobody waits"
    return Verdict("; ".join(dict.fromkeys(parts)) or nobody, grade)


def grade_of(seen: Seen) -> Grade:
    """How grave one statement is."""
    if seen.statement.error is not None:
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


def _waits(judged: Sequence[Seen]) -> Iterator[str]:
    """Who waits for what, and for how long: the longest first, each once."""
    waits: dict[tuple[str, tuple[Traffic, ...]], list[str]] = {}
    for seen in judged:
        during = _during(seen)
        for relation, blocks in seen.waiting.items():
            grip = seen.held.get(relation)
            since = f", locked since line {grip.line}," if grip and during else ""
            since = "" if relation in seen.blocked else since
            waits.setdefault((f"{since} {during or _BRIEFLY}", blocks), []).append(relation)
    all_wait = {name for (_, blocks), names in waits.items() if len(blocks) > 1 for name in names}
    order = sorted(waits, key=lambda wait: (wait[0].endswith(_BRIEFLY), -len(wait[1])))
    for how, blocks in order:
        names = waits[how, blocks]
        if how.endswith(_BRIEFLY) and len(blocks) == 1:
            names = [name for name in names if name not in all_wait]
        if names:
            yield f"{_WAIT[blocks].format(listed(names))}{how}"


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
    """What is done while nobody waits."""
    if seen.changes_rows:
        return "nobody waits but for the rows that it changes, until it commits"
    during = _during(seen)
    return f"nobody waits {during}" if during else ""


def _each(names: Sequence[str]) -> str:
    return f"each of {listed(names)}" if len(names) > 1 else listed(names)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, a few of them."""
    shown = list(dict.fromkeys(names))
    if len(shown) > _MOST_NAMES:
        return f"{', '.join(shown[: _MOST_NAMES - 1])} and {len(shown) - _MOST_NAMES + 1} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
