"""A service to load, on a port of this machine, that misbehaves on request."""

import itertools
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """One request, as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Service:
    """``/ok`` answers; ``/status/503``, ``/slow/0.5`` (seconds), ``/hang``, ``/items`` (POST: 201
    with an id, GET: what was posted).
    """

    port: int
    seen: list[Seen] = field(default_factory=list)
    items: dict[str, Any] = field(default_factory=dict)
    first: threading.Event = field(default_factory=threading.Event)
    """Set when a request has come."""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str) -> int:
        """How many requests for a path have come."""
        return sum(seen.path == path for seen in self.seen)


@contextmanager
def service(context: ssl.SSLContext | None = None) -> Iterator[Service]:
    """A running service; with TLS where there is a context."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.state = Service(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.state
    finally:
        server.state.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    state: Service
    numbers = itertools.count(1)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests hang up as they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        state = self.server.state
        if state.ended.is_set():
            self.close_connection = True
            return
        state.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        state.first.set()
        match self.path.partition("?")[0].strip("/").split("/"):
            case ["status", status]:
                self._answer(int(status), {"title": f"status {status}"})
            case ["slow", seconds]:
                time.sleep(float(seconds))
                self._answer(200, {"ok": True})
            case ["hang"]:
                state.ended.wait(60)
            case ["items"] if self.command == "POST":
                number = str(next(self.server.numbers))
                state.items[number] = json.loads(body)
                self._answer(201, {"id": number})
            case ["items", number] if number in state.items:
                self._answer(200, state.items[number])
            case ["items", _]:
                self._answer(404, {"title": "not found"})
            case _:
                self._answer(200, {"ok": True})

    do_POST = do_GET  # noqa: N815 - called by name

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_arguments: Any) -> None:
        """Not to the tests' output."""
