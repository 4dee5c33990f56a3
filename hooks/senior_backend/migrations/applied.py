"""Which migrations may have run already, so that nobody's tool may change their files.

Where Git knows migrations of a folder, those that the last commit holds may have run, and so may
those of a branch that is being merged; new files have not. With ``--since REV`` it is what the
branch had when it left REV, and what the default branch of ``origin`` holds. Where Git knows none,
all but the newest may have run.
"""

import os
from collections.abc import Callable, Collection
from functools import cache
from hashlib import sha1, sha256
from pathlib import Path
from typing import Final

from senior_backend import git
from senior_backend.errors import InputError, NotRunError
from senior_backend.sources.migration import Folder, Migration

NOT_NEWEST: Final = (
    "it is not the newest migration: if it has run anywhere, add a new one instead of changing it"
)
COMMITTED: Final = (
    "it is committed, so it may have run: add a new migration instead of changing it, or, if only "
    "this branch holds it, say where the branch began with --since"
)
RELEASED: Final = (
    "it is not new since then, so it may have run: add a new migration instead of changing it"
)
_STATE: Final = ("HEAD", "MERGE_HEAD", "packed-refs", "reftable/tables.list")

Why = Callable[[Folder, Migration], str]


def nothing(_folder: Folder, _migration: Migration) -> str:
    """Of SQL that stands in no file: none has run."""
    return ""


def why(root: Path, since: str | None, added: Collection[str] = ()) -> Why:
    """A function that says why a migration may have run, in a sentence; empty when it has not.

    ``added`` are the files that this run has written.
    """

    @cache
    def committed(folder: Folder) -> dict[str, str]:
        known = _committed(folder.root, since)
        real = {path for migration in folder.migrations for path in _real(root, migration)}
        return known if not real.isdisjoint(known) else {}

    @cache
    def gone(folder: Folder) -> set[str]:
        return {name for path, name in committed(folder).items() if not os.path.lexists(path)}

    @cache
    def newest(folder: Folder) -> str:
        asked = (m for m in reversed(folder.migrations) if not (m.repeatable or is_added(m)))
        return next((migration.path for migration in asked), "")

    def is_added(migration: Migration) -> bool:
        return migration.path in added or any(file in added for file in migration.files)

    def found(folder: Folder, migration: Migration) -> str:
        if migration.repeatable or is_added(migration):
            return ""
        known = committed(folder)
        if not known:
            return NOT_NEWEST if newest(folder) != migration.path else ""
        old = any(path in known for path in _real(root, migration))
        if old or _is_renamed(root / migration.path, gone(folder)):
            return RELEASED if since is not None else COMMITTED
        return ""

    reasons: dict[tuple[Folder, str], str] = {}

    def reason(folder: Folder, migration: Migration) -> str:
        key = folder, migration.path
        if key not in reasons:
            reasons[key] = found(folder, migration)
        return reasons[key]

    return reason


def _real(root: Path, migration: Migration) -> list[str]:
    """The files as Git knows them: a folder may be reached by a link."""
    found = []
    for shown in migration.files or (migration.path,):
        folder, name = os.path.split(root / shown)
        found.append(f"{_real_folder(folder)}/{name}")
    return found


_real_folder = cache(os.path.realpath)


def _committed(folder: Path, since: str | None) -> dict[str, str]:
    """The object names of what the commits in question hold below a folder, by absolute path."""
    try:
        repository = git.repository_of(folder)
        revisions = [*_revisions(repository, since), *_merged(repository)]
    except (InputError, NotRunError):
        return {}
    below = os.path.relpath(os.path.realpath(folder), repository)
    known: dict[str, str] = {}
    for revision in revisions:
        try:
            listed = git.run(["ls-tree", "-r", "-z", revision, "--", below], repository)
        except NotRunError:
            continue  # no commit yet, or no such branch
        for entry in listed.split("\0")[:-1]:
            about, _, path = entry.partition("\t")
            known[f"{repository}/{path}"] = about.split()[2]
    return known


def _revisions(repository: Path, since: str | None) -> list[str]:
    if since is None:
        return ["HEAD"]
    return [git.run(["merge-base", since, "HEAD"], repository).strip(), "refs/remotes/origin/HEAD"]


def _merged(repository: Path) -> list[str]:
    """The commits that are being merged.

    The files by which Git knows its last commit are read here, for those who keep an answer for as
    long as what it was made of stays the same.
    """
    asked = [argument for name in _STATE for argument in ("--git-path", name)]
    listed = git.run(["rev-parse", *asked], repository).splitlines()
    head, merging, *_ = [_text(repository / path) for path in listed]
    if head.startswith("ref: "):
        _text((repository / listed[2]).parent / head.removeprefix("ref: ").strip())
    return merging.split()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape")
    except OSError:
        return ""


def _is_renamed(path: Path, gone: Collection[str]) -> bool:
    """Whether it is what a file was that has gone since, by the object names of those."""
    if not gone:
        return False
    try:
        data = path.read_bytes()
    except OSError:
        return False
    algorithm = sha256 if len(next(iter(gone))) == 64 else sha1
    return algorithm(b"blob %d\0%s" % (len(data), data)).hexdigest() in gone
