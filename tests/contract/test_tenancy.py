"""Another tenant's id, in every position an id can take: as if it did not exist."""

import pytest

from .client import UNKNOWN_ID, Caller, assert_problem, comparable

pytestmark = pytest.mark.orders

READS_AND_WRITES = [
    ("GET", "/v1/customers/{customer}", None),
    ("HEAD", "/v1/customers/{customer}", None),
    ("GET", "/v1/orders/{order}", None),
    ("HEAD", "/v1/orders/{order}", None),
    ("PATCH", "/v1/orders/{order}", {"status": "confirmed"}),
    ("POST", "/v1/orders/{order}/cancel", None),
]


@pytest.mark.parametrize(("method", "path", "body"), READS_AND_WRITES)
def test_another_tenants_resource_is_404_exactly_like_an_unknown_one(
    api: Caller, stranger: Caller, method: str, path: str, body: object
):
    order = api.order()
    etag = api.etag(f"/v1/orders/{order['id']}")

    def ask(customer: str, order: str) -> dict:
        response = stranger.request(
            method,
            path.format(customer=customer, order=order),
            json=body,
            headers={"If-Match": etag} if method == "PATCH" else None,
        )
        return comparable(assert_problem(response, "not-found"))

    assert ask(order["customerId"], order["id"]) == ask(UNKNOWN_ID, UNKNOWN_ID)
    assert api.get(f"/v1/orders/{order['id']}").json() == order


def test_another_tenants_customer_in_an_order_is_422_exactly_like_an_unknown_one(
    api: Caller, stranger: Caller
):
    theirs = api.customer()["id"]
    problems = [
        comparable(assert_problem(stranger.create_order(c), "validation", pointer="/customerId"))
        for c in (theirs, UNKNOWN_ID)
    ]
    assert problems[0] == problems[1]
    assert api.get("/v1/orders").json()["items"] == []
    assert stranger.get("/v1/orders").json()["items"] == []


def test_another_tenants_customer_in_a_filter_finds_nothing(api: Caller, stranger: Caller):
    order = api.order()
    response = stranger.get("/v1/orders", params={"customerId": order["customerId"]})
    assert response.json() == {"items": [], "nextCursor": None}


def test_lists_hold_the_callers_tenant_only(api: Caller, stranger: Caller):
    ours, theirs = api.order(), stranger.order()
    for caller, order in ((api, ours), (stranger, theirs)):
        assert [o["id"] for o in caller.get("/v1/orders").json()["items"]] == [order["id"]]
        customers = caller.get("/v1/customers").json()["items"]
        assert [c["id"] for c in customers] == [order["customerId"]]


def test_a_matching_etag_does_not_open_another_tenants_resource(api: Caller, stranger: Caller):
    path = f"/v1/orders/{api.order()['id']}"
    headers = {"If-None-Match": api.etag(path)}
    assert_problem(stranger.get(path, headers=headers), "not-found")
    assert_problem(stranger.get(path, headers={"If-None-Match": "*"}), "not-found")


def test_two_subjects_of_one_tenant_see_the_same(api: Caller, mint, tenant: str):
    order = api.order()
    colleague = api.as_bearer(mint(tenant=tenant, subject="colleague"))
    assert colleague.get(f"/v1/orders/{order['id']}").json() == order


@pytest.mark.parametrize("name", ["a", "t" * 64, "Tenant.With-Signs_1", "té nant", "' or 1=1 --"])
def test_a_tenant_is_an_opaque_string_of_1_to_64_characters(api: Caller, mint, name: str):
    unique = name if len(name) == 64 else name + api.customer()["id"][:20]
    caller = api.as_bearer(mint(tenant=unique))
    order = caller.order()
    assert caller.get(f"/v1/orders/{order['id']}").json() == order
    assert_problem(api.get(f"/v1/orders/{order['id']}"), "not-found")


@pytest.mark.parametrize(
    ("one", "other"), [("Acme", "acme"), ("acme", "acme "), ("é", "e\u0301")], ids=ascii
)
def test_tenants_that_differ_at_all_are_different_tenants(api: Caller, mint, one: str, other: str):
    unique = api.customer()["id"][:20]
    mine = api.as_bearer(mint(tenant=unique + one))
    order = mine.order()
    theirs = api.as_bearer(mint(tenant=unique + other))
    assert_problem(theirs.get(f"/v1/orders/{order['id']}"), "not-found")
    assert theirs.get("/v1/orders").json()["items"] == []
