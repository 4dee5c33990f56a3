"""Where several errors apply the first in the contract's order is told."""

import json
from itertools import combinations

import pytest

from tests.contract.client import assert_problem
from tests.contract.test_precedence import *  # noqa: F403
from tests.contract.test_precedence import BODY_LIMIT

from .client import GRAPHQL, JSON, PATH, Answer, Caller, errors_of

# In order: what each does to a good request.
DEFECTS = {
    "not-found": {"path": "/graphql/x"},
    "method-not-allowed": {"method": "PUT"},
    "unauthorized": {"token": None},
    "payload-too-large": {"padding": " " * BODY_LIMIT},
    "unsupported-media-type": {"media_type": "text/plain"},
    "bad-request": {"body": "{"},
}
PAIRS = list(combinations(DEFECTS, 2))


def send(api: Caller, *defects: str) -> Answer:
    request = {
        "method": "POST",
        "path": PATH,
        "token": api.token,
        "padding": "",
        "media_type": JSON,
        "body": json.dumps({"query": "{ __typename }"}),
    }
    for defect in defects:
        request |= DEFECTS[defect]
    return Answer(
        api.as_bearer(request["token"]).request(
            request["method"],
            request["path"],
            content=(request["body"] + request["padding"]).encode(),
            headers={"Content-Type": request["media_type"], "Accept": GRAPHQL},
        )
    )


def test_without_a_defect_the_request_succeeds(small: Caller):
    assert send(small).data == {"__typename": "Query"}


@pytest.mark.parametrize("kind", DEFECTS)
def test_each_defect_alone_has_its_own_answer(small: Caller, kind: str):
    assert_problem(send(small, kind).response, kind)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{a} before {b}" for a, b in PAIRS])
def test_of_two_errors_the_first_in_the_contracts_order_is_told(
    small: Caller, first: str, second: str
):
    assert_problem(send(small, second, first).response, first)


def test_the_scope_comes_before_the_query(api: Caller, mint, guarded):
    """There is no query but the document: a missing one comes before any scope."""
    powerless = api.as_bearer(mint(scope="something:else"))
    response = powerless.get(PATH, params={"nonsense": "1"})
    assert_problem(response, "bad-request")


def test_a_token_comes_before_the_document(nobody: Caller):
    for document in ("{", "{ nonsense }", "{ __typename }"):
        assert_problem(nobody.run(document).response, "unauthorized")


def test_the_rate_limit_comes_before_the_body_and_the_document(exhausted: Caller):
    for content, media_type in [(b"{", JSON), (b"[]", JSON), (b"{}", "text/plain")]:
        response = exhausted.request(
            "POST", PATH, content=content, headers={"Content-Type": media_type}
        )
        assert errors_of(response)[0]["extensions"]["code"] == "rate-limited"


@pytest.mark.orders
def test_a_mutations_errors_come_in_order(api: Caller):
    """Not found, precondition, transition."""
    unknown = {"id": "01980000-0000-7000-8000-00000000dead", "version": 7}
    order = api.order()
    assert api.move(unknown, "delivered").outcome == "not-found"
    assert api.move(order, "delivered", expectedVersion=99).outcome == "precondition-failed"
    assert api.move(order, "delivered").outcome == "invalid-transition"
    assert api.cancel(unknown, expectedVersion=99).outcome == "not-found"
    shipped = api.order(status="shipped")
    assert api.cancel(shipped, expectedVersion=99).outcome == "precondition-failed"
    assert api.cancel(shipped).outcome == "invalid-transition"


@pytest.mark.orders
def test_a_creations_errors_come_in_order(api: Caller, mint, tenant: str):
    """Scope, validation, then the key."""
    key, customer = "k", api.customer()["id"]
    body = {"customerId": customer, "currency": "EUR"}
    items = [{"sku": "tea", "quantity": 1, "unitPriceMinor": 1}]
    assert api.create("Order", {**body, "items": items}, key=key).outcome == "Order"
    invalid = {**body, "items": []}
    weak = api.as_bearer(mint(tenant=tenant, scope="orders:read"))
    assert weak.create("Order", invalid, key=key).outcome == "forbidden"
    assert api.create("Order", invalid, key=key).outcome == "validation"
    reused = {**body, "currency": "USD", "items": items}
    assert api.create("Order", reused, key=key).outcome == "idempotency-key-reused"
