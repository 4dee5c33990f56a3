"""The generated service with layers taken out: `python FILE LAYER,... TENANT`, in its own folder.

Everything else stays as `python -m app` has it: the same parts, put together by the same functions.
The names are those of `layers.py`.
"""

# The service is found only where this runs, so this repository's checks cannot see its types.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN002, ANN003, ANN201, D102, E402
import json
import sys
import time
from pathlib import Path

sys.path[0] = str(Path.cwd())  # as for `python -m app`

from app import application, server
from app.__main__ import main
from app.auth.principal import Principal
from app.http import route
from app.http.admission import Admission
from app.http.edge import Edge
from app.http.failsafe import Failsafe
from app.observability.context import RequestContext, current_request
from starlette.responses import Response


class AnyToken:
    """In place of the verifier: whoever comes is the benchmark's tenant."""

    def __init__(self, tenant: str) -> None:
        self._principal = Principal(
            tenant, "developer", frozenset({"orders:read", "orders:write"}), float("inf")
        )

    async def verify(self, _token: str) -> Principal:
        return self._principal


class UnkeyedWrites:
    """In place of idempotent writes: the transaction and the reply alone."""

    def __init__(self, database) -> None:
        self._database = database

    async def create(self, *asked) -> Response:
        *_, reply, write = asked
        async with self._database.transaction() as transaction:
            await write(transaction)
        headers = {"Location": reply.location, "ETag": reply.etag}
        return Response(reply.body, status_code=201, headers=headers, media_type="application/json")


class PlainEdge:
    """In place of the edge: a context that is the same for all, and the observers."""

    def __init__(self, app, *, observers, **_) -> None:
        self._app = app
        self._observers = observers

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = RequestContext(
            request_id="-", method=scope["method"], path=scope["path"], started=time.perf_counter()
        )
        current_request.set(request)
        await self._app(scope, receive, send)
        request.status, request.route = 200, scope["route"].path_format
        for observe in self._observers:
            observe(request, time.perf_counter() - request.started)


def create_app(settings, without: set[str], tenant: str):
    """`application.create_app`, less some layers."""
    if "access-log" in without:
        settings = settings.model_copy(update={"log_level": "warning"})
    if "rate-limit" in without:
        settings = settings.model_copy(update={"rate_limit_per_minute": 0})
    parts = application.create_parts(settings)
    api = application.create_api(settings, parts)
    layers = application.create_layers(settings, parts)
    if "metrics" in without:
        edge = layer_of(layers, Edge)
        edge.keywords["observers"].remove(parts.metrics.observe_request)
    if "edge" in without:
        edge = layer_of(layers, Edge)
        layers[layers.index(edge)] = lambda app: PlainEdge(app, **edge.keywords)
    if "timeout" in without:
        layers.remove(layer_of(layers, Failsafe))
    if "token" in without:
        api.state.admission = Admission(AnyToken(tenant), parts.limiter, parts.metrics)
    if "idempotency" in without:
        api.state.writes = UnkeyedWrites(parts.database)
    if "input-checks" in without:
        for check in (
            "check_declared_length",
            "check_content_coding",
            "check_media_type",
            "check_query",
        ):
            getattr(route, check)  # a check that was renamed must not go unnoticed
            setattr(route, check, lambda *_: None)
        route.decode_json = json.loads
    return application.Application(settings, parts, api, layers)


def layer_of(layers, kind):
    """The layer of a class among `layers`."""
    return next(layer for layer in layers if getattr(layer, "func", None) is kind)


if __name__ == "__main__":
    names, tenant = set(sys.argv[1].split(",")), sys.argv[2]
    server.create_app = lambda settings: create_app(settings, names, tenant)
    sys.exit(main(["serve"]))
