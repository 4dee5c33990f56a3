"""SQL that no migration tool runs: queries of an application, seeds, test data."""

import re
from pathlib import PurePosixPath
from typing import Final

from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import NotRead
from senior_backend.sql.text import SqlText

_DIRECTORIES: Final = {
    "queries": "queries",
    "seed": "seeds",
    "seeds": "seeds",
    "seeders": "seeds",
    "fixtures": "test data",
    "testdata": "test data",
}
_SEEDS: Final = frozenset({"seed.sql", "seeds.sql"})

# How sqlc, aiosql and yesql, HugSQL and PgTyped name the query that follows. pg_dump's comments
# (``-- Name: orders; Type: TABLE``) are none of them.
_NAMED_QUERY: Final = re.compile(
    rb"^\s*(?:--\s*name:\s*[\w.-]+(?:\([^)\n]*\))?[ \t]*[\^$!#*<]*!?[ \t]*(?::\w+)?[ \t]*\r?$"
    rb"|--\s*:name\s+[\w-]+"
    rb"|/\*\s*@name\s)",
    re.MULTILINE,
)
_HEAD: Final = 4096
"""Bytes: a file of queries names its first one before that."""


def left_out_directory(directory: Directory) -> NotRead | None:
    """The report of a directory whose name says that it holds no migrations; None for others."""
    return _left_out(directory.shown, _DIRECTORIES.get(directory.name.lower()))


def left_out_file(path: str) -> NotRead | None:
    """The report of a file in such a directory, or of seeds by its own name; None for others.

    ``path`` is as shown: only what lies below the repository's root counts.
    """
    parts = PurePosixPath(path).parts[:-1]
    found = next((d for part in parts if (d := _DIRECTORIES.get(part.lower()))), None)
    return _left_out(path, found or ("seeds" if _is_seeds(path) else None))


def left_out_text(text: SqlText) -> NotRead | None:
    """The report of seeds by the file's own name, or of queries that a tool makes functions of."""
    if _is_seeds(text.path):
        return _left_out(text.path, "seeds")
    if _NAMED_QUERY.search(text.data[:_HEAD]):
        return NotRead(text.path, 1, "holds queries by name: left out", whole=True, left_out=True)
    return None


def _is_seeds(path: str) -> bool:
    return path.rsplit("/", 1)[-1].lower() in _SEEDS


def _left_out(path: str, what: str | None) -> NotRead | None:
    if what is None:
        return None
    return NotRead(path, 1, f"holds {what} by its name: left out", whole=True, left_out=True)
