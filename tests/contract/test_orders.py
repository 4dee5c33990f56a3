"""Orders: create, read, the status machine and cancelling."""

import pytest

from .client import (
    MERGE_PATCH,
    UNKNOWN_ID,
    Caller,
    assert_order,
    assert_problem,
    item,
    order_body,
)

pytestmark = pytest.mark.orders

STATUSES = ["pending", "confirmed", "shipped", "delivered", "cancelled"]
LEGAL = {
    ("pending", "confirmed"),
    ("confirmed", "shipped"),
    ("shipped", "delivered"),
    ("pending", "cancelled"),
    ("confirmed", "cancelled"),
}
MOVES = [(old, new) for old in STATUSES for new in STATUSES]


def test_a_created_order_is_answered_201_with_location_and_etag(api: Caller):
    customer = api.customer()
    response = api.create_order(customer["id"])

    assert response.status_code == 201
    order = response.json()
    assert_order(order)
    assert order["customerId"] == customer["id"]
    assert order["status"] == "pending"
    assert order["currency"] == "EUR"
    assert order["totalMinor"] == 2599
    sent = [(i["sku"], i["quantity"], i["unitPriceMinor"]) for i in order["items"]]
    assert sent == [("tea", 2, 1250), ("spoon", 1, 99)]
    assert len({i["id"] for i in order["items"]}) == 2
    assert response.headers["location"].endswith(f"/v1/orders/{order['id']}")
    fetched = api.get(response.headers["location"])
    assert fetched.status_code == 200
    assert fetched.json() == order
    assert fetched.headers["etag"] == response.headers["etag"]


def test_an_unknown_order_is_404(api: Caller):
    assert_problem(api.get(f"/v1/orders/{UNKNOWN_ID}"), "not-found")
    assert_problem(api.post(f"/v1/orders/{UNKNOWN_ID}/cancel", key=None), "not-found")
    assert_problem(api.patch(f"/v1/orders/{UNKNOWN_ID}", {"status": "confirmed"}), "not-found")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("customerId", None),
        ("customerId", 7),
        ("customerId", "not-an-id"),
        ("customerId", ""),
        ("customerId", UNKNOWN_ID),
        ("customerId", "\x00"),
        ("currency", None),
        ("currency", ""),
        ("currency", "eur"),
        ("currency", "EURO"),
        ("currency", "EU"),
        ("currency", "ZZZ"),
        ("currency", "E\x00R"),
        ("currency", 978),
        ("items", None),
        ("items", []),
        ("items", {}),
        ("items", "tea"),
        ("items", [item()] * 101),
    ],
    ids=lambda v: ascii(v)[:24],
)
def test_an_invalid_member_is_422_and_named(api: Caller, member: str, value: object):
    body = order_body(api.customer()["id"], **{member: value})
    assert_problem(api.post("/v1/orders", body), "validation", pointer=f"/{member}")


@pytest.mark.parametrize("member", ["customerId", "currency", "items"])
def test_a_missing_member_is_422_and_named(api: Caller, member: str):
    body = order_body(api.customer()["id"])
    del body[member]
    assert_problem(api.post("/v1/orders", body), "validation", pointer=f"/{member}")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("sku", ""),
        ("sku", "s" * 65),
        ("sku", None),
        ("sku", 1),
        ("sku", "te\x00a"),
        ("quantity", 0),
        ("quantity", -1),
        ("quantity", 10_001),
        ("quantity", 1.5),
        ("quantity", "1"),
        ("quantity", True),
        ("quantity", None),
        ("quantity", 2**31),
        ("quantity", 2**63),
        ("quantity", 10**30),
        ("unitPriceMinor", -1),
        ("unitPriceMinor", 1_000_000_001),
        ("unitPriceMinor", 0.5),
        ("unitPriceMinor", "99"),
        ("unitPriceMinor", False),
        ("unitPriceMinor", None),
        ("unitPriceMinor", 2**63),
        ("id", UNKNOWN_ID),
        ("colour", "red"),
    ],
    ids=lambda v: ascii(v)[:24],
)
def test_an_invalid_item_is_422_and_named_by_its_index(api: Caller, member: str, value: object):
    body = order_body(api.customer()["id"], items=[item(), item(**{member: value})])
    assert_problem(api.post("/v1/orders", body), "validation", pointer=f"/items/1/{member}")


@pytest.mark.parametrize("member", ["sku", "quantity", "unitPriceMinor"])
def test_an_item_without_a_member_is_422_and_named(api: Caller, member: str):
    line = item()
    del line[member]
    body = order_body(api.customer()["id"], items=[line])
    assert_problem(api.post("/v1/orders", body), "validation", pointer=f"/items/0/{member}")


@pytest.mark.parametrize("line", [None, 1, "tea", [], True], ids=repr)
def test_an_item_that_is_no_object_is_422(api: Caller, line: object):
    body = order_body(api.customer()["id"], items=[line])
    assert_problem(api.post("/v1/orders", body), "validation", pointer="/items/0")


@pytest.mark.parametrize("member", ["id", "status", "totalMinor", "version", "createdAt", "tenant"])
def test_a_server_made_member_in_the_body_is_422_and_named(api: Caller, member: str):
    body = order_body(api.customer()["id"], **{member: 1})
    assert_problem(api.post("/v1/orders", body), "validation", pointer=f"/{member}")


