"""Up, down, and a comparison with before: on a real PostgreSQL, migration by migration.

A database carries the schema from migration to migration. Each migration that is asked for is tried
on a copy of it with rows in its tables; so nothing that a wrong down leaves behind is there for the
next one.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from senior_backend import sql
from senior_backend.errors import NotRunError
from senior_backend.findings import Finding
from senior_backend.migrations.rollback import matching, resume, trial, unmatched
from senior_backend.migrations.rollback.comparing import data, dump
from senior_backend.migrations.rollback.comparing.compare import differences
from senior_backend.migrations.rollback.comparing.data import Rows
from senior_backend.migrations.rollback.comparing.snapshot import Snapshot, take
from senior_backend.migrations.rollback.verdict import Comparison, Proof, Range, Report, Verdict
from senior_backend.migrations.trace.observed import Problem
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.prepare import Built, Progress, build, not_read, silent
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.migrations.trace.sizes import rows
from senior_backend.postgres.session import Session, quoted
from senior_backend.sources import alembic
from senior_backend.sources.migration import Folder, Migration

ROWS: Final = 20
"""In each table before a migration is tried: few enough to be quick."""
_NEEDED_ELSEWHERE: Final = re.compile(r"role .* cannot be dropped because some objects depend")
_RAISED: Final = "P0001"
"""SQLSTATE of RAISE EXCEPTION."""
_REACHES_FAR: Final = re.compile(
    r"\b(?:cascade|delete|truncate|execute|call|do|function|trigger|schema|extension)\b"
    r"|\b(?:alter|drop)\s+(?:type|domain|collation)\b|\bselect\s+[\w.\"]+\s*\("
)
"""Rows of tables that are not named may change, or stand in the way."""
_TEMPLATES: Final = re.compile(
    r"should undo|your sql|write your|add your|goes here|\b(?:todo|fixme|xxx)\b", re.IGNORECASE
)
"""What tools and people write where a down is still to come."""
_IDLE: Final = frozenset(
    re.findall(
        r"\w+",
        "a add alter back blank create deliberately do does down drop empty file for here is it "
        "implemented intentionally left migrate migration n na necessary needed no none noop not "
        "nothing of op pass remove required revert roll rollback script skip sql table the there "
        "this to undo up yet",
    )
)
"""Words that tell no more than that there is nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to prove. ``findings`` are the linter's on downs, by the path of their migration."""

    rows: int = ROWS
    resume: bool = False
    schema: Path | None = None
    root: Path = Path()
    """Of what paths are shown relative to."""
    findings: Mapping[str, Sequence[Finding]] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A database at one time: its catalogs, pg_dump's word, its rows."""

    snapshot: Snapshot
    dumped: str | None
    rows: Rows

    def compared_with(self, later: "State") -> Comparison:
        """What is not as it was here."""
        catalog = differences(self.snapshot, later.snapshot)
        lines: tuple[str, ...] | None = None
        if self.dumped is not None and later.dumped is not None:
            lines = dump.changed_lines(self.dumped, later.dumped)
        return Comparison(catalog, lines, data.lost(self.rows, later.rows))


def prove(
    folder: Folder,
    paths: Collection[str],
    scratch: Scratch,
    settings: Settings,
    options: Options | None = None,
    progress: Progress = silent,
) -> Report:
    """Prove the downs of the migrations of a folder whose ``path`` is among ``paths``.

    Raises:
        InputError: the schema to begin with cannot be read.
        NotRunError: the server stopped, or gives no database.
    """
    chosen = options or Options()
    wanted = [m for m in folder.migrations if m.path in paths]
    if not wanted:
        return Report(scratch.version)
    if not folder.has_downs and not chosen.resume:
        return Report(scratch.version, without_downs=(folder.source,))
    earlier, following = folder.around(wanted)
    url = scratch.database()
    prover = _Prover(folder, scratch, settings, chosen, progress)
    try:
        built = build(
            url,
            earlier,
            scratch,
            settings,
            later=following,
            schema=chosen.schema,
            progress=progress,
        )
        prover.built = built
        prover.carry(url, following, paths)
    except BaseException:
        prover.close()
        raise
    finally:
        scratch.drop(url)
    try:
        return prover.report(following, paths)
    finally:
        prover.close()


