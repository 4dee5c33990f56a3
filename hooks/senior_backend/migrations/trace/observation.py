"""One statement, run and looked at: in an open transaction, or outside of any."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace import messages
from senior_backend.migrations.trace.execute import Outcome
from senior_backend.migrations.trace.messages import Told
from senior_backend.migrations.trace.observed import (
    IndexBuild,
    ObservedLock,
    ObservedStatement,
    Traffic,
)
from senior_backend.migrations.trace.pieces import Piece
from senior_backend.migrations.trace.relations import KINDS, Relation, ancestors, label
from senior_backend.migrations.trace.sessions import TELLING, Sessions

_SET: Final = frozenset({"VariableSetStmt", "TransactionStmt", "ConstraintsSetStmt"})
"""After these nothing is asked in the running session: SET TRANSACTION must come before queries."""
_OPAQUE: Final = frozenset({"DoStmt", "SelectStmt", "CallStmt"})
"""What they run does not stand in them: only the server's word for a rewrite counts."""
_COUNTS: Final = (
    "select c.oid, pg_catalog.pg_stat_get_xact_numscans(c.oid) from pg_catalog.pg_class c "
    "where c.oid >= 16384 and c.relkind in ('r', 'm') "
    "and pg_catalog.pg_stat_get_xact_numscans(c.oid) > 0"
)
_LOOK: Final = (
    "select c.oid, n.nspname, c.relname, c.relkind, c.relfilenode, "
    "pg_catalog.pg_stat_get_xact_numscans(c.oid) from pg_catalog.pg_class c "
    "join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any('{%s}')"
)
_BOTH_SIDES: Final = (
    "select coalesce(tree.relid::oid, side.relid) from pg_catalog.pg_constraint k "
    "cross join lateral (values (k.conrelid), (k.confrelid)) side (relid) "
    "left join lateral pg_catalog.pg_partition_tree(side.relid) tree on tree.isleaf "
    "where k.contype = 'f' and k.conrelid = any('{%s}') and k.conname in (%s)"
)
_POLL_S: Final = 0.001
_MOST_PROBED: Final = 40
"""Relations a statement; of more, as of a table with a thousand partitions, the first are tried."""


@dataclass(slots=True)
class Block:
    """An open transaction: what it holds, and what of its work is accounted for.

    ``number`` is its number in the migration. ``locks`` and ``current`` are by relation.
    """

    number: int | None
    owner: str
    """Who began it: ``tool``, ``script``, or ``trace``."""
    locks: dict[int, Lock] = field(default_factory=dict)
    current: dict[int, Relation] = field(default_factory=dict)
    """Of the relations that it has locked, as it sees them itself."""
    scans: dict[int, int] | None = None
    """Sequential scans that the server has counted in it; None: not asked yet."""
    aborted: str | None = None


