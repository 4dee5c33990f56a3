"""What the service does by itself: deletes expired idempotency keys."""

import asyncio
import random

from app.database.engine import Database
from app.database.errors import as_unavailable
from app.observability.logs import log
from app.repositories import idempotency_keys

INTERVAL_S = 60.0
BATCH = 1000


async def run_maintenance(database: Database, *, interval_s: float = INTERVAL_S) -> None:
    """Clean up until cancelled, at slightly irregular times so that replicas do not march in step."""
    while True:
        await asyncio.sleep(interval_s * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        try:
            deleted = await delete_expired_keys(database)
        except Exception as error:  # noqa: BLE001 - the next round may do better
            if as_unavailable(error) is None:
                log.error("maintenance failed", exc_info=error)
            continue
        if deleted:
            log.info("expired idempotency keys deleted", count=deleted)


async def delete_expired_keys(database: Database, *, batch: int = BATCH) -> int:
    """Delete all expired keys, `batch` in a transaction; how many."""
    total = 0
    while True:
        async with database.transaction() as transaction:
            deleted = await idempotency_keys.delete_expired(transaction, batch=batch)
        total += deleted
        if deleted < batch:
            return total
