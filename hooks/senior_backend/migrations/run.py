"""One run of the linter: find the folders, lint them, take out what is ignored or known."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from senior_backend import config, git, sql
from senior_backend.catalog.model import Catalog
from senior_backend.errors import InputError
from senior_backend.findings import NotAnalyzed, Outcome
from senior_backend.migrations import applied, baseline, ignore
from senior_backend.migrations.history import History
from senior_backend.migrations.lint import Linted, Problem, Selection, lint
from senior_backend.migrations.settings import Settings
from senior_backend.migrations.step import Assumptions
from senior_backend.sources import alembic, discovery
from senior_backend.sources.migration import Folder, Migration, NotRead, Segment

TOOL = "migrations lint"
_LONGEST_EXCERPT = 1000
"""Bytes; SQL without line breaks is no excerpt."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to lint. ``since`` and ``changed`` narrow ``paths`` to what Git says is changed."""

    root: Path
    paths: tuple[Path, ...]
    settings: Settings
    changed: bool = False
    since: str | None = None
    with_history: bool = False
    render_with: str | None = None
    """The Python that renders what an Alembic revision does not show, or None not to."""
    today: date = field(default_factory=date.today)
    added: frozenset[str] = frozenset()
    """The files that fixes of this run have written, by the names under which they are shown."""
    row_bytes: Mapping[str, float] = field(default_factory=dict)
    """See ``Assumptions``."""


@dataclass(slots=True)
class FolderResult:
    """One folder with what was found in the migrations asked for."""

    folder: Folder
    linted: list[Linted]
    history: History | None = None

    @property
    def problems(self) -> list[Problem]:
        """Of all its migrations, in order."""
        return [p for one in self.linted for p in one.problems]


@dataclass(slots=True)
class Result:
    """All folders, and what could not be analyzed."""

    folders: list[FolderResult] = field(default_factory=list)
    not_analyzed: list[NotAnalyzed] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """Files and directories that are no migrations for PostgreSQL, by the reason."""
    unsaved: dict[str, bytes] = field(default_factory=dict)
    """What was linted and stands in no file, by the name under which it is shown."""
    may_have_run: applied.Why = applied.nothing

    @property
    def files(self) -> set[str]:
        """Of all migrations that were linted."""
        return {file for one in self.folders for m in one.linted for file in m.migration.files}

    @property
    def problems(self) -> list[Problem]:
        """Of all folders."""
        return [p for one in self.folders for p in one.problems]

    def outcome(self) -> Outcome:
        """As every format shows it."""
        linted = [one for folder in self.folders for one in folder.linted]
        return Outcome(
            tool=TOOL,
            findings=tuple(p.finding for p in self.problems),
            checked=sum(one.statements for one in linted),
            unit="statement",
            not_analyzed=(*self.not_analyzed, *(n for one in linted for n in one.not_analyzed)),
            extra={
                "migrations": len(linted),
                "left_out": self.left_out.total(),
                "left_out_by_reason": dict(self.left_out.most_common()),
            },
        )


def run(request: Request, catalog: Catalog | None = None) -> Result:
    """Lint what ``request`` asks for; ``catalog`` is the schema before the first migration.

    Raises:
        InputError: a path or revision does not exist.
    """
    settings = request.settings
    found = discovered(request.paths, request.root, settings)
    wanted = changed_only(request)
    result = Result(
        not_analyzed=list(_not_analyzed(found.not_read, settings, wanted)),
        left_out=_left_out(found.not_read),
        may_have_run=applied.why(request.root, request.since, request.added),
    )
    known = baseline.read(request.root / settings.baseline) if settings.baseline else Counter[str]()
    for part in found.found:
        asked = {
            m.path
            for m in part.asked
            if not settings.excluded(m.path) and (wanted is None or any(map(wanted, m.files)))
        }
        result.not_analyzed += _not_analyzed(part.not_read, settings, wanted)
        result.left_out += _left_out(part.not_read)
        if not asked:
            continue
        folder = part.folder
        if request.render_with is not None and folder.source == alembic.ID:
            from senior_backend.sources.alembic.render import render

            folder = render(folder, (request.render_with,))
        one = _folder(folder, asked, request, catalog, deploy=wanted is not None)
        result.folders.append(one)
        for migration in folder.migrations:
            if migration.path in asked:
                result.not_analyzed += _not_analyzed(migration.not_read, settings, wanted)
    for one in result.folders:
        for linted in one.linted:
            baseline.apply(linted.problems, known)
    return result


def discovered(paths: Sequence[Path], root: Path, settings: Settings) -> discovery.Discovery:
    """The migration folders of some paths, with what the settings say of them.

    Raises:
        InputError: a path does not exist.
    """
    overrides = [
        discovery.Override(root / o.path, o.source or None, o.transaction or None)  # type: ignore[arg-type]
        for o in settings.overrides
        if o.source or o.transaction
    ]
    return discovery.discover(list(paths), root, overrides)


