"""What a Git repository holds and what changed in it, through the ``git`` command."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from senior_backend.errors import InputError, NotRunError


def run(arguments: list[str], directory: Path) -> str:
    """The standard output of ``git ARGUMENTS`` in ``directory``.

    Raises:
        NotRunError: git is not installed, or the command failed (the message holds its first
            line that says so; what follows it are hints).
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env={**environment(), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise NotRunError("git is not installed; install it and run this again") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        reason = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1])
        if "dubious ownership" in done.stderr:
            owned = re.search(r"repository at '(.+)'", done.stderr)
            reason = (
                "the repository belongs to another user; trust it with: "
                f"git config --global --add safe.directory {owned[1] if owned else directory}"
            )
        raise NotRunError(f"git {arguments[0]} failed in {directory}: {reason}")
    return done.stdout


def environment() -> dict[str, str]:
    """The environment without the variables by which a Git hook pins commands to its repository."""
    pinned = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    return {name: value for name, value in os.environ.items() if name not in pinned}


def root(directory: Path) -> Path:
    """The top folder of the work tree that holds ``directory``.

    Raises:
        InputError: ``directory`` is not in a Git work tree.
    """
    try:
        return Path(run(["rev-parse", "--show-toplevel"], directory).rstrip("\n"))
    except NotRunError as error:
        if "not a git repository" in str(error):
            raise InputError(
                f"{directory} is not in a Git repository; run this inside one, or `git init` first"
            ) from None
        raise


def repository_of(path: Path) -> Path:
    """The top of the work tree that holds a file or folder, whatever links lead there.

    Raises:
        InputError: none does.
    """
    real = Path(os.path.realpath(path if path.is_dir() else path.parent))
    for folder in (real, *real.parents):
        if (folder / ".git").exists():
            return folder
    return root(real)


def tracked_files(repository: Path) -> list[Path]:
    """Every file that Git tracks and that is there, relative to ``repository``; links left out."""
    names = run(["ls-files", "-z"], repository).split("\0")
    files = (repository / name for name in names if name)
    return [f.relative_to(repository) for f in files if f.is_file() and not f.is_symlink()]


def is_dirty(repository: Path) -> bool:
    """Whether anything is changed, staged or untracked (ignored files do not count)."""
    return bool(run(["status", "--porcelain"], repository).strip())


_MARKER = re.compile(r"^(<{7}|\|{7}|={7}|>{7})( .*)?\r?$", re.MULTILINE)


def conflict_markers(text: str) -> Iterator[int]:
    """The lines, from 1, on which ``text`` holds a merge conflict marker.

    A separator (``=======``) counts only inside an open conflict, since it is also the underline
    of a heading; the other markers must stand alone or be followed by a space and a label, as
    ``git merge`` writes them (git-merge(1), "How conflicts are presented").
    """
    open_conflict = False
    line, counted = 1, 0
    for match in _MARKER.finditer(text):
        marker = match[1][0]
        if marker == "<":
            open_conflict = True
        elif marker == ">":
            open_conflict = False
        elif not open_conflict or (marker == "=" and match[2]):
            continue
        # Counted by hand: splitlines() also breaks at form feeds, which no editor does.
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        yield line


def changed_files(repository: Path, since: str | None = None) -> list[Path]:
    """What is changed or new in the work tree, relative to ``repository``; removed files left out.

    Compared with the last commit, or with where the branch left ``since`` (the merge base, so that
    what others did there since does not count).

    Raises:
        InputError: ``since`` is no revision.
    """
    base = "HEAD"
    if since is not None:
        try:
            base = run(["merge-base", since, "HEAD"], repository).strip()
        except NotRunError:
            raise InputError(
                f"{since}: no revision with a history in common; name a branch, tag or commit "
                "(a shallow clone may need `git fetch --unshallow`)"
            ) from None
    elif not has_commits(repository):
        base = run(["hash-object", "-t", "tree", "/dev/null"], repository).strip()
    names = run(["diff", "--name-only", "-z", "--diff-filter=d", base], repository)
    new = run(["ls-files", "--others", "--exclude-standard", "-z"], repository)
    found = dict.fromkeys(name for name in (names + new).split("\0") if name)
    return [Path(name) for name in found]


def has_commits(repository: Path) -> bool:
    """Whether the current branch has a commit."""
    try:
        run(["rev-parse", "--verify", "--quiet", "HEAD"], repository)
    except NotRunError:
        return False
    return True
