"""How often something may happen: token buckets, in this process.

Each replica counts for itself. To count across replicas, implement `RateLimiter` over a shared
store and hand it to `create_app`; let it raise when the store is away: callers then let the
request through and count that.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol


class RateLimiter(Protocol):
    """Counts by key; both methods give the seconds until there is room again, 0 when there is."""

    async def take(self, key: str) -> float:
        """Count one for `key`, if there is room for it."""

    async def wait(self, key: str) -> float:
        """The same without counting."""


class TokenBuckets:
    """A bucket for each key: holds `capacity`, refills at `per_second`, in bounded memory.

    The keys that were used longest ago are forgotten first. A forgotten key starts with a full
    bucket, so a flood of new keys may favour some callers but never fills the memory.
    """

    def __init__(
        self,
        *,
        capacity: float,
        per_second: float,
        max_keys: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._max_keys = max_keys
        self._clock = clock
        # The level of each bucket is kept as the moment at which it was, or will be, full.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def try_take(self, key: str = "") -> float:
        """Take one, if the bucket holds one; the seconds until it would."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + 1 / self._per_second
        wait = full_at - now - self._capacity / self._per_second
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)
        return 0.0

    def seconds_to_wait(self, key: str = "") -> float:
        """The seconds until the bucket holds one; nothing is taken."""
        full_at = self._full_at.get(key)
        if full_at is None:
            return 0.0
        wait = full_at - self._clock() + (1 - self._capacity) / self._per_second
        return wait if wait > 1e-9 else 0.0


class LocalRateLimiter:
    """`per_minute` for each key, all at once if they like."""

    def __init__(self, per_minute: int) -> None:
        self._buckets = TokenBuckets(capacity=per_minute, per_second=per_minute / 60)

    async def take(self, key: str) -> float:
        """Count one for `key`, if there is room for it."""
        return self._buckets.try_take(key)

    async def wait(self, key: str) -> float:
        """The same without counting."""
        return self._buckets.seconds_to_wait(key)
