"""The outermost layer: gives a request its identity, and every reply its common headers."""

import re
import time
from collections.abc import Callable, Sequence
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.lifecycle import Lifecycle
from app.observability.context import RequestContext, current_request

Observer = Callable[[RequestContext, float], None]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}"
)
# More than any address has; whoever is not behind all those proxies may have written more.
_MAX_ADDRESS_LENGTH = 64
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
_CLOSE = (b"connection", b"close")
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Edge:
    """ASGI layer.

    Args:
        observers: called with each answered request and its duration in seconds, in this order.
        trust_proxy_hops: how many proxies of our own stand before us. Each appends the address
            it saw to X-Forwarded-For; what is further left was written by the caller.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        lifecycle: Lifecycle,
        observers: Sequence[Observer] = (),
        trust_proxy_hops: int = 0,
    ) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self._observers = tuple(observers)
        self._trust_proxy_hops = trust_proxy_hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = self._identify(scope)
        current_request.set(request)  # each request runs in a context of its own
        is_head = scope["method"] == "HEAD"
        if is_head:
            # Every GET answers HEAD: the same reply without its body (RFC 9110, section 9.3.2).
            scope = {**scope, "method": "GET"}
        request_id = (b"x-request-id", request.request_id.encode("ascii"))
        answered = False

        async def reply(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                request.status = message["status"]
                headers = message["headers"] = list(message["headers"])
                headers += (request_id, _NOSNIFF)
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(_NO_STORE)
                if request.secure:
                    headers.append(_HSTS)
                if self._lifecycle.draining:
                    headers.append(_CLOSE)
            elif is_head:
                message["body"] = b""
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                answered = True
                self._observe(scope, request)

        try:
            await self._app(scope, receive, reply)
        finally:
            if not answered:
                self._observe(scope, request)

    def _identify(self, scope: Scope) -> RequestContext:
        given_id = forwarded_for = forwarded_proto = traceparent = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given_id = value
            elif name == b"x-forwarded-for":
                forwarded_for = value if forwarded_for is None else forwarded_for + b"," + value
            elif name == b"x-forwarded-proto":
                forwarded_proto = value
            elif name == b"traceparent":
                traceparent = value
        if given_id is not None and _REQUEST_ID.fullmatch(given_id):
            request_id = given_id.decode("ascii")
        else:
            request_id = uuid4().hex
        request = RequestContext(
            request_id=request_id,
            method=scope["method"],
            path=scope["path"],
            started=time.perf_counter(),
        )
        client = scope.get("client")
        request.address = client[0] if client else ""
        request.secure = scope.get("scheme") == "https"
        if self._trust_proxy_hops:
            if forwarded_for is not None:
                request.address = forwarded_address(forwarded_for, self._trust_proxy_hops)
            if forwarded_proto is not None:
                request.secure = forwarded_proto.split(b",")[-1].strip().lower() == b"https"
        if traceparent is not None and (trace := _TRACEPARENT.match(traceparent)):
            request.trace_id = trace[1].decode("ascii")
        return request

    def _observe(self, scope: Scope, request: RequestContext) -> None:
        route = scope.get("route")
        request.route = getattr(route, "path_format", None) or getattr(route, "path", None)
        duration_s = time.perf_counter() - request.started
        for observe in self._observers:
            observe(request, duration_s)


def forwarded_address(forwarded_for: bytes, hops: int) -> str:
    """The address that the outermost of `hops` trusted proxies saw."""
    addresses = [part.strip() for part in forwarded_for.decode("latin-1").split(",")]
    return addresses[-min(hops, len(addresses))][:_MAX_ADDRESS_LENGTH]
