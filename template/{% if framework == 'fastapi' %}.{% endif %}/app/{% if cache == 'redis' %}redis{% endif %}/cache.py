"""Values that are read far more often than they change: from Redis, else from where they live.

A reader who finds nothing leaves a lease in the place of the value and loads it. Only while that
very lease is still there may the value take its place; and whoever changes the thing deletes what is
there once the change is committed, value or lease. So a reader who loaded the old row before the
commit stores it nowhere after it, whatever was slow, restarted or evicted in between. The lease is
also what makes others wait for one load instead of loading, too.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter
from pydantic import TypeAdapter

from app.redis.store import RedisAway, RedisStore, Script

# How long a load may take before others believe that it failed. Too short costs a second load.
LEASE_MS = 2_000
# Between questions whether another process has loaded; after the last one, load as well.
PATIENCE_S = (0.005, 0.01, 0.02, 0.04, 0.0)
_VALUE, _LEASE = b"=", b"?"

_FIND_OR_LEASE = Script("""
local found = redis.call('GET', KEYS[1])
if found then
  return found
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
""")

_KEEP = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  return redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
""")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What is cached, and how it is written.

    Attributes:
        name: another one whenever the form changes, so that releases side by side do not meet.
    """

    name: str
    form: TypeAdapter[T]


class Cache:
    """Reads through Redis; without a store, or while it is away, straight from where values live.

    Args:
        ttl_ms: the most that a value stays. It bounds how long a change stays unseen whose process
            was killed, or cut off from Redis, between the commit and the deletion.
    """

    def __init__(
        self, store: RedisStore | None, *, ttl_ms: int, registry: CollectorRegistry
    ) -> None:
        self._store = store
        self._ttl_ms = ttl_ms
        self._loads: dict[bytes, asyncio.Future[Any]] = {}
        self._requests = Counter(
            "cache_requests",
            "Reads through the cache: hit without the database, miss and error (of Redis) with it.",
            ("result",),
            registry=registry,
        )
        self._failures = Counter(
            "cache_failures", "Questions that Redis did not answer.", registry=registry
        )

    async def get_or_load(
        self, kind: Kind[T], *identity: str, load: Callable[[], Awaitable[T | None]]
    ) -> T | None:
        """The value of that identity; `load` gets it from where it lives, None if there is none."""
        if self._store is None:
            return await load()
        key = self._store.key(kind.name, *identity)
        lease = _LEASE + secrets.token_bytes(12)
        for patience_s in PATIENCE_S:
            try:
                found = await self._store.run(_FIND_OR_LEASE, key, lease, LEASE_MS)
            except RedisAway:
                self._failures.inc()
                self._count("error")
                return await load()
            if found == lease:
                self._count("miss")
                return await self._load(kind, key, lease, load)
            if found.startswith(_VALUE):
                try:
                    value: T | None = kind.form.validate_json(found[1:])
                except ValueError:  # not as this release writes it: as if it were not there
                    break
                self._count("hit")
                return value
            # Somebody loads. The lease was still there when asked, so nothing was changed since.
            under_way: asyncio.Future[T | None] | None = self._loads.get(found)
            if under_way is None:
                await asyncio.sleep(patience_s)
                continue
            await asyncio.wait({under_way})
            if under_way.cancelled():
                break
            self._count("hit")
            return under_way.result()
        self._count("miss")
        return await load()

    @asynccontextmanager
    async def changing(self, kind: Kind[Any], *identity: str) -> AsyncIterator[None]:
        """Surrounds the transaction that changes something: whatever comes of it, forget the value.

        A change whose commit is not known to have failed may have happened, so errors forget, too.
        """
        try:
            yield
        finally:
            if self._store is not None:
                key = self._store.key(kind.name, *identity)
                # A request that is given up meanwhile must not keep the deletion from Redis.
                if not await asyncio.shield(self._store.delete(key, lives_ms=self._ttl_ms)):
                    self._failures.inc()

    async def _load(
        self, kind: Kind[T], key: str, lease: bytes, load: Callable[[], Awaitable[T | None]]
    ) -> T | None:
        """Load for everybody who waits for `lease`, and put the value in its place."""
        loaded: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._loads[lease] = loaded
        kept = b""
        try:
            value = await load()
            loaded.set_result(value)
            if value is not None:
                kept = _VALUE + kind.form.dump_json(value)
            return value
        finally:
            loaded.cancel()  # without effect when it has its result
            await self._keep(key, lease, kept)
            del self._loads[lease]

    async def _keep(self, key: str, lease: bytes, kept: bytes) -> None:
        assert self._store is not None
        ttl_ms = max(1, round(self._ttl_ms * random.uniform(0.8, 1)))  # noqa: S311 - no secret
        try:
            await self._store.run(_KEEP, key, lease, kept, ttl_ms)
        except RedisAway:
            self._failures.inc()

    def _count(self, result: str) -> None:
        self._requests.labels(result).inc()