class _Prover:
    """The migrations of one folder, on one server."""

    def __init__(
        self,
        folder: Folder,
        scratch: Scratch,
        settings: Settings,
        options: Options,
        progress: Progress,
    ) -> None:
        self.built = Built()
        self._folder = folder
        self._scratch = scratch
        self._settings = settings
        self._options = options
        self._progress = progress
        self._notes: list[str] = []
        self._proofs: list[Proof] = []
        self._problems: list[Problem] = []
        self._start: str | None = None
        """The database before the first migration, where all of them will be tried together."""
        self._kept: str | None = None
        """A database with rows which is otherwise what the next migration begins with."""
        self._roles_before: frozenset[str] = frozenset()
        if scratch.programs is None:
            self._notes.append(
                "there is no pg_dump as new as the server: only the catalogs are compared"
            )

        if options.resume and folder.source in resume.BEFORE_RERUN:
            self._notes.append(resume.BEFORE_RERUN[folder.source])

    def carry(self, url: str, migrations: Sequence[Migration], paths: Collection[str]) -> None:
        """Carry the database at ``url`` through ``migrations``, proving those of ``paths``."""
        self._problems += self.built.problems
        self._roles_before = self._roles(url)
        if len(migrations) > 1 and all(
            m.path in paths and self._without_down(m) is None for m in migrations
        ):
            self._start = self._scratch.database(url)
        for number, migration in enumerate(migrations, start=1):
            refuses = self._refuses(migration)  # which is a verdict, and no problem
            self._problems += (
                one for one in not_read(migration) if not (refuses and "downgrade" in one.reason)
            )
            proof = None
            if migration.path in paths:
                self._progress(f"proving {number} of {len(migrations)}: {migration.path}")
                proof = self._proof(url, migration)
                self._proofs.append(proof)
            if proof is None or not trial.goes_on(migration, proof):
                self._drop_kept()
            problem = self._apply(url, migration)
            if problem is not None:
                self._drop_kept()
                if proof is None:
                    self._problems.append(problem)
        self._drop_kept()

    def report(self, migrations: Sequence[Migration], paths: Collection[str]) -> Report:
        """What was proved, and all ups and downs together.

        The database of ``carry`` is gone by now, so that the roles that it needed can go as well:
        they are the server's, and the same ups are to make them again.
        """
        ranges: tuple[Range, ...] = ()
        if self._start is not None:
            self._drop_roles(self._start, self._roles_before)
            ranges = tuple(self._range(self._start, migrations, paths, self._proofs))
        return Report(
            self._scratch.version,
            tuple(self._proofs),
            ranges,
            () if self._folder.has_downs else (self._folder.source,),
            self.built.stubbed,
            tuple(self._problems),
            tuple(self._notes),
        )

    def close(self) -> None:
        """Drop the databases that were made; closing twice is fine."""
        self._drop_kept()
        if self._start is not None:
            self._scratch.drop(self._start)
            self._start = None

    def _drop_kept(self) -> None:
        if self._kept is not None:
            kept, self._kept = self._kept, None
            self._scratch.drop(kept)

    # One migration

    def _proof(self, url: str, migration: Migration) -> Proof:
        missing = self._without_down(migration)
        if missing is not None and not self._options.resume:
            return missing
        if missing is not None:
            return self._resumed(url, migration, missing, filled=True)
        with self._on_trial(url, migration) as (work, count):
            proof = self._tried(work, migration, count)
        if proof.verdict != "not proved":
            return self._resumed(url, migration, proof, filled=True)
        self._drop_kept()
        # Rows of ours may be the reason: what the up demands of rows, those of users satisfy.
        with self._copy(url, filled=False) as (work, _):
            empty = self._tried(work, migration, 0)
        if empty.verdict == "not proved":
            return empty
        note = f"tried on empty tables, so nothing is said of rows: {proof.reason}"
        return self._resumed(
            url, migration, replace(empty, notes=(*empty.notes, note)), filled=False
        )

    def _without_down(self, migration: Migration) -> Proof | None:
        """What is said of a migration that has nothing to run as its down."""
        if not _has_down(migration) and not any(_holds(one.text) for one in migration.up):
            return Proof(migration.path, "no down", "it does nothing, so nothing is to take back")
        for one in not_read(migration):
            if (
                one.path != migration.path
                and not _has_down(migration)
                and "empty" not in one.reason
            ):
                return Proof(migration.path, "failing", f"its down cannot be read: {one}")
        if migration.down is None:
            if not self._folder.has_downs:
                return Proof(migration.path, "no down", "its tool has no downs")
            if migration.repeatable:
                return Proof(migration.path, "no down", "a repeatable migration has none")
            if self._refuses(migration):
                return Proof(migration.path, "irreversible", "its downgrade raises an error")
            return Proof(migration.path, "no down", "it has no down: --write makes one")
        if not _has_down(migration):
            return Proof(migration.path, "no down", "its down is empty: --write makes one")
        return None

    def _refuses(self, migration: Migration) -> bool:
        """Whether an Alembic revision has a downgrade, which then does nothing but raise."""
        if self._folder.source != alembic.ID or migration.down is not None:
            return False
        try:
            file = self._options.root / migration.path
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return re.search(r"^(?:async )?def downgrade\(", text, re.MULTILINE) is not None

    def _tried(self, url: str, migration: Migration, count: int) -> Proof:
        """Up, down and up again in the database at ``url``."""
        before = self._state(url)
        with self._scratch.tracer(url, self._settings) as tracer:
            problem = tracer.apply(self.built.runnable(migration))
            tracer.finish()
            ran = tracer.applied
        if problem is not None:
            reason = str(problem)
            if _NEEDED_ELSEWHERE.search(reason):
                reason += "; it is the server's, and other databases of this proof need it as well"
            return Proof(migration.path, "not proved", reason, rows=count)
        runnable = self.built.runnable(migration)
        with self._scratch.tracer(url, self._settings) as tracer:
            seen = tracer.trace(runnable, "down")
            tracer.finish()
        down = self.built.as_written(migration, seen)
        findings = tuple((self._options.findings or {}).get(migration.path, ()))
        notes = tuple(unmatched.notes(migration, ran)) if count else ()
        notes += tuple(note for note in down.notes if "never committed" in note)
        proof = Proof(
            migration.path, "failing", down=down, rows=count, findings=findings, notes=notes
        )
        failed = down.failed
        if failed is not None and failed.sqlstate == _RAISED:
            return replace(proof, verdict="irreversible", reason=f"its down raises: {failed.error}")
        if failed is not None:
            return replace(proof, reason=f"{failed.path}:{failed.line}: {failed.error}")
        unread = next((o for o in down.statements if "syntax error" in (o.not_run or "")), None)
        if unread is not None:
            return replace(proof, reason=f"{unread.path}:{unread.line}: {unread.not_run}")
        comparison = before.compared_with(self._state(url))
        verdict: Verdict = comparison.verdict
        reason = ""
        if not down.statements and (comparison.differs or comparison.lost):
            if (comment := _comment_of(migration)) is not None:
                verdict, reason = "irreversible", f"its down holds only a comment: {comment}"
            else:
                reason = "its down holds no statement"
        proof = replace(proof, verdict=verdict, reason=reason, comparison=comparison)
        not_run = next((one for one in down.statements if one.not_run is not None), None)
        if not_run is not None:
            note = f"{not_run.path}:{not_run.line}: not run here: {not_run.not_run}"
            proof = replace(proof, notes=(*proof.notes, note))
        if verdict == "irreversible":
            return proof
        return replace(proof, again=self._apply(url, migration))

    def _resumed(self, url: str, migration: Migration, proof: Proof, *, filled: bool) -> Proof:
        if not self._options.resume:
            return proof
        with self._copy(url, filled=filled, migration=migration) as (template, _):
            migration = self.built.runnable(migration)
            runs = resume.Runs(template, self._scratch, self._settings, self._state)
            found = tuple(runs.interrupt(migration))
        return replace(proof, resume=found)

    # The whole range

    def _range(
        self,
        start: str,
        migrations: Sequence[Migration],
        paths: Collection[str],
        proofs: Sequence[Proof],
    ) -> Iterator[Range]:
        """All of the ups, then all of the downs, where each has one that ran."""
        asked = [m for m in migrations if m.path in paths]
        tried = {p.path: p for p in proofs}
        if len(asked) < 2 or len(asked) != len(migrations):
            return
        if any(
            tried[m.path].verdict in ("no down", "failing", "irreversible", "not proved")
            for m in migrations
        ):
            return
        self._progress(f"all {len(migrations)} ups, then all downs")
        with self._copy(start, filled=not any(p.rows == 0 for p in proofs)) as (work, _):
            for migration in migrations:
                matching.match(work, self.built.runnable(migration), self._options.rows)
            before = self._state(work)
            for direction, order in (("up", migrations), ("down", migrations[::-1])):
                for migration in order:
                    problem = self._apply(work, migration, down=direction == "down")
                    if problem is not None:
                        verdict: Verdict = "failing" if direction == "down" else "not proved"
                        yield Range(len(migrations), verdict, problem=problem)
                        return
            comparison = before.compared_with(self._state(work))
            yield Range(len(migrations), comparison.verdict, comparison)

    # The server

    def _apply(self, url: str, migration: Migration, *, down: bool = False) -> Problem | None:
        with self._scratch.tracer(url, self._settings) as tracer:
            problem = tracer.apply(self.built.runnable(migration), "down" if down else "up")
            tracer.finish()
        return problem

    @contextmanager
    def _copy(
        self, url: str, *, filled: bool, migration: Migration | None = None
    ) -> Iterator[tuple[str, int]]:
        """A copy of a database, with rows in the tables that ``migration`` is about, or in all.

        Roles made meanwhile are dropped.
        """
        roles = self._roles(url)
        copy = self._scratch.database(url)
        try:
            yield copy, self._fill(copy, migration) if filled else 0
        finally:
            self._scratch.drop(copy)
            self._drop_roles(url, roles)

    @contextmanager
    def _on_trial(self, url: str, migration: Migration) -> Iterator[tuple[str, int]]:
        """A copy of a database with rows; where it can be, that of the migration before.

        It is kept, but where roles were made: they are dropped, and it may need them.
        """
        roles = self._roles(url)
        if self._kept is None or not (trial.is_empty(url) and trial.emptied(self._kept)):
            self._drop_kept()
            self._kept = self._scratch.database(url)
        try:
            yield self._kept, self._fill(self._kept, migration)
        finally:
            if self._roles(url) != roles:
                self._drop_kept()
                self._drop_roles(url, roles)

    def _fill(self, url: str, migration: Migration | None) -> int:
        if not self._options.rows:
            return 0
        tables: Sequence[str] = data.tables(url)
        if migration is not None:
            tables = _concerned(migration, tables)
        count = sum(rows.fill(url, dict.fromkeys(tables, self._options.rows)).values())
        if migration is not None and count:
            matching.match(url, self.built.runnable(migration), self._options.rows)
        return count

    def _roles(self, url: str) -> frozenset[str]:
        if not self._scratch.own:
            return frozenset()
        with Session(url) as session:
            return frozenset(name for (name,) in session.execute("select rolname from pg_roles"))

    def _drop_roles(self, url: str, known: frozenset[str]) -> None:
        """A role belongs to the server: one that a try has left would fail the next one."""
        left = self._roles(url) - known
        if left:
            with Session(url) as session:
                for name in sorted(left):
                    session.execute(f"drop role {quoted(name)}")

    def _state(self, url: str) -> State:
        """pg_dump works while the catalogs are read."""
        programs = self._scratch.programs
        with ThreadPoolExecutor(1) as pool:
            dumped = pool.submit(dump.schema_of, url, programs) if programs is not None else None
            snapshot = take(url, cluster=self._scratch.own)
            found = data.read(url)
            try:
                text = dumped.result() if dumped is not None else None
            except NotRunError as error:
                text = None
                self._note(f"only the catalogs are compared: {error}")
        return State(snapshot, text, found)

    def _note(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)


