"""Drizzle: ``<number>_name.sql`` in the order of ``meta/_journal.json``.

Its migrator runs everything that is due in one transaction (drizzle-team/drizzle-orm,
``drizzle-orm/src/pg-core/dialect.ts``, ``migrate``), cut at ``--> statement-breakpoint``, where no
semicolon is needed. There are no downs.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from senior_backend.errors import InputError
from senior_backend.sources import dialects, naming, writing
from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import (
    Folder,
    Migration,
    NewMigration,
    NotRead,
    Segment,
    WrittenFiles,
)
from senior_backend.sources.reading import read_sql, section
from senior_backend.sources.source import Options

ID: Final = "drizzle"
TITLE: Final = "Drizzle"

_META: Final = "meta"
_JOURNAL: Final = "_journal.json"
_POSTGRES: Final = ("postgresql", "pg")
_BREAKPOINT: Final = re.compile(rb"--> statement-breakpoint[^\n]*(?:\n|$)")


def claims(directory: Directory) -> bool:
    """Whether it has a journal."""
    meta = directory.directories.get(_META)
    return meta is not None and _JOURNAL in meta.files


def read(directory: Directory, options: Options) -> Folder:
    """The files that the journal lists, in its order; others are never run."""
    meta = directory.directories[_META]
    shown = meta.shown_path(_JOURNAL)
    try:
        with open(meta.path_of(_JOURNAL), "rb") as file:  # noqa: PTH123 - names may hold anything
            journal = json.load(file)
        dialect = journal.get("dialect", "postgresql")
        tags = [str(entry["tag"]) for entry in journal["entries"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        wrong = NotRead(shown, 1, f"is no journal of Drizzle: {type(error).__name__}", whole=True)
        return Folder(ID, directory.root, not_read=(wrong,), has_downs=False)
    if dialect not in _POSTGRES:
        other = dialects.left_out(directory.shown, f"is for {dialect} by its {_JOURNAL}: left out")
        return Folder(ID, directory.root, not_read=(other,), has_downs=False)
    listed = {f"{tag}.sql": None for tag in tags}
    there = frozenset(directory.sql_files)
    missing = [
        NotRead(directory.shown_path(name), 1, f"is not there; {shown} lists it", whole=True)
        for name in listed
        if name not in there
    ]
    extra = [
        dialects.left_out(directory.shown_path(name), f"is not in {shown}: Drizzle does not run it")
        for name in directory.sql_files
        if name not in listed
    ]
    found = tuple(_migration(directory, name, options) for name in listed if name in there)
    return Folder(ID, directory.root, found, (*missing, *extra), has_downs=False)


def _migration(directory: Directory, name: str, options: Options) -> Migration:
    path = directory.shown_path(name)
    version, title = naming.stem_of(name.removesuffix(".sql"))
    text = read_sql(directory, name)
    if isinstance(text, NotRead):
        return Migration(ID, path, version, title, (), None, (text,), files=(path,))
    transaction = options.transaction or "run"
    ends = [found.end() for found in _BREAKPOINT.finditer(text.data)]
    bounds = pairwise([0, *ends, len(text.data)])
    parts = tuple(
        Segment(section(text, start, end), transaction)
        for start, end in bounds
        if text.data[start:end].strip()
    )
    return Migration(ID, path, version, title, parts, None, files=(path,))


def write(folder: Folder, new: Sequence[NewMigration], now: datetime) -> WrittenFiles:
    """``<number>_name.sql``, for a migration that ``drizzle-kit generate --custom`` makes.

    Raises:
        InputError: one cannot run in the transaction that Drizzle has around all.
    """
    files: dict[str, str] = {}
    remarks: list[str] = []
    versions = naming.newest(folder)
    for migration in new:
        if not migration.transactional:
            raise InputError(
                f"{migration.name}: Drizzle runs all migrations in one transaction, which its "
                "statement refuses; run it by hand"
            )
        version = naming.next_version(versions, now, "0000")
        versions.append(version)
        slug = naming.slug(migration.name)
        files[f"{version}_{slug}.sql"] = writing.script(migration.up, migration.note)
        remarks.append(
            f"Drizzle runs what {_META}/{_JOURNAL} lists: let `drizzle-kit generate --custom "
            f"--name={slug}` make the migration and put these statements into it."
        )
    return writing.written(folder.root, files, remarks)
