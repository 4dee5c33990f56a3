"""One project's migrations: what the linter says of each statement beside what was traced."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.lint.manifest import Repository
from senior_backend.catalog.model import Catalog
from senior_backend.migrations.step import Assumptions
from senior_backend.migrations.trace.agreement import (
    Agreement,
    Verdict,
    compare,
    predictions,
    tally,
)
from senior_backend.migrations.trace.observed import MigrationTrace
from senior_backend.migrations.trace.observing.tracer import Settings
from senior_backend.migrations.trace.scratch.prepare import build
from senior_backend.migrations.trace.scratch.server import Scratch, Where, open_scratch
from senior_backend.migrations.walk import Walk
from senior_backend.sources.discovery import discover
from senior_backend.sources.migration import Folder


@dataclass
class Project:
    """What was measured of one repository."""

    repository: Repository
    migrations: int = 0
    failed: list[str] = field(default_factory=list)
    """Statements that the server refused: place and message. The rest of their migration was
    not run."""
    agreements: list[Agreement] = field(default_factory=list)
    stubbed: set[str] = field(default_factory=set)

    @property
    def counts(self) -> Counter[Verdict]:
        """Comparisons by how they ended."""
        return tally(self.agreements)

    @property
    def statements(self) -> Counter[Verdict]:
        """Statements by the worst of their comparisons."""
        return Counter(one.verdict for one in self.agreements)

    def summary(self) -> str:
        """One line."""
        counts = self.counts
        return (
            f"{self.repository.name}: {self.migrations} migrations, {len(self.agreements)} "
            f"statements, {len(self.failed)} refused; {sum(counts.values())} compared: "
            f"{counts['equal']} equal, {counts['harmless']} harmless, {counts['unknown']} unknown, "
            f"{counts['wrong']} wrong"
        )

    def of(self, verdict: Verdict) -> Iterator[str]:
        """A line for each comparison that ended so."""
        for agreed in self.agreements:
            statement = agreed.statement
            sql = " ".join(statement.sql.split())[:120]
            for one in agreed.of(verdict):
                yield f"{statement.path}:{statement.line}: {one} -- {sql}"

    def wrong(self) -> list[str]:
        """A line for each wrong comparison, and for each statement that was refused."""
        return [*self.of("wrong"), *(f"refused: {one}" for one in self.failed)]


def measure(repository: Repository, tree: Path, major: int) -> Project:
    """Build and trace every migration folder of a repository; raises ``NotRunError``."""
    project = Project(repository)
    folders = [one.folder for one in discover([tree], tree).found]
    with open_scratch(Where(majors=(major,))) as scratch:
        for folder in folders:
            _trace(folder, scratch, project)
    return project


def _trace(folder: Folder, scratch: Scratch, project: Project) -> None:
    url = scratch.database()
    schema = project.repository.schema
    settings = Settings(variables={"search_path": schema} if schema else {})
    built = build(url, (), scratch, settings, later=folder.migrations)
    project.stubbed |= set(built.stubbed)
    walk = Walk(Catalog(schema or "public"), Assumptions(major=scratch.major, timezone="UTC"))
    with scratch.tracer(url, settings) as tracer:
        for number, migration in enumerate(folder.migrations):
            walk.catalog.search_path = schema or "public"  # as the tool's every session begins
            before = walk.catalog.copy()
            said = predictions(walk.steps(migration, "up", number, number))
            traced = built.as_written(migration, tracer.trace(built.runnable(migration)))
            tracer.finish()  # each is taken to ship alone
            project.migrations += 1
            project.agreements += compare(said, traced)
            if traced.failed is not None:
                project.failed.append(_refusal(traced))
                walk.catalog.become(before)
    scratch.drop(url)


def _refusal(traced: MigrationTrace) -> str:
    failed = traced.failed
    return f"{failed.path}:{failed.line}: {failed.error}" if failed is not None else ""
