"""A service to load, on a port of this machine, that misbehaves on request."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.load.json_server import JsonHandler, JsonServer


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
    server = _Server(_Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.state = Service(server.server_address[1])
    with server.running():
        try:
            yield server.state
        finally:
            server.state.ended.set()


class _Server(JsonServer):
    state: Service


class _Handler(JsonHandler):
    server: _Server

    def do_GET(self) -> None:  # noqa: N802 - called by name
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        state = self.server.state
        if state.ended.is_set():
            self.close_connection = True
            return
        state.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        state.first.set()
        match self.path.partition("?")[0].strip("/").split("/"):
            case ["status", status]:
                self.answer(int(status), {"title": f"status {status}"})
            case ["slow", seconds]:
                time.sleep(float(seconds))
                self.answer(200, {"ok": True})
            case ["hang"]:
                state.ended.wait(60)
            case ["items"] if self.command == "POST":
                number = str(next(self.server.numbers))
                state.items[number] = json.loads(body)
                self.answer(201, {"id": number})
            case ["items", number] if number in state.items:
                self.answer(200, state.items[number])
            case ["items", _]:
                self.answer(404, {"title": "not found"})
            case _:
                self.answer(200, {"ok": True})

    do_POST = do_GET  # noqa: N815 - called by name
