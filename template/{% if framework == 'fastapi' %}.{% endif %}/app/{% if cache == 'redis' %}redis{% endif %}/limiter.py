"""How often something may happen, counted by all processes together."""

from app.redis.store import RedisStore, Script

# The same bucket as `app.rate_limit.TokenBuckets`: its level is kept as the moment at which it was,
# or will be, full. Redis' clock counts, in whole microseconds, so processes need not agree on one.
_TAKE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, capacity, count = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
local wait = full_at - now - capacity * interval
if wait > 0 then
  return wait
end
if count then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at),
             'PX', math.ceil((full_at - now) / 1000))
end
return 0
""")


class RedisRateLimiter:
    """`per_minute` for each key in all processes, all at once if they like.

    Each question is one round trip. Both methods raise `RedisAway` when Redis cannot tell.
    """

    def __init__(self, store: RedisStore, per_minute: int) -> None:
        self._store = store
        self._capacity = per_minute
        self._interval_us = max(1, round(60_000_000 / per_minute))

    async def take(self, key: str) -> float:
        """Count one for `key`, if there is room for it; the seconds until there is."""
        return await self._ask(key, count=1)

    async def wait(self, key: str) -> float:
        """The same without counting."""
        return await self._ask(key, count=0)

    async def _ask(self, key: str, *, count: int) -> float:
        name = self._store.key("limit", key)
        wait_us = await self._store.run(_TAKE, name, self._interval_us, self._capacity, count)
        return int(wait_us) / 1_000_000
