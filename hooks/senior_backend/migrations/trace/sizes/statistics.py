"""How big production's tables are: read from its catalog, or from a file that was written so.

Only catalogs are read, which every role that may connect can do; no table is opened, so no lock of
the server is ever waited for. ``reltuples`` and ``relpages`` are what VACUUM and ANALYZE last saw:
a few percent off, and there after a restart or on a standby as well. A partitioned table has what
its partitions have; those that were never analyzed, because they are for days to come, count as
empty where others are known.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from senior_backend.errors import InputError, NotRunError

_PAGE: Final = 8192
_VERSION: Final = 1

_TABLES: Final = """
with recursive trees as (
    select c.oid as root, c.oid from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and n.nspname <> 'information_schema'
      and n.nspname !~ '^pg_'
    union all
    select t.root, i.inhrelid from trees t
    join pg_inherits i on i.inhparent = t.oid
    join pg_class p on p.oid = t.oid and p.relkind = 'p')
select n.nspname::text, r.relname::text,
       sum(case when c.relkind = 'p' then 0 when c.reltuples > 0 then c.reltuples
                else coalesce(s.n_live_tup, 0) end)::int8,
       sum(case when c.relkind = 'p' then 0 else c.relpages end)::int8,
       coalesce(bool_or(c.relkind <> 'p' and (
           c.reltuples > 0 or coalesce(s.n_live_tup, 0) > 0
           or c.reltuples = 0 and coalesce(s.last_analyze, s.last_autoanalyze) is not null)), false)
from trees t
join pg_class r on r.oid = t.root join pg_namespace n on n.oid = r.relnamespace
join pg_class c on c.oid = t.oid
left join pg_stat_all_tables s on s.relid = c.oid
group by 1, 2 order by 1, 2
"""

_NAMES: Final = """
select n.nspname::text, c.relname::text from pg_class c
join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'm')
"""


@dataclass(frozen=True, slots=True)
class Size:
    """A table's rows, and the bytes of its heap; None: those are not known."""

    rows: int
    bytes: int | None = None

    @property
    def row_bytes(self) -> float | None:
        """Bytes of the heap for each row."""
        return self.bytes / self.rows if self.bytes and self.rows else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Sizes by table as people write it. ``unknown`` are tables that were never analyzed."""

    tables: Mapping[str, Size]
    unknown: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The file that ``of`` reads."""
        tables = {
            name: {"rows": size.rows, "bytes": size.bytes} for name, size in self.tables.items()
        }
        return {"version": _VERSION, "tables": tables, "never_analyzed": list(self.unknown)}


def of(source: str) -> Statistics:
    """The statistics of a server, by URL or libpq keywords, or in a file.

    Raises:
        InputError: it is neither, or the file is not one of ours.
        NotRunError: the server does not answer, or the driver is missing.
    """
    if "=" not in source and "://" not in source:
        return from_file(Path(source))
    return read(source)


def read(dsn: str) -> Statistics:
    """The statistics of a server; nothing is written there, and no lock is waited for.

    Raises:
        InputError: the address is none.
        NotRunError: the server does not answer, or the driver is missing.
    """
    from senior_backend.postgres.address import as_url
    from senior_backend.postgres.session import Session

    try:
        with Session(as_url(dsn)) as session:
            session.execute("set default_transaction_read_only = on; set statement_timeout = '30s'")
            return summed(session.execute(_TABLES))
    except (InputError, NotRunError) as error:
        raise type(error)(f"--from: {error}") from None


def names(url: str) -> set[str]:
    """The tables of a database as sizes may name them: with their schema, and by themselves.

    Raises:
        NotRunError: it does not answer.
    """
    from senior_backend.postgres.session import Session

    with Session(url) as session:
        found = session.execute(_NAMES)
    return {name for schema, table in found for name in (table, f"{schema}.{table}")}


def summed(rows: Iterable[tuple[str, str, int, int, bool]]) -> Statistics:
    """The statistics in the rows of a server's answer."""
    tables: dict[str, Size] = {}
    unknown: list[str] = []
    for schema, table, count, pages, known in rows:
        label = table if schema == "public" else f"{schema}.{table}"
        if known:
            tables[label] = Size(max(count, 0), pages * _PAGE or None)
        else:
            unknown.append(label)
    return Statistics(tables, tuple(unknown))


def from_file(path: Path) -> Statistics:
    """What ``write`` wrote.

    Raises:
        InputError: it cannot be read, or is something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"--from {path}: cannot be read ({error.strerror}): name a server, such as "
            "postgresql://host/database, or a file of --write-statistics"
        ) from None
    except ValueError as error:
        raise InputError(f"--from {path}: is not JSON: {error}") from None
    try:
        if document["version"] != _VERSION:
            raise InputError(f"--from {path}: is of version {document['version']}, not {_VERSION}")
        tables = {
            str(name): Size(
                _count(size["rows"]), None if size["bytes"] is None else _count(size["bytes"])
            )
            for name, size in document["tables"].items()
        }
        return Statistics(tables, tuple(map(str, document["never_analyzed"])))
    except (TypeError, KeyError, AttributeError, ValueError):
        raise InputError(f"--from {path}: is no file of --write-statistics") from None


def _count(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(number)
    return number


def write(path: Path, statistics: Statistics) -> None:
    """Write them for later.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(statistics.as_json(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"--write-statistics {path}: cannot be written: {error.strerror}"
        ) from None
