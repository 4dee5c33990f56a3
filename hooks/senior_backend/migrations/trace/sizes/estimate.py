"""How long production would wait: the traced migrations again, on filled tables of several sizes.

Each migration that was seen to work through a table of known size while somebody waits is run on
copies of the scratch database whose tables hold some ten thousand rows. What its statements took is
carried on to production's size (``growth``). A lock is held until its transaction ends, so what
follows in the same transaction counts as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from senior_backend.migrations import durations
from senior_backend.migrations.lock_model.wording import rows_phrase
from senior_backend.migrations.sizes import plain
from senior_backend.migrations.step import SMALL, Direction
from senior_backend.migrations.trace.observed import (
    Estimate,
    MigrationTrace,
    ObservedLock,
    ObservedStatement,
    Trace,
)
from senior_backend.migrations.trace.observing.sessions import AS_PLANNED_ELSEWHERE
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.prepare import Built, Progress, build, silent
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.migrations.trace.sizes import growth
from senior_backend.migrations.trace.sizes.growth import Growth, Point, Span
from senior_backend.migrations.trace.sizes.rows import fill
from senior_backend.migrations.trace.sizes.statistics import Size
from senior_backend.migrations.trace.verdict import listed
from senior_backend.postgres import Session
from senior_backend.sources.migration import Folder, Migration

SIZES: Final = (20_000, 50_000, 100_000)
"""Rows at which is measured: enough that the work shows, few enough to be made in a second."""
ROUNDS: Final = 2
_TIMEOUT_S: Final = 120.0
_DATA: Final = ("22", "23")
"""SQLSTATE classes of what the rows of a table, and not its schema, cause."""

Key = tuple[str, Direction, int]
"""A statement: its migration, the direction, its place there."""


@dataclass(frozen=True, slots=True)
class Work:
    """A table that a statement works through, and production's rows that it meets there.

    ``root`` is the table of which it is a partition, else itself; ``share`` is the part of it that
    the statement works through.
    """

    root: str
    rows: int
    row_bytes: float | None = None
    share: float = 1.0


@dataclass(slots=True)
class Measured:
    """Times by statement, with the rows that its table then had, and bytes of each row."""

    points: dict[Key, list[Point]] = field(default_factory=dict)
    failed: dict[Key, str] = field(default_factory=dict)
    row_bytes: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def estimate(
    trace: Trace,
    folder: Folder,
    scratch: Scratch,
    sizes: Mapping[str, Size],
    settings: Settings,
    *,
    schema: Path | None = None,
    progress: Progress = silent,
    steps: Sequence[int] = SIZES,
) -> Trace:
    """The trace with estimates on the statements whose locks keep others waiting.

    ``sizes`` are those of production, by table as people write it. A trace in which nothing works
    through one of these tables under a lock that blocks comes back as it is, at no cost.

    Raises:
        InputError: ``schema`` cannot be read.
        NotRunError: the server stopped.
    """
    migrations = [m for m in folder.migrations if _traced(trace, m)]
    waited_for = any(table for tables in _worked_while_blocked(trace).values() for table in tables)
    if not sizes or not migrations or not waited_for:
        return trace
    sizes = {plain(table): size for table, size in sizes.items()}
    first, last = (folder.migrations.index(m) for m in (migrations[0], migrations[-1]))
    following = folder.migrations[first : last + 1]
    url = scratch.database()
    made = [url]
    try:
        built = build(
            url,
            folder.migrations[:first],
            scratch,
            settings,
            later=following,
            schema=schema,
            progress=progress,
        )
        run = _Runs(scratch, built, following, trace, settings, progress, made)
        roots = run.roots(url)
        works = _works(trace, sizes, roots)
        if not any(works.values()):
            return trace
        measured = run.measure(url, works, steps)
    finally:
        for one in reversed(made):
            scratch.drop(one)
    told = replace(trace, notes=(*trace.notes, *dict.fromkeys(measured.notes)))
    return with_estimates(told, works, measured, sizes, roots)


def _traced(trace: Trace, migration: Migration) -> bool:
    return any(one.path == migration.path for one in trace.migrations)


def statements(trace: Trace) -> Iterator[tuple[Key, ObservedStatement]]:
    """All of a trace, with what they are known by."""
    for migration in trace.migrations:
        for place, statement in enumerate(migration.statements):
            yield (migration.path, migration.direction, place), statement


def blocks(lock: ObservedLock) -> bool:
    """Whether somebody waits for a table, and not only for an index of it."""
    return bool(lock.blocks) and lock.kind not in ("index", "sequence")


def _worked_while_blocked(trace: Trace) -> dict[Key, tuple[str, ...]]:
    """For each statement that ran while a lock blocked somebody: the tables it worked through."""
    found: dict[Key, tuple[str, ...]] = {}
    for migration in trace.migrations:
        blocked: set[int] = set()
        for place, one in enumerate(migration.statements):
            held = one.transaction in blocked
            if any(map(blocks, one.locks)):
                held = True
                if one.transaction is not None:
                    blocked.add(one.transaction)
            if held and one.error is None and one.not_run is None:
                found[migration.path, migration.direction, place] = one.works_through
    return found


def _works(
    trace: Trace, sizes: Mapping[str, Size], roots: Mapping[str, tuple[str, int]]
) -> dict[Key, list[Work]]:
    """Of those the ones whose size is known, unless it is so small that nobody notices."""
    return {
        key: [work for work in _sized(tables, sizes, roots) if work.rows > SMALL]
        for key, tables in _worked_while_blocked(trace).items()
    }


def _size(label: str, sizes: Mapping[str, Size]) -> Size | None:
    """A table's size, if it was told: also by its name alone, as the linter takes it."""
    name = plain(label)
    return sizes.get(name, sizes.get(name.rpartition(".")[2]))


