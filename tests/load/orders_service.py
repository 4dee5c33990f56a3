"""A service with the routes that docs/load.md loads: customers and orders."""

import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def orders_service() -> Iterator[str]:
    """Its address, while it runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    numbers = itertools.count(1)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests hang up as they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if re.fullmatch(r"/v1/orders\?limit=20", self.path):
            self._answer(200, {"items": [{"id": str(n)} for n in range(20)]})
        elif re.fullmatch(r"/v1/(customers|orders)/\d+|/v1/orders", self.path):
            self._answer(200, {"id": self.path.rpartition("/")[2]})
        else:
            self._answer(404, {"title": "not found"})

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = {
            "/v1/customers": {"email": str, "name": str},
            "/v1/orders": {"customerId": str, "quantity": int},
        }.get(self.path)
        if known is None:
            self._answer(404, {"title": "not found"})
        elif not self.headers["Idempotency-Key"]:
            self._answer(400, {"title": "Idempotency-Key is missing"})
        elif {name: type(value) for name, value in document.items()} != known:
            self._answer(422, {"title": "not as agreed"})
        else:
            self._answer(201, {"id": str(next(self.server.numbers))})

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
