"""The connection pool and its two uses: a read in one round trip, and a transaction."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from asyncpg.exceptions import PostgresError
from sqlalchemy import Connection, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection

from app import NAME
from app.database.errors import CannotConnect
from app.database.url import DatabaseAddress

CONNECT_TIMEOUT_S = 3.0
CLOSE_TIMEOUT_S = 2.0
# A connection that a firewall forgot silently is gone after this; servers behind a failover move.
RECYCLE_AFTER_S = 1800


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Limits of the pool and of each statement; times in milliseconds.

    Attributes:
        pooled: a transaction pooler (PgBouncer, Neon, Supabase) stands before the server. It
            refuses start-up parameters and hands each transaction to another server process, so
            limits are set in every transaction and no prepared statement is kept by name.
    """

    max_connections: int
    acquire_timeout_ms: int
    statement_timeout_ms: int
    pooled: bool


class Database:
    """A bounded pool of connections to one PostgreSQL database."""

    def __init__(self, address: DatabaseAddress, settings: PoolSettings) -> None:
        self.settings = settings
        self.engine = _create_engine(address, settings)
        # Behind a pooler a limit holds only inside a transaction, so reads need one too.
        self._reader = (
            self.engine
            if settings.pooled
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for single statements: each stands for itself and costs one round trip."""
        return self._reader.connect()

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection in a transaction: committed at the end, rolled back on any exception."""
        return self.engine.begin()

    @property
    def pool(self) -> AsyncAdaptedQueuePool:
        """The pool itself, for gauges."""
        pool = self.engine.pool
        assert isinstance(pool, AsyncAdaptedQueuePool)
        return pool

    async def close(self) -> None:
        """Close every connection that is not in use; a server that does not answer is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.engine.dispose()


@asynccontextmanager
async def open_database(
    address: DatabaseAddress, settings: PoolSettings
) -> AsyncIterator[Database]:
    """A database that is closed when the block ends; connects on first use."""
    database = Database(address, settings)
    try:
        yield database
    finally:
        await database.close()


def session_settings(settings: PoolSettings) -> dict[str, str]:
    """What every session of the service is limited by, in PostgreSQL's own names and units (ms)."""
    return {
        "statement_timeout": str(settings.statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(2 * settings.statement_timeout_ms),
    }


def _create_engine(address: DatabaseAddress, settings: PoolSettings) -> AsyncEngine:
    connect: dict[str, Any] = {**address.connect, "timeout": CONNECT_TIMEOUT_S}
    if settings.pooled:
        connect |= {
            "server_settings": {},
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            # Unnamed statements: a name made on one server process is unknown to the next.
            "prepared_statement_name_func": lambda: "",
        }
    else:
        connect["server_settings"] = {
            "application_name": NAME,
            **address.server_settings,
            **session_settings(settings),
        }
    engine = create_async_engine(
        address.url,
        connect_args=connect,
        pool_size=settings.max_connections,
        max_overflow=0,
        pool_timeout=settings.acquire_timeout_ms / 1000,
        pool_recycle=RECYCLE_AFTER_S,
        pool_use_lifo=True,  # idle connections stay idle, so the server can let go of them
        hide_parameters=True,  # an exception's text ends in the log; values belong to tenants
    )
    event.listen(engine.sync_engine, "do_connect", _connect)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "handle_error", _forget_values)
    if settings.pooled:
        own = _set_local({**address.server_settings, **session_settings(settings)})
        event.listen(engine.sync_engine, "begin", lambda connection: _limit(connection, own))
    return engine


def _connect(
    dialect: Dialect,
    _entry: ConnectionPoolEntry,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> DBAPIConnection:
    """Connect; asyncpg lets the socket's own errors through, which say nothing of the database."""
    try:
        return dialect.connect(*arguments, **keywords)
    except OSError as error:
        raise CannotConnect(f"{type(error).__name__}: {error}") from error


def _forget_values(context: ExceptionContext) -> None:
    """Take the row out of a violated constraint's error: the server quotes it in DETAIL."""
    cause = context.original_exception.__cause__
    if isinstance(cause, PostgresError):
        cause.detail = None


def _refuse_closed(
    dbapi_connection: DBAPIConnection,
    _entry: ConnectionPoolEntry,
    _proxy: PoolProxiedConnection,
) -> None:
    """Replace a connection that the server closed, without the round trip of a ping."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


def _set_local(settings: Mapping[str, str]) -> str:
    """One statement for all of them: each costs a transaction its round trips."""
    calls = [f"set_config('{name}', {_literal(text)}, true)" for name, text in settings.items()]
    return f"select {', '.join(calls)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _limit(connection: Connection, own: str) -> None:
    """Settings of this transaction: they end with it, and the pooler's next client sees none."""
    connection.exec_driver_sql(own)
