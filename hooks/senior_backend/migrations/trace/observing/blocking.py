"""Locks and what was seen to wait, brought together: which lock keeps which traffic waiting."""

from collections.abc import Collection, Iterator, Mapping

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace.observed import ObservedLock, Traffic
from senior_backend.migrations.trace.observing.relations import KINDS, Relation, ancestors

Waiting = Mapping[int, tuple[Traffic, ...]]
"""What was seen to wait, by table."""


def by_matrix(mode: Lock) -> tuple[Traffic, ...]:
    """What must wait for a lock (PostgreSQL docs, Table 13.2)."""
    if mode.blocks_reads:
        return ("reads", "writes")
    return ("writes",) if mode.blocks_writes else ()


def to_try(locks: Mapping[int, Lock], known: Mapping[int, Relation]) -> list[Relation]:
    """The tables that new locks may keep from their readers and writers, and those above them.

    Weaker locks than SHARE UPDATE EXCLUSIVE are those of readers and writers themselves.
    """
    wanted: dict[int, Relation] = {}
    for oid, mode in sorted(locks.items()):
        one = known.get(oid)
        if one is None or mode < Lock.SHARE_UPDATE_EXCLUSIVE:
            continue
        table = known.get(one.table) if one.table is not None else one
        if table is None:
            continue
        wanted[table.oid] = table
        if mode >= Lock.SHARE:
            wanted.update((above.oid, above) for above in ancestors(table, known))
    return list(wanted.values())


def observed(
    locks: Mapping[int, Lock],
    names: Mapping[int, Relation],
    waiting: Waiting,
    not_granted: Collection[int] = (),
) -> Iterator[tuple[int, ObservedLock]]:
    """The locks, strongest first, each with what waits for it.

    What an index's lock explains and its table's own does not is the index's; what no lock on it
    explains (reads of a table whose DEFAULT partition is locked) is the table's own.
    """
    by_index: dict[int, set[Traffic]] = {}
    for oid, mode in locks.items():
        table = names[oid].table
        if table is not None:
            by_index.setdefault(table, set()).update(by_matrix(mode))
    for oid, mode in sorted(locks.items(), key=lambda one: (-one[1], names[one[0]].label)):
        one, own = names[oid], by_matrix(mode)
        others = by_index.get(oid, set())
        waits = waiting.get(one.table if one.table is not None else oid, ())
        blocks = tuple(
            traffic
            for traffic in waits
            if traffic in own or (one.table is None and traffic not in others)
        )
        yield oid, ObservedLock(one.label, KINDS[one.kind], mode, blocks, oid not in not_granted)


def through_partitions(
    locks: Mapping[int, Lock], names: Mapping[int, Relation], waiting: Waiting
) -> Iterator[str]:
    """Sentences on tables that wait for the lock on a partition, not for one of their own."""
    for oid, waits in waiting.items():
        own = by_matrix(locks[oid]) if oid in locks else ()
        more = tuple(traffic for traffic in waits if traffic not in own)
        for part in sorted(locks, key=lambda one: names[one].label):
            explains = set(more) & set(by_matrix(locks[part]))
            above = (one.oid for one in ancestors(names[part], names))
            if explains and names[part].table is None and oid in above:
                what = " and ".join(more)
                yield f"{what} of {names[oid].label} wait for the lock on {names[part].label}"
                break
