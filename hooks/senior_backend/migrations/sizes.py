"""Sizes of production's tables, as they are told: settings, --from, --rows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from senior_backend.errors import InputError

if TYPE_CHECKING:
    from senior_backend.migrations.run import Request
    from senior_backend.migrations.trace.sizes.statistics import Statistics


def unquoted(table: str) -> str:
    """A table's name as it is: ``app."Post"`` is ``app.Post``."""
    return ".".join(_parts(table))


def plain(table: str) -> str:
    """The same without the schema ``public``."""
    names = _parts(table)
    return ".".join(names[1:] if len(names) > 1 and names[0] == "public" else names)


def _parts(table: str) -> list[str]:
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', table)
    return [quoted.replace('""', '"') or bare for quoted, bare in parts]


def known(
    settings: Mapping[str, int],
    source: str | None,
    told: Sequence[str],
    write: Path | None = None,
) -> "Statistics":
    """What the settings say; over it the statistics of ``source``; over it ``--rows``.

    Raises:
        InputError: one of them cannot be read, or the file ``write`` not be written.
        NotRunError: the server does not answer.
    """
    from senior_backend.migrations.command import read_rows
    from senior_backend.migrations.trace.sizes import statistics
    from senior_backend.migrations.trace.sizes.statistics import Size, Statistics

    if write is not None and source is None:
        raise InputError("--write-statistics writes what --from reads: name a server with --from")
    read = statistics.of(source) if source is not None else Statistics({})
    if write is not None:
        statistics.write(write, read)
    tables = {name: Size(rows) for name, rows in settings.items()}
    tables |= read.tables
    for name, rows in map(read_rows, told):
        before = tables.get(name)
        width = before.row_bytes if before is not None else None
        tables[name] = Size(rows, round(width * rows) if width is not None else None)
    return replace(read, tables=tables)


def with_rows(request: "Request", sizes: "Statistics") -> "Request":
    """The request with these sizes as those of the settings."""
    rows = {name: size.rows for name, size in sizes.tables.items()}
    widths = {n: size.row_bytes for n, size in sizes.tables.items() if size.row_bytes is not None}
    settings = replace(request.settings, rows=rows)
    return replace(request, settings=settings, row_bytes=widths)
