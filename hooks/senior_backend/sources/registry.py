"""Every tool, once: a further one is a module that follows ``Source``, and a line here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from senior_backend.sources import (
    alembic,
    dbmate,
    diesel,
    drizzle,
    flyway,
    golang_migrate,
    goose,
    plain_sql,
    prisma,
    sql_migrate,
    supabase,
    writing,
)
from senior_backend.sources.migration import Folder, Insertion, Migration, Segment
from senior_backend.sources.source import Source

SOURCES: Final[tuple[Source, ...]] = (
    alembic,
    prisma,
    diesel,
    drizzle,
    supabase,
    flyway,
    dbmate,
    goose,
    sql_migrate,
    golang_migrate,
    plain_sql,
)
"""In the order in which they are asked whether a directory is theirs: certain signs first."""

BY_ID: Final = {source.ID: source for source in SOURCES}

OUTSIDE_TRANSACTION: Final[
    Mapping[str, Callable[[Folder, Migration, tuple[Segment, ...]], Insertion | None]]
] = {
    alembic.ID: alembic.outside_transaction,
    goose.ID: goose.outside_transaction,
    dbmate.ID: dbmate.outside_transaction,
    flyway.ID: flyway.outside_transaction,
    diesel.ID: diesel.outside_transaction,
}
"""Tools whose migrations can be told, one way at a time, to run outside a transaction: what to put
into which file. None where that is not certain."""

_REPLACED: Final = {goose.ID: goose.replaced, sql_migrate.ID: sql_migrate.replaced}


def replaced(
    source: str, data: bytes, start: int, end: int, statements: Sequence[str]
) -> tuple[int, int, str]:
    """What to write between which bytes of ``data`` for its statement from ``start`` to ``end``.

    In the form that the tool wants between statements.
    """
    return _REPLACED.get(source, writing.replaced)(data, start, end, statements)
