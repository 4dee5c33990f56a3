"""A folder, and what of it to trace, to a trace: build what comes before, watch the rest."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.observed import MigrationTrace, Problem, Trace
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.migrations.trace.scratch.prepare import Built, Progress, build, not_read, silent
from senior_backend.migrations.trace.scratch.production import Production
from senior_backend.migrations.trace.scratch.server import Scratch
from senior_backend.sources.migration import Folder, Migration

Look = Callable[[str], None]
"""What sees a database of a trace, by its URL."""

UP: tuple[Direction, ...] = ("up",)
BOTH: tuple[Direction, ...] = ("up", "down")


def away(_url: str) -> None:
    """Look at nothing."""


def session_settings(production: Production, timeout_s: float) -> Settings:
    """The settings of the tracing sessions: production's, where they are known."""
    return Settings(
        timezone=production.timezone or Settings().timezone,
        variables=dict(production.variables),
        statement_timeout_s=timeout_s,
    )


def trace(
    folder: Folder,
    paths: Collection[str],
    scratch: Scratch,
    settings: Settings,
    directions: Sequence[Direction] = UP,
    *,
    schema: Path | None = None,
    progress: Progress = silent,
) -> Trace:
    """Trace the migrations of a folder whose ``path`` is among ``paths``, on a new database.

    The others that come before the last of them are run unobserved. With ``down`` among the
    directions, the ways back are run after all ups, newest first, as a release is taken back.

    Raises:
        InputError: ``schema`` cannot be read.
        NotRunError: the server stopped, or gives no database.
    """
    return trace_each(
        folder, dict.fromkeys(paths, tuple(directions)), scratch, settings, schema, progress
    )


def trace_each(
    folder: Folder,
    directions: Mapping[str, tuple[Direction, ...]],
    scratch: Scratch,
    settings: Settings,
    schema: Path | None = None,
    progress: Progress = silent,
    look: Look = away,
) -> Trace:
    """As ``trace``, with the directions of each migration by its path.

    ``look`` is shown the database before the first that is traced, and after the last one's up.
    """
    wanted = [m for m in folder.migrations if m.path in directions]
    if not wanted:
        return Trace(scratch.version)
    earlier, following = folder.around(wanted)
    url = scratch.database()
    try:
        built = build(
            url, earlier, scratch, settings, later=following, schema=schema, progress=progress
        )
        with scratch.tracer(url, settings) as tracer:
            run = _Run(tracer, built, directions, progress, deploys=not settings.together)
            look(url)
            run.up(following)
            look(url)
            run.down(following)
    finally:
        scratch.discard(url)
    return Trace(
        postgres=scratch.version,
        migrations=tuple(run.traced),
        settings={"TimeZone": settings.timezone, **settings.variables},
        stubbed=built.stubbed,
        problems=(*built.problems, *run.problems),
    )


class _Run:
    """The migrations from the first that is traced to the last."""

    def __init__(
        self,
        tracer: Tracer,
        built: Built,
        directions: Mapping[str, tuple[Direction, ...]],
        progress: Progress,
        *,
        deploys: bool,
    ) -> None:
        self._tracer = tracer
        self._built = built
        self._directions = directions
        self._progress = progress
        self._deploys = deploys
        """Whether each migration was deployed by itself, also by a tool that takes one transaction
        for all that one run applies: in a run of all, nobody would see any of the tables yet."""
        self.traced: list[MigrationTrace] = []
        self.problems: list[Problem] = []

    def up(self, migrations: Sequence[Migration]) -> None:
        for number, migration in enumerate(migrations, start=1):
            self._progress(f"tracing {number} of {len(migrations)}: {migration.path}")
            self.problems += not_read(migration)
            self._one(migration, "up")
        self._tracer.finish()

    def down(self, migrations: Sequence[Migration]) -> None:
        """Back to where the oldest way down that is wanted ends."""
        wanted = [m for m in migrations if "down" in self._directions.get(m.path, ())]
        if not wanted:
            return
        for migration in reversed(migrations[migrations.index(wanted[0]) :]):
            if migration.down is not None:
                self._progress(f"tracing the way back: {migration.path}")
                self._one(migration, "down")
            elif migration in wanted:
                note = "it has no down migration"
                self.traced.append(MigrationTrace(migration.path, "down", notes=(note,)))
        self._tracer.finish()

    def _one(self, migration: Migration, direction: Direction) -> None:
        runnable = self._built.runnable(migration)
        if direction in self._directions.get(migration.path, ()):
            seen = self._tracer.trace(runnable, direction)
            self.traced.append(self._built.as_written(migration, seen))
        elif (problem := self._tracer.apply(runnable, direction)) is not None:
            self.problems.append(problem)
        if self._deploys:
            self._tracer.finish()


def together(traces: Sequence[Trace]) -> Trace:
    """Traces of several folders on the same server as one."""
    first = traces[0]
    return replace(
        first,
        migrations=tuple(one for each in traces for one in each.migrations),
        stubbed=tuple(dict.fromkeys(name for each in traces for name in each.stubbed)),
        problems=tuple(problem for each in traces for problem in each.problems),
        notes=tuple(dict.fromkeys(note for each in traces for note in each.notes)),
    )
