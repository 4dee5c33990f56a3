"""Structured logs: one JSON object a line on standard output, also for the libraries' own lines."""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from pydantic_core import PydanticSerializationError, to_json
from structlog.typing import EventDict, WrappedLogger

from app.observability.context import RequestContext, current_request

REDACTED = "[redacted]"
_SECRET_PARTS = (
    "authorization",
    "cookie",
    "password",
    "secret",
    "token",
    "api_key",
    "apikey",
    "dsn",
)


def configure_logs(level: str) -> None:
    """Send structlog and the standard library through one chain of processors."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    chain: list[Callable[[WrappedLogger, str, EventDict], Any]] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        add_request,
        redact,
    ]
    structlog.configure(
        processors=[*chain, structlog.processors.format_exc_info, _render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *chain],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                lambda _logger, _method, event: _render(_logger, _method, event).decode(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "alembic", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(max(threshold, logging.WARNING))


def add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the request that the line belongs to."""
    request = current_request.get()
    if request is not None:
        event["request_id"] = request.request_id
        if request.trace_id is not None:
            event["trace_id"] = request.trace_id
            if request.span_id is not None:
                event["span_id"] = request.span_id
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every key that sounds like a secret, at any depth."""
    return _redacted(event)


def _redacted(values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in values.items():
        if _is_secret(key):
            values[key] = REDACTED
        elif type(value) is dict:
            values[key] = _redacted(dict(value))
        elif type(value) in (list, tuple):
            values[key] = [_redacted(dict(item)) if type(item) is dict else item for item in value]
    return values


_known_keys: dict[str, bool] = {}


def _is_secret(key: str) -> bool:
    """Remembered by key, since the same few come with every line."""
    known = _known_keys.get(key)
    if known is None:
        name = str(key).lower().replace("-", "_")
        known = any(part in name for part in _SECRET_PARTS)
        if len(_known_keys) < 1000:
            _known_keys[key] = known
    return known


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    try:
        return to_json(event, fallback=repr, inf_nan_mode="strings")
    except PydanticSerializationError:  # text that is no Unicode
        return json.dumps(event, default=repr).encode("ascii")


log = structlog.get_logger()


def access_log(request: RequestContext, duration_s: float) -> None:
    """One line for a request that has been answered; never its query, which may hold secrets."""
    log.info(
        "request",
        method=request.method,
        path=request.path,
        route=request.route,
        status=request.status,
        duration_ms=round(duration_s * 1000, 3),
        address=request.address,
        tenant=request.tenant,
        subject=request.subject,
    )


def log_dependency(name: str, address: str, error: str | None) -> None:
    """Say that something the service depends on went away, and why, or that it is back."""
    if error is None:
        log.info(f"{name} answers", **{name: address})
    else:
        log.warning(f"{name} away", **{name: address}, error=error)
