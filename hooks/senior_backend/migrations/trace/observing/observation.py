"""One statement in an open transaction, run and looked at.

What is asked of the server in the running session itself takes no lock on what people made, and is
not asked where it would change what comes after (SET TRANSACTION must come before any query).
"""

from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

import psycopg

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace.observed import ObservedLock, ObservedStatement, Traffic
from senior_backend.migrations.trace.observing import blocking, messages, relations
from senior_backend.migrations.trace.observing.block import Block
from senior_backend.migrations.trace.observing.execute import Outcome
from senior_backend.migrations.trace.observing.messages import Told
from senior_backend.migrations.trace.observing.pieces import Piece
from senior_backend.migrations.trace.observing.relations import FIRST_OF_USERS, Relation
from senior_backend.migrations.trace.observing.sessions import TELLING, Sessions
from senior_backend.migrations.trace.observing.watch import Sight
from senior_backend.migrations.trace.observing.work import Work, work

_SETTING: Final = frozenset({"VariableSetStmt", "TransactionStmt", "ConstraintsSetStmt"})
_NOT_BY_LOCKS: Final = frozenset({"RenameStmt", "AlterObjectSchemaStmt", "AlterExtensionStmt"})
"""What they change may not show in their locks: a schema's name is part of a table's."""
_COUNTS: Final = f"""
    select c.oid, pg_catalog.pg_stat_get_xact_numscans(c.oid) from pg_catalog.pg_class c
    where c.oid >= {FIRST_OF_USERS} and c.relkind in ('r', 'm')
    and pg_catalog.pg_stat_get_xact_numscans(c.oid) > 0
"""
_BOTH_SIDES: Final = """
    select coalesce(tree.relid::pg_catalog.oid, side.relid) from pg_catalog.pg_constraint k
    cross join lateral (values (k.conrelid), (k.confrelid)) side (relid)
    left join lateral pg_catalog.pg_partition_tree(side.relid) tree on tree.isleaf
    where k.contype = 'f' and k.conrelid = any('{%s}') and k.conname in (%s)
"""
_LOOK_S: Final = 10.0
_MOST_TRIED: Final = 40
"""Relations a statement; of more, as of a table with a thousand partitions, the rest is told by
their locks."""