def _sized(
    tables: Iterable[str], sizes: Mapping[str, Size], roots: Mapping[str, tuple[str, int]]
) -> Iterator[Work]:
    """Partitions are counted together under the table that they belong to."""
    grouped: dict[str, list[str]] = {}
    for table in tables:
        grouped.setdefault(roots.get(table, (table, 1))[0], []).append(table)
    for root, parts in grouped.items():
        whole = _size(root, sizes)
        rows = 0
        known = False
        for part in parts:
            size = _size(part, sizes)
            if size is not None:
                rows, known = rows + size.rows, True
            elif whole is not None and part != root:
                rows, known = rows + whole.rows // roots[part][1], True
        if known:
            row_bytes = whole.row_bytes if whole is not None else None
            of = [roots[part][1] for part in parts if part in roots]
            share = min(1.0, len(of) / of[0]) if of and root not in parts else 1.0
            yield Work(root, rows, row_bytes, share)


@dataclass(slots=True)
class _Runs:
    """The migrations from the first that was traced to the last, run on filled copies."""

    scratch: Scratch
    built: Built
    following: Sequence[Migration]
    trace: Trace
    settings: Settings
    progress: Progress
    made: list[str]
    after: str | None = None

    def roots(self, url: str) -> dict[str, tuple[str, int]]:
        """For each partition the table that it is of, and among how many: before and after."""
        self.after = self._copy(url)
        self._run(self.after, {}, None)
        found: dict[str, tuple[str, int]] = {}
        for database in (url, self.after):
            with Session(database) as session:
                found |= {part: (root, count) for part, root, count in session.execute(_ROOTS)}
        return found

    def measure(
        self, url: str, works: Mapping[Key, Sequence[Work]], steps: Sequence[int]
    ) -> Measured:
        """Run at each size; with rows that suit the migration where other rows make it fail."""
        demanding = False
        measured = Measured()
        wanted: dict[str, int] = {}
        for work in (work for some in works.values() for work in some):
            wanted[work.root] = max(round(work.rows / work.share), wanted.get(work.root, 0))
        fine = {key for key, one in statements(self.trace) if one.error is None}
        number = 0
        while number < len(steps):
            rows = {table: min(count, steps[number]) for table, count in wanted.items()}
            self.progress(f"measuring at {rows_phrase(steps[number])}")
            filled, there = self._filled(url, rows, measured, demanding=demanding)
            failed: dict[Key, str] = {}
            points: dict[Key, list[Point]] = {}
            for round_ in range(ROUNDS):
                # The last one may have the original.
                copy = self._copy(filled) if round_ + 1 < ROUNDS else filled
                traces = self._run(copy, rows, dict(there), demanding=demanding)
                _note_times(traces, rows, there, works, points, failed)
                self._drop(copy)
                if not demanding and fine & failed.keys():
                    break
            if not demanding and fine & failed.keys():
                demanding = True
                measured = Measured()
                number = 0
                continue
            for key, found in points.items():
                measured.points.setdefault(key, []).extend(found)
            measured.failed.update(failed)
            number += 1
        return measured

    def _filled(
        self, url: str, rows: Mapping[str, int], measured: Measured, *, demanding: bool
    ) -> tuple[str, Mapping[str, int]]:
        copy = self._copy(url)
        filled = fill(copy, rows, self.after if demanding else None)
        for table, reason in filled.unfilled.items():
            if table in rows and "no such table" not in reason:
                measured.notes.append(
                    f"{table}: {rows_phrase(filled.get(table, 0))} could be made for the "
                    f"estimates, not {rows_phrase(rows[table])} ({reason})"
                )
        with Session(copy) as session:
            if len(filled):
                session.execute(f"vacuum (analyze) {', '.join(filled)}")
            for table in filled:
                ((size, count),) = session.execute(
                    f"select coalesce((select sum(pg_relation_size(relid)) "
                    f"from pg_partition_tree(%s)), pg_relation_size(%s))::int8, "
                    f"(select count(*) from {table})",
                    (table, table),
                )
                if count:
                    measured.row_bytes[table] = size / count
        return copy, filled

    def _run(
        self,
        url: str,
        rows: Mapping[str, int],
        counts: dict[str, int] | None,
        *,
        demanding: bool = False,
    ) -> list[MigrationTrace]:
        """All of them, as when they were traced; tables that come into being are filled as well."""
        settings = replace(
            self.settings,
            probe=False,
            variables={**self.settings.variables, **AS_PLANNED_ELSEWHERE},
            statement_timeout_s=_TIMEOUT_S,
        )
        ways = {(one.path, one.direction) for one in self.trace.migrations}
        seen: list[MigrationTrace] = []
        with self.scratch.tracer(url, settings) as tracer:
            for direction, ordered in (("up", self.following), ("down", self.following[::-1])):
                for migration in ordered:
                    if direction == "down" and not self._goes_back(migration, ways):
                        continue
                    if rows and counts is not None and not _in_one_transaction(migration):
                        missing = {t: n for t, n in rows.items() if counts.get(t, -1) < n}
                        counts |= fill(url, missing, self.after if demanding else None)
                    way: Direction = "up" if direction == "up" else "down"
                    runnable = self.built.runnable(migration)
                    if (migration.path, way) in ways and counts is not None:
                        traced = tracer.trace(runnable, way)
                        seen.append(self.built.as_written(migration, traced))
                    else:
                        tracer.apply(runnable, way)
            tracer.finish()
        return seen

    def _goes_back(self, migration: Migration, ways: set[tuple[str, Direction]]) -> bool:
        """Whether it lies at or after the oldest whose way down was traced, and has one."""
        downs = [m for m in self.following if (m.path, "down") in ways]
        if not downs or migration.down is None:
            return False
        return self.following.index(migration) >= self.following.index(downs[0])

    def _copy(self, url: str) -> str:
        copy = self.scratch.database(template=url)
        self.made.append(copy)
        return copy

    def _drop(self, url: str) -> None:
        self.made.remove(url)
        self.scratch.drop(url)


