"""How many statements a service sends to its database, read from the server's own log."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.contract.database import USER_TABLES, Database
from tests.contract.service import wait_until

# `log_statement` writes one entry for each, whatever protocol it came by.
ENTRY = re.compile(r"LOG:  (?:statement|execute [^:]*): ")
MARKER_SECONDS = 5.0


@dataclass
class Statements:
    """The statements of a database that name one of its tables, or open a transaction.

    The readiness probe does neither.
    """

    database: Database

    @staticmethod
    def write_down(database: Database) -> None:
        """Write the statements of all later sessions of `database` into the server's log."""
        with psycopg.connect(database.direct_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("alter database {} set log_statement = 'all'").format(
                    sql.Identifier(database.name)
                )
            )

    def during(self, call: Callable[[], object]) -> list[str]:
        """What the service sent while `call` ran."""
        offset = self._log.stat().st_size
        start = self._mark(offset)
        call()
        end = self._mark(offset)
        log = self._read(offset).partition(start)[2].partition(end)[0]
        with psycopg.connect(self.database.direct_url) as connection:
            tables = {table for _, table in connection.execute(USER_TABLES).fetchall()}
        counted = {"begin", *tables}
        return [
            entry
            for entry in ENTRY.split(log)[1:]
            if counted & set(re.findall(r"[a-z_]+", entry.lower()))
        ]

    @property
    def _log(self) -> Path:
        return self.database.cluster.server.log

    def _read(self, offset: int) -> str:
        with self._log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def _mark(self, offset: int) -> str:
        """A line of our own in the log; what was sent before it stands before it."""
        marker = f"contract-marker-{time.monotonic_ns()}"
        with psycopg.connect(self.database.direct_url, autocommit=True) as connection:
            connection.execute(sql.SQL("select {}").format(sql.Literal(marker)))
        wait_until(
            lambda: marker in self._read(offset),
            MARKER_SECONDS,
            lambda: "the server does not log its statements",
            0.01,
        )
        return marker
