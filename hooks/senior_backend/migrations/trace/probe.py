"""What waits: a third session tries to read and to write, and gives up at once.

EXPLAIN takes the locks that the statement itself would take, on the table, its partitions and its
indexes, and does none of its work.
"""

from typing import Any, Final

import psycopg

from senior_backend.migrations.trace.execute import connect
from senior_backend.migrations.trace.observed import Traffic
from senior_backend.migrations.trace.relations import Relation
from senior_backend.migrations.trace.watch import OPTIONS

_LOCK_TIMEOUT: Final = "1ms"
"""Nobody else works in the database: whoever waits at all, waits for the migration."""
_WRITTEN: Final = "rpfv"
_READ: Final = "rpfvmS"


class Prober:
    """Tries relations; every try is a transaction of its own and leaves no lock."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            NotRunError: the server does not answer.
        """
        self._connection: psycopg.Connection[Any] = connect(
            url, {**OPTIONS, "lock_timeout": _LOCK_TIMEOUT, "enable_partition_pruning": "off"}
        )
        self._connection.prepare_threshold = None

    def blocked(self, relation: Relation) -> tuple[Traffic, ...]:
        """What of it waits. A view or sequence that nobody can write is only read."""
        # A writer wants a stronger lock on the same relations: where it goes on, readers do.
        writes = relation.kind in _WRITTEN
        if writes and not self._waits(f"explain delete from {relation.qualified}"):
            return ()
        if relation.kind not in _READ:
            return ()
        reads = self._waits(f"explain select 1 from {relation.qualified}")
        return (*(("reads",) if reads else ()), *(("writes",) if writes else ()))  # type: ignore[return-value]

    @property
    def is_closed(self) -> bool:
        """Whether the session was cut or closed."""
        return self._connection.closed

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._connection.close()

    def _waits(self, statement: str) -> bool:
        try:
            self._connection.execute(statement.encode())
        except psycopg.errors.LockNotAvailable:
            return True
        except psycopg.OperationalError:
            if self._connection.closed:
                raise
        except psycopg.Error:
            pass  # it may not do that at all; the lock comes before the refusal
        return False
