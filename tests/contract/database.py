"""PostgreSQL as the suite needs it: one migrated database to copy, locks taken from outside.

Nothing here knows a table by name: what is locked or renamed is found through the catalog.
"""

import os
import shlex
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from senior_backend.postgres import Server

USER_TABLES = """
    select n.nspname, c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    order by 1, 2
"""

HOLD = """
    create function contract_hold() returns trigger language plpgsql as $$
    begin
      while not pg_try_advisory_xact_lock_shared(4711) loop
        perform pg_sleep(0.02);
      end loop;
      return null;
    end $$
"""

HELD = """
    select from pg_stat_activity
    where datname = current_database() and wait_event = 'PgSleep'
"""


@dataclass
class Pooler:
    """A connection pooler of the user's choice in front of one server.

    `command` is started once for the server, must stay in the foreground and is told by environment
    what to do: listen on 127.0.0.1:CONTRACT_POOLER_PORT and pass every database through to
    127.0.0.1:CONTRACT_SERVER_PORT, for clients that are the user `postgres` with the password
    CONTRACT_SERVER_PASSWORD, as the same user.
    """

    command: str
    port: int
    _process: subprocess.Popen[bytes] | None = None

    def start(self, server: "Server") -> None:
        """Start it and wait until it accepts connections."""
        self._process = subprocess.Popen(
            shlex.split(self.command),
            env={
                **os.environ,
                "CONTRACT_POOLER_PORT": str(self.port),
                "CONTRACT_SERVER_PORT": str(server.port),
                "CONTRACT_SERVER_PASSWORD": urlsplit(server.url()).password or "",
            },
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the pooler did not listen on port {self.port}: {self.command}")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


@dataclass
class Cluster:
    """One PostgreSQL server, and a pooler before it if one was asked for."""

    server: "Server"
    pooler: Pooler | None = None

    @classmethod
    def start(cls, pooler: Pooler | None = None) -> "Cluster":
        """Start a server of our own; nothing survives `stop`."""
        from senior_backend.postgres import start

        cluster = cls(start(), pooler)
        if pooler is not None:
            pooler.start(cluster.server)
        return cluster

    def stop(self) -> None:
        """Stop the server and remove its files."""
        if self.pooler is not None:
            self.pooler.stop()
        self.server.stop()

    def database(self, template: "Database | None" = None) -> "Database":
        """A new database, empty or a copy of `template`."""
        name = f"contract_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("create database {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" template {}").format(sql.Identifier(template.name))
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)
        return Database(self, name)


@dataclass
class Database:
    """One database: the address the service gets, and the direct one."""

    cluster: Cluster
    name: str

    @property
    def direct_url(self) -> str:
        """Past any pooler: for migrations and for this suite's own connections."""
        return self.cluster.server.url(self.name)

    @property
    def service_url(self) -> str:
        """What DATABASE_URL says to the service."""
        if self.cluster.pooler is None:
            return self.direct_url
        server, pooler = self.cluster.server, self.cluster.pooler
        return self.direct_url.replace(f":{server.port}/", f":{pooler.port}/")

    def environment(self) -> dict[str, str]:
        """The contract's variables that say where the database is."""
        settings = {"DATABASE_URL": self.service_url}
        if self.cluster.pooler is not None:
            settings |= {"DATABASE_DIRECT_URL": self.direct_url, "DATABASE_POOLED": "true"}
        return settings

    @contextmanager
    def tables_locked(self) -> Iterator[None]:
        """Nobody else reads or writes any table meanwhile."""
        with psycopg.connect(self.direct_url) as connection:
            for schema, table in connection.execute(USER_TABLES).fetchall():
                connection.execute(
                    sql.SQL("lock table {} in access exclusive mode").format(
                        sql.Identifier(schema, table)
                    )
                )
            yield
            connection.rollback()

    @contextmanager
    def writes_held(self) -> Iterator[Callable[[], bool]]:
        """Every write to any table meanwhile lasts to the end of the block, and then succeeds.

        Its row is written and its statement goes on: it waits for no lock, so that no limit on
        lock waits ends it. Yields a function that tells whether a write is being held now.
        """
        with psycopg.connect(self.direct_url, autocommit=True) as connection:
            tables = connection.execute(USER_TABLES).fetchall()
            connection.execute(HOLD)
            connection.execute("select pg_advisory_lock(4711)")
            for schema, table in tables:
                connection.execute(
                    sql.SQL(
                        "create trigger contract_hold after insert or update or delete on {}"
                        " for each row execute function contract_hold()"
                    ).format(sql.Identifier(schema, table))
                )

            def holds_one() -> bool:
                return connection.execute(HELD).fetchone() is not None

            try:
                yield holds_one
            finally:
                connection.execute("select pg_advisory_unlock(4711)")
                # One at a time: two locks at once would deadlock with a write that goes on now.
                for schema, table in tables:
                    connection.execute(
                        sql.SQL("drop trigger contract_hold on {}").format(
                            sql.Identifier(schema, table)
                        )
                    )
                connection.execute("drop function contract_hold()")

    @contextmanager
    def tables_missing(self) -> Iterator[None]:
        """Every table bears another name meanwhile: what no service foresees."""
        with psycopg.connect(self.direct_url, autocommit=True) as connection:
            tables = connection.execute(USER_TABLES).fetchall()

            def rename(change: str, back: bool) -> None:
                for schema, table in tables:
                    old, new = (table + change, table) if back else (table, table + change)
                    connection.execute(
                        sql.SQL("alter table {} rename to {}").format(
                            sql.Identifier(schema, old), sql.Identifier(new)
                        )
                    )

            rename("_gone", back=False)
            try:
                yield
            finally:
                rename("_gone", back=True)

    def let_time_pass(self, hours: float) -> None:
        """Move every timestamp in the database into the past: to the data, time has passed."""
        columns = """
            select n.nspname, c.relname, a.attname
            from pg_attribute a join pg_class c on c.oid = a.attrelid
            join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and n.nspname !~ '^pg_'
              and n.nspname <> 'information_schema' and a.attgenerated = ''
              and a.attnum > 0 and not a.attisdropped and a.atttypid = 'timestamptz'::regtype
        """
        with psycopg.connect(self.direct_url) as connection:
            for schema, table, column in connection.execute(columns).fetchall():
                connection.execute(
                    sql.SQL("update {} set {} = {} - make_interval(secs => {})").format(
                        sql.Identifier(schema, table),
                        sql.Identifier(column),
                        sql.Identifier(column),
                        sql.Literal(hours * 3600),
                    )
                )

    def row_count(self) -> int:
        """How many rows all tables hold together."""
        with psycopg.connect(self.direct_url) as connection:
            return sum(
                connection.execute(
                    sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
                ).fetchone()[0]  # type: ignore[index]
                for schema, table in connection.execute(USER_TABLES).fetchall()
            )

    def end_sessions(self) -> None:
        """Terminate every other session, as a failover does."""
        with psycopg.connect(self.direct_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
