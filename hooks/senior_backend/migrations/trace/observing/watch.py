"""What another session holds and wants: its locks on relations, and how far the log is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace.observing import relations
from senior_backend.migrations.trace.observing.onlooker import Onlooker
from senior_backend.migrations.trace.observing.relations import FIRST_OF_USERS, Relation

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
# Of the system's relations only what is waited for counts: everything reads its catalogs. A
# transaction may hold thousands of locks: they come by mode, which is fast to read.
_LOOK: Final = f"""
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
           l.locktype, l.mode, l.granted, string_agg(l.relation::text, ',')
    from (values (1)) one
    left join pg_lock_status() l
      on l.pid = %s and (l.relation >= {FIRST_OF_USERS} or not l.granted)
    group by l.locktype, l.mode, l.granted
"""
_WAL: Final = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a session holds and wants at one moment.

    ``held`` and ``wanted`` by relation, the strongest of each; ``waits_for`` the kinds of lock that
    it waits for (``relation``, ``virtualxid``, ...). ``wal`` is the place in the log, in bytes.
    """

    wal: int
    held: Mapping[int, Lock]
    wanted: Mapping[int, Lock] = field(default_factory=dict)
    waits_for: tuple[str, ...] = ()


class Watcher:
    """Looks on from outside, so that the running session's own locks are not added to."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            NotRunError: the server does not answer.
        """
        self._session = Onlooker(url)
        ((level,),) = self._session.execute("show wal_level").fetchall()
        self.counts_all_wal = level != "minimal"
        """At wal_level minimal PostgreSQL writes new files without the log."""

    def look(self, pid: int) -> Sight:
        """The locks of a session on relations, and how far the log is."""
        held: dict[int, Lock] = {}
        wanted: dict[int, Lock] = {}
        waits: list[str] = []
        wal = 0
        for wal, kind, mode, granted, oids in self._session.execute(_LOOK, (pid,)):  # noqa: B007
            if kind is None:
                continue
            if not granted:
                waits.append(kind)
            # Those of serializable transactions (SIReadLock) keep nobody waiting.
            if kind == "relation" and mode in _MODES:
                into, lock = held if granted else wanted, _MODES[mode]
                for oid in map(int, oids.split(",")):
                    if oid >= FIRST_OF_USERS and into.get(oid, lock) <= lock:
                        into[oid] = lock
        return Sight(wal, held, wanted, tuple(dict.fromkeys(waits)))

    def wal(self) -> int:
        """How far the log is, in bytes."""
        ((place,),) = self._session.execute(_WAL).fetchall()
        return int(place)

    def relations(self) -> dict[int, Relation]:
        """All that is committed, by number."""
        return {
            oid: Relation(oid, schema, name, kind, file, table, tuple(parents or ()))
            for oid, schema, name, kind, file, table, parents in self._session.execute(
                relations.ALL
            )
        }

    def invalid_indexes(self) -> dict[int, str]:
        """Names of indexes that a failed statement outside transactions left, by number."""
        return dict(self._session.execute(relations.INVALID_INDEXES).fetchall())

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._session.close()
