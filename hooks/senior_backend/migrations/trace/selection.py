"""What to trace: migrations by path, by Git revision, or all after a file; and in which direction.

A folder brings all of its migrations, a file its own. A down file that is named, or has changed,
brings the way down of its migration.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from senior_backend import git, sql
from senior_backend.errors import InputError, NotRunError
from senior_backend.migrations.run import Request, changed_only, discovered
from senior_backend.migrations.step import Direction
from senior_backend.migrations.trace.observed import Problem
from senior_backend.sources import alembic
from senior_backend.sources.directory import shown
from senior_backend.sources.discovery import Found
from senior_backend.sources.migration import Folder, Migration, NotRead

_BOTH: Final[tuple[Direction, ...]] = ("up", "down")


@dataclass(frozen=True, slots=True)
class Part:
    """A folder, and the directions of each migration to trace, by its path."""

    folder: Folder
    directions: Mapping[str, tuple[Direction, ...]]


@dataclass(slots=True)
class Selection:
    """All that was asked for; ``unreadable`` could not be read, ``left_out`` is no migration.

    ``together``: it is a change, so its migrations ship together, and what the first of them makes
    is nobody's yet when the next runs.
    """

    parts: list[Part] = field(default_factory=list)
    unreadable: list[Problem] = field(default_factory=list)
    left_out: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    together: bool = False

    @property
    def is_unreadable(self) -> bool:
        """Whether a file that was asked for, or a statement of it, could not be read."""
        return bool(self.unreadable) or any(
            _is_unreadable(migration, part.directions[migration.path])
            for part in self.parts
            for migration in part.folder.migrations
            if migration.path in part.directions
        )


def _is_unreadable(migration: Migration, directions: tuple[Direction, ...]) -> bool:
    if any(missing.whole and not missing.left_out for missing in migration.not_read):
        return True
    ups = migration.up if "up" in directions else ()
    downs = migration.down or () if "down" in directions else ()
    return any(piece.refused for s in (*ups, *downs) for piece in sql.read(s.text).unparsed)


def select(request: Request, *, down: bool) -> Selection:
    """What ``request`` asks for; ``down``: the ways down of all of it as well.

    Raises:
        InputError: a path or revision does not exist.
    """
    selection = Selection()
    paths = [path for path in request.paths if not _is_removed(path, selection.notes)]
    since = Path(request.since) if request.since is not None else None
    after = since if since is not None and since.is_file() else None
    if after is not None:
        request = replace(request, since=None)
        paths = _with(after, request)
    if not paths:
        return selection
    request = replace(request, paths=tuple(paths))
    wanted = changed_only(request)
    selection.together = bool(after or wanted) or not any(path.is_dir() for path in paths)
    found = discovered(paths, request.root, request.settings)
    _note_not_read(found.not_read, selection, request, wanted)
    named = {shown(str(path.absolute()), str(request.root.absolute())) for path in paths}
    for part in found.found:
        _note_not_read(part.not_read, selection, request, wanted)
        asked = [m for m in part.asked if not request.settings.excluded(m.path)]
        if after is not None:
            asked = _following(after, part, request)
        directions = {
            migration.path: ways
            for migration in asked
            if (ways := _directions(migration, named, wanted, down=down))
        }
        if directions:
            selection.parts.append(Part(part.folder, directions))
    return selection


def _directions(
    migration: Migration,
    named: set[str],
    wanted: Callable[[str], bool] | None,
    *,
    down: bool,
) -> tuple[Direction, ...]:
    files = {*migration.files, migration.path}
    touched = {file for file in files if wanted(file)} if wanted is not None else files & named
    if wanted is not None and not touched:
        return ()
    ups = {segment.text.path for segment in migration.up}
    downs = {segment.text.path for segment in migration.down or ()} - ups
    ways: list[Direction] = []
    if not touched or not touched <= downs:
        ways.append("up")
    if down or touched & downs:
        ways.append("down")
    return tuple(ways)


def _following(after: Path, part: Found, request: Request) -> list[Migration]:
    """The migrations of a folder after a file of it."""
    name = shown(str(after.absolute()), str(request.root.absolute()))
    places = [
        number for number, m in enumerate(part.folder.migrations) if name in {m.path, *m.files}
    ]
    if not places:
        return []
    following = part.folder.migrations[places[-1] + 1 :]
    return [m for m in following if not request.settings.excluded(m.path)]


def _with(after: Path, request: Request) -> list[Path]:
    """The file itself, which brings its folder along.

    Raises:
        InputError: it is no migration.
    """
    found = discovered([after], request.root, request.settings).found
    if not any(part.asked for part in found):
        raise InputError(f"--since {after}: is no migration; name a migration or a Git revision")
    return [after]


def _note_not_read(
    missing: Iterable[NotRead],
    selection: Selection,
    request: Request,
    wanted: Callable[[str], bool] | None,
) -> None:
    for one in missing:
        if request.settings.excluded(one.path) or (wanted is not None and not wanted(one.path)):
            continue
        problem = Problem(one.path, one.line, one.reason.removesuffix(": left out"))
        (selection.left_out if one.left_out else selection.unreadable).append(problem)


def _is_removed(path: Path, notes: list[str]) -> bool:
    """Whether a path is gone that Git knows: hooks are given what a change removes as well."""
    if path.exists() or path.is_symlink():
        return False
    folder = next((one for one in path.absolute().parents if one.is_dir()), Path.cwd())
    try:
        known = git.run(["log", "-1", "--format=%h", "--all", "--", str(path.absolute())], folder)
    except (InputError, NotRunError):
        return False
    if known.strip():
        notes.append(f"{path}: removed, so there is nothing to trace")
        return True
    return False


def rendered(folder: Folder, python: Sequence[str]) -> tuple[Folder, str]:
    """An Alembic folder as Alembic itself renders it, and a note where it could not be asked.

    Folders of other tools are given back as they are.
    """
    if folder.source != alembic.ID:
        return folder, ""
    from senior_backend.sources.alembic.render import render

    versions = {migration.version for migration in folder.migrations}
    try:
        return render(folder, python, versions), ""
    except NotRunError as error:
        reason = " ".join(str(error).split()).removesuffix("; --render needs one")
        reason = reason.removeprefix(f"{folder.root}: ")
        return folder, (
            f"Alembic's revisions were read without running Alembic ({reason}), so what they "
            "compute may be missing or differ"
        )
