"""Files for other databases that lie beside those for PostgreSQL."""

import re
from typing import Final, NamedTuple

from senior_backend.sources.directory import Directory
from senior_backend.sources.migration import NotRead

_TITLES: Final = {
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "sqlite": "SQLite",
    "sqlite3": "SQLite",
    "mssql": "SQL Server",
    "sqlserver": "SQL Server",
    "oracle": "Oracle",
    "cockroach": "CockroachDB",
    "cockroachdb": "CockroachDB",
    "crdb": "CockroachDB",
    "h2": "H2",
    "hsqldb": "HSQLDB",
    "derby": "Derby",
    "db2": "Db2",
    "clickhouse": "ClickHouse",
    "bigquery": "BigQuery",
    "snowflake": "Snowflake",
    "spanner": "Spanner",
    "duckdb": "DuckDB",
    "cassandra": "Cassandra",
}
_POSTGRES: Final = "postgresql|postgres|pgsql|psql|pg"
_MARK: Final = re.compile(rf"\.({_POSTGRES}|{'|'.join(_TITLES)})(?=\.)", re.IGNORECASE)


_TWIN: Final = "has a twin for PostgreSQL beside it: left out"


class Dialect(NamedTuple):
    """Which database a file's name names: ``other`` is a title, None for PostgreSQL or none."""

    name: str
    """The name without the mark."""
    other: str | None
    postgres: bool


def of_file(name: str) -> Dialect:
    """The database that a mark between two dots names: ``0001_x.mysql.up.sql``."""
    found = _MARK.search(name)
    if found is None:
        return Dialect(name, None, False)
    other = _TITLES.get(found[1].lower())
    return Dialect(name[: found.start()] + name[found.end() :], other, other is None)


def left_out(path: str, reason: str) -> NotRead:
    """A file or directory that is for another database, or has a twin for PostgreSQL."""
    return NotRead(path, 1, reason, whole=True, left_out=True)


def left_out_directory(directory: Directory) -> NotRead | None:
    """The report of a directory that is named after another database; None for others."""
    other = _TITLES.get(directory.name.lower())
    return left_out(directory.shown, _by_name(other)) if other else None


def _by_name(title: str) -> str:
    return f"is for {title} by its name: left out"


class Sorted(NamedTuple):
    """Files for PostgreSQL by their name without a mark, and the reasons to leave out others."""

    names: dict[str, str]
    left_out: dict[str, str]


def for_postgres(names: tuple[str, ...]) -> Sorted:
    """Those of ``names`` that PostgreSQL runs.

    Where a file exists with and without a mark, the one with the mark is PostgreSQL's.
    """
    if not any(_MARK.search(name) for name in names):
        return Sorted({name: name for name in names}, {})
    chosen: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name in names:
        dialect = of_file(name)
        if dialect.other:
            left_out[name] = _by_name(dialect.other)
        elif dialect.name not in chosen or dialect.postgres:
            if dialect.name in chosen:
                left_out[chosen[dialect.name]] = _TWIN
            chosen[dialect.name] = name
        else:
            left_out[name] = _TWIN
    return Sorted(chosen, left_out)
