"""The schema before a migration, in a database that is copied for each run."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from senior_backend.migrations.trace.observed import Problem
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.prepare import Built, build
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.postgres.session import Session, StatementError, quoted
from senior_backend.sources.migration import Folder


class Schema:
    """A database with what the earlier migrations of a folder have made."""

    def __init__(self, scratch: Scratch, settings: Settings, folder: Folder, dump: str) -> None:
        """``dump`` is the path of what was there before the first migration, or empty."""
        self.scratch = scratch
        self.settings = settings
        self.url = scratch.database()
        self.built = Built()
        self.problems: tuple[Problem, ...] = ()
        """The statements of earlier migrations that did not run."""
        self.has_downs = folder.has_downs and any(m.down is not None for m in folder.migrations)
        self._migrations = folder.migrations
        self.dump = Path(dump) if dump else None
        self._done: int | None = None
        self._roles: frozenset[str] = frozenset()

    def build(self, number: int) -> None:
        """Run all migrations before the one of this number that have not run yet."""
        if self._done is None:
            before, later = self._migrations[:number], self._migrations[number:]
            self.built = build(
                self.url, before, self.scratch, self.settings, later=later, schema=self.dump
            )
            self.problems = self.built.problems
        else:
            with self.scratch.tracer(self.url, self.settings) as tracer:
                for migration in self._migrations[self._done : number]:
                    if problem := tracer.apply(self.built.runnable(migration)):
                        self.problems += (problem,)
                tracer.finish()
        self._done = number
        self._roles = self._known_roles()

    @contextmanager
    def copy(self, *, last: bool = False) -> Iterator[str]:
        """A copy of it until the block ends; itself for the ``last`` run, to save the time."""
        if last:
            yield self.url
            return
        url = self.scratch.database(self.url)
        try:
            yield url
        finally:
            self.scratch.drop(url)
            self._forget_roles()

    def _known_roles(self) -> frozenset[str]:
        """Of the whole server; nothing on one that is not ours."""
        if not self.scratch.own:
            return frozenset()
        with Session(self.url) as session:
            return frozenset(name for (name,) in session.execute("select rolname from pg_roles"))

    def _forget_roles(self) -> None:
        """Roles belong to no database: those that a run made would be there for the next one."""
        made = self._known_roles() - self._roles
        if made:
            with Session(self.url) as session:
                for role in sorted(made):
                    with contextlib.suppress(StatementError):  # it owns something: it stays
                        session.execute(f"drop role {quoted(role)}")