def _note_times(
    traces: Iterable[MigrationTrace],
    rows: Mapping[str, int],
    there: Mapping[str, int],
    works: Mapping[Key, Sequence[Work]],
    points: dict[Key, list[Point]],
    failed: dict[Key, str],
) -> None:
    """What each statement took, with the rows of the largest table that it works through."""
    for traced in traces:
        for place, one in enumerate(traced.statements):
            key = (traced.path, traced.direction, place)
            if one.error is not None:
                failed[key] = one.error
            elif one.duration_ms is not None:
                work = max(works.get(key, ()), key=lambda w: w.rows, default=None)
                # A table that came into being meanwhile was filled with what was wanted.
                count = there.get(work.root) or rows.get(work.root, 0) if work else 0
                met = round(count * work.share) if work else 0
                points.setdefault(key, []).append(Point(met, one.duration_ms / 1000))


def _in_one_transaction(migration: Migration) -> bool:
    """Whether a transaction around the whole run may be open, which others would wait for."""
    return any(segment.transaction == "run" for segment in migration.up)


_ROOTS: Final = """
with recursive trees as (
    select c.oid as root, c.oid from pg_class c where c.relkind = 'p' and not c.relispartition
    union all
    select t.root, i.inhrelid from trees t join pg_inherits i on i.inhparent = t.oid)
select t.oid::regclass::text, t.root::regclass::text,
       greatest(count(*) filter (where c.relkind = 'r') over (partition by t.root), 1)::int
from trees t join pg_class c on c.oid = t.oid where t.oid <> t.root
"""


