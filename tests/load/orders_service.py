"""A service with the routes that docs/load.md loads: customers and orders."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.load.json_server import JsonHandler, JsonServer


@contextmanager
def orders_service() -> Iterator[str]:
    """Its address, while it runs."""
    server = JsonServer(_Handler)
    with server.running():
        yield f"http://127.0.0.1:{server.server_address[1]}"


class _Handler(JsonHandler):
    server: JsonServer

    def do_GET(self) -> None:  # noqa: N802 - called by name
        if re.fullmatch(r"/v1/orders\?limit=20", self.path):
            self.answer(200, {"items": [{"id": str(n)} for n in range(20)]})
        elif re.fullmatch(r"/v1/(customers|orders)/\d+|/v1/orders", self.path):
            self.answer(200, {"id": self.path.rpartition("/")[2]})
        else:
            self.answer(404, {"title": "not found"})

    def do_POST(self) -> None:  # noqa: N802 - called by name
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = {
            "/v1/customers": {"email": str, "name": str},
            "/v1/orders": {"customerId": str, "quantity": int},
        }.get(self.path)
        if known is None:
            self.answer(404, {"title": "not found"})
        elif not self.headers["Idempotency-Key"]:
            self.answer(400, {"title": "Idempotency-Key is missing"})
        elif {name: type(value) for name, value in document.items()} != known:
            self.answer(422, {"title": "not as agreed"})
        else:
            self.answer(201, {"id": str(next(self.server.numbers))})
