"""A folder in which a throw-away server of ours looks for further extensions while it runs.

From 18 on PostgreSQL has a setting for that. Older servers look into the one share directory that
they find beside their own program, so they are started from a copy of ``postgres`` in a tree of
links to the installation (PostgreSQL docs, 34.16 and pg_config; src/common/path.c looks for the
directories at the same place relative to the program as they were built).
"""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from senior_backend.postgres.identity import User, run_as
from senior_backend.postgres.installation import Installation

_FIRST_WITH_PATH: Final = 18
_CONTROL_PATH: Final = "extension_control_path"


@dataclass(frozen=True, slots=True)
class OwnExtensions:
    """``folder`` is where control files and scripts go. The server must be started so."""

    folder: Path
    program: Path
    """``postgres``."""
    settings: Mapping[str, str] = field(default_factory=dict)


def make(installation: Installation, home: Path, user: User | None) -> OwnExtensions | None:
    """Make the folder below ``home``; None where this server cannot have one."""
    program = installation.bin_dir / "postgres"
    if installation.major >= _FIRST_WITH_PATH:
        if ":" in str(home):  # separates the entries, and cannot be escaped
            return None
        folder = home / "extensions" / "extension"
        _make_open(folder, home)
        settings = {_CONTROL_PATH: f"$system:{folder.parent}"}
        return OwnExtensions(folder, program, settings)
    if platform.system() != "Linux" or os.statvfs(home).f_flag & os.ST_NOEXEC:
        return None
    return _linked(installation, home, user)


def _linked(installation: Installation, home: Path, user: User | None) -> OwnExtensions | None:
    programs = (installation.bin_dir / "postgres").resolve().parent  # there may be links to it
    try:
        answer = run_as(user, [programs / "pg_config"], environment={})
    except OSError:  # packages of a server alone have no pg_config
        return None
    said = dict(line.split(" = ", 1) for line in answer.stdout.splitlines() if " = " in line)
    try:
        bins, share, libraries = (Path(said[name]) for name in ("BINDIR", "SHAREDIR", "PKGLIBDIR"))
    except KeyError:
        return None
    top = Path(os.path.commonpath([bins, share]))
    tree = home / "programs"
    program = tree / bins.relative_to(top) / "postgres"
    folder = tree / share.relative_to(top) / "extension"
    _make_open(program.parent, home)
    _make_open(folder, home)
    shutil.copy2(programs / "postgres", program)
    for entry in os.scandir(share):
        if entry.name != folder.name:
            (folder.parent / entry.name).symlink_to(entry.path)
    for entry in os.scandir(share / folder.name):
        (folder / entry.name).symlink_to(entry.path)
    if libraries.is_relative_to(top):
        link = tree / libraries.relative_to(top)
        _make_open(link.parent, home)
        link.symlink_to(libraries)
    return OwnExtensions(folder, program)


def _make_open(folder: Path, home: Path) -> None:
    """Make a folder and those above it up to ``home``, for the server's user to read."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.parents):
        if path == home:
            break
        path.chmod(0o755)
