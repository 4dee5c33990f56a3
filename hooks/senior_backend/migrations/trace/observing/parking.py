"""Holding up what runs outside transactions, so that it can be looked at while it works.

Statements such as CREATE INDEX CONCURRENTLY take and release their locks as they go, too fast to
be seen. Other sessions therefore stand in their way and step aside one after another:

1. a ``gate``: SHARE UPDATE EXCLUSIVE on every table. All of these statements want at least that
   one, so the first lock that they want shows;
2. a ``writer``: an open transaction with a snapshot that has written to every table. They wait for
   it as for any older transaction;
3. a ``reader`` of every partition: DETACH CONCURRENTLY wants those last.

In the way of a statement that works on one table after another (VACUUM, REINDEX SCHEMA) they step
aside table by table: each has its own savepoint, the one that comes last first. They come in the
order of their numbers.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

import psycopg

from senior_backend.migrations.trace.observing.onlooker import Onlooker
from senior_backend.migrations.trace.observing.relations import Relation

_MOST: Final = 1000
"""Tables; each lock takes room in the server's table of locks."""
_MOST_ONE_BY_ONE: Final = 50
"""Tables; each takes a savepoint and a stop in every session."""
_BEGIN: Final = "begin isolation level repeatable read"


@dataclass(slots=True)
class _Standing:
    """A session that is in the way. ``one_by_one`` are tables, in the order of savepoints."""

    session: Onlooker
    one_by_one: list[int] = field(default_factory=list)

    def lets_pass(self, oid: int) -> None:
        """Give up a table, and those that come before it."""
        at = self.one_by_one.index(oid)
        self.session.execute(f"rollback to savepoint s{at}")
        del self.one_by_one[at:]


class Parking:
    """The sessions that stand in the way."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            NotRunError: the server does not answer.
        """
        self._sessions = [Onlooker(url) for _ in range(3)]
        self._standing: list[_Standing] = []

    def stand(self, relations: Iterable[Relation], *, one_by_one: bool = False) -> bool:
        """Stand in the way of whoever works on the tables; False where that is not possible."""
        tables = [one for one in relations if one.kind in "rp"]
        partitions = [one for one in tables if one.kind == "r" and one.parents]
        if len(tables) > _MOST:
            return False
        one_by_one = one_by_one and len(tables) <= _MOST_ONE_BY_ONE
        wanted = (
            (tables, "share update exclusive"),
            (tables, "row exclusive"),
            (partitions, "access share"),
        )
        try:
            for session, (locked, mode) in zip(self._sessions, wanted, strict=True):
                last_first = sorted(locked, key=lambda one: -one.oid)
                begin = f"{_BEGIN}; select 1" if mode == "row exclusive" else _BEGIN
                session.execute("; ".join([begin, *_locks(last_first, mode, one_by_one)]))
                oids = [one.oid for one in last_first] if one_by_one else []
                self._standing.append(_Standing(session, oids))
        except psycopg.Error:
            self.clear()
            return False
        return True

    @property
    def stands(self) -> bool:
        """Whether one is still in the way."""
        return bool(self._standing)

    def step_aside(self, wanted: Collection[int], *, for_older: bool) -> None:
        """The next one lets go: of what is ``wanted``, where it holds tables one by one.

        ``for_older``: no table is waited for but an older transaction, as the writer's is.
        """
        for standing in self._standing:
            for oid in wanted:
                if oid in standing.one_by_one:
                    standing.lets_pass(oid)
                    return
        others = [one for one in self._standing if one.session is not self._sessions[0]]
        going = others[0] if for_older and others else self._standing[0]
        self._standing.remove(going)
        going.session.execute("commit")

    def clear(self) -> None:
        """All let go."""
        self._standing.clear()
        for session in self._sessions:
            session.execute("rollback")

    def close(self) -> None:
        """Close the connections; closing twice is fine."""
        for session in self._sessions:
            session.close()


def _locks(tables: Collection[Relation], mode: str, one_by_one: bool) -> Iterable[str]:
    if one_by_one:
        for at, one in enumerate(tables):
            yield f"savepoint s{at}"
            yield f"lock table only {one.qualified} in {mode} mode"
    elif tables:
        yield f"lock table only {', only '.join(one.qualified for one in tables)} in {mode} mode"
