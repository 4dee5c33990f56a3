"""Bringing a service up to a newer template: a three-way merge whose conflicts are listed."""

import re
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from senior_backend import git
from senior_backend.errors import InputError, NotRunError, SeniorBackendError
from senior_backend.scaffold import answers as recorded
from senior_backend.scaffold import copier_process, questions
from senior_backend.scaffold.answers import Answers
from senior_backend.scaffold.source import Source, git_url

_RELEASE = re.compile(r"refs/tags/(v?(\d+(?:\.\d+)*))$")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place that needs a person: a marker line, or a file of rejected hunks (line 1)."""

    path: str
    """From the service's folder."""
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update did."""

    before: str
    after: str
    """Versions of the template."""
    changed: tuple[str, ...]
    conflicts: tuple[Conflict, ...]


def open_service(directory: Path) -> Answers:
    """The answers of a service that is fit for an update.

    Raises:
        InputError: no generated service, not in Git, or with changes that are not committed.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory")
    service = recorded.read(directory)
    git.root(directory)
    changes = _changed(directory)
    if changes:
        shown = ", ".join(changes[:3]) + (", ..." if len(changes) > 3 else "")
        raise InputError(
            f"{directory} has uncommitted changes ({shown}); commit or stash them, "
            "so that the update can be told from your work"
        )
    return service


def target(service: Answers, ref: str | None) -> Source:
    """The source to update to: ``ref``, else the newest release, else the newest commit.

    Raises:
        NotRunError: the template's repository cannot be reached.
    """
    source = Source(service.source, ref)
    if ref:
        return source
    listing = git.run(["ls-remote", "--tags", "--refs", "--", git_url(source.address)], Path.cwd())
    return Source(service.source, newest_release(listing.splitlines()) or "HEAD")


def newest_release(tags: Iterable[str]) -> str | None:
    """The highest version among lines of ``git ls-remote --tags``; pre-releases do not count."""
    releases = [m for line in tags if (m := _RELEASE.search(line))]
    newest = max(releases, key=lambda m: [int(n) for n in m[2].split(".")], default=None)
    return newest[1] if newest else None


def refuse_unknown(answers: Iterable[str], service: Answers, source: Source) -> None:
    """Check that ``source`` asks the questions that ``answers`` answer.

    Raises:
        InputError: it does not ask one of them.
    """
    new = [name for name in answers if name not in service.values]
    if new:
        known = questions.parse(_read(source, "copier.yml"), f"{source.address}: copier.yml")
        for name in new:
            questions.refuse_unknown(name, known)


def apply(directory: Path, service: Answers, source: Source, answers: Mapping[str, str]) -> Updated:
    """Merge ``source`` into the service and list what is left to a person.

    Raises:
        InputError: an answer or the reference is refused.
        NotRunError: Copier could not do its work; Git still has everything as it was.
    """
    try:
        copier_process.update(source, directory, answers)
    except SeniorBackendError as error:
        if not _changed(directory):
            raise
        raise NotRunError(
            f"{error}; it stopped half-way, go back to the last commit with: "
            f"cd {shlex.quote(str(directory))} && git restore --staged --worktree . "
            "&& git clean -fd ."
        ) from None
    changed = _changed(directory)
    return Updated(
        before=service.version,
        after=recorded.read(directory).version,
        changed=changed,
        conflicts=tuple(c for path in changed for c in _conflicts(directory, path)),
    )


def _changed(directory: Path) -> tuple[str, ...]:
    """What differs from the last commit below ``directory``, relative to it."""
    prefix = git.run(["rev-parse", "--show-prefix"], directory).rstrip("\n")
    status = ["status", "--porcelain", "--no-renames", "--untracked-files=all", "-z", "--", "."]
    entries = git.run(status, directory).split("\0")
    return tuple(entry[3:].removeprefix(prefix) for entry in entries if entry)


def _conflicts(directory: Path, path: str) -> Iterable[Conflict]:
    if path.endswith(".rej"):
        yield Conflict(path, 1, f"hunks that could not be applied to {path.removesuffix('.rej')}")
        return
    try:
        text = (directory / path).read_text(encoding="utf-8", errors="replace")
    except OSError:  # deleted, or a folder of its own
        return
    lines = text.split("\n")
    for line in git.conflict_markers(text):
        yield Conflict(path, line, lines[line - 1].rstrip("\r"))


def _read(source: Source, name: str) -> str:
    """A file of the template at the source's revision, fetched without its history."""
    with tempfile.TemporaryDirectory(prefix="senior-backend-") as temporary:
        directory = Path(temporary)
        git.run(["init", "--quiet", "--bare"], directory)
        ref = source.ref or "HEAD"
        fetch = ["fetch", "--quiet", "--depth", "1", "--", git_url(source.address), ref]
        git.run(fetch, directory)
        return git.run(["show", f"FETCH_HEAD:{name}"], directory)
