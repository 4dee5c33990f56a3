"""Who comes in, and in which order a request is refused."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from app.application import Application, Layer, create_api, create_layers, create_parts
from app.auth.principal import Principal
from app.http.route import ApiRoute, requires
from app.rate_limit import LocalRateLimiter, RateLimiter
from tests.conftest import Token, settings_from

router = APIRouter(prefix="/v1", route_class=ApiRoute)


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


@router.post("/things")
async def add_thing(
    caller: Annotated[Principal, requires("things:write")], body: Thing
) -> Response:
    return JSONResponse({"tenant": caller.tenant, "name": body.name})


@router.patch("/things")
async def change_thing(
    caller: Annotated[Principal, requires("things:write")], body: Thing
) -> Response:
    return JSONResponse({"tenant": caller.tenant, "name": body.name})


class BrokenLimiter:
    async def take(self, key: str) -> float:
        raise ConnectionError(key)

    async def wait(self, key: str) -> float:
        raise ConnectionError(key)


def application(
    environment: Mapping[str, str], limiter: RateLimiter | None = None, **changes: object
) -> Application:
    settings = settings_from(environment, body_limit_bytes=100, **changes)
    parts = create_parts(settings)
    object.__setattr__(parts, "limiter", limiter)
    api = create_api(settings, parts)
    api.router.routes.extend(router.routes)
    layers: list[Layer] = create_layers(settings, parts)
    return Application(settings, parts, api, layers)


@pytest.fixture
async def caller(environment: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(environment))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_the_first_fault_that_counts_is_answered(
    caller: httpx.AsyncClient, token: Token
) -> None:
    """Each request has all the faults of the next one, and one more."""
    may, may_not = bearer(token("things:write")), bearer(token("things:read"))
    json, text = {"content-type": "application/json"}, {"content-type": "text/plain"}
    large, broken, wrong = b"x" * 101, b"{", b'{"nam": 1}'
    statuses = [
        (await caller.request(method, path, headers=headers, content=body)).status_code
        for method, path, headers, body in [
            ("POST", "/v1/thingz?x=1", text, large),
            ("PUT", "/v1/things?x=1", text, large),
            ("POST", "/v1/things?x=1", text, large),
            ("POST", "/v1/things?x=1", may_not | text, large),
            ("POST", "/v1/things?x=1", may | text, large),
            ("POST", "/v1/things?x=1", may | text, broken),
            ("POST", "/v1/things?x=1", may | json, broken),
            ("POST", "/v1/things", may | json, broken),
            ("POST", "/v1/things", may | json, wrong),
            ("POST", "/v1/things", may | json, b'{"name": "a"}'),
        ]
    ]
    assert statuses == [404, 405, 401, 403, 413, 415, 400, 400, 422, 200]


async def test_405_names_every_method_of_the_path(caller: httpx.AsyncClient) -> None:
    reply = await caller.delete("/v1/things")
    assert reply.headers["allow"] == "PATCH, POST"
    reply = await caller.post("/livez")
    assert reply.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/v1/things/", "//v1/things", "/v1/Things", "/", "/v1/things%2F"])
async def test_another_path_is_another_path(caller: httpx.AsyncClient, path: str) -> None:
    reply = await caller.post(path)
    assert reply.status_code == 404
    assert reply.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, "Bearer"),
        ("Basic YTpi", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer x", 'Bearer error="invalid_token", error_description="not a JSON Web Token"'),
    ],
)
async def test_401_says_how_to_authenticate(
    caller: httpx.AsyncClient, authorization: str | None, challenge: str
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    reply = await caller.post("/v1/things", headers=headers)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == challenge


async def test_403_names_the_scope(caller: httpx.AsyncClient, token: Token) -> None:
    reply = await caller.post("/v1/things", headers=bearer(token()))
    assert reply.status_code == 403
    challenge = 'Bearer error="insufficient_scope", scope="things:write"'
    assert reply.headers["www-authenticate"] == challenge


async def test_a_problem_tells_where_it_lies(caller: httpx.AsyncClient, token: Token) -> None:
    reply = await caller.post(
        "/v1/things", headers=bearer(token("things:write")), json={"a/b": 1, "name": 1}
    )
    problem = reply.json()
    assert set(problem) == {
        "type", "title", "status", "detail", "instance", "requestId", "errors",
    }  # fmt: skip
    assert problem["status"] == reply.status_code == 422
    assert problem["instance"] == "/v1/things"
    assert problem["requestId"] == reply.headers["x-request-id"]
    assert {error["pointer"] for error in problem["errors"]} == {"/name", "/a~1b"}


@pytest.mark.parametrize(
    ("method", "content_type", "status"),
    [
        ("POST", "application/json", 200),
        ("POST", "application/merge-patch+json", 415),
        ("PATCH", "application/json", 200),
        ("PATCH", "application/merge-patch+json", 200),
        ("PATCH", "application/json-patch+json", 415),
    ],
)
async def test_media_types_by_method(
    caller: httpx.AsyncClient, token: Token, method: str, content_type: str, status: int
) -> None:
    headers = bearer(token("things:write")) | {"content-type": content_type}
    reply = await caller.request(method, "/v1/things", headers=headers, content=b'{"name": "a"}')
    assert reply.status_code == status


async def test_a_principal_has_a_limit_of_its_own(
    environment: Mapping[str, str], token: Token
) -> None:
    app = application(environment, LocalRateLimiter(per_minute=3))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        ada, bob = bearer(token(subject="ada")), bearer(token(subject="bob"))
        by_ada = [await client.post("/v1/things", headers=ada) for _ in range(4)]
        by_bob = await client.post("/v1/things", headers=bob)
    assert [reply.status_code for reply in by_ada] == [403, 403, 403, 429]
    assert by_ada[-1].json()["type"] == "/problems/rate-limited"
    assert 1 <= int(by_ada[-1].headers["retry-after"]) <= 20
    assert by_bob.status_code == 403


async def test_tenants_share_no_limit_whatever_their_names(
    environment: Mapping[str, str], token: Token
) -> None:
    transport = httpx.ASGITransport(application(environment, LocalRateLimiter(per_minute=1)))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        callers = [("a b", "c"), ("a", "b c"), ("a b", "c")]
        statuses = [
            (
                await client.post(
                    "/v1/things", headers=bearer(token(tenant=tenant, subject=subject))
                )
            ).status_code
            for tenant, subject in callers
        ]
    assert statuses == [403, 403, 429]


async def test_an_address_pays_for_failed_logins(
    environment: Mapping[str, str], token: Token
) -> None:
    app = application(environment, LocalRateLimiter(per_minute=3))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        guesses = [await client.post("/v1/things", headers=bearer("x")) for _ in range(4)]
        elsewhere = await client.post("/v1/thingz", headers=bearer("x"))
    assert [reply.status_code for reply in guesses] == [401, 401, 401, 429]
    assert elsewhere.status_code == 404


async def test_a_broken_limiter_lets_everybody_in_and_is_counted(
    environment: Mapping[str, str], token: Token
) -> None:
    app = application(environment, BrokenLimiter())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        reply = await client.post("/v1/things", headers=bearer(token()))
    assert reply.status_code == 403
    assert b"rate_limiter_failures_total 2.0" in app.parts.metrics.render()
