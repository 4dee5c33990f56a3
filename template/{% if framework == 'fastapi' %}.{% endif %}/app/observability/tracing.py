"""OpenTelemetry traces, only when OTEL_EXPORTER_OTLP_ENDPOINT is set; imported only then."""

from collections.abc import Callable
from threading import Thread
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from sqlalchemy import event
from starlette.types import ASGIApp, Receive, Scope, Send

from app.database.engine import Database
from app.observability.context import current_request

STOP_TIMEOUT_S = 2.0


def start_tracing(database: Database, *, service_name: str) -> Callable[[], None]:
    """Export spans of requests and statements over OTLP/HTTP; call the result to flush and stop.

    Everything else comes from OpenTelemetry's own variables (OTEL_TRACES_SAMPLER, ...).
    """
    provider = TracerProvider(
        resource=Resource.create({"service.name": service_name}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _trace_statements(database, provider.get_tracer("app.database"))

    def stop() -> None:
        # A collector that is away must not hold up the shutdown, and the exporter retries for long.
        flushing = Thread(target=provider.shutdown, daemon=True)
        flushing.start()
        flushing.join(STOP_TIMEOUT_S)

    return stop


class Tracing:
    """ASGI layer: a server span for each request, a child of the caller's `traceparent`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tracer = trace.get_tracer("app.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within a span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        carrier = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        with self._tracer.start_as_current_span(
            scope["method"], context=extract(carrier), kind=SpanKind.SERVER
        ) as span:
            request = current_request.get()
            if request is not None:
                identity = span.get_span_context()
                request.trace_id = format(identity.trace_id, "032x")
                request.span_id = format(identity.span_id, "016x")
            await self._app(scope, receive, send)
            if request is not None:
                route = request.route or "unmatched"
                span.update_name(f"{request.method} {route}")
                span.set_attributes(
                    {
                        "http.request.method": request.method,
                        "http.route": route,
                        "http.response.status_code": request.status,
                        "url.path": request.path,
                    }
                )
                if request.status >= 500:
                    span.set_status(Status(StatusCode.ERROR))


def _trace_statements(database: Database, tracer: trace.Tracer) -> None:
    """A client span for each statement, with its text and never its values."""
    engine = database.engine.sync_engine

    def started(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        operation = statement.split(None, 1)[0].upper()
        context.span = tracer.start_span(
            operation,
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.query.text": statement},
        )

    def ended(_c: Any, _cursor: Any, _statement: str, _p: Any, context: Any, _many: bool) -> None:
        context.span.end()

    def failed(error: Any) -> None:
        span = getattr(error.execution_context, "span", None)
        if span is not None:
            span.record_exception(error.original_exception)
            span.set_status(Status(StatusCode.ERROR))
            span.end()

    event.listen(engine, "before_cursor_execute", started)
    event.listen(engine, "after_cursor_execute", ended)
    event.listen(engine, "handle_error", failed)
