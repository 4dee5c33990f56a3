"""The connection to Redis: every command is bounded, and while Redis is away none is sent."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha1, sha256
from typing import Any

from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from app.redis.url import RedisAddress

ASK_TIMEOUT_S = 1.0
FIRST_DELAY_S = 0.05
LAST_DELAY_S = 1.0
CONNECTIONS = 8
NOT_ASKED = "not asked yet"


class RedisAway(Exception):
    """Redis does not answer, or refuses; do without it."""


class Script:
    """A Lua script on one key: it runs as a whole, between the commands of all other clients."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha1 = sha1(source.encode()).hexdigest()  # noqa: S324 - Redis' name for it


class RedisStore:
    """One Redis database that all processes of the service share.

    Args:
        prefix: begins every key, so that services can share a database.
        timeout_s: what a request may lose to Redis, once: after a command that took longer none is
            sent until Redis has answered the store itself.
        on_change: called with the error when Redis is away, with None when it answers, at
            first or again.
    """

    def __init__(
        self,
        address: RedisAddress,
        *,
        prefix: str,
        timeout_s: float,
        on_change: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._on_change = on_change
        # Nothing is tried twice: by the second time the request could have its answer without.
        self._client = Redis(
            connection_pool=ConnectionPool(
                connection_class=SSLConnection if address.tls else Connection,
                host=address.host,
                port=address.port,
                db=address.database,
                username=address.username,
                password=address.password,
                protocol=2,
                driver_info=None,
                socket_timeout=None,  # one clock for the whole command, see `_bounded`
                socket_connect_timeout=None,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._slots = asyncio.Semaphore(CONNECTIONS)
        # Keys whose deletion has not reached Redis, and when what they held is gone by itself.
        self._undeleted: dict[str, float] = {}
        self._lost = asyncio.Event()
        self._lost.set()
        self._era = 0
        self.last_error: str | None = NOT_ASKED

    @property
    def up(self) -> bool:
        """Whether Redis answered lately."""
        return not self._lost.is_set()

    def key(self, kind: str, *parts: str) -> str:
        """The key of something: a digest, since parts may be addresses and names of people."""
        digest = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self._prefix}:{kind}:{digest[:32]}"

    async def run(self, script: Script, key: str, *arguments: str | bytes | int) -> Any:
        """Run a script on a key; what it returns.

        Raises:
            RedisAway: at once while Redis is away, else after `timeout_s` at the latest.
        """
        return await self._bounded(lambda: self._run(script, key, *arguments))

    async def delete(self, key: str, *, lives_ms: int) -> bool:
        """Delete a key whose value lives `lives_ms` at most; False when Redis is away.

        Then it is deleted as soon as Redis answers, before this process uses anything from there.
        """
        try:
            await self._bounded(lambda: self._client.delete(key))
        except RedisAway:
            self._undeleted[key] = time.monotonic() + lives_ms / 1000
            self._lost.set()
            return False
        return True

    async def watch(self) -> None:
        """Until cancelled: whenever Redis is lost, ask for it until it is back."""
        while True:
            await self._lost.wait()
            delay = FIRST_DELAY_S
            while not await self.ask():
                await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
                delay = min(2 * delay, LAST_DELAY_S)

    async def ask(self) -> bool:
        """Ask once whether Redis is there and takes writes; use it from now on if it does."""
        now = time.monotonic()
        self._undeleted = {key: at for key, at in self._undeleted.items() if at > now}
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                await self._connect()
                await self._client.set(f"{self._prefix}:probe", "", px=1000)
                await self._delete_undeleted()
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(error)
            return False
        if self.last_error is not None:
            self._on_change(None)
        self._era += 1
        self.last_error = None
        self._lost.clear()
        return True

    async def close(self) -> None:
        """Close every connection; a server that does not answer is not waited for."""
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self._client.aclose(close_connection_pool=True)

    async def _connect(self) -> None:
        """Open every connection, so that no request waits for one."""
        pool = self._client.connection_pool
        await pool.disconnect(inuse_connections=False)  # they are to a server that may be gone
        connections: list[Connection] = []
        try:
            while len(connections) < CONNECTIONS:
                connections.append(await pool.get_connection())  # type: ignore[no-untyped-call]
        finally:
            for connection in connections:
                await pool.release(connection)

    async def _delete_undeleted(self) -> None:
        while self._undeleted:
            keys, self._undeleted = self._undeleted, {}
            try:
                await self._client.delete(*keys)
            except BaseException:
                self._undeleted = keys | self._undeleted
                raise

    async def _bounded(self, command: Callable[[], Awaitable[Any]]) -> Any:
        if not self.up:
            raise RedisAway(self.last_error)
        era = self._era
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                return await command()
        except (RedisError, OSError, TimeoutError) as error:
            if era == self._era:  # not when Redis has been asked anew meanwhile
                self._lose(error)
            raise RedisAway(repr(error)) from error

    async def _run(self, script: Script, key: str, *arguments: str | bytes | int) -> Any:
        try:
            return await self._client.evalsha(script.sha1, 1, key, *arguments)
        except NoScriptError:  # the first time since Redis started
            return await self._client.eval(script.source, 1, key, *arguments)

    def _lose(self, error: BaseException) -> None:
        if self.last_error in (None, NOT_ASKED):
            self._on_change(f"{type(error).__name__}: {error}")
        self.last_error = type(error).__name__
        self._lost.set()
