"""Both forms of a migration, as written and as fixed, run on copies of the schema before it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from senior_backend.catalog.model import Catalog
from senior_backend.errors import NotRunError
from senior_backend.findings import NotAnalyzed
from senior_backend.migrations import repair
from senior_backend.migrations.lint import Linted
from senior_backend.migrations.prove.proof import End, Fixed, Proof, Side, WayBack
from senior_backend.migrations.prove.repairs import Mend, Mended, mend
from senior_backend.migrations.prove.schema import Schema
from senior_backend.migrations.prove.working_copy import copied
from senior_backend.migrations.rollback.comparing import compare, snapshot
from senior_backend.migrations.rollback.comparing.snapshot import Snapshot
from senior_backend.migrations.run import FolderResult, Request, Result
from senior_backend.migrations.trace.observed import Problem, Trace
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.prepare import Progress, silent
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.sources.migration import Folder, Migration

_MOST_DIFFERENCES = 20
"""That are listed; a schema that is another altogether is told by fewer."""


@dataclass(frozen=True, slots=True)
class Fixers:
    """What writes the fixes that are to be proved."""

    automatic: Mend = repair.automatic
    planned: Mend = repair.planned


@dataclass(frozen=True, slots=True)
class _Ran:
    """One side, the catalog at its end, and the migrations that did not run though not traced."""

    side: Side
    end: Snapshot
    problems: tuple[Problem, ...]


def proofs(
    result: Result,
    request: Request,
    scratch: Scratch,
    settings: Settings,
    catalog: Catalog | None = None,
    fixers: Fixers | None = None,
    progress: Progress = silent,
) -> Iterator[Proof]:
    """A proof of every migration that was linted, folder by folder, in order.

    ``result`` is that of ``request``. Of several migrations those without findings are left out.

    Raises:
        InputError: a file cannot be read any more.
        NotRunError: the server is gone.
    """
    several = sum(len(folder.linted) for folder in result.folders) > 1
    for folder in result.folders:
        asked = [one for one in folder.linted if one.problems or not several]
        if asked:
            schema = Schema(scratch, settings, folder.folder, request.settings.schema)
            for linted in asked:
                last = linted is asked[-1]
                case = _Case(result, folder, linted, request, schema, last=last, progress=progress)
                yield _prove(case, catalog, fixers or Fixers())


@dataclass(frozen=True, slots=True)
class _Case:
    """One migration to prove; ``last`` of its folder."""

    result: Result
    folder: FolderResult
    linted: Linted
    request: Request
    schema: Schema
    last: bool
    progress: Progress


def _prove(case: _Case, catalog: Catalog | None, fixers: Fixers) -> Proof:
    began = time.monotonic()
    migration, schema = case.linted.migration, case.schema
    number = case.folder.folder.migrations.index(migration)
    case.progress(f"running what comes before {migration.path}")
    schema.build(number)
    findings = tuple(problem.finding for problem in case.linted.problems)
    start = snapshot.take(schema.url)
    mended: Mended | None = None
    if any(finding.suppressed is None for finding in findings):
        mended = _mended(case, catalog, fixers)
    written, fixed = _both(case, start, mended)
    if fixed is not None and fixed.failure is not None and fixed.in_steps:
        # What --fix writes may hold without the plan for the rest.
        less = _mended(case, catalog, Fixers(fixers.automatic, _no_plan))
        if less is not None and less.contents:
            said = f"a plan for the rest failed on the server; please report it: {fixed.failure}"
            if number + 1 < len(case.folder.folder.migrations):
                said = f"a plan for the rest fails behind the migrations after it: {fixed.failure}"
            mended = replace(less, remarks=(*less.remarks, said))
            written, fixed = _both(case, start, mended)
    written, notes = _sized(case, written, case.folder.folder)
    if fixed is not None and mended is not None and fixed.failure is None:
        side, more = _sized(case, fixed.side, mended.folder)
        fixed, notes = replace(fixed, side=side), (*notes, *more)
    return Proof(
        path=migration.path,
        postgres=schema.scratch.version,
        linted_for=case.request.settings.postgres,
        findings=findings,
        written=written,
        fixed=fixed,
        no_fix=mended.untouched if mended is not None else {},
        earlier=number,
        stubbed=schema.built.stubbed,
        problems=schema.problems,
        not_analyzed=_not_analyzed(case),
        notes=tuple(dict.fromkeys(notes)),
        seconds=time.monotonic() - began,
    )


def _mended(case: _Case, catalog: Catalog | None, fixers: Fixers) -> Mended | None:
    """The migration after its fixes, written into a copy of its folder."""
    with copied(case.folder.folder, case.request.root) as copy:
        there = replace(case.request, root=copy, since=None, changed=False)
        return mend(there, case.linted.migration, catalog, fixers.automatic, fixers.planned)


def _no_plan(_result: Result, _root: Path, _now: datetime) -> repair.Repair:
    return repair.Repair()


def _not_analyzed(case: _Case) -> tuple[NotAnalyzed, ...]:
    own = {case.linted.migration.path, *case.linted.migration.files}
    of_files = [one for one in case.result.not_analyzed if one.path in own]
    return (*of_files, *case.linted.not_analyzed)


def _sized(case: _Case, side: Side, folder: Folder) -> tuple[Side, tuple[str, ...]]:
    """With how long its locks would be held on tables of known sizes, and what to know of that."""
    rows, schema = case.request.settings.rows, case.schema
    if not rows or side.failed is not None:
        return side, ()
    from senior_backend.migrations.trace.sizes.estimate import estimate
    from senior_backend.migrations.trace.sizes.statistics import Size

    case.progress("measuring on tables of several sizes")
    widths = case.request.row_bytes
    sizes = {
        table: Size(count, round(widths[table] * count) if table in widths else None)
        for table, count in rows.items()
    }
    trace = Trace(schema.scratch.version, side.migrations)
    try:
        sized = estimate(trace, folder, schema.scratch, sizes, schema.settings, schema=schema.dump)
    except NotRunError as error:  # what was observed is worth having without them
        return side, (f"nothing could be estimated: {error}",)
    return replace(side, migrations=sized.migrations), sized.notes


def _both(case: _Case, start: Snapshot, mended: Mended | None) -> tuple[Side, Fixed | None]:
    """Run what is to be compared, one after the other."""
    migration, schema = case.linted.migration, case.schema
    case.progress(f"running {migration.path} as it is written")
    if mended is None or not mended.contents:
        return _run(schema, start, [(migration, True)], last=case.last).side, None
    steps = _steps(migration, mended)
    migrations = case.folder.folder.migrations
    # What a fix adds comes after the migrations that there are: both sides run those then.
    between = migrations[migrations.index(migration) + 1 :] if len(steps) > 1 else ()
    written = _run(schema, start, [(migration, True), *((one, False) for one in between)])
    seen = written.side.way_back
    of_others = (
        between
        and seen.outcome in ("differs", "failed")
        and _run(schema, start, [(migration, False)]).side.way_back.outcome == "leads back"
    )
    case.progress(f"running {migration.path} as it is fixed")
    # After a plan that fails there is one more run.
    fixed = _run(schema, start, steps, last=case.last and mended.automatic)
    if of_others:
        fixed = _without_others(fixed, seen)
        written = _without_others(written, seen)
    may_have_run = case.result.may_have_run(case.folder.folder, migration)
    return written.side, _fixed(written, fixed, mended, may_have_run)


def _without_others(ran: _Ran, others: WayBack) -> _Ran:
    """With what the migrations in between do not take back told as theirs."""
    if ran.side.way_back != others:
        return ran
    told = WayBack("others differ", others.details)
    return replace(ran, side=replace(ran.side, way_back=told))


def _steps(migration: Migration, mended: Mended) -> list[tuple[Migration, bool]]:
    """The mended migrations to run, up to the last that the fix has made, and which to trace."""
    migrations = mended.folder.migrations
    paths = [one.path for one in migrations]
    first = paths.index(migration.path) if migration.path in paths else 0
    made = {path for path, (before, _after) in mended.contents.items() if not before}
    own = {migration.path, *migration.files}
    steps = [(one, not made.isdisjoint(one.files) or one.path in own) for one in migrations[first:]]
    while steps and not steps[-1][1]:
        steps.pop()
    return steps


def _run(
    schema: Schema, start: Snapshot, steps: Sequence[tuple[Migration, bool]], *, last: bool = False
) -> _Ran:
    """Run migrations on a copy of the schema, observed where that is said, and take them back."""
    with schema.copy(last=last) as url:
        traces, problems = [], []
        with schema.scratch.tracer(url, schema.settings) as tracer:
            for migration, traced in steps:
                runnable = schema.built.runnable(migration)
                if traced:
                    trace = tracer.trace(runnable)
                    traces.append(schema.built.as_written(migration, trace))
                elif problem := tracer.apply(runnable):
                    problems.append(problem)
            tracer.finish()
        side = Side(tuple(traces))
        end = snapshot.take(url)
        if side.failed is None and not problems and schema.has_downs:
            side = replace(side, way_back=_way_back(url, schema, start, [one for one, _ in steps]))
        return _Ran(side, end, tuple(problems))


def _way_back(
    url: str, schema: Schema, start: Snapshot, migrations: Sequence[Migration]
) -> WayBack:
    first = migrations[0]
    if first.down is None:
        return WayBack("missing", (first.path,))
    with schema.scratch.tracer(url, schema.settings) as tracer:
        # A step without a way down has nothing to take back, or the catalogs will tell.
        for migration in reversed([one for one in migrations if one.down is not None]):
            if problem := tracer.apply(schema.built.runnable(migration), "down"):
                return WayBack("failed", (str(problem),))
        tracer.finish()
    end = _compared(start, snapshot.take(url))
    return WayBack("differs" if end.differences else "leads back", end.differences)


def _fixed(written: _Ran, fixed: _Ran, mended: Mended, may_have_run: str) -> Fixed:
    """What was seen of a fix, beside what was seen of the file."""
    runs = written.side.failed is None and fixed.side.failed is None
    return Fixed(
        automatic=mended.automatic and not may_have_run,
        diff=mended.diff,
        in_steps=not mended.automatic,
        side=fixed.side,
        reasons=tuple(filter(None, (*mended.reasons, may_have_run))),
        deploys=mended.deploys,
        remarks=mended.remarks,
        end=_compared(written.end, fixed.end) if runs else None,
        found=mended.found,
        failure=_failure(written, fixed, mended),
    )


def _failure(written: _Ran, fixed: _Ran, mended: Mended) -> str | None:
    """Why a fix must not be offered; None when it holds."""
    failed, before = fixed.side.failed, written.side.failed
    if failed is not None and before is None:
        return f"{failed.path}:{failed.line}: {failed.error}"
    # A plan for what does not run as it is written may wait for a decision.
    if failed is not None and before is not None and mended.automatic:
        same = before.error == failed.error
        return None if same else f"{failed.path}:{failed.line}: {failed.error}"
    never_sent = {one.not_run for one in written.side.statements}
    for one in fixed.side.statements:
        if failed is None and one.not_run not in never_sent | {None}:
            return f"{one.path}:{one.line}: {one.not_run}"
    known = {problem.reason for problem in written.problems}
    for problem in fixed.problems:
        if problem.reason not in known:
            return f"a later migration does not run any more: {problem}"
    if mended.automatic and before is None and failed is None:
        end = _compared(written.end, fixed.end)
        if end.differences:
            return f"it ends in another schema: {end.differences[0]}"
    return None


def _compared(before: Snapshot, after: Snapshot) -> End:
    found = compare.differences(before, after)
    differences = [str(one) for one in found if not one.physical]
    if len(differences) > _MOST_DIFFERENCES:
        more = len(differences) - _MOST_DIFFERENCES + 1
        differences[_MOST_DIFFERENCES - 1 :] = [f"and {more} more"]
    return End(tuple(differences), tuple(str(one) for one in found if one.physical))
