"""The composition: which parts there are, and in which order they surround a request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app import DESCRIPTION, NAME
from app.auth.keys import FETCH_TIMEOUT_S, FileKeySource, HttpKeySource, KeySet, KeySource
from app.auth.tokens import TokenRules, TokenVerifier
from app.database.engine import Database, PoolSettings
from app.database.probe import DatabaseProbe
from app.database.url import parse_database_url
from app.http.admission import Admission
from app.http.cors import Cors
from app.http.edge import Edge
from app.http.failsafe import Failsafe
from app.http.idempotency import IdempotentWrites
from app.http.lifecycle import Lifecycle
from app.http.openapi import build_openapi
from app.http.problems import problem_of, problem_response
from app.maintenance import run_maintenance
from app.observability.context import current_request
from app.observability.logs import access_log, log_database
from app.observability.metrics import Metrics
from app.rate_limit import LocalRateLimiter, RateLimiter
from app.routes import ROUTERS
from app.settings import LogLevel, Settings

API_VERSION = "1.0.0"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

Layer = Callable[[ASGIApp], ASGIApp]


@dataclass(frozen=True)
class Parts:
    """The long-lived parts of one process; nothing in them has connected yet."""

    lifecycle: Lifecycle
    metrics: Metrics
    database: Database
    probe: DatabaseProbe
    http_client: httpx.AsyncClient
    keys: KeySet
    limiter: RateLimiter | None


class Application:
    """The ASGI application: an API inside its layers."""

    def __init__(
        self, settings: Settings, parts: Parts, api: FastAPI, layers: Sequence[Layer]
    ) -> None:
        self.settings = settings
        self.parts = parts
        self.api = api
        app: ASGIApp = api
        for layer in reversed(layers):
            app = layer(app)
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._app(scope, receive, send)


def create_app(settings: Settings) -> Application:
    """The application as it runs in production."""
    parts = create_parts(settings)
    return Application(settings, parts, create_api(settings, parts), create_layers(settings, parts))


def create_parts(settings: Settings) -> Parts:
    """Make the parts; `settings` have been validated, so nothing can fail here."""
    address = parse_database_url(settings.database_url)
    database = Database(
        address,
        PoolSettings(
            max_connections=settings.database_pool_max,
            acquire_timeout_ms=settings.database_pool_acquire_timeout_ms,
            statement_timeout_ms=settings.database_statement_timeout_ms,
            pooled=settings.database_pooled or address.pooled,
        ),
    )
    metrics = Metrics()
    metrics.observe_database(database)
    client = httpx.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=False)
    per_minute = settings.rate_limit_per_minute
    return Parts(
        lifecycle=Lifecycle(),
        metrics=metrics,
        database=database,
        probe=DatabaseProbe(address, on_change=partial(log_database, str(address))),
        http_client=client,
        keys=KeySet(_key_source(settings, client), refuse_development_keys=settings.production),
        limiter=LocalRateLimiter(per_minute) if per_minute else None,
    )


def create_layers(settings: Settings, parts: Parts) -> list[Layer]:
    """What surrounds the API, outermost first."""
    observers = [parts.metrics.observe_request]
    if settings.log_level in {LogLevel.DEBUG, LogLevel.INFO}:
        observers.append(access_log)
    layers: list[Layer] = [
        partial(
            Edge,
            lifecycle=parts.lifecycle,
            observers=observers,
            trust_proxy_hops=settings.trust_proxy_hops,
        )
    ]
    if settings.otel_exporter_otlp_endpoint is not None:
        from app.observability.tracing import Tracing  # noqa: PLC0415 - costs a second to import

        layers.append(Tracing)
    if settings.cors_allowed_origins:
        layers.append(partial(Cors, origins=settings.cors_allowed_origins))
    layers.append(partial(Failsafe, timeout_s=settings.request_timeout_ms / 1000))
    return layers


def create_api(settings: Settings, parts: Parts) -> FastAPI:
    """The routes, with the parts that they use."""
    api = describe_api(docs=not settings.production)
    verifier = TokenVerifier(
        parts.keys,
        TokenRules(
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            tenant_claim=settings.tenant_claim,
            scope_claim=settings.scope_claim,
        ),
    )
    api.router.lifespan_context = lambda _: run_parts(settings, parts)
    api.state.lifecycle = parts.lifecycle
    api.state.probe = parts.probe
    api.state.health_details = not settings.production
    api.state.body_limit = settings.body_limit_bytes
    api.state.database = parts.database
    api.state.admission = Admission(verifier, parts.limiter, parts.metrics)
    api.state.writes = IdempotentWrites(parts.database, parts.metrics)
    return api


def describe_api(*, docs: bool = False) -> FastAPI:
    """The routes alone: enough for the OpenAPI document, which no environment changes."""
    api = FastAPI(
        title=NAME,
        description=DESCRIPTION,
        version=API_VERSION,
        docs_url="/docs" if docs else None,
        redoc_url=None,
        redirect_slashes=False,
        # `observability.tracing` begins at the edge, and never sends queries or values.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        exception_handlers={
            HTTPException: _framework_error,
            RequestValidationError: _error,
            Exception: _error,
        },
    )
    for router in ROUTERS:
        # The routes themselves rather than `include_router`: each request is matched once, and
        # `request.scope["route"]` has the whole path template.
        api.router.routes.extend(router.routes)
    api.openapi = cache(partial(build_openapi, api))  # type: ignore[method-assign]
    return api


@asynccontextmanager
async def run_parts(settings: Settings, parts: Parts) -> AsyncIterator[None]:
    """Start what runs beside the requests; stop it and close all connections at the end."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.database.close)
        stack.push_async_callback(parts.http_client.aclose)
        if settings.otel_exporter_otlp_endpoint is not None:
            from app.observability.tracing import start_tracing  # noqa: PLC0415 - as above

            stack.callback(start_tracing(parts.database, service_name=settings.otel_service_name))
        parts.keys.refresh_soon()
        for background in (parts.probe.run(), run_maintenance(parts.database)):
            task = asyncio.create_task(background)
            stack.push_async_callback(_cancelled, task)
        yield


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _key_source(settings: Settings, client: httpx.AsyncClient) -> KeySource:
    url = settings.oidc_jwks_url
    if url is not None and url.startswith("file:"):
        return FileKeySource(url)
    return HttpKeySource(client, issuer=settings.oidc_issuer, jwks_url=url)


async def _error(_request: Request, error: Exception) -> Response:
    return problem_response(problem_of(error), current_request.get())


async def _framework_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.kind.status == 405:
        problem.headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem_response(problem, current_request.get())


def _allowed_methods(request: Request) -> list[str]:
    """All methods of a path; the framework names those of the first route that fits."""
    path = {"type": "http", "path": request.scope["path"], "root_path": "", "headers": []}
    allowed = {
        method
        for method in _METHODS
        for route in request.app.routes
        if route.matches({**path, "method": method})[0].name == "FULL"
    }
    return sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))
