"""Folders that are expensive to make: made once, complete or absent, however many ask at once."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from senior_backend.errors import NotRunError
from senior_backend.postgres.identity import User
from senior_backend.postgres.places import cache, locked, make


def cached(kind: str, key: str, user: User | None, build: Callable[[Path], None]) -> Path:
    """The folder ``kind/key`` of the cache, built by ``build(new_empty_folder)`` when needed.

    A folder that lost or gained files since it was built (a full disk, a cleaner) is built anew.
    """
    shelf = cache(user) / kind
    with contextlib.suppress(FileExistsError):
        make(shelf, user)
    folder, record = shelf / key, shelf / f"{key}.size"
    if _is_complete(folder, record):
        return folder
    with locked(shelf / f"{key}.lock"):
        if _is_complete(folder, record):
            return folder
        workplace = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=shelf))
        try:
            fresh = workplace / key
            fresh.mkdir()
            for path in (workplace, fresh):
                path.chmod(0o711)
            build(fresh)
            if folder.exists():
                folder.rename(workplace / "spoilt")
            (workplace / "size").write_text(_size(fresh))
            fresh.rename(folder)
            (workplace / "size").rename(record)
        except OSError as error:
            raise NotRunError(f"the cache {shelf} cannot be filled: {error}") from None
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
    return folder


def open_to_all(folder: Path) -> None:
    """Let every user read programs that were installed under a strict umask."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            passing = 0o055 if mode & stat.S_IXUSR else 0o044
            path.chmod(stat.S_IMODE(mode) | passing)


def forget(folder: Path) -> None:
    """Have a cached folder built anew at its next use."""
    folder.with_name(f"{folder.name}.size").unlink(missing_ok=True)


def _is_complete(folder: Path, record: Path) -> bool:
    try:
        return record.read_text() == _size(folder)
    except OSError:
        return False


def _size(folder: Path) -> str:
    """Number of files and of bytes: a few milliseconds, and it sees every lost or cut file."""
    files = size = 0
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_size
    return f"{files} files, {size} bytes\n"