def with_estimates(
    trace: Trace,
    works: Mapping[Key, Sequence[Work]],
    measured: Measured,
    sizes: Mapping[str, Size],
    roots: Mapping[str, tuple[str, int]],
) -> Trace:
    """The trace with what follows from the measurements."""
    migrations = []
    for migration in trace.migrations:
        took = [
            _took(one, works.get(key, ()), measured.points.get(key, ()), measured.row_bytes)
            for place, one in enumerate(migration.statements)
            if (key := (migration.path, migration.direction, place))
        ]
        told = tuple(
            replace(one, estimates=tuple(_held(migration.statements, place, took, sizes, roots)))
            for place, one in enumerate(migration.statements)
        )
        migrations.append(replace(migration, statements=told))
    return replace(trace, migrations=tuple(migrations))


@dataclass(frozen=True, slots=True)
class Took:
    """A statement in production: how long, and, where that hangs on a table, on which and how."""

    span: Span
    work: Work | None = None
    basis: str = ""


def _took(
    statement: ObservedStatement,
    works: Sequence[Work],
    points: Sequence[Point],
    row_bytes: Mapping[str, float],
) -> Took:
    if not points:
        return Took(growth.NOTHING)
    if not works:
        seconds = [point.seconds for point in points]
        return Took(Span(min(seconds), min(seconds), max(seconds)))
    work = max(works, key=lambda one: one.rows)
    kind: Growth = "n·log n" if statement.index_builds else "n"
    span = growth.projected(points, work.rows, kind)
    measured = sorted({point.rows for point in points})
    if work.rows > measured[-1]:
        basis = f"from {listed([_short(rows) for rows in measured])} rows here, fitted {kind}"
        middle, _, most = durations.measured(_works_of(statement), work.rows)
        if middle > span.seconds:
            # Caches, parallel plans and sorts on disk do not show on a small table.
            span = Span(middle, span.low, max(most, span.high))
            basis += f", and no less than was measured on millions of rows ({durations.PAGE})"
    else:
        basis = f"measured with {_short(measured[-1])} rows here"
    here = row_bytes.get(work.root)
    if work.row_bytes and here:
        ratio = work.row_bytes / here
        only_builds = bool(statement.index_builds) and not statement.rewrites
        middle = 1.0 if only_builds else (1 + ratio) / 2
        span = span.times(min(1.0, ratio), middle, max(1.0, ratio))
        basis += f"; rows of {work.row_bytes:.0f} bytes there, {here:.0f} here"
    return Took(span.times(1 / growth.FASTER, 1.0, growth.SLOWER), work, basis)


def _works_of(statement: ObservedStatement) -> dict[durations.Kind, int]:
    """What it did to rows, as the kinds of work whose rates are known."""
    builds = len(statement.index_builds)
    if statement.rewrites:
        return {"rewrite": 1, **({"index build": builds} if builds else {})}
    if builds:
        return {"index build": builds}
    checks = any("validating foreign key" in message for message in statement.messages)
    return {"foreign key check": 1} if checks else {"scan": 1}


def _held(
    all_: Sequence[ObservedStatement],
    place: int,
    took: Sequence[Took],
    sizes: Mapping[str, Size],
    roots: Mapping[str, tuple[str, int]],
) -> Iterator[Estimate]:
    """For each relation that the statement begins to block: how long, until COMMIT."""
    statement = all_[place]
    locks = {lock.relation: lock for lock in statement.locks if blocks(lock)}
    rest = [
        n
        for n in range(place, len(all_))
        if n == place
        or (statement.transaction is not None and all_[n].transaction == statement.transaction)
    ]
    working = [n for n in rest if took[n].work is not None]
    if not locks or not working:
        return
    total = sum((took[n].span for n in rest), growth.NOTHING)
    longest = max(working, key=lambda n: took[n].span.seconds)
    work, basis = took[longest].work, took[longest].basis
    if work is not None and work.root not in {roots.get(one, (one, 1))[0] for one in locks}:
        basis = f"{rows_phrase(work.rows)} of {work.root}: {basis}"
    lines = [str(all_[n].line) for n in working if n != place]
    if lines:
        named = listed(dict.fromkeys(lines))
        basis += f"; until COMMIT, with line{'s' if ' and ' in named else ''} {named}"
    basis += (
        f"; production's disks and load differ: 1/{growth.FASTER:g} to {growth.SLOWER:g} times that"
    )
    for relation in locks:
        root, count = roots.get(relation, (relation, 1))
        if root != relation and root in locks:
            continue
        size, whole = _size(relation, sizes), _size(root, sizes)
        rows = size.rows if size is not None else None
        if size is None and whole is not None:
            rows = whole.rows // count
        yield Estimate(relation, rows, total.seconds, total.low, total.high, basis)


def _short(rows: int) -> str:
    """Such as ``20k``."""
    return rows_phrase(rows).rpartition(" ")[0].replace(" ", "")
