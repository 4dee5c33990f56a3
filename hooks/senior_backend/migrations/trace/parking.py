"""Holding up what runs outside transactions, so that it can be looked at while it works.

Statements such as CREATE INDEX CONCURRENTLY take and release their locks as they go, too fast to
be seen. Other sessions therefore stand in their way and step aside one after another:

1. a ``gate``: SHARE UPDATE EXCLUSIVE on every table. All of these statements want at least that
   one, so the first lock that they want shows;
2. a ``writer``: an open transaction with a snapshot that has written to every table. They wait for
   it as for any older transaction;
3. a ``reader`` of every partition: DETACH CONCURRENTLY wants those last.
"""

from collections.abc import Iterable
from typing import Final

import psycopg

from senior_backend.migrations.trace.onlooker import Onlooker
from senior_backend.migrations.trace.relations import Relation

_MOST: Final = 1000
"""Tables; each lock takes room in the server's table of locks."""


class Parking:
    """The sessions that stand in the way."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            NotRunError: the server does not answer.
        """
        self._sessions = [Onlooker(url) for _ in range(3)]
        self._standing: list[Onlooker] = []

    def stand(self, relations: Iterable[Relation]) -> bool:
        """Stand in the way of whoever works on the tables; False where that is not possible."""
        tables = [one for one in relations if one.kind in "rp"]
        partitions = [one for one in tables if one.kind == "r" and one.parents]
        if len(tables) > _MOST:
            return False
        wanted = (
            (tables, "share update exclusive"),
            (tables, "row exclusive"),
            (partitions, "access share"),
        )
        try:
            for session, (locked, mode) in zip(self._sessions, wanted, strict=True):
                names = ", only ".join(one.qualified for one in locked)
                lock = f"lock table only {names} in {mode} mode" if names else ""
                snapshot = "select 1; " if mode == "row exclusive" else ""
                session.execute(f"begin isolation level repeatable read; {snapshot}{lock}")
                self._standing.append(session)
        except psycopg.Error:
            self.clear()
            return False
        return True

    @property
    def stands(self) -> bool:
        """Whether one is still in the way."""
        return bool(self._standing)

    def step_aside(self) -> None:
        """The next one lets go."""
        self._standing.pop(0).execute("commit")

    def clear(self) -> None:
        """All let go."""
        self._standing.clear()
        for session in self._sessions:
            session.execute("rollback")

    def close(self) -> None:
        """Close the connections; closing twice is fine."""
        for session in self._sessions:
            session.close()
