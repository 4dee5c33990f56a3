"""A migration folder in a place of its own, where fixes may be written."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from senior_backend.errors import InputError
from senior_backend.sources.directory import SKIPPED
from senior_backend.sources.migration import Folder

_MOST_BYTES: Final = 4_000_000
"""Of a file that is no migration and is copied all the same; bigger ones are links."""


@contextmanager
def copied(folder: Folder, root: Path) -> Iterator[Path]:
    """A folder that looks like ``root`` to who reads migrations, until the block ends.

    The migration folder is copied; what stands beside it, such as the tool's configuration, are
    links to where it is, through which nothing is written: fixes refuse links out of their root.

    Raises:
        InputError: a file cannot be read.
    """
    home = folder.root.resolve()
    top = root.resolve()
    if not home.is_relative_to(top):
        raise InputError(f"{home}: lies outside {top}; run this in the repository that holds it")
    with tempfile.TemporaryDirectory(prefix="senior-backend-prove-") as made:
        copy = Path(made).resolve()
        try:
            _surroundings(top, copy, home.relative_to(top).parts)
            _contents(home, copy / home.relative_to(top))
            for migration in folder.migrations:
                for name in migration.files:
                    _file(top / name, copy / name)
        except OSError as error:
            raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from None
        yield copy


def _surroundings(top: Path, copy: Path, parts: tuple[str, ...]) -> None:
    """Directories on the way to the migrations, with links to all that stands beside it."""
    for number in range(len(parts)):
        here, there = top.joinpath(*parts[:number]), copy.joinpath(*parts[:number])
        there.joinpath(parts[number]).mkdir()
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.name not in (parts[number], ".git"):
                    (there / entry.name).symlink_to(entry.path)


def _contents(home: Path, copy: Path) -> None:
    with os.scandir(home) as entries:
        for entry in entries:
            place = copy / entry.name
            if entry.name in SKIPPED:
                continue
            if entry.is_dir(follow_symlinks=False):
                place.mkdir()
                _contents(Path(entry.path), place)
            elif entry.is_file() and entry.stat().st_size <= _MOST_BYTES:
                shutil.copyfile(entry.path, place)
            else:
                place.symlink_to(entry.path)


def _file(original: Path, copy: Path) -> None:
    """A file of a migration: its own, however big and wherever it is."""
    if copy.is_symlink():
        copy.unlink()
    if not copy.exists():
        for folder in reversed(copy.parents):
            if folder.is_symlink():
                raise InputError(f"{original}: is reached by a link; name the file itself")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
