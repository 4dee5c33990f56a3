"""One database on which migrations run as their tool would run them, watched or not.

How each part is seen: ``execute`` (the session that migrates), ``observation`` (one statement),
``watch`` (locks), ``probe`` (what waits), ``parking`` (statements outside transactions),
``messages`` (what the server says of its work).
"""

from typing import Self

from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.course import Course
from senior_backend.migrations.trace.observation import Block, Eye
from senior_backend.migrations.trace.observed import MigrationTrace, Problem
from senior_backend.migrations.trace.sessions import Sessions, Settings
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; what is open is rolled back."""
        self._sessions.close()

    def apply(self, migration: Migration, direction: Direction = "up") -> Problem | None:
        """Run it as its tool would, unobserved; what the server refused, None when it ran.

        A transaction around a whole run of the tool ends with each migration here.

        Raises:
            NotRunError: the server does not answer.
        """
        self._renew()
        course = Course(self._sessions, None, None)
        course.run(migration, direction)
        course.end(commit=True)
        failed = next((one for one in course.statements if one.error is not None), None)
        return Problem(failed.path, failed.line, failed.error or "") if failed else None

    def trace(self, migration: Migration, direction: Direction = "up") -> MigrationTrace:
        """Run it as its tool would, observed. What the SQL does is data, errors included.

        Raises:
            NotRunError: the server does not answer.
        """
        if self._open is None:
            self._renew()
        self._eye.open(self._first)
        if self.settings.together and self._first is None:
            self._first = frozenset(self._eye.known)
        course = Course(self._sessions, self._eye, self._open)
        course.run(migration, direction)
        self._open = course.block
        return MigrationTrace(
            migration.path,
            direction,
            tuple(course.statements),
            tuple(course.queue()),
            tuple(course.notes),
        )

    def finish(self) -> None:
        """Commit the transaction around a run of the tool, if one is open."""
        course = Course(self._sessions, self._eye, self._open)
        course.end(commit=True)
        self._open = None

    def _renew(self) -> None:
        """A session as the tool opens it: nothing of the migration before."""
        self._sessions.renew()
        runner = self._sessions.runner
        if not runner.is_idle:
            runner.run(b"rollback", 10.0)
        runner.run(b"discard all", 10.0)
