"""Traces of one or several majors as they are shown: once where they agree, apart where not."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, Literal, get_args

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.observed import (
    Held,
    MigrationTrace,
    ObservedLock,
    ObservedStatement,
    Trace,
    Traffic,
)
from senior_backend.migrations.trace.verdict import Blocking, listed, of_migration, waiting


@dataclass(frozen=True, slots=True)
class Variant:
    """What a statement did on ``majors``; ``statement`` is that of the first of them."""

    majors: tuple[int, ...]
    statement: ObservedStatement
    blocking: tuple[Blocking, ...]
    """Where others wait while it works through a table, on locks of its own or earlier ones."""
    fastest_ms: float | None
    slowest_ms: float | None


Kind = Literal["failed", "works", "brief", "not run", "quiet"]
"""``works``: others wait while it works through a table; ``brief``: others wait for an instant."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""Gravest first."""


def kind(variant: Variant) -> Kind:
    """What to call it."""
    statement = variant.statement
    if statement.error is not None:
        return "failed"
    if statement.not_run is not None:
        return "not run"
    if variant.blocking:
        return "works"
    return "brief" if any(lock.blocks for lock in statement.locks) else "quiet"


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement; the majors that agree are one variant."""

    path: str
    line: int
    sql: str
    variants: tuple[Variant, ...]

    @property
    def kind(self) -> "Kind":
        """The gravest of its variants."""
        return min((kind(one) for one in self.variants), key=KINDS.index)


@dataclass(frozen=True, slots=True)
class Queue:
    """Relations on which traffic waits from ``line`` until the transaction ends."""

    majors: tuple[int, ...]
    line: int
    relations: tuple[str, ...]
    blocks: tuple[Traffic, ...]
    statements: int
    duration_ms: float


@dataclass(frozen=True, slots=True)
class MigrationView:
    """One way of one migration, on all majors. ``path`` is the file that its statements are in."""

    path: str
    direction: Direction
    statements: tuple[StatementView, ...]
    queue: tuple[Queue, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LockGroup:
    """Relations with the same lock, on which the same waits."""

    mode: Lock
    relations: tuple[str, ...]
    blocks: tuple[Traffic, ...]
    granted: bool


def views(traces: Sequence[Trace]) -> list[MigrationView]:
    """The migrations of traces that were made of the same files, in the order of the first."""
    return [
        _migration([(trace.major, one) for trace, one in zip(traces, same, strict=False) if one])
        for same in zip_longest(*(trace.migrations for trace in traces))
    ]


def _migration(same: Sequence[tuple[int, MigrationTrace]]) -> MigrationView:
    first = same[0][1]
    found = tuple(dict.fromkeys(each for _, one in same for each in of_migration(one, {})))
    statements = [
        _statement([(major, one) for (major, _), one in zip(same, row, strict=False) if one], found)
        for row in zip_longest(*(trace.statements for _, trace in same))
    ]
    notes = dict.fromkeys(note for _, trace in same for note in trace.notes)
    paths = {one.path for one in statements}
    return MigrationView(
        paths.pop() if len(paths) == 1 else first.path,
        first.direction,
        tuple(statements),
        tuple(_queues(same)),
        tuple(notes),
    )


def _statement(
    same: Sequence[tuple[int, ObservedStatement]], found: Sequence[Blocking]
) -> StatementView:
    groups: dict[Hashable, list[tuple[int, ObservedStatement]]] = {}
    for major, statement in same:
        groups.setdefault(_facts(statement), []).append((major, statement))
    variants = []
    for group in groups.values():
        times = [one.duration_ms for _, one in group if one.duration_ms is not None]
        variants.append(
            Variant(
                tuple(sorted(major for major, _ in group)),
                group[0][1],
                tuple(_blocking(group[0][1], found)),
                min(times, default=None),
                max(times, default=None),
            )
        )
    first = same[0][1]
    return StatementView(first.path, first.line, first.sql, tuple(variants))


def _blocking(statement: ObservedStatement, found: Sequence[Blocking]) -> Iterator[Blocking]:
    if statement.works_through and statement.error is None:
        own = {lock.relation for lock in statement.locks if lock.blocks}
        for one in found:
            is_here = (one.path, one.line) == (statement.path, statement.line)
            if is_here and (one.since is not None or one.relation in own):
                yield one


def _facts(statement: ObservedStatement) -> Hashable:
    """All but what is another each time."""
    return (
        frozenset((one.relation, one.mode, one.blocks, one.granted) for one in statement.locks),
        frozenset(statement.rewrites),
        frozenset(statement.scans),
        frozenset(statement.index_builds),
        statement.waits_for,
        statement.error,
        statement.not_run,
    )


def _queues(same: Sequence[tuple[int, MigrationTrace]]) -> Iterator[Queue]:
    """Locks that blocked while further statements ran; relations with the same fate together."""
    found: dict[tuple[int, tuple[str, ...], tuple[Traffic, ...], int], list[tuple[int, Held]]] = {}
    for major, trace in same:
        together: dict[tuple[int, tuple[Traffic, ...], int], list[Held]] = {}
        for held in trace.lock_queue:
            if held.blocks and held.statements:
                together.setdefault((held.line, held.blocks, held.statements), []).append(held)
        for (line, blocks, count), several in together.items():
            relations = tuple(dict.fromkeys(held.relation for held in several))
            longest = max(several, key=lambda held: held.duration_ms)
            found.setdefault((line, relations, blocks, count), []).append((major, longest))
    for (line, relations, blocks, count), group in found.items():
        majors = tuple(sorted(major for major, _ in group))
        yield Queue(
            majors, line, relations, blocks, count, max(held.duration_ms for _, held in group)
        )


def lock_groups(statement: ObservedStatement) -> tuple[list[LockGroup], int]:
    """Its locks, the strongest first, and how many indexes and sequences are locked besides.

    An index stands for itself only where something waits that its table does not keep waiting.
    """
    tables = [one for one in statement.locks if one.kind not in ("index", "sequence")]
    blocked = {kind for one in tables for kind in one.blocks}
    apart = [
        one for one in statement.locks if one.kind == "index" and not blocked.issuperset(one.blocks)
    ]
    groups: dict[tuple[Lock, tuple[Traffic, ...], bool], list[ObservedLock]] = {}
    for lock in (*tables, *apart):
        groups.setdefault((lock.mode, lock.blocks, lock.granted), []).append(lock)
    ordered = sorted(groups.items(), key=lambda item: (len(item[0][1]), item[0][0]), reverse=True)
    folded = len(statement.locks) - len(tables) - len(apart)
    return [
        LockGroup(mode, tuple(_shown(lock) for lock in locks), blocks, granted)
        for (mode, blocks, granted), locks in ordered
    ], folded


def _shown(lock: ObservedLock) -> str:
    return f"index {lock.relation}" if lock.kind == "index" else lock.relation


_STOOD_IN: Final = ("extension ", "role ")


def stood_in_for(traces: Sequence[Trace]) -> list[str]:
    """What was stood in for, with the majors where that is not all of them."""
    found: dict[str, list[int]] = {}
    for trace in traces:
        for name in trace.stubbed:
            found.setdefault(name, []).append(trace.major)
    shown = [
        name if len(on) == len(traces) else f"{name} (on {majors(on)})"
        for name, on in found.items()
    ]
    grouped: list[str] = []
    for kind in _STOOD_IN:
        names = [name.removeprefix(kind) for name in shown if name.startswith(kind)]
        if names:
            grouped.append(f"{kind.strip()}{'s' * (len(names) > 1)} {', '.join(names)}")
    return grouped + [name for name in shown if not name.startswith(_STOOD_IN)]


def majors(numbers: Sequence[int]) -> str:
    """``14-16, 18``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def milliseconds(fastest: float | None, slowest: float | None = None) -> str:
    """``0.8 ms``, ``1.2 s``, ``12 min``, ``0.8-3 ms``; empty where it is not known."""
    if fastest is None:
        return ""
    if slowest is None or _number(fastest) == _number(slowest):
        return _number(fastest)
    low, high = _number(fastest), _number(slowest)
    if low.rpartition(" ")[2] == high.rpartition(" ")[2]:
        low = low.rpartition(" ")[0]
    return f"{low}-{high}"


def _number(ms: float) -> str:
    seconds = ms / 1000
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 120:
        return f"{seconds / 60:.0f} min"
    if seconds >= 1:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def size(count: int) -> str:
    """Bytes, for people: ``812 bytes``, ``1.2 MB``."""
    if count < 1000:
        return f"{count} bytes"
    value, unit = count / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def first_line(sql: str) -> str:
    """The statement on one line, comments inside it left out."""
    words: list[str] = []
    for line in sql.splitlines():
        words += line.partition("--")[0].split() if "'" not in line else line.split()
        if len(words) > 60:
            break
    return " ".join(words)


def counted(number: int, noun: str) -> str:
    """``1 statement``, ``2 statements``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def queue_sentence(queue: Queue, *, several: bool) -> str:
    """What a held lock did to traffic: the lock queue."""
    on = f" (PostgreSQL {majors(queue.majors)})" if several else ""
    waits = f"{listed(queue.relations)}: {waiting(queue.blocks)}"
    meanwhile = counted(queue.statements, "more statement")
    return (
        f"{waits} from line {queue.line} until COMMIT: {meanwhile}, "
        f"{milliseconds(queue.duration_ms)} here{on}"
    )
