"""The process: a listener for the API, one for metrics, and an orderly end."""

import asyncio
import gc
import os
import signal
import socket as socket_module
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.application import create_app
from app.http.lifecycle import Lifecycle
from app.observability.logs import configure_logs, log
from app.observability.metrics import CONTENT_TYPE, Metrics
from app.settings import Settings

# Longer than the 60 s after which common load balancers drop an idle connection: whoever closes
# first may do so while the other one is sending.
KEEP_ALIVE_S = 75
# More than any proxy lets through; the parser itself would keep whatever comes.
MAX_HEAD_BYTES = 65_536
# The connection of a caller that takes nothing of a reply for so long is closed, by Linux itself.
UNREAD_MS = 75_000
TCP_USER_TIMEOUT: int | None = getattr(socket_module, "TCP_USER_TIMEOUT", None)
SETTLE_S = 0.5


class PortTaken(Exception):
    """A listener could not be opened; the message names the variable and the cause."""


def serve(settings: Settings) -> int:
    """Serve until a signal ends it; the exit code: 0 after an orderly end, else 1.

    Raises:
        PortTaken: before anything has started.
    """
    configure_logs(settings.log_level)
    public = _listen("PORT", settings.port)
    private = _listen("METRICS_PORT", settings.metrics_port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, public, private))


async def _serve(settings: Settings, public: socket, private: socket) -> int:
    app = create_app(settings)
    metrics = _QuietServer(_config(metrics_app(app.parts.metrics), lifespan="off"))
    scraping = asyncio.create_task(metrics.serve([private]))
    server = Server(
        _config(app, lifespan="on"),
        app.parts.lifecycle,
        drain_s=settings.shutdown_drain_ms / 1000,
        grace_s=settings.shutdown_grace_ms / 1000,
    )
    log.info("listening", port=public.getsockname()[1], metrics_port=private.getsockname()[1])
    _relax_garbage_collection()
    await server.serve([public])
    metrics.should_exit = metrics.force_exit = True
    with suppress(asyncio.CancelledError):
        await scraping
    log.info("stopped")
    return 0


def _relax_garbage_collection() -> None:
    """Collect far less often than Python does by itself.

    Requests leave next to no cycles, and a collection walks over every object that a large reply
    or a burst of requests holds at the moment. What start-up made is not looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _config(app: ASGIApp, *, lifespan: str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan=lifespan,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,  # the edge layer writes a better one
        proxy_headers=False,  # TRUST_PROXY_HOPS decides whom to believe
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )


class Server(uvicorn.Server):
    """uvicorn, with an end that load balancers can live with.

    SIGTERM: not ready from now on, and every reply says `Connection: close`; requests are served
    for `drain_s` more, since the news takes time to spread; then the listener closes, and what is
    in flight finishes. SIGINT (a developer's Ctrl-C) skips the wait; a second one skips the rest.
    An end that takes longer than `grace_s` is cut short with exit code 1.
    """

    def __init__(
        self, config: uvicorn.Config, lifecycle: Lifecycle, *, drain_s: float, grace_s: float
    ) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_s = drain_s
        self._grace_s = grace_s

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals in the event loop; uvicorn's own way ends with exit code 143."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        yield

    def _end(self, number: signal.Signals) -> None:
        if self._lifecycle.draining:
            self.force_exit = self.force_exit or number == signal.SIGINT
            self.should_exit = self.should_exit or number == signal.SIGINT
            return
        self._lifecycle.draining = True
        log.info("draining", signal=number.name, drain_s=self._drain_s)
        loop = asyncio.get_running_loop()
        loop.call_later(self._drain_s if number == signal.SIGTERM else 0, self._stop)
        loop.call_later(self._grace_s, self._give_up)

    def _stop(self) -> None:
        self.should_exit = True

    def _give_up(self) -> None:
        log.error("shutdown took longer than SHUTDOWN_GRACE_MS", tasks=len(self.server_state.tasks))
        os._exit(1)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Accept no more; then wait a moment before idle connections are closed.

        A connection that looks idle may have been opened, or its next request sent, just now: the
        request is on its way. It gets its reply, with `Connection: close`.
        """
        for listener in self.servers:
            listener.close()
        loop = asyncio.get_running_loop()
        settled = loop.time() + SETTLE_S
        while self.server_state.connections and loop.time() < settled and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


class _Protocol(HttpToolsProtocol):
    """uvicorn's parser, with limits to the size of a request's head and to the time it takes.

    Nonsense after a complete request does not take away its reply.
    """

    _unfinished_bytes = 0  # received since the last head, piece of a body or end of a request
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, but not for ever."""
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._progress()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse a head that does not end."""
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > MAX_HEAD_BYTES:
            self.flow.pause_reading()
            self.send_400_response("The request's head is too large.")
        elif self._unfinished_bytes and self._head_timer is None:
            self._start_head_timer()

    def on_headers_complete(self) -> None:
        """A head has arrived."""
        self._progress()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body has arrived."""
        self._progress()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has arrived whole."""
        self._progress()
        super().on_message_complete()

    def _progress(self) -> None:
        self._unfinished_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(KEEP_ALIVE_S, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, and close."""
        if self.cycle is not None and not (self.cycle.response_complete or self.cycle.more_body):
            self.cycle.keep_alive = False
        else:
            super().send_400_response(msg)


class _QuietServer(uvicorn.Server):
    """A server beside the main one: signals are not its business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def metrics_app(metrics: Metrics) -> ASGIApp:
    """The application on METRICS_PORT: `GET /metrics`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        response: Response
        if request.url.path != "/metrics":
            response = PlainTextResponse("Not Found", 404)
        elif request.method not in {"GET", "HEAD"}:
            response = PlainTextResponse("Method Not Allowed", 405, {"Allow": "GET, HEAD"})
        else:
            response = Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})
        await response(scope, receive, send)

    return app


def _listen(variable: str, port: int) -> socket:
    listener = socket(AF_INET, SOCK_STREAM)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    if TCP_USER_TIMEOUT is not None:
        listener.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, UNREAD_MS)  # connections inherit it
    try:
        listener.bind(("0.0.0.0", port))  # noqa: S104 - a container's port is published or not
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"{variable}: cannot listen on port {port}: {error.strerror};"
            " stop the other program, or name another port"
        ) from None
    return listener
