"""How migrations run: one at a time over all replicas, each in a transaction of its own."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.database.url import parse_database_url

# Any number will do, as long as nothing else in the database uses it as an advisory lock.
LOCK_KEY = 4_711_000_001
LOCK_POLL_S = 0.2


async def migrate(url: str) -> None:
    """Bring the database at `url` to the revision that Alembic was asked for."""
    address = parse_database_url(url)
    engine = create_async_engine(
        address.url,
        poolclass=pool.NullPool,
        connect_args={
            **address.connect,
            "timeout": 10,
            "server_settings": {**address.server_settings, "application_name": "migrate"},
        },
    )
    try:
        async with engine.connect() as guard:
            await guard.execution_options(isolation_level="AUTOCOMMIT")
            await hold_lock(guard)
            async with engine.connect() as connection:
                await connection.run_sync(run_revisions)
    finally:
        await engine.dispose()


async def hold_lock(guard: AsyncConnection) -> None:
    """Wait for other migrations to end; the lock goes with the connection.

    Polled, never `pg_advisory_lock`: its open statement would hold a snapshot that CREATE INDEX
    CONCURRENTLY of the other run waits for, and both would hang.
    """
    attempt = text("select pg_try_advisory_lock(:key)")
    while not (await guard.execute(attempt, {"key": LOCK_KEY})).scalar_one():
        await asyncio.sleep(LOCK_POLL_S)


def run_revisions(connection: Connection) -> None:
    """Run what is missing.

    A transaction for each revision: with one around all of them, an index that was built
    concurrently stays when a later revision fails, but its revision is not recorded.
    """
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


asyncio.run(migrate(context.config.attributes.get("url") or os.environ["DATABASE_URL"]))
