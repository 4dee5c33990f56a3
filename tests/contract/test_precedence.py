"""Where several errors apply the contract's order decides: every pair that can meet is tried."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

from .client import UNKNOWN_ID, Caller, Guarded, assert_problem, new_key, order_body

# In the contract's order of precedence; a defect is named for the problem it deserves.
ORDER = [
    "unauthorized",
    "rate-limited",
    "forbidden",
    "payload-too-large",
    "unsupported-media-type",
    "bad-request",
    "validation",
    "not-found",
    "precondition-required",
    "precondition-failed",
    "invalid-transition",
]

BODY_LIMIT = 2_000


@dataclass
class Request:
    """A PATCH of an order, perfect until a defect is added."""

    order_id: str
    token: str | None
    if_match: str | None
    weak_token: str
    body: dict[str, Any] = field(default_factory=lambda: {"status": "confirmed"})
    media_type: str = "application/json"
    query: dict[str, str] = field(default_factory=dict)
    padding: int = 0

    def send(self, api: Caller):
        import json

        return api.as_bearer(self.token).patch(
            f"/v1/orders/{self.order_id}",
            content=json.dumps(self.body).encode() + b" " * self.padding,
            headers={"Content-Type": self.media_type},
            if_match=self.if_match,
            params=self.query,
        )


DEFECTS: dict[str, Callable[[Request], None]] = {
    "unauthorized": lambda r: setattr(r, "token", None),
    "forbidden": lambda r: setattr(r, "token", r.token and r.weak_token),
    "payload-too-large": lambda r: setattr(r, "padding", BODY_LIMIT),
    "unsupported-media-type": lambda r: setattr(r, "media_type", "text/plain"),
    "bad-request": lambda r: r.query.update(expand="all"),
    "validation": lambda r: r.body.update(status="lost"),
    "not-found": lambda r: setattr(r, "order_id", UNKNOWN_ID),
    "precondition-required": lambda r: setattr(r, "if_match", None),
    "precondition-failed": lambda r: setattr(r, "if_match", '"stale"'),
    "invalid-transition": lambda r: r.body.update(status="delivered"),
}
CANNOT_MEET = {
    ("validation", "invalid-transition"),
    ("not-found", "invalid-transition"),
    ("precondition-required", "precondition-failed"),
}
PAIRS = [p for p in combinations([k for k in ORDER if k in DEFECTS], 2) if p not in CANNOT_MEET]


@pytest.fixture(scope="module")
def small(launch, calling):
    """A service that takes small bodies only, and a caller of it."""
    with launch(BODY_LIMIT_BYTES=str(BODY_LIMIT)) as service, calling(service) as api:
        yield api


@pytest.fixture
def request_(small: Caller, mint) -> Request:
    order = small.order()
    path = f"/v1/orders/{order['id']}"
    return Request(order["id"], small.token, small.etag(path), mint(scope="orders:read"))


@pytest.mark.orders
def test_without_a_defect_the_request_succeeds(small: Caller, request_: Request):
    assert request_.send(small).status_code == 200


@pytest.mark.orders
@pytest.mark.parametrize("kind", DEFECTS)
def test_each_defect_alone_has_its_own_answer(small: Caller, request_: Request, kind: str):
    DEFECTS[kind](request_)
    assert_problem(request_.send(small), kind)


@pytest.mark.orders
@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{a} before {b}" for a, b in PAIRS])
def test_of_two_errors_the_first_in_the_contracts_order_is_told(
    small: Caller, request_: Request, first: str, second: str
):
    for kind in (second, first):
        DEFECTS[kind](request_)
    assert_problem(request_.send(small), first)


@pytest.mark.orders
def test_of_all_errors_at_once_each_is_told_when_those_before_it_are_mended(
    small: Caller, request_: Request
):
    together = [k for k in ORDER if k in DEFECTS and k != "precondition-failed"]
    for number, kind in enumerate(together[:-1]):
        request = Request(**vars(request_))
        request.query, request.body = {}, {"status": "confirmed"}
        for defect in reversed(together[number:-1]):
            DEFECTS[defect](request)
        assert_problem(request.send(small), kind)


# A create: the key is one more thing that can be wrong.


@pytest.mark.orders
@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"token": None}, "unauthorized"),
        ({"weak": True}, "forbidden"),
        ({"padding": BODY_LIMIT}, "payload-too-large"),
        ({"media_type": "text/plain"}, "unsupported-media-type"),
        ({}, "idempotency-key-missing"),
    ],
    ids=lambda v: str(v),
)
def test_a_create_with_no_key_and_an_invalid_body(small: Caller, mint, changes: dict, kind: str):
    token = None if "token" in changes else small.token
    if changes.get("weak"):
        token = mint(scope="orders:read")
    response = small.as_bearer(token).post(
        "/v1/orders",
        content=b"{}" + b" " * changes.get("padding", 0),
        headers={"Content-Type": changes.get("media_type", "application/json")},
        key=None,
    )
    assert_problem(response, kind)


@pytest.mark.orders
def test_a_used_key_does_not_come_before_anything_else(small: Caller, mint):
    key, customer = new_key(), small.customer()["id"]
    small.post("/v1/orders", order_body(customer), key=key)
    other = order_body(customer, currency="USD")

    weak = small.as_bearer(mint(scope="orders:read"))
    assert_problem(weak.post("/v1/orders", other, key=key), "forbidden")
    assert_problem(small.post("/v1/orders", other, key=key, params={"x": "1"}), "bad-request")
    assert_problem(small.post("/v1/orders", {**other, "x": 1}, key=key), "validation")
    assert_problem(small.post("/v1/orders", other, key=key), "idempotency-key-reused")


# The route comes before everything.


@pytest.mark.parametrize("token", [None, "garbage"])
def test_an_unknown_route_and_a_wrong_method_come_before_the_token(
    nobody: Caller, guarded: Guarded, token: str | None
):
    caller = nobody.as_bearer(token)
    assert_problem(caller.get("/v1/nothing"), "not-found")
    assert_problem(caller.request("DELETE", guarded.path), "method-not-allowed")


def test_the_token_comes_before_the_query(nobody: Caller, guarded: Guarded):
    assert_problem(nobody.get(guarded.path, params={"nonsense": "1"}), "unauthorized")


def test_the_scope_comes_before_the_query(api: Caller, mint, guarded: Guarded):
    powerless = api.as_bearer(mint(scope="something:else"))
    assert_problem(powerless.get(guarded.path, params={"nonsense": "1"}), "forbidden")


# A principal at its limit. Address and principal are told apart by test_limits.


@pytest.fixture(scope="module")
def exhausted(launch, calling, guarded):
    """A caller who has used up its requests of this minute."""
    settings = {"RATE_LIMIT_PER_MINUTE": "5", "BODY_LIMIT_BYTES": str(BODY_LIMIT)}
    with launch(**settings) as service, calling(service) as api:
        for _ in range(100):
            if api.get(guarded.path).status_code == 429:
                break
        else:
            pytest.fail("a hundred requests in a row and no 429 at RATE_LIMIT_PER_MINUTE=5")
        yield api


def test_the_rate_limit_comes_before_the_scope(exhausted: Caller, guarded: Guarded):
    assert_problem(exhausted.get(guarded.path), "rate-limited")


@pytest.mark.orders
def test_the_rate_limit_comes_before_the_body_and_the_resource(exhausted: Caller):
    path = f"/v1/orders/{UNKNOWN_ID}"
    for headers, content in [
        ({"Content-Type": "application/json"}, b" " * (BODY_LIMIT + 1)),
        ({"Content-Type": "text/plain"}, b"{}"),
        ({"Content-Type": "application/json"}, b"{"),
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "application/json"}, b'{"status": "confirmed"}'),
    ]:
        response = exhausted.patch(path, content=content, headers=headers)
        assert_problem(response, "rate-limited")


def test_an_unknown_route_and_a_wrong_method_come_before_the_rate_limit(
    exhausted: Caller, guarded: Guarded
):
    assert_problem(exhausted.get("/v1/nothing"), "not-found")
    assert_problem(exhausted.request("DELETE", guarded.path), "method-not-allowed")
