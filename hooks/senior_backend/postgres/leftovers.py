"""Databases of ours on a server that others run: told apart from those that a killed run left.

A run holds a session-level advisory lock for as long as it lives, and the number of the lock is
part of the names of its databases. The server gives the lock back when the session ends, however
the run ended, so a database whose number nobody holds is nobody's. ``pg_locks`` shows the advisory
locks of every database of the server, so it does not matter from which one a run began.
"""

import contextlib
import re
import secrets
from typing import Final

from senior_backend.errors import NotRunError
from senior_backend.postgres.session import Session, quoted

_LOCK_CLASS: Final = 0x5B7ACE  # the first of the two numbers of our locks; the second is the run's
_HELD: Final = """
    select distinct objid::bigint from pg_locks
    where locktype = 'advisory' and objsubid = 2 and classid::bigint = %s and granted
"""
# Only those of our own role: what another role made is that role's to drop.
_OURS: Final = """
    select datname from pg_database where datname ~ %s and datdba = current_user::regrole
"""


class Presence:
    """That a run of ours is alive, for other runs of the same server to see."""

    def __init__(self, url: str, prefix: str) -> None:
        """Connect, drop what killed runs left, and take a number.

        Raises ``NotRunError`` when the server does not answer.
        """
        self._prefix = prefix
        self._session = Session(url)
        # An idle session may be ended by the server's own settings, and the lock with it.
        self._session.execute("set idle_session_timeout = 0")
        self.swept = tuple(self._sweep())
        self._number = self._take_number()
        self._made = 0

    def next_name(self) -> str:
        """The name of a further database of this run."""
        self._made += 1
        return f"{self._prefix}{self._number:08x}_{self._made}"

    def end(self) -> None:
        """Give the number back; ending twice is fine."""
        self._session.close()

    def _take_number(self) -> int:
        while True:
            number = secrets.randbits(31)
            query = "select pg_try_advisory_lock(%s, %s)"
            if self._session.execute(query, [_LOCK_CLASS, number]) == [(True,)]:
                return number

    def _sweep(self) -> list[str]:
        name = re.compile(rf"{re.escape(self._prefix)}([0-9a-f]{{8}})_[0-9]+")
        found = self._session.execute(_OURS, [f"^{name.pattern}$"])
        # Read after the names: a run takes its number before it makes its first database.
        held = {number for (number,) in self._session.execute(_HELD, [_LOCK_CLASS])}
        dropped = []
        for (database,) in found:
            match = name.fullmatch(database)
            if match is None or int(match[1], 16) in held:
                continue
            with contextlib.suppress(NotRunError):  # another start may be sweeping as well
                self._session.execute(f"drop database if exists {quoted(database)} with (force)")
                dropped.append(database)
        return dropped