@pytest.mark.parametrize(
    "line",
    [
        item(sku="s"),
        item(sku="s" * 64),
        item(sku="Ærø/%20 '\"\\"),
        item(quantity=1),
        item(quantity=10_000),
        item(unitPriceMinor=0),
        item(unitPriceMinor=1_000_000_000),
    ],
    ids=lambda line: ascii(line)[:60],
)
def test_an_item_at_the_edge_of_what_is_allowed_is_kept_exactly(api: Caller, line: dict):
    order = api.order(items=[line])
    kept = {k: v for k, v in order["items"][0].items() if k != "id"}
    assert kept == line
    assert api.get(f"/v1/orders/{order['id']}").json() == order


@pytest.mark.parametrize("currency", ["EUR", "USD", "JPY", "CHF", "KWD", "INR"])
def test_a_currency_of_iso_4217_is_accepted(api: Caller, currency: str):
    assert api.order(currency=currency)["currency"] == currency


def test_a_hundred_items_keep_their_order(api: Caller):
    order = api.order(items=[item(sku=f"sku-{n}") for n in range(100)])
    assert [i["sku"] for i in order["items"]] == [f"sku-{n}" for n in range(100)]
    fetched = api.get(f"/v1/orders/{order['id']}").json()
    assert fetched["items"] == order["items"]


# The status machine.


@pytest.mark.parametrize(("old", "new"), MOVES, ids=[f"{old}-{new}" for old, new in MOVES])
def test_the_status_machine_allows_its_moves_and_no_other(api: Caller, old: str, new: str):
    order = api.order(status=old)
    path = f"/v1/orders/{order['id']}"
    etag = api.etag(path)
    response = api.patch(path, {"status": new}, if_match=etag)
    after = api.get(path)

    if old == new:
        assert response.status_code == 200
        assert response.json() == order == after.json()
        assert response.headers["etag"] == etag == after.headers["etag"]
    elif (old, new) in LEGAL:
        assert response.status_code == 200
        changed = response.json()
        assert_order(changed)
        assert changed["status"] == new
        assert changed["version"] > order["version"]
        assert changed["updatedAt"] >= order["updatedAt"]
        still = {k: order[k] for k in order if k not in {"status", "version", "updatedAt"}}
        assert still.items() <= changed.items()
        assert response.headers["etag"] == after.headers["etag"] != etag
        assert after.json() == changed
    else:
        assert_problem(response, "invalid-transition")
        assert after.json() == order
        assert after.headers["etag"] == etag


@pytest.mark.parametrize("media_type", [MERGE_PATCH, "application/json"])
def test_a_patch_may_be_a_merge_patch_or_plain_json(api: Caller, media_type: str):
    order = api.order()
    response = api.patch(
        f"/v1/orders/{order['id']}",
        content=b'{"status": "confirmed"}',
        headers={"Content-Type": media_type},
    )
    assert response.status_code == 200
    assert response.json()["status"] == "confirmed"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, None),
        ({"status": None}, "/status"),
        ({"status": "lost"}, "/status"),
        ({"status": "PENDING"}, "/status"),
        ({"status": ""}, "/status"),
        ({"status": 1}, "/status"),
        ({"status": ["confirmed"]}, "/status"),
        ({"status": "confirmed\x00"}, "/status"),
        ({"status": "confirmed", "currency": "USD"}, "/currency"),
        ({"status": "confirmed", "totalMinor": 1}, "/totalMinor"),
        ([{"status": "confirmed"}], None),
        ("confirmed", None),
    ],
    ids=lambda v: ascii(v)[:40],
)
def test_an_invalid_patch_is_422_and_changes_nothing(
    api: Caller, body: object, pointer: str | None
):
    order = api.order()
    response = api.patch(f"/v1/orders/{order['id']}", body)
    assert_problem(response, "validation", pointer=pointer)
    assert api.get(f"/v1/orders/{order['id']}").json() == order


# Cancelling.


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_an_order_that_has_not_left_can_be_cancelled(api: Caller, status: str):
    order = api.order(status=status)
    response = api.post(f"/v1/orders/{order['id']}/cancel", key=None)
    assert response.status_code == 200
    assert_order(response.json())
    assert response.json()["status"] == "cancelled"
    after = api.get(f"/v1/orders/{order['id']}")
    assert after.json() == response.json()
    assert after.headers["etag"] == response.headers["etag"]


def test_cancelling_a_cancelled_order_is_200_and_changes_nothing(api: Caller):
    order = api.order(status="cancelled")
    etag = api.etag(f"/v1/orders/{order['id']}")
    response = api.post(f"/v1/orders/{order['id']}/cancel", key=None)
    assert response.status_code == 200
    assert response.json() == order
    assert response.headers["etag"] == etag


@pytest.mark.parametrize("status", ["shipped", "delivered"])
def test_an_order_that_has_left_can_not_be_cancelled(api: Caller, status: str):
    order = api.order(status=status)
    response = api.post(f"/v1/orders/{order['id']}/cancel", key=None)
    assert_problem(response, "invalid-transition")
    assert api.get(f"/v1/orders/{order['id']}").json() == order
