"""One database on which migrations run as their tool would run them, watched or not.

The parts: ``course`` (which transaction a statement runs in), ``execute`` (the session that runs
it), ``observation`` (a statement in a transaction), ``outside`` and ``parking`` (one outside of
any), ``watch`` (locks), ``probe`` and ``blocking`` (what waits), ``messages`` and ``work`` (what
the server works through), ``block`` (how long a lock is kept).
"""

from typing import Self

from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.observed import MigrationTrace, ObservedStatement, Problem
from senior_backend.migrations.trace.observing.block import Block
from senior_backend.migrations.trace.observing.course import Course
from senior_backend.migrations.trace.observing.observation import Eye
from senior_backend.migrations.trace.observing.sessions import Sessions, Settings
from senior_backend.sources.migration import Migration

__all__ = ["Settings", "Tracer"]


class Tracer:
    """Runs migrations on one database, and watches. A context manager."""

    def __init__(self, url: str, settings: Settings | None = None) -> None:
        """Nothing is connected before it is needed."""
        self.settings = settings if settings is not None else Settings()
        self._sessions = Sessions(url, self.settings)
        self._eye = Eye(self._sessions)
        self._first: frozenset[int] | None = None
        self._open: Block | None = None
        self.applied: tuple[ObservedStatement, ...] = ()
        """What ``apply`` ran last: how each statement ended, how many rows it changed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; what is open is rolled back. Closing twice is fine."""
        self._sessions.close()

    def apply(self, migration: Migration, direction: Direction = "up") -> Problem | None:
        """Run it as its tool would, unobserved; what did not run, None when all of it did.

        A transaction around a whole run of the tool ends with each migration here.

        Raises:
            NotRunError: the server does not answer.
        """
        self.finish()
        self._sessions.renew()
        course = Course(self._sessions, None)
        course.run(migration, direction)
        course.end()
        self._settled(course)
        self.applied = tuple(course.statements)
        return course.problem()

    def trace(self, migration: Migration, direction: Direction = "up") -> MigrationTrace:
        """Run it as its tool would, observed. What the SQL does is data, errors included.

        Raises:
            NotRunError: the server does not answer.
        """
        if self._open is None or not self._sessions.runner.is_alive:
            self._open = None
            self._sessions.renew()
        self._eye.open(self._first)
        if self.settings.together and self._first is None:
            self._first = frozenset(self._eye.known)
        course = Course(self._sessions, self._eye, self._open)
        course.run(migration, direction)
        self._open = course.block
        self._settled(course)
        if not self._sessions.watcher.counts_all_wal:
            course.notes.append("wal_level is minimal here: new files are written without WAL")
        return MigrationTrace(
            migration.path,
            direction,
            tuple(course.statements),
            tuple(course.lock_queue),
            tuple(course.notes),
        )

    def finish(self) -> None:
        """Commit the transaction around a run of the tool, if one is open."""
        if self._open is not None:
            Course(self._sessions, self._eye, self._open).end()
            self._open = None

    def _settled(self, course: Course) -> None:
        if course.for_later_sessions and self._open is None:
            self._sessions.reconnect()
