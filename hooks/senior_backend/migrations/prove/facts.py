"""What was seen of a statement, as short lines that both views show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.prove.seen import Seen
from senior_backend.migrations.prove.verdict import listed
from senior_backend.migrations.trace.formats.view import milliseconds
from senior_backend.migrations.trace.observed import Estimate, Traffic

Tone = Literal["bad", "warn", "good", "plain", "quiet"]

_UNITS: Final = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))
_MOST_NOTES: Final = 3
_OF: Final[Mapping[tuple[Traffic, ...], str]] = {
    ("reads", "writes"): "reads and writes of",
    ("writes",): "writes to",
    ("reads",): "reads of",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A label of a word, and what was seen."""

    label: str
    text: str
    tone: Tone = "plain"


def facts(seen: Seen) -> tuple[Fact, ...]:
    """The lines below a statement; none for a setting."""
    if seen.is_frame:
        return ()
    return tuple(_facts(seen))


def _facts(seen: Seen) -> Iterator[Fact]:
    statement = seen.statement
    if statement.not_run:
        yield Fact("not run", statement.not_run, "quiet")
        return
    if statement.locks or statement.error is None:
        yield Fact("locks", _locks(seen))
        yield _blocked(seen)
    if statement.error is not None:
        yield Fact("error", statement.error, "bad")
    if work := _work(seen):
        yield Fact("work", work)
    if statement.waits_for:
        yield Fact("waits", f"for {listed(statement.waits_for)}")
    for estimate in statement.estimates:
        yield Fact("at size", estimated(estimate), "warn")
    for note in statement.notes[:_MOST_NOTES]:
        yield Fact("note", note, "quiet")
    if statement.error is None and statement.duration_ms is not None:
        yield Fact("took", _cost(statement.duration_ms, statement.wal_bytes), "quiet")


def _locks(seen: Seen) -> str:
    """The strongest first; weak ones and those of indexes only where there is nothing else."""
    locks = seen.statement.locks
    shown = [lock for lock in locks if lock.kind not in ("index", "sequence")] or list(locks)
    strong = [lock for lock in shown if lock.mode >= Lock.SHARE_UPDATE_EXCLUSIVE]
    strong = strong or [lock for lock in locks if lock.mode >= Lock.SHARE_UPDATE_EXCLUSIVE]
    strong = strong or [lock for lock in shown if lock.blocks]
    by_mode: dict[Lock, list[str]] = {}
    for lock in strong or shown:
        by_mode.setdefault(lock.mode, []).append(lock.relation)
    parts = [f"{mode} on {listed(by_mode[mode])}" for mode in sorted(by_mode, reverse=True)]
    return "; ".join(parts) or ("none but those held" if seen.held else "none on what is there")


def _blocked(seen: Seen) -> Fact:
    """What waits for its own locks, and for those that its transaction holds already."""
    blocked = seen.blocked
    held = {name: grip for name, grip in seen.held.items() if name not in blocked}
    texts = _traffic(blocked)
    if held:
        first = min(grip.line for grip in held.values())
        earlier = _traffic({name: grip.blocks for name, grip in held.items()})
        texts += [f"{text} (since line {first})" for text in earlier]
    everything = [*blocked.values(), *(grip.blocks for grip in held.values())]
    tone: Tone = "good"
    if any("reads" in blocks for blocks in everything):
        tone = "bad"
    elif everything:
        tone = "warn"
    return Fact("blocks", "; ".join(texts) or "nobody", tone)


def _traffic(blocked: dict[str, tuple[Traffic, ...]]) -> list[str]:
    by_traffic: dict[tuple[Traffic, ...], list[str]] = {}
    for relation, blocks in blocked.items():
        by_traffic.setdefault(blocks, []).append(relation)
    return [
        f"{_OF[blocks]} {listed(by_traffic[blocks])}"
        for blocks in sorted(by_traffic, key=len, reverse=True)
    ]


def _work(seen: Seen) -> str:
    statement = seen.statement
    parts = []
    if statement.rewrites:
        parts.append(f"rewrites {listed(statement.rewrites)}")
    if builds := [one for one in statement.index_builds if one.table not in statement.rewrites]:
        named = [one.index for one in builds if one.index]
        what = listed(named) if len(named) == len(builds) else f"{len(builds)} indexes"
        parts.append(f"builds {what} on {listed([one.table for one in builds])}")
    built = {one.table for one in statement.index_builds} | set(statement.rewrites)
    if scans := [name for name in statement.scans if name not in built]:
        parts.append(f"reads every row of {listed(scans)}")
    return "; ".join(parts)


def _cost(taken: float, wal: int | None) -> str:
    written = f"   WAL {amount(wal):>7}" if wal is not None else ""
    return f"{milliseconds(taken):>7}{written}"


def amount(size: int) -> str:
    """Bytes, such as ``812 B``, ``12 kB``, ``3.1 MB``."""
    if size >= 1_000_000:
        return f"{size / 1_000_000:.1f} MB"
    return f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} B"


def estimated(estimate: Estimate) -> str:
    """Such as ``≈ 41 s on orders at 50M rows (31 to 52 s)``."""
    spans = (estimate.seconds, estimate.low, estimate.high)
    held, low, high = (milliseconds(seconds * 1000) for seconds in spans)
    size = f" at {count(estimate.rows)} rows" if estimate.rows is not None else ""
    return f"≈ {held} on {estimate.relation}{size} ({low} to {high})"


def count(rows: int) -> str:
    """Such as ``50M``."""
    for size, unit in _UNITS:
        if rows >= size:
            return f"{rows / size:.3g}{unit}"
    return str(rows)