class Eye:
    """Sees what statements do to relations that were there before."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.known: dict[int, Relation] = {}
        """All relations, as committed."""
        self.old: Collection[int] = ()
        """Those that count: they were there before."""
        self._stale = False

    def open(self, old: Collection[int] | None = None) -> None:
        """Before a migration: see what is there. ``old``: only these count."""
        self.known = self._sessions.watcher.relations()
        self.old = frozenset(self.known) if old is None else old
        self._stale = False

    def changed(self) -> None:
        """Something may have been committed."""
        self._stale = True

    def refresh(self) -> None:
        """See what is committed, if that may have changed."""
        if self._stale:
            self.known = self._sessions.watcher.relations()
            self._stale = False

    def inside(self, piece: Piece, block: Block) -> tuple[ObservedStatement, Outcome]:
        """Run a statement in an open transaction, and look."""
        runner, watcher = self._sessions.runner, self._sessions.watcher
        if block.scans is None and piece.kind not in _SET:
            block.scans = _counted(runner.run(_COUNTS.encode(), 10.0))
        runner.messages.clear()
        before = watcher.wal()
        outcome = self._run(piece)
        told = list(runner.messages)
        seen = ObservedStatement(
            piece.path,
            piece.line,
            piece.shown,
            block.number,
            duration_ms=outcome.duration_ms,
            rows=outcome.rows,
            error=outcome.error,
            sqlstate=outcome.sqlstate,
            messages=tuple(told),
        )
        if outcome.error is not None or runner.is_idle or not runner.is_alive:
            return seen, outcome
        sight = watcher.look(runner.pid)
        names = self.known | block.current
        taken = {
            oid: mode
            for oid, mode in sight.held.items()
            if oid in self.old and oid in names and mode > block.locks.get(oid, 0)
        }
        block.locks = {oid: mode for oid, mode in sight.held.items()}
        work = _Work()
        if piece.kind not in _SET:
            self._look(piece, block, names, sight.held, messages.read(told), work)
        blocked = self._probe(taken, names)
        locks = tuple(_observed_locks(taken, names, blocked))
        return (
            _with(seen, locks, work, sight.wal - before, _queue_notes(blocked, taken, names)),
            outcome,
        )

    def _run(self, piece: Piece) -> Outcome:
        runner = self._sessions.runner
        outcome = runner.run(piece.message, self._sessions.settings.statement_timeout_s)
        if (
            piece.kind == "VariableSetStmt"
            and b"client_min_messages" in piece.message.lower()
            and outcome.error is None
        ):
            runner.run(f"set client_min_messages = {TELLING['client_min_messages']}".encode(), 5.0)
        return outcome

    def _look(
        self,
        piece: Piece,
        block: Block,
        names: Mapping[int, Relation],
        held: Mapping[int, Lock],
        told: Told,
        work: "_Work",
    ) -> None:
        """Compare files and counts of the relations that are locked."""
        if not held:
            return
        runner = self._sessions.runner
        oids = ",".join(map(str, held))
        rows = runner.run((_LOOK % oids).encode(), 10.0).values
        scans = block.scans if block.scans is not None else {}
        truncated = set()
        for number, schema, name, kind, file, count in rows:
            oid = int(number or 0)
            was = names.get(oid)
            table, parents = (was.table, was.parents) if was else (None, ())
            now = Relation(
                oid, schema or "", name or "", kind or "", int(file or 0), table, parents
            )
            block.current[oid] = now
            counted = int(count or 0)
            if was is None or oid not in self.old:
                scans[oid] = counted
                continue
            if was.holds_rows and was.file != now.file:
                if piece.kind == "TruncateStmt":
                    truncated.add(oid)
                    work.notes.append(f"{was.label} got a new, empty file")
                elif piece.kind == "RefreshMatViewStmt":
                    truncated.add(oid)
                    work.notes.append(f"{was.label} got a new file with the rows of its query")
                elif piece.kind in _OPAQUE and was.name not in told.rewritten:
                    truncated.add(oid)
                    work.notes.append(f"{was.label} got a new file: truncated, or written anew")
                else:
                    work.rewrites.append(was.label)
            if counted > scans.get(oid, 0) and was.holds_rows:
                work.scans.append(was.label)
            scans[oid] = counted
        block.scans = scans
        if piece.kind != "TruncateStmt":
            self._told(told, names, held, truncated, work)

    def _told(
        self,
        told: Told,
        names: Mapping[int, Relation],
        held: Collection[int],
        renewed: Collection[int],
        work: "_Work",
    ) -> None:
        tables = {
            one.name: one
            for oid, one in names.items()
            if oid in self.old and oid in held and oid not in renewed and one.holds_rows
        }
        for index, name in told.built:
            table = tables.get(name)
            if table is not None:
                work.builds.append(IndexBuild(table.label, label(table.schema, index)))
                work.scans.append(table.label)
        for name in (*told.verified, *told.rewritten):
            if name in tables:
                work.scans.append(tables[name].label)
        if told.foreign_keys:
            quoted = ", ".join("'" + key.replace("'", "''") + "'" for key in told.foreign_keys)
            query = _BOTH_SIDES % (",".join(map(str, held)), quoted)
            for (number,) in self._sessions.runner.run(query.encode(), 10.0).values:
                side = names.get(int(number or 0))
                if side is not None and side.oid in self.old and side.holds_rows:
                    work.scans.append(side.label)

    def _probe(
        self, locks: Mapping[int, Lock], names: Mapping[int, Relation]
    ) -> dict[int, tuple[Traffic, ...]]:
        """What waits, of the tables that new locks are on, and of those above them."""
        if not self._sessions.settings.probe:
            return {oid: _by_matrix(mode) for oid, mode in locks.items() if oid in self.known}
        wanted: dict[int, Relation] = {}
        for oid, mode in sorted(locks.items()):
            if mode < Lock.SHARE_UPDATE_EXCLUSIVE or oid not in self.known:
                continue
            one = self.known[oid]
            table = self.known.get(one.table) if one.table is not None else one
            if table is None:
                continue
            wanted[table.oid] = table
            if mode >= Lock.SHARE:
                for above in ancestors(table, self.known):
                    wanted.setdefault(above.oid, above)
        prober = self._sessions.prober
        tried = list(wanted.values())[:_MOST_PROBED]
        return {one.oid: prober.blocked(one) for one in tried}


@dataclass(slots=True)
class _Work:
    rewrites: list[str] = field(default_factory=list)
    scans: list[str] = field(default_factory=list)
    builds: list[IndexBuild] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _with(
    seen: ObservedStatement,
    locks: tuple[ObservedLock, ...],
    work: _Work,
    wal: int,
    notes: Iterable[str],
) -> ObservedStatement:
    return replace(
        seen,
        locks=locks,
        rewrites=_once(work.rewrites),
        scans=_once(work.scans),
        index_builds=tuple(dict.fromkeys(work.builds)),
        wal_bytes=wal,
        notes=(*work.notes, *notes),
    )


def _once(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(labels))


def _by_matrix(mode: Lock) -> tuple[Traffic, ...]:
    """What must wait for a lock (PostgreSQL docs, Table 13.2)."""
    if mode.blocks_reads:
        return ("reads", "writes")
    return ("writes",) if mode.blocks_writes else ()


def _observed_locks(
    taken: Mapping[int, Lock],
    names: Mapping[int, Relation],
    blocked: Mapping[int, tuple[Traffic, ...]],
    granted: Collection[int] | None = None,
) -> Iterable[ObservedLock]:
    """Locks, strongest first, with what was seen to wait shared out among them.

    What an index's lock explains and its table's does not is the index's; what no lock explains
    (reading a table whose DEFAULT partition is locked) is the table's own.
    """
    by_index: dict[int, set[Traffic]] = {}
    for oid, mode in taken.items():
        table = names[oid].table
        if table is not None:
            by_index.setdefault(table, set()).update(_by_matrix(mode))
    for oid, mode in sorted(taken.items(), key=lambda one: (-one[1], names[one[0]].label)):
        one = names[oid]
        waits = blocked.get(one.table if one.table is not None else oid, ())
        own = _by_matrix(mode)
        if one.table is None:
            others = by_index.get(oid, set())
            waits = tuple(t for t in waits if t in own or t not in others)
        else:
            waits = tuple(t for t in waits if t in own)
        yield ObservedLock(
            one.label, KINDS[one.kind], mode, waits, granted is None or oid in granted
        )


def _queue_notes(
    blocked: Mapping[int, tuple[Traffic, ...]],
    taken: Mapping[int, Lock],
    names: Mapping[int, Relation],
) -> Iterable[str]:
    """Tables that wait although their own lock is weaker, or none: a partition's lock does it."""
    for oid, waits in blocked.items():
        own = _by_matrix(taken[oid]) if oid in taken else ()
        more = [t for t in waits if t not in own]
        parts = sorted(
            names[part].label
            for part, mode in taken.items()
            if names[part].table is None
            and any(above.oid == oid for above in ancestors(names[part], names))
            and set(more) & set(_by_matrix(mode))
        )
        if more and parts:
            yield f"{' and '.join(more)} of {names[oid].label} wait for the lock on {parts[0]}"


def _counted(outcome: Outcome) -> dict[int, int]:
    return {int(oid or 0): int(count or 0) for oid, count in outcome.values}
