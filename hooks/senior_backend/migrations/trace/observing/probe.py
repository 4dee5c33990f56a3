"""What waits: another session tries to read and to write, and gives up at once.

EXPLAIN takes the locks that the statement itself would take, on the table, its partitions and its
indexes, and does none of its work. nextval() locks its sequence before it is refused in a
transaction that only reads.
"""

from typing import Final

import psycopg

from senior_backend.migrations.trace.observed import Traffic
from senior_backend.migrations.trace.observing.onlooker import Onlooker
from senior_backend.migrations.trace.observing.relations import Relation

_OPTIONS: Final = {
    # Nobody else works in the database: whoever waits at all, waits for the migration.
    "lock_timeout": "1ms",
    # A query of a partitioned table may be for any of its partitions.
    "enable_partition_pruning": "off",
    "default_transaction_read_only": "on",
}
_WRITTEN: Final = "rpfvS"
_READ: Final = "rpfvmS"
_ENDED: Final = ("57014", "57P01")
"""A query that was cancelled, a session that was ended: not refused by what it asked for."""


class Prober:
    """Tries relations; every try is a transaction of its own and leaves no lock."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            NotRunError: the server does not answer.
        """
        self._session = Onlooker(url, _OPTIONS)

    def blocked(self, relation: Relation) -> tuple[Traffic, ...]:
        """What of a relation waits; nextval() writes a sequence, nothing a materialized view."""
        if relation.kind not in _READ:
            return ()
        name = relation.qualified
        if relation.kind not in _WRITTEN:
            return ("reads",) if self._waits(f"explain select 1 from {name}") else ()
        # Writers want a stronger lock on all that SELECT locks: where they go on, readers do.
        write = f"select pg_catalog.nextval({relation.oid}::regclass)"
        if not self._waits(write if relation.kind == "S" else f"explain delete from {name}"):
            return ()
        return ("reads", "writes") if self._waits(f"explain select 1 from {name}") else ("writes",)

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._session.close()

    def _waits(self, statement: str) -> bool:
        try:
            self._session.execute(statement)
        except psycopg.errors.LockNotAvailable:
            return True
        except psycopg.Error as error:
            if error.sqlstate is None or error.sqlstate in _ENDED:
                raise
            # It may not do that at all (a view of several tables); the lock comes before that.
        return False
