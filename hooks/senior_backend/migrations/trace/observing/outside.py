"""One statement outside a transaction block, held up and looked at while it works."""

import time
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace.observed import ObservedStatement, Traffic
from senior_backend.migrations.trace.observing import blocking, messages
from senior_backend.migrations.trace.observing.execute import Outcome
from senior_backend.migrations.trace.observing.observation import Eye, described, with_work
from senior_backend.migrations.trace.observing.pieces import Piece
from senior_backend.migrations.trace.observing.watch import Sight
from senior_backend.migrations.trace.observing.work import work

_POLL_S: Final = 0.001
_WAITS: Final = {
    "virtualxid": "older transactions",
    "transactionid": "older transactions",
    "advisory": "an advisory lock",
}
_ONE_BY_ONE: Final = frozenset({"VacuumStmt", "ClusterStmt", "ReindexStmt"})
"""Statements that may work on one table after another, each in a transaction of its own."""


@dataclass(slots=True)
class _Glimpses:
    """What was seen of a statement while it was held up."""

    locks: dict[int, Lock] = field(default_factory=dict)
    """The strongest that it had or wanted."""
    granted: set[int] = field(default_factory=set)
    """Of those, the ones that it was seen to have."""
    waits_for: list[str] = field(default_factory=list)
    blocked: dict[int, set[Traffic]] = field(default_factory=dict)
    free_meanwhile: set[str] = field(default_factory=set)
    """Tables that others read and wrote while it waited for older transactions."""
    notes: list[str] = field(default_factory=list)
    idle_ms: float = 0.0
    """How long it was kept waiting."""
    seen: set[tuple[int, Lock]] = field(default_factory=set)


def outside(eye: Eye, piece: Piece) -> tuple[ObservedStatement, Outcome]:
    """Run a statement on its own and look at it while others stand in its way."""
    sessions = eye.sessions
    runner, watcher, parking = sessions.runner, sessions.watcher, sessions.parking
    eye.refresh()
    before = dict(eye.known)
    seen_invalid = watcher.invalid_indexes()
    glimpses = _Glimpses()
    if not parking.stand(before.values(), one_by_one=piece.kind in _ONE_BY_ONE):
        glimpses.notes.append("it could not be held up, so what it locks was hardly seen")
    wal = watcher.wal()
    runner.messages.clear()
    try:
        outcome = _watched(eye, piece, glimpses)
    finally:
        parking.clear()
    told = tuple(runner.messages)
    eye.committed(None)
    sight = watcher.look(runner.pid)
    eye.refresh()
    old = {oid: one for oid, one in before.items() if oid in eye.old}
    done = work(piece, messages.read(told), old, eye.known, (), ())
    done.scans.extend(done.rewrites)
    locks = {oid: mode for oid, mode in glimpses.locks.items() if oid in old}
    waiting = {oid: _ordered(waits) for oid, waits in glimpses.blocked.items()}
    not_granted = locks.keys() - glimpses.granted
    notes = [*glimpses.notes, *blocking.through_partitions(locks, old, waiting)]
    if glimpses.free_meanwhile:
        free = ", ".join(sorted(glimpses.free_meanwhile))
        notes.append(f"while it waited for older transactions, others read and wrote {free}")
    if outcome.error is not None:
        left = watcher.invalid_indexes().items() - seen_invalid.items()
        notes.extend(f"it left an INVALID index behind: {name}" for _, name in sorted(left))
    tables = [oid for oid in locks if old[oid].table is None]
    if piece.ends_transactions or piece.kind == "CallStmt" or len(tables) > 1:
        notes.append("it runs several transactions: of its locks those that it waited for are told")
    seen = with_work(
        described(piece, None, outcome, told),
        tuple(lock for _, lock in blocking.observed(locks, old, waiting, not_granted)),
        done,
        sight,
        wal,
        tuple(notes),
    )
    duration = max(0.0, outcome.duration_ms - glimpses.idle_ms)
    return replace(seen, waits_for=tuple(glimpses.waits_for), duration_ms=duration), outcome


def _watched(eye: Eye, piece: Piece, glimpses: _Glimpses) -> Outcome:
    """Until it ends: see what it waits for, then have the next one step aside."""
    sessions = eye.sessions
    runner, parking = sessions.runner, sessions.parking
    limit = sessions.settings.statement_timeout_s
    runner.send(piece.message)
    until = time.perf_counter() + limit
    while True:
        outcome = runner.poll(_POLL_S)
        if outcome is not None:
            return outcome
        if time.perf_counter() > until:
            parking.clear()
            return runner.give_up(limit)
        since = time.perf_counter()
        try:
            sight = sessions.watcher.look(runner.pid)
            if sight.waits_for:
                # Only then: what runs on shows something else at every look.
                _glimpse(eye, sight, glimpses)
        except psycopg.Error as error:
            parking.clear()
            glimpses.notes.append(f"it could not be looked at: {str(error).splitlines()[0]}")
            return runner.poll(limit) or runner.give_up(limit)
        if sight.waits_for and parking.stands:
            for_older = "virtualxid" in sight.waits_for
            parking.step_aside(sight.wanted, for_older=for_older)
            glimpses.idle_ms += (time.perf_counter() - since) * 1000


def _glimpse(eye: Eye, sight: Sight, glimpses: _Glimpses) -> None:
    for kind in sight.waits_for:
        what = _WAITS.get(kind)
        if what is not None and what not in glimpses.waits_for:
            glimpses.waits_for.append(what)
    locks = dict(sight.held)
    for oid, mode in sight.wanted.items():
        locks[oid] = max(locks.get(oid, mode), mode)
    for oid, mode in locks.items():
        if mode > glimpses.locks.get(oid, 0):
            glimpses.locks[oid] = mode
            glimpses.granted.discard(oid)
        if sight.held.get(oid) == glimpses.locks[oid]:
            glimpses.granted.add(oid)
    waits_for_older = "virtualxid" in sight.waits_for
    new = {oid: mode for oid, mode in locks.items() if (oid, mode) not in glimpses.seen}
    tried = glimpses.locks if waits_for_older else new
    glimpses.seen.update(new.items())
    waits, notes = eye.blocked({oid: mode for oid, mode in tried.items() if oid in eye.old})
    glimpses.notes.extend(note for note in notes if note not in glimpses.notes)
    for oid, traffic in waits.items():
        glimpses.blocked.setdefault(oid, set()).update(traffic)
        if waits_for_older and not traffic:
            glimpses.free_meanwhile.add(eye.known[oid].label)


def _ordered(waits: set[Traffic]) -> tuple[Traffic, ...]:
    order: tuple[Traffic, ...] = ("reads", "writes")
    return tuple(one for one in order if one in waits)
