"""The folder of a new service: nothing that exists is overwritten, nothing is left on failure."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from senior_backend.errors import InputError
from senior_backend.scaffold.answers import ANSWERS_FILE


@contextlib.contextmanager
def prepared(directory: Path) -> Iterator[Path]:
    """Make ``directory`` and the missing folders above it; on any failure, remove what was made.

    An existing folder must be empty, but for the ``.git`` of a new repository.

    Raises:
        InputError: it is not empty, is a file, or cannot be made; nothing was changed.
    """
    _refuse(directory)
    existed = directory.is_dir()
    found = {p.name for p in directory.iterdir()} if existed else set()
    missing = [p for p in (directory, *directory.parents) if not p.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".senior-backend"
        probe.mkdir()  # an unwritable folder is told before Copier runs
        probe.rmdir()
    except OSError as error:
        _remove(missing)
        raise InputError(
            f"cannot write to {directory}: {error.strerror}; choose another directory"
        ) from None
    try:
        yield directory
    except BaseException:
        _empty(directory, found)
        _remove([] if existed else missing)
        raise


def _refuse(directory: Path) -> None:
    for above in directory.parents:
        if above.exists() and not above.is_dir():
            raise InputError(f"{above} is a file, so {directory} cannot be made in it")
    if directory.is_symlink() and not directory.exists():
        raise InputError(f"{directory} is a link to nowhere; remove it or choose another directory")
    if not directory.exists():
        return
    if not directory.is_dir():
        raise InputError(f"{directory} is a file; choose a directory that does not exist")
    found = sorted(p.name for p in directory.iterdir() if p.name != ".git")
    if ANSWERS_FILE in found:
        raise InputError(
            f"{directory} is a generated service already; run `senior-backend update` in it"
        )
    if found:
        shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        raise InputError(
            f"{directory} is not empty ({shown}); "
            "choose a directory that is empty or does not exist"
        )


def _empty(directory: Path, kept: set[str]) -> None:
    for path in directory.iterdir() if directory.is_dir() else ():
        if path.name in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _remove(directories: list[Path]) -> None:
    """Remove folders, innermost first; one that somebody else has used meanwhile stays."""
    with contextlib.suppress(OSError):
        for directory in directories:
            directory.rmdir()
