"""The outermost layer and the failsafe: what every reply has, whatever happens inside."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.cors import Cors
from app.http.edge import Edge
from app.http.failsafe import Failsafe
from app.http.lifecycle import Lifecycle
from app.observability.context import RequestContext


class Seen:
    def __init__(self) -> None:
        self.requests: list[RequestContext] = []

    def __call__(self, request: RequestContext, duration_s: float) -> None:
        assert duration_s >= 0
        self.requests.append(request)


def caller(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


HELLO = PlainTextResponse("hello")


def edge(app: ASGIApp = HELLO, **arguments: Any) -> tuple[ASGIApp, Seen]:
    seen = Seen()
    lifecycle = arguments.pop("lifecycle", Lifecycle())
    return Edge(app, lifecycle=lifecycle, observers=[seen], **arguments), seen


@pytest.mark.parametrize("given", ["a", "A-z_0.9", "x" * 128])
async def test_a_sound_request_id_is_echoed(given: str) -> None:
    app, seen = edge()
    async with caller(app) as client:
        reply = await client.get("/", headers={"X-Request-Id": given})
    assert reply.headers["x-request-id"] == given
    assert seen.requests[0].request_id == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "ä", "a/b", '"'])
async def test_any_other_is_replaced(given: str) -> None:
    app, _ = edge()
    async with caller(app) as client:
        headers = [(b"X-Request-Id", given.encode("latin-1"))]
        ids = {(await client.get("/", headers=headers)).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert given not in ids


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        ("00", None),
    ],
)
async def test_a_sound_traceparent_names_the_trace(traceparent: str, trace_id: str | None) -> None:
    app, seen = edge()
    async with caller(app) as client:
        await client.get("/", headers={"traceparent": traceparent})
    assert seen.requests[0].trace_id == trace_id


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        (2, "203.0.113.7", "203.0.113.7"),
        (2, "x" * 1000, "x" * 64),
        (1, None, "127.0.0.1"),
    ],
)
async def test_only_our_own_proxies_are_believed(
    hops: int, forwarded: str | None, address: str
) -> None:
    app, seen = edge(trust_proxy_hops=hops)
    async with caller(app) as client:
        await client.get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    assert seen.requests[0].address == address


@pytest.mark.parametrize(("hops", "sent"), [(0, False), (1, True)])
async def test_hsts_is_sent_behind_a_trusted_proxy_that_ends_tls(hops: int, sent: bool) -> None:
    app, _ = edge(trust_proxy_hops=hops)
    async with caller(app) as client:
        reply = await client.get("/", headers={"X-Forwarded-Proto": "https"})
    assert ("strict-transport-security" in reply.headers) is sent


async def test_head_is_get_without_the_body() -> None:
    methods = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        methods.append(scope["method"])
        await PlainTextResponse("hello")(scope, receive, send)

    surrounded, seen = edge(app)
    async with caller(surrounded) as client:
        reply = await client.head("/")
    assert methods == ["GET"]
    assert (reply.headers["content-length"], reply.content) == ("5", b"")
    assert seen.requests[0].method == "HEAD"


async def test_replies_close_the_connection_while_draining() -> None:
    lifecycle = Lifecycle()
    app, _ = edge(lifecycle=lifecycle)
    async with caller(app) as client:
        before = await client.get("/")
        lifecycle.draining = True
        after = await client.get("/")
    assert "connection" not in before.headers
    assert after.headers["connection"] == "close"


async def test_a_request_is_observed_even_if_the_application_fails() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("boom")

    surrounded, seen = edge(Failsafe(app, timeout_s=5))
    async with caller(surrounded) as client:
        reply = await client.get("/x")
    assert reply.status_code == 500
    assert reply.json()["type"] == "/problems/internal"
    assert "boom" not in reply.text
    assert [request.status for request in seen.requests] == [500]


async def test_a_late_request_gets_504_and_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    surrounded, seen = edge(Failsafe(app, timeout_s=0.05))
    async with caller(surrounded) as client:
        reply = await client.get("/x")
    assert reply.status_code == 504
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"] == "/problems/timeout"
    assert cancelled.is_set()
    assert [request.status for request in seen.requests] == [504]


async def test_the_504_does_not_wait_for_a_slow_clean_up() -> None:
    replied_after: list[float] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)
            await PlainTextResponse("too late")(scope, receive, send)

    started = time.monotonic()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 504
            replied_after.append(time.monotonic() - started)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    await Failsafe(app, timeout_s=0.05)(scope, _nothing, send)
    assert len(replied_after) == 1
    assert replied_after[0] < 0.4


async def _nothing() -> Any:
    await asyncio.sleep(60)


async def test_an_application_that_answers_in_time_is_left_alone() -> None:
    async def slow_stream() -> Any:
        for part in (b"a", b"b", b"c"):
            await asyncio.sleep(0.03)
            yield part

    app = Failsafe(StreamingResponse(slow_stream()), timeout_s=0.05)
    async with caller(app) as client:
        assert (await client.get("/")).content == b"abc"


async def test_being_cancelled_from_outside_is_no_timeout() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(60)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    task = asyncio.create_task(Failsafe(app, timeout_s=60)(scope, _nothing, send))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sent == []


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (["https://a.example.com"], "https://a.example.com", True),
        (["https://a.example.com"], "https://b.example.com", False),
        (["https://a.example.com"], "https://a.example.com.evil.com", False),
    ],
)
async def test_cors_is_for_listed_origins(
    origins: Sequence[str], origin: str, allowed: bool
) -> None:
    app, _ = edge(Cors(PlainTextResponse("hello"), origins=origins))
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "if-match",
    }
    async with caller(app) as client:
        reply = await client.get("/", headers={"Origin": origin})
        before = await client.options("/", headers=preflight)
    assert (reply.headers.get("access-control-allow-origin") == origin) is allowed
    assert before.status_code == (200 if allowed else 400)
    if not allowed:
        assert before.json()["type"] == "/problems/bad-request"
