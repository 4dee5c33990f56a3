"""A migration that fails half way and is run again: at each statement, on a real PostgreSQL.

A statement fails by being replaced with one that the server refuses, so that its tool does what it
does after an error. What works outside transactions and in several steps (CREATE INDEX
CONCURRENTLY and its like) is cancelled in the middle instead: it waits for a lock that is held
against it, and leaves what it leaves.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from senior_backend.migrations.rollback.comparing import data as table_rows
from senior_backend.migrations.rollback.comparing.compare import INVALID, Difference, differences
from senior_backend.migrations.rollback.comparing.snapshot import take
from senior_backend.migrations.rollback.verdict import Comparison, Interrupted
from senior_backend.migrations.trace.observed import MigrationTrace, Problem
from senior_backend.migrations.trace.observing.pieces import Piece, pieces
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.postgres.session import Session
from senior_backend.sources.migration import Migration, Segment
from senior_backend.sql.text import Derived, SqlText

if TYPE_CHECKING:
    from senior_backend.migrations.rollback.proof import State

_FAILURE: Final = b"do $$ begin raise exception 'interrupted' end $$"
_SHORT_S: Final = 0.4
"""After which a statement that waits is cancelled; long enough to come to where it waits."""
_SETTINGS_ONLY: Final = frozenset({"VariableSetStmt"})

BEFORE_RERUN: Final = {
    "golang_migrate": "golang-migrate marks the version dirty when one fails: `migrate force` the "
    "version before, then run it again",
    "prisma": "Prisma runs nothing after a failure before `prisma migrate resolve --rolled-back "
    "NAME`",
    "flyway": "Flyway records a failure outside a transaction: `flyway repair`, then run it again",
}
"""What tools ask for before they run a migration again, by their name."""
ReadState = Callable[[str], "State"]


@dataclass(frozen=True, slots=True)
class _Place:
    """One statement of a migration: in which segment, and which one there."""

    segment: int
    number: int
    piece: Piece


def _places(migration: Migration, trace: MigrationTrace) -> list[_Place]:
    """One for each state that a failure can leave."""
    found = [
        _Place(at, number, piece)
        for at, segment in enumerate(migration.up)
        for number, piece in enumerate(pieces(segment.text))
    ]
    kept: list[_Place] = []
    last: int | None = None
    for place, seen in zip(found, trace.statements, strict=False):
        if place.piece.not_run is not None or place.piece.kind in _SETTINGS_ONLY:
            continue
        if seen.transaction is not None and seen.transaction == last:
            kept.pop()
        kept.append(place)
        last = seen.transaction
    return kept


class Runs:
    """Runs one migration on copies of ``template``, the database before it."""

    def __init__(
        self, template: str, scratch: Scratch, settings: Settings, state: "ReadState"
    ) -> None:
        self._template = template
        self._scratch = scratch
        self._settings = replace(settings, probe=False)
        self._state = state

    def interrupt(self, migration: Migration) -> Iterator[Interrupted]:
        """Every statement of the up after whose failure another state is left.

        None if it fails anyway. Of a transaction the last statement stands for all: whichever
        fails, all of it is taken back.
        """
        undisturbed = self._undisturbed(migration)
        if undisturbed is None:
            return
        end, trace = undisturbed
        for place in _places(migration, trace):
            yield self._interrupted(migration, place, end)

    def _undisturbed(self, migration: Migration) -> "tuple[State, MigrationTrace] | None":
        """Where it ends when nothing goes wrong, and in which transactions its statements ran."""
        with self._copy() as url:
            with self._scratch.tracer(url, self._settings) as tracer:
                trace = tracer.trace(migration)
                tracer.finish()
            if trace.failed is not None:
                return None
            return self._state(url), trace

    def _interrupted(self, migration: Migration, place: _Place, end: "State") -> Interrupted:
        with self._copy() as url:
            before = take(url)
            if _works_in_steps(place.piece):
                self._cancel(url, migration, place)
            else:
                self._apply(url, _replaced(migration, place))
            left = differences(before, take(url))
            problem = self._apply(url, migration)
            found = Interrupted(place.piece.path, place.piece.line, place.piece.shown, left)
            if problem is not None:
                remedy = _remedy(problem, place.piece, left)
                return replace(found, error=str(problem), remedy=remedy)
            comparison = end.compared_with(self._state(url))
            comparison = replace(comparison, catalog=_but_physical(comparison.catalog))
            found = replace(found, comparison=comparison)
            return replace(found, remedy="" if found.resumes else _remedy_of(comparison, left))

    def _apply(
        self, url: str, migration: Migration, settings: Settings | None = None
    ) -> Problem | None:
        with self._scratch.tracer(url, settings or self._settings) as tracer:
            problem = tracer.apply(migration)
            tracer.finish()
        return problem

    def _cancel(self, url: str, migration: Migration, place: _Place) -> None:
        """Run what comes before; then the statement itself, which is made to wait, and cancel."""
        self._apply(url, _before(migration, place))
        with Session(url) as holder:
            holder.execute("begin")
            names = ", ".join(f"only {name}" for name in table_rows.tables(url))
            if names:
                # Goes with the lock that such a statement takes, and not with what it waits for.
                holder.execute(f"lock table {names} in row exclusive mode")
                holder.execute("select txid_current()")
            short = replace(self._settings, statement_timeout_s=_SHORT_S)
            self._apply(url, _alone(migration, place), short)

    @contextmanager
    def _copy(self) -> Iterator[str]:
        url = self._scratch.database(self._template)
        try:
            yield url
        finally:
            self._scratch.drop(url)


def _works_in_steps(piece: Piece) -> bool:
    """Whether it commits in between, so that a failure leaves a part of its work."""
    if piece.statement is None:
        return False
    node = piece.statement.node
    if piece.kind in ("IndexStmt", "DropStmt"):
        return bool(node.concurrent)
    text = " ".join(piece.shown.split()).lower()
    if piece.kind == "ReindexStmt":
        return "concurrently" in text
    return (
        piece.kind == "AlterTableStmt"
        and re.search(r"\bdetach\b.*\bconcurrently\b", text) is not None
    )


def _replaced(migration: Migration, place: _Place) -> Migration:
    """With a statement that fails in place of one."""

    def cut(at: int, number: int, piece: Piece) -> bytes | None:
        return _FAILURE if (at, number) == (place.segment, place.number) else piece.message

    return _with(migration, cut)


def _before(migration: Migration, place: _Place) -> Migration:
    """Without the statement and all that follow."""

    def cut(at: int, number: int, piece: Piece) -> bytes | None:
        return piece.message if (at, number) < (place.segment, place.number) else None

    return _with(migration, cut)


def _alone(migration: Migration, place: _Place) -> Migration:
    """The statement, and the settings that were made before it."""

    def cut(at: int, number: int, piece: Piece) -> bytes | None:
        here = (at, number)
        is_setting = piece.kind in _SETTINGS_ONLY and here < (place.segment, place.number)
        return piece.message if is_setting or here == (place.segment, place.number) else None

    return _with(migration, cut)


def _with(migration: Migration, cut: Callable[[int, int, Piece], bytes | None]) -> Migration:
    """With other texts in its segments; lines are kept, they are where errors point."""
    segments: list[Segment] = []
    for at, segment in enumerate(migration.up):
        lines: list[int] = []
        data = b""
        for number, piece in enumerate(pieces(segment.text)):
            message = cut(at, number, piece)
            if message is not None and piece.not_run is None:
                data += message + b"\n;\n"
                lines += range(piece.line, piece.line + message.count(b"\n") + 1)
                lines.append(lines[-1])
        text = SqlText(segment.text.path, data, Derived((*lines, lines[-1] if lines else 1)))
        segments.append(replace(segment, text=text))
    return replace(migration, up=tuple(segments), down=None)


def _but_physical(found: Sequence[Difference]) -> tuple[Difference, ...]:
    return tuple(one for one in found if not one.physical)


_EXISTS: Final = re.compile(
    r"(?:relation|type|schema|column|constraint|function|index|trigger|"
    r"policy|role|extension|table|view|sequence) .*already exists"
)
_OF_REINDEX: Final = re.compile(r'_cc(?:new|old)\d*"?\Z')
_GONE: Final = re.compile(r"does not exist")


def _remedy(problem: Problem, piece: Piece, left: Sequence[Difference]) -> str:
    """What makes the migration run again after this failure."""
    if invalid := _invalid(left):
        return (
            f"put DROP INDEX CONCURRENTLY IF EXISTS {invalid} before it: the failure leaves an "
            "INVALID index under its name"
        )
    if "already pending detach" in problem.reason:
        return "finish it by hand first: ALTER TABLE ... DETACH PARTITION ... FINALIZE"
    if _EXISTS.search(problem.reason):
        half = [part for one in left for part in one.parts if part.startswith("index ")]
        dropped = ""
        if half and _works_in_steps(piece):
            name = half[0].removeprefix("index ")
            dropped = f", and put DROP INDEX CONCURRENTLY IF EXISTS {name} before this one"
        return (
            "let each statement outside a transaction be a migration of its own, or make those "
            f"before it say IF NOT EXISTS{dropped}"
        )
    if _GONE.search(problem.reason):
        return (
            "let each statement outside a transaction be a migration of its own, or make those "
            "before it say IF EXISTS"
        )
    return "let each statement outside a transaction be a migration of its own"


def _remedy_of(comparison: Comparison, left: Sequence[Difference]) -> str:
    """The same for a second run that ended well, in something else."""
    if invalid := _invalid(left):
        if _OF_REINDEX.search(invalid):
            return f"put DROP INDEX CONCURRENTLY IF EXISTS {invalid} before it, or drop it by hand"
        return (
            f"IF NOT EXISTS passes over the INVALID index that the failure leaves: put "
            f"DROP INDEX CONCURRENTLY IF EXISTS {invalid} before it"
        )
    if comparison.lost:
        return (
            "rows are changed twice: let it be a migration of its own, or have it find the rows "
            "that it has changed already (ON CONFLICT DO NOTHING, WHERE ... IS NULL)"
        )
    return "let each statement outside a transaction be a migration of its own"


def _invalid(left: Sequence[Difference]) -> str:
    """The name of an INVALID index that was left."""
    for one in left:
        if one.object.startswith("index ") and one.after == INVALID:
            return one.object.removeprefix("index ")
    return ""