class Eye:
    """Sees what statements do to relations that were there before.

    ``known`` are all relations as committed; ``old`` those that count.
    """

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.known: dict[int, Relation] = {}
        self.old: Collection[int] = frozenset()
        self._stale = True

    def open(self, old: Collection[int] | None = None) -> None:
        """Before a migration: see what is there. Only ``old`` counts, or all of that."""
        self.known = self.sessions.watcher.relations()
        self.old = frozenset(self.known) if old is None else old
        self._stale = False

    def committed(self, block: Block | None) -> None:
        """What a transaction did holds from now on; None: not known what."""
        if block is None or block.uncertain:
            self._stale = True
            return
        self.known.update(block.current)
        for oid in block.gone:
            self.known.pop(oid, None)

    def refresh(self) -> None:
        """See what is committed, where that is not known."""
        if self._stale:
            self.known = self.sessions.watcher.relations()
            self._stale = False

    def inside(self, piece: Piece, block: Block) -> tuple[ObservedStatement, Outcome]:
        """Run a statement in an open transaction, and look."""
        runner = self.sessions.runner
        if block.scans is None and piece.kind not in _SETTING:
            counted = runner.ask(_COUNTS)
            block.scans = {int(oid or 0): int(count or 0) for oid, count in counted}
        before = self._wal()
        outcome, told = self.run(piece)
        seen = described(piece, block.number, outcome, told)
        if outcome.error is not None or not runner.is_alive:
            block.goes_on(outcome.duration_ms)
            return seen, outcome
        if runner.is_idle or piece.kind in _SETTING:
            if piece.control is not None and not runner.is_idle:
                block.uncertain = True
                block.holds(self.sessions.watcher.look(runner.pid).held)
            return seen, outcome
        block.goes_on(outcome.duration_ms)
        block.uncertain = block.uncertain or piece.kind in _NOT_BY_LOCKS
        try:
            return self._look(piece, block, seen, told, before), outcome
        except psycopg.Error as error:
            reason = (str(error).strip().splitlines() or ["no answer"])[0]
            return replace(seen, notes=(f"it could not be looked at: {reason}",)), outcome

    def run(self, piece: Piece) -> tuple[Outcome, tuple[str, ...]]:
        """Run a statement, and what the server said of it."""
        runner = self.sessions.runner
        runner.messages.clear()
        outcome = runner.run(piece.message, self.sessions.settings.statement_timeout_s, piece.rows)
        told = tuple(runner.messages)
        if piece.kind == "VariableSetStmt" and b"client_min_messages" in piece.message.lower():
            self.listen()
        return outcome, told

    def listen(self) -> None:
        """Have the server go on telling, whatever the migration has set."""
        runner = self.sessions.runner
        if runner.is_alive and not runner.has_failed:
            level = TELLING["client_min_messages"]
            runner.run(f"set client_min_messages = {level}".encode(), _LOOK_S)

    def blocked(
        self, locks: Mapping[int, Lock]
    ) -> tuple[dict[int, tuple[Traffic, ...]], tuple[str, ...]]:
        """What waits for locks, by table, and what has to be said of how that was seen."""
        wanted = blocking.to_try(locks, self.known)
        tried = wanted[:_MOST_TRIED] if self.sessions.settings.probe else []
        prober = self.sessions.prober if tried else None
        waits = {one.oid: prober.blocked(one) for one in tried} if prober is not None else {}
        rest = wanted[len(tried) :]
        for one in rest:
            waits[one.oid] = blocking.by_matrix(locks[one.oid]) if one.oid in locks else ()
        if not rest or not self.sessions.settings.probe:
            return waits, ()
        note = f"of {len(wanted)} tables {len(tried)} were tried; what of the rest waits follows"
        return waits, (f"{note} from their locks",)

    def _look(
        self,
        piece: Piece,
        block: Block,
        seen: ObservedStatement,
        told: tuple[str, ...],
        wal_before: int | None,
    ) -> ObservedStatement:
        """After a statement that ran: its locks, its work, and what waits since."""
        sight = self.sessions.watcher.look(self.sessions.runner.pid)
        names = ChainMap(block.current, self.known)
        taken = {
            oid: mode
            for oid, mode in sight.held.items()
            if oid in self.old and oid in names and mode > block.locks.get(oid, 0)
        }
        before = {oid: names[oid] for oid in sight.held if oid in self.old and oid in names}
        after, scanned = self._now(block, sight)
        said = messages.read(told)
        done = work(piece, said, before, after, scanned, self._validated(said, sight))
        waits, notes = self.blocked(taken)
        earlier = ChainMap(before, self.known)
        locks = dict(blocking.observed(taken, earlier, waits))
        through = tuple(blocking.through_partitions(taken, earlier, waits))
        seen = with_work(seen, tuple(locks.values()), done, sight, wal_before, (*through, *notes))
        block.holds(sight.held)
        block.takes(seen, locks)
        block.current.update(after)
        return seen

    def _now(self, block: Block, sight: Sight) -> tuple[dict[int, Relation], set[int]]:
        """The locked relations as the transaction sees them, and which it has read since."""
        asked = self._to_ask(block, sight)
        if not asked:
            return {}, set()
        rows = self.sessions.runner.ask(relations.of_transaction(asked))
        counts = block.scans if block.scans is not None else {}
        after: dict[int, Relation] = {}
        scanned = set()
        for row in rows:
            relation, count = relations.read(row)
            after[relation.oid] = relation
            if count > counts.get(relation.oid, 0):
                scanned.add(relation.oid)
                counts[relation.oid] = count
        block.gone.update(oid for oid in asked if oid in self.known and oid not in after)
        return after, scanned

    def _to_ask(self, block: Block, sight: Sight) -> list[int]:
        """All that is locked; of what does not count, in a longer transaction, what is new.

        A schema that is made in one transaction would be asked for anew with each statement.
        """
        if block.owner == "trace":
            return [*sight.held]
        asked = [oid for oid in sight.held if oid in self.old or oid not in block.current]
        block.uncertain = block.uncertain or len(asked) < len(sight.held)
        return asked

    def _validated(self, told: Told, sight: Sight) -> set[int]:
        """The tables on both sides of foreign keys that were validated.

        Which indexes that took says nothing on empty tables: both are read.
        """
        if not told.foreign_keys:
            return set()
        names = ", ".join("'" + key.replace("'", "''") + "'" for key in told.foreign_keys)
        query = _BOTH_SIDES % (",".join(map(str, sight.held)), names)
        rows = self.sessions.runner.ask(query)
        return {int(oid or 0) for (oid,) in rows} & set(self.old)

    def _wal(self) -> int | None:
        try:
            return self.sessions.watcher.wal()
        except psycopg.Error:
            return None


def described(
    piece: Piece, number: int | None, outcome: Outcome, told: tuple[str, ...] = ()
) -> ObservedStatement:
    """How a statement ended, without anything that was looked at."""
    return ObservedStatement(
        piece.path,
        piece.line,
        piece.shown,
        number,
        duration_ms=outcome.duration_ms,
        rows=outcome.rows,
        error=outcome.error,
        sqlstate=outcome.sqlstate,
        messages=told,
    )


def with_work(
    seen: ObservedStatement,
    locks: tuple[ObservedLock, ...],
    done: Work,
    sight: Sight,
    wal_before: int | None,
    notes: tuple[str, ...],
) -> ObservedStatement:
    """The statement with what was looked at."""
    return replace(
        seen,
        locks=locks,
        rewrites=tuple(dict.fromkeys(done.rewrites)),
        scans=tuple(dict.fromkeys(done.scans)),
        index_builds=tuple(dict.fromkeys(done.builds)),
        wal_bytes=None if wal_before is None else sight.wal - wal_before,
        notes=(*done.notes, *notes),
    )
