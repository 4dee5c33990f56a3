"""A second session that sees what the running one holds: its locks, the relations, the WAL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace import relations
from senior_backend.migrations.trace.execute import connect
from senior_backend.migrations.trace.relations import Relation

_MODES: Final[Mapping[str, Lock]] = {
    "AccessShareLock": Lock.ACCESS_SHARE,
    "RowShareLock": Lock.ROW_SHARE,
    "RowExclusiveLock": Lock.ROW_EXCLUSIVE,
    "ShareUpdateExclusiveLock": Lock.SHARE_UPDATE_EXCLUSIVE,
    "ShareLock": Lock.SHARE,
    "ShareRowExclusiveLock": Lock.SHARE_ROW_EXCLUSIVE,
    "ExclusiveLock": Lock.EXCLUSIVE,
    "AccessExclusiveLock": Lock.ACCESS_EXCLUSIVE,
}
# Of the system's relations only what is waited for counts: everything reads its catalogs.
_LOOK: Final = """
    select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint,
           l.locktype, l.relation, l.mode, l.granted
    from (values (1)) one
    left join pg_catalog.pg_lock_status() l
      on l.pid = %s and (l.relation >= 16384 or not l.granted)
"""
_WAL: Final = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
OPTIONS: Final = {
    "client_min_messages": "error",
    "statement_timeout": "10s",
    "lock_timeout": "2s",
    "jit": "off",
    "search_path": "pg_catalog",
}
"""Of the sessions that look on: they never wait for long."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a session holds and wants at one moment.

    ``held`` and ``wanted`` by relation, the strongest of each; ``waits_for`` the kinds of lock that
    it waits for (``relation``, ``virtualxid``, ...). ``wal`` is the place in the log, in bytes.
    """

    wal: int
    held: Mapping[int, Lock]
    wanted: Mapping[int, Lock]
    waits_for: tuple[str, ...] = ()


class Watcher:
    """Looks on from outside, so that the running session's own locks are not added to."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            NotRunError: the server does not answer.
        """
        self._connection: psycopg.Connection[Any] = connect(url, OPTIONS)
        ((level,),) = self._connection.execute("show wal_level").fetchall()
        self.counts_all_wal = level != "minimal"
        """At wal_level minimal PostgreSQL writes new files without the log."""

    def look(self, pid: int) -> Sight:
        """The locks of a session on relations, and how far the log is."""
        held: dict[int, Lock] = {}
        wanted: dict[int, Lock] = {}
        waits: list[str] = []
        wal = 0
        for row in self._connection.execute(_LOOK, (pid,)):
            wal, kind, relation, mode, granted = row
            if kind is None:
                continue
            if not granted:
                waits.append(kind)
            if kind == "relation" and relation >= _FIRST_OF_USERS:
                into = held if granted else wanted
                into[relation] = max(into.get(relation, Lock.ACCESS_SHARE), _MODES[mode])
        return Sight(wal, held, wanted, tuple(dict.fromkeys(waits)))

    def wal(self) -> int:
        """How far the log is, in bytes."""
        ((place,),) = self._connection.execute(_WAL).fetchall()
        return int(place)

    def relations(self) -> dict[int, Relation]:
        """All that is committed, by number."""
        return {
            oid: Relation(oid, schema, name, kind, file, table, tuple(parents or ()))
            for oid, schema, name, kind, file, table, parents in self._connection.execute(
                relations.ALL
            )
        }

    def query(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Anything else that is committed."""
        return self._connection.execute(statement.encode(), parameters).fetchall()

    @property
    def is_closed(self) -> bool:
        """Whether the session was cut or closed."""
        return self._connection.closed

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._connection.close()


_FIRST_OF_USERS: Final = 16384
