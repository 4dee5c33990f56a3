"""Who and what the current request is, for every log line and every reply."""

from contextvars import ContextVar


class RequestContext:
    """Facts of one request, filled in as they become known.

    Attributes:
        address: the caller's, as far as TRUST_PROXY_HOPS lets us believe it.
        route: the path template (`/v1/things/{thing_id}`), never the path: it labels metrics.
        started: `time.perf_counter()` when the request's head had arrived.
    """

    __slots__ = (
        "address",
        "method",
        "path",
        "request_id",
        "route",
        "secure",
        "span_id",
        "started",
        "status",
        "subject",
        "tenant",
        "trace_id",
    )

    def __init__(self, *, request_id: str, method: str, path: str, started: float) -> None:
        self.request_id = request_id
        self.method = method
        self.path = path
        self.started = started
        self.address = ""
        self.secure = False
        self.route: str | None = None
        self.status = 0
        self.tenant: str | None = None
        self.subject: str | None = None
        self.trace_id: str | None = None
        self.span_id: str | None = None


current_request: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)