def _concerned(migration: Migration, tables: Sequence[str]) -> tuple[str, ...]:
    """The tables that a migration names; all where it reaches others in ways not to be seen."""
    segments = (*migration.up, *(migration.down or ()))
    text = " ".join(s.text.data.decode("utf-8", "replace").lower() for s in segments)
    if _REACHES_FAR.search(text):
        return tuple(tables)
    names = set(re.findall(r'[^\s"().,;:=\']+', text))
    return tuple(t for t in tables if t.rpartition(".")[2].strip('"').lower() in names)


def _has_down(migration: Migration) -> bool:
    return any(_holds(segment.text) for segment in migration.down or ())


def _holds(text: sql.SqlText) -> bool:
    """Whether anything stands there but a tool's own marks."""
    script = sql.read(text)
    own = ("--+", "--migrate:")
    marks = ["".join(comment.content.split()).lower() for comment in script.comments]
    return bool(script.statements or script.unparsed) or not all(
        one.startswith(own) for one in marks
    )


def _comment_of(migration: Migration) -> str | None:
    """The comment that says why there is no way back; None where nothing does.

    No reason are a tool's template, "do nothing", and statements that somebody has kept out.
    """
    found: list[str] = []
    for segment in migration.down or ():
        for comment in sql.read(segment.text).comments:
            text = comment.content.strip().lstrip("-/* ").rstrip("*/ ")
            text = " ".join(text.split())
            if text and not text.startswith("+"):
                found.append(text)
    script = sql.read(sql.decode("", "\n".join(found).encode()))
    if script.statements and not any(unread.refused for unread in script.unparsed):
        return None
    return next((text for text in found if not _is_idle(text)), None)


def _is_idle(comment: str) -> bool:
    words = re.findall(r"\w+", comment.lower())
    return _TEMPLATES.search(comment) is not None or _IDLE.issuperset(words)
