"""Data that requests make before a run: orders to be read, carts to be filled.

Plain blocking sockets and a few threads: nothing is measured here, and a failure is told at once,
with what the target answered, instead of a run full of requests for things that are not there.
"""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, Final

from senior_backend.errors import NotRunError
from senior_backend.load.engine.settings import EngineSettings
from senior_backend.load.http1 import Reader, ResponseError
from senior_backend.load.plan import Response, Step, Variables
from senior_backend.load.target import Target, dial

_AT_ONCE: Final = 8
_READ: Final = 65_536
_SHOWN: Final = 200
"""Characters of a body that an error shows."""

Row = dict[str, Any]


class Line:
    """A connection that is opened when it is needed, and again when it was closed."""

    def __init__(
        self,
        target: Target,
        proxy: Target | None,
        context: ssl.SSLContext | None,
        settings: EngineSettings,
        place: int,
    ) -> None:
        """``place`` spreads several lines over the addresses."""
        self._target = target
        self._proxy = proxy
        self._context = context
        self._settings = settings
        addresses = settings.proxy.addresses if settings.proxy else settings.addresses
        self._address = addresses[place % len(addresses)]
        self._socket: socket.socket | None = None
        self._given_up = False

    def ask(self, step: Step, request: bytes) -> Response:
        """The response to ``request``. Raises ``OSError`` or ``ResponseError``."""
        reused = self._socket is not None
        try:
            return self._ask(step, request)
        except ConnectionError:
            # A server may close a connection that was idle just when we write to it.
            if not reused or self._given_up:
                raise
            return self._ask(step, request)

    def _ask(self, step: Step, request: bytes) -> Response:
        settings = self._settings
        if self._socket is None:
            self._socket = dial(
                self._target,
                self._address,
                context=self._context,
                proxy=self._proxy,
                proxy_headers=proxy_headers(settings),
                connect_s=settings.connect_timeout_ns / 1e9,
                tls_s=settings.tls_timeout_ns / 1e9,
            )
        reader = Reader(
            head_only=step.head,
            header_limit=settings.header_limit,
            body_limit=settings.body_limit,
            wants_headers=True,
            wants_body=True,
        )
        deadline = time.monotonic() + step.timeout_ns / 1e9
        complete = False
        try:
            self._socket.settimeout(step.timeout_ns / 1e9)
            self._socket.sendall(request)
            while not complete:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._socket.settimeout(left)
                data = self._socket.recv(_READ)
                if not data and not reader.status:
                    raise ConnectionResetError("the connection was closed without a response")
                complete = reader.feed(data) if data else reader.end()
        finally:
            if not (complete and reader.reusable):
                self.close()
        return Response(reader.status, reader.headers, reader.body)

    def give_up(self) -> None:
        """From another thread: wake up the one that waits for a response here, with an error."""
        self._given_up = True
        if (waiting := self._socket) is not None:
            with contextlib.suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


def proxy_headers(settings: EngineSettings) -> bytes:
    """What CONNECT carries beside the target."""
    if settings.proxy is None or settings.proxy.authorization is None:
        return b""
    return f"Proxy-Authorization: {settings.proxy.authorization}\r\n".encode("latin-1")


def make(name: str, first: Step, count: int, line: Callable[[int], Line]) -> list[Row]:
    """``count`` rows of the data ``name``, made by the requests that begin with ``first``.

    ``line`` opens the n-th connection. Raises ``NotRunError`` at the first request that fails.
    """
    rows: list[Row] = [{} for _ in range(count)]
    stopped = threading.Event()
    workers = min(_AT_ONCE, count)
    lines = [line(place) for place in range(workers)]

    def make_some(place: int) -> None:
        mine = lines[place]
        try:
            for k in range(place, count, workers):
                if stopped.is_set():
                    return
                rows[k] = _row(name, k, first, mine)
        finally:
            mine.close()

    with ThreadPoolExecutor(workers) as pool:
        try:
            parts = [pool.submit(make_some, place) for place in range(workers)]
            wait(parts, return_when=FIRST_EXCEPTION)
        except KeyboardInterrupt:
            stopped.set()
            for each in lines:
                each.give_up()
            raise
        finally:
            stopped.set()
    for part in parts:
        part.result()
    return rows


def _row(name: str, k: int, first: Step, line: Line) -> Row:
    variables: Variables = {}
    step: Step | None = first
    while step is not None:
        request = step.static if step.render is None else step.render(k, variables)
        if request is None:
            raise AssertionError("a step is static or is rendered")
        where = f"data {name}, row {k + 1}: {_spoken(request)}"
        try:
            response = line.ask(step, request)
        except TimeoutError:
            raise NotRunError(f"{where}: no response within {step.timeout_ns / 1e9:g} s") from None
        except ResponseError as error:
            raise NotRunError(f"{where}: {error.cause}") from None
        except OSError as error:
            raise NotRunError(f"{where}: {error.strerror or error}") from None
        if response.status not in step.expected:
            raise NotRunError(f"{where} answered {response.status}{_shown(response)}")
        cause = step.judge(k, response, variables) if step.judge is not None else None
        if cause is not None:
            raise NotRunError(f"{where} answered {response.status}, but {cause}{_shown(response)}")
        if step.next is not None:
            time.sleep(step.pause_ns / 1e9)
        step = step.next
    return variables


def _spoken(request: bytes) -> str:
    """Method and path; not the query, where keys may be."""
    method, _, rest = request.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path = rest.rpartition(" ")[0].partition("?")[0]
    return f"{method} {re.sub(r'^https?://[^/]*', '', path)}"


def _shown(response: Response) -> str:
    lines = response.body[: 4 * _SHOWN].decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return ""
    return f": {''.join(c if c.isprintable() else '?' for c in lines[0][:_SHOWN])}"