def run_text(request: Request, name: str, data: bytes, catalog: Catalog | None = None) -> Result:
    """Lint SQL that stands in no file, run as psql runs it, under the name ``name``.

    Raises:
        InputError: it is not text in UTF-8.
    """
    text = sql.decode(name, data)
    migration = Migration("plain_sql", name, "", name, (Segment(text, "statement"),), files=(name,))
    folder = Folder("plain_sql", request.root, (migration,), has_downs=False)
    linted = _folder(folder, {name}, request, catalog, deploy=False)
    return Result([linted], unsaved={name: data})


def _left_out(missing: Iterable[NotRead]) -> Counter[str]:
    return Counter(one.reason.removesuffix(": left out") for one in missing if one.left_out)


def _not_analyzed(
    missing: Iterable[NotRead], settings: Settings, wanted: Callable[[str], bool] | None
) -> Iterator[NotAnalyzed]:
    """What could not be read, of what is wanted; what is for another database is not meant."""
    for one in missing:
        if one.left_out or settings.excluded(one.path):
            continue
        if wanted is None or wanted(one.path):
            yield NotAnalyzed(one.path, one.line, one.reason, one.whole)


def changed_only(request: Request) -> Callable[[str], bool] | None:
    """Whether a file, as it is shown, is changed; None when everything is wanted.

    Each path is asked about in its own repository: it may be in a submodule, or be reached by a
    link.
    """
    if request.since is None and not request.changed:
        return None
    changed = set()
    for repository in dict.fromkeys(map(git.repository_of, request.paths)):
        for file in git.changed_files(repository, request.since):
            changed.add(f"{repository}/{file}")
    folders = cache(os.path.realpath)

    def wanted(shown: str) -> bool:
        folder, name = os.path.split(request.root / shown)
        return f"{folders(folder)}/{name}" in changed

    return wanted


def _folder(
    folder: Folder, asked: set[str], request: Request, catalog: Catalog | None, *, deploy: bool
) -> FolderResult:
    def is_asked(migration: Migration) -> bool:
        return migration.path in asked

    settings = request.settings
    assumptions = Assumptions(
        major=settings.postgres,
        rows=settings.rows,
        row_bytes=request.row_bytes,
        timezone=settings.timezone or None,
    )
    selection = Selection(is_asked, is_asked if deploy else None)
    before = catalog.copy() if catalog is not None else None
    history = History() if request.with_history else None
    linted = list(lint(folder, selection, assumptions, before, history))
    for one in linted:
        ignore.apply(one, request.today)
        one.problems[:] = [_with_excerpt(p) for p in one.problems if not _off(p, settings)]
    return FolderResult(folder, linted, history)


def _off(problem: Problem, settings: Settings) -> bool:
    finding = problem.finding
    if finding.rule == "missing-lock-timeout" and settings.lock_timeout_by_role:
        return True
    return finding.rule in settings.disabled(finding.path)


def _with_excerpt(problem: Problem) -> Problem:
    """With the first line of the place, for people; without one that is too long to read."""
    data, start = problem.text.data, problem.statement[0]
    if not data:
        return problem
    position = problem.text.position(start)
    line, at = position.line, data.rfind(b"\n", 0, start) + 1
    while line < problem.finding.line:
        following = data.find(b"\n", at)
        if following < 0:
            return problem
        line, at = line + 1, following + 1
    end = data.find(b"\n", at)
    end = end if end >= 0 else len(data)
    if end - at > _LONGEST_EXCERPT:
        return problem
    text = data[at:end].decode("utf-8", errors="replace").rstrip("\r")
    return replace(problem, finding=replace(problem.finding, excerpt=text))


def explain_fixes(result: Result, root: Path) -> Result:
    """The result with what to write instead in every finding."""
    from senior_backend.migrations.fixes import present

    now = datetime.now(UTC)
    for folder in result.folders:
        for linted in folder.linted:
            for index, problem in enumerate(linted.problems):
                if problem.remedy:
                    fix = present.fix(problem, folder.folder, root, now, result)
                    finding = replace(problem.finding, fix=fix)
                    linted.problems[index] = replace(problem, finding=finding)
    return result


def paths_or_default(paths: Sequence[Path], root: Path, settings: Settings) -> tuple[Path, ...]:
    """What the command line names, else the settings, else the working directory.

    Raises:
        InputError: the settings name a path that does not exist.
    """
    if paths:
        return tuple(paths)
    if settings.paths:
        for path in settings.paths:
            if not (root / path).exists():
                where = config.place(root, "migrations", "paths", path)
                raise InputError(f"{where}: 'paths' names {path}: no such file or directory")
        return tuple(root / path for path in settings.paths)
    return (Path.cwd(),)
