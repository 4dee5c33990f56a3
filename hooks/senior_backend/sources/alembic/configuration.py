"""What ``alembic.ini`` and ``env.py`` say of a migration folder."""

import configparser
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import Transaction

_LEVELS: Final = 5
_PER_MIGRATION: Final = re.compile(rb"transaction_per_migration['\"]?\s*[=:]\s*True")
_NOT_TRANSACTIONAL: Final = re.compile(rb"transactional_ddl['\"]?\s*[=:]\s*False")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings of one migration folder. ``ini`` is None where no ``alembic.ini`` names it."""

    ini: Path | None
    settings: dict[str, str]
    transaction: Transaction

    @property
    def project(self) -> Path | None:
        """The directory in which ``alembic`` is run."""
        return self.ini.parent if self.ini else None

    @property
    def recursive(self) -> bool:
        """Whether revisions lie in directories below a version location as well."""
        return self.settings.get("recursive_version_locations", "").lower() in ("true", "1", "yes")


def configuration(directory: Directory) -> Configuration:
    """The configuration of the folder whose ``env.py`` lies in ``directory``."""
    env = directory.head("env.py", 100_000)
    if _NOT_TRANSACTIONAL.search(env):
        transaction: Transaction = "statement"
    else:
        transaction = "file" if _PER_MIGRATION.search(env) else "run"
    for level in (directory.root, *list(directory.root.parents)[:_LEVELS]):
        for settings in _sections(level / "alembic.ini"):
            if _names(settings, level, directory.root):
                return Configuration(level / "alembic.ini", settings, transaction)
    return Configuration(None, {}, transaction)


def _sections(path: Path) -> Iterator[dict[str, str]]:
    """Every section with a ``script_location``: an ini file may hold several environments."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    parser = configparser.ConfigParser(defaults={"here": str(path.parent)}, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    own = _of_pyproject(path.parent / "pyproject.toml")
    for section in parser.sections():
        settings = {key: _interpolated(parser, section, key) for key in parser[section]}
        if section == "alembic":
            settings = {**own, **settings}
        if "script_location" in settings:
            yield settings


def _interpolated(parser: configparser.ConfigParser, section: str, key: str) -> str:
    try:
        return parser.get(section, key)
    except configparser.InterpolationError:
        return parser.get(section, key, raw=True)


def _of_pyproject(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("alembic", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError):
        return {}
    here = str(path.parent)
    return {
        key: (os.pathsep.join(value) if isinstance(value, list) else str(value)).replace(
            "%(here)s", here
        )
        for key, value in table.items()
    }


def _names(settings: dict[str, str], base: Path, directory: Path) -> bool:
    """Whether the script location is ``directory``; ``package:folder`` names one by its end."""
    location = settings["script_location"]
    if ":" in location and not location.startswith("/"):
        tail = location.replace(":", "/").replace(".", "/")
        return f"{directory}/".endswith(f"/{tail.strip('/')}/")
    return Path(os.path.normpath(base / location)) == directory


def version_directories(directory: Directory, found: Configuration) -> list[Directory]:
    """Where the revisions lie; ``versions`` unless the configuration names others."""
    named = found.settings.get("version_locations", "")
    places: list[Directory] = []
    if named and found.ini:
        separator = found.settings.get("version_path_separator") or found.settings.get(
            "path_separator", "space"
        )
        marks = {"space": r"\s+", "os": os.pathsep, "newline": r"\n", ":": ":", ";": ";"}
        split = marks.get(separator, r"\s+")
        for part in re.split(rf"{split}|,\s*|\n", named):
            if part.strip():
                place = _beside(directory, found.ini.parent / part.strip())
                places += [place] if place.files or place.directories else []
    if not places:
        versions = directory.directories.get("versions")
        places = [versions] if versions else [directory]
    flat: list[Directory] = []
    for place in places:
        has_own = any(name.endswith(".py") and name != "__init__.py" for name in place.files)
        deep = place is not directory and (found.recursive or not has_own)
        flat += place.walk() if deep else [place]
    return flat


def _beside(directory: Directory, place: Path) -> Directory:
    """A directory outside, shown in the same manner."""
    path = os.path.normpath(place)
    away = os.path.relpath(path, directory.path)
    seen = os.path.normpath(os.path.join(directory.shown, away))  # noqa: PTH118
    return Directory(path, path if seen.startswith("..") else seen)


def sql_files(directory: Directory) -> Iterator[tuple[Directory, str]]:
    """Every ``.sql`` file of the folder: those that revisions may run."""
    for part in directory.walk():
        for name in part.sql_files:
            yield part, name
