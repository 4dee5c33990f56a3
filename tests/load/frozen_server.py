"""A server that can be stopped, and knows when it stood still. Run as a program, see ``frozen``.

It answers every request at once, and looks at the clock every millisecond: a gap between two looks
is a time in which it did nothing, whoever stopped it, however late it was woken. What a load test
measures can so be compared with what really happened, also on a busy machine.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_BEAT_S = 0.001
_GAP_S = 0.005


class _Connection(asyncio.Protocol):
    first = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(_RESPONSE * len(requests))
        self.first.set()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    gaps = []

    async def look() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(_BEAT_S)
            now = time.monotonic()
            if now - last > _GAP_S:
                gaps.append(now - last)
            last = now

    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await _Connection.first.wait()
    print("first", flush=True)
    looking = loop.create_task(look())
    await ended.wait()
    looking.cancel()
    print(json.dumps(gaps), flush=True)


@dataclass
class Frozen:
    """The running server."""

    process: subprocess.Popen[str]
    port: int

    def freeze(self, pauses: Sequence[tuple[float, float]]) -> None:
        """Wait for the first request; then for each pair run so long, and stand still so long."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "first\n"
        for running, standing in pauses:
            time.sleep(running)
            os.kill(self.process.pid, signal.SIGSTOP)
            time.sleep(standing)
            os.kill(self.process.pid, signal.SIGCONT)

    def gaps(self) -> list[float]:
        """End it; the seconds of every time in which it stood still since the first request."""
        out, _ = self.process.communicate("", timeout=30)
        gaps: list[float] = json.loads(out)
        return gaps


@contextmanager
def frozen() -> Iterator[Frozen]:
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Frozen(process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def truth(percent: float, gaps: Sequence[float], seconds: float) -> float:
    """The percentile of the response times, in seconds, of a server that stood still in ``gaps``.

    Requests come evenly over ``seconds``. Of those that come in a gap of length d, the share
    (d - x) / d waits longer than x; all others are answered at once.
    """
    share = (1 - percent / 100) * seconds
    low, high = 0.0, max(gaps, default=0.0)
    for _ in range(60):
        middle = (low + high) / 2
        if sum(max(0.0, gap - middle) for gap in gaps) > share:
            low = middle
        else:
            high = middle
    return high


if __name__ == "__main__":
    asyncio.run(_serve())
