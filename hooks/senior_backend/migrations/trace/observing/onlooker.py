"""Sessions that look on while a migration runs: they wait for nothing long, and survive being cut.

A migration may end all other sessions of its database (``pg_terminate_backend``), ours included.
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg

from senior_backend.migrations.trace.observing.execute import connect

_OPTIONS: Final = {
    "client_min_messages": "error",
    "statement_timeout": "10s",
    "lock_timeout": "2s",
    "jit": "off",
    "search_path": "pg_catalog",
}


class Onlooker:
    """One such session, connected anew when it was cut."""

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        """Connect; ``options`` are settings over the usual ones.

        Raises:
            NotRunError: the server does not answer.
        """
        self._url = url
        self._options = {**_OPTIONS, **(options or {})}
        self._connection: psycopg.Connection[Any] = self._connect()

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> psycopg.Cursor[Any]:
        """Run a statement; one that was cut off is run again.

        Raises:
            psycopg.Error: the server refuses it.
            NotRunError: the server does not answer any more.
        """
        try:
            return self._connection.execute(statement.encode(), parameters or None)
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
        self._connection = self._connect()
        return self._connection.execute(statement.encode(), parameters or None)

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._connection.close()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = connect(self._url, self._options)
        connection.prepare_threshold = None
        return connection
