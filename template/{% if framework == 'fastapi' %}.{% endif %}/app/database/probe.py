"""Is the database there? Asked on a connection of its own, so that a full pool is no outage."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from app.database.url import DatabaseAddress

INTERVAL_S = 1.0
TIMEOUT_S = 1.0
FAILURES_UNTIL_DOWN = 3
NOT_ASKED = "not asked yet"


class DatabaseProbe:
    """Asks `select 1` every second; down after three failures in a row, up after one success.

    A database that suspends itself when nobody asks (Neon) stays awake as long as the service runs:
    on purpose, since readiness that was not asked for is a guess, and a cold start a caller's wait.

    Args:
        on_change: called with the error when the database is away, with None when it answers again.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        on_change: Callable[[str | None], None] = lambda _: None,
        interval_s: float = INTERVAL_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._address = address
        self._on_change = on_change
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._connection: asyncpg.Connection | None = None
        self._failures = FAILURES_UNTIL_DOWN  # down until the first answer
        self.last_error: str | None = NOT_ASKED

    @property
    def up(self) -> bool:
        """Whether the database answered lately."""
        return self._failures < FAILURES_UNTIL_DOWN

    async def run(self) -> None:
        """Probe until cancelled."""
        try:
            while True:
                await self.ask()
                await asyncio.sleep(self._interval_s)
        finally:
            self.close()

    async def ask(self) -> None:
        """Ask once and remember the outcome."""
        try:
            await _within(self._timeout_s, self._select_one)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the answer is "not now"
            self._failures += 1
            if self._failures == FAILURES_UNTIL_DOWN or self.last_error == NOT_ASKED:
                self._on_change(repr(error))
            self.last_error = type(error).__name__
            self.close()
        else:
            if not self.up:
                self._on_change(None)
            self._failures = 0
            self.last_error = None

    async def _select_one(self) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(
                timeout=self._timeout_s,
                statement_cache_size=0,  # a pooler may stand between
                **self._address.arguments,
            )
        await self._connection.execute("select 1")

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.terminate()
            self._connection = None


async def _within(seconds: float, ask: Callable[[], Awaitable[None]]) -> None:
    """Await `ask`, or give up without waiting for its cancellation.

    A driver that is cancelled amid a query first tells the server, which takes seconds when the
    server is frozen; `asyncio.timeout` would wait for that.
    """
    task = asyncio.ensure_future(ask())
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise TimeoutError
    task.result()
