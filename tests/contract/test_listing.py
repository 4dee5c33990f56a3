"""Pages: keyset order, opaque cursors that are bound to their filters, filters, limits."""

import threading
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from .client import UNKNOWN_ID, Caller, assert_customer, assert_order, assert_problem

pytestmark = pytest.mark.orders

LISTS = ["/v1/customers", "/v1/orders"]


def fill(api: Caller, path: str, number: int) -> list[str]:
    """Make `number` of what `path` lists; their ids, newest first."""
    if path == "/v1/customers":
        made = [api.customer()["id"] for _ in range(number)]
    else:
        customer = api.customer()["id"]
        made = [api.order(customer)["id"] for _ in range(number)]
    return sorted(made, reverse=True)


def ids(items: list[dict]) -> list[str]:
    return [item["id"] for item in items]


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_is_an_empty_page(api: Caller, path: str):
    response = api.get(path)
    assert response.status_code == 200
    assert response.json() == {"items": [], "nextCursor": None}


@pytest.mark.parametrize("path", LISTS)
def test_a_page_holds_whole_resources_and_nothing_beside_the_cursor(api: Caller, path: str):
    newest, *_ = fill(api, path, 2)
    page = api.get(path).json()
    assert page.keys() == {"items", "nextCursor"}
    for entry in page["items"]:
        (assert_order if path == "/v1/orders" else assert_customer)(entry)
    assert page["items"][0] == api.get(f"{path}/{newest}").json()


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 5, 7, 100])
def test_walking_the_pages_meets_everything_once_newest_first(api: Caller, path: str, limit: int):
    made = fill(api, path, 7)
    pages = [ids(page) for page in api.pages(path, limit=limit)]
    assert [i for page in pages for i in page] == made
    assert all(len(page) <= limit for page in pages)
    assert all(len(page) == limit for page in pages[: 7 // limit])


@pytest.mark.parametrize("path", LISTS)
def test_a_page_holds_twenty_unless_asked_otherwise(api: Caller, path: str):
    made = fill(api, path, 21)
    first = api.get(path).json()
    assert ids(first["items"]) == made[:20]
    second = api.get(path, params={"cursor": first["nextCursor"]}).json()
    assert ids(second["items"]) == made[20:]
    assert second["nextCursor"] is None


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "", "abc", "1.5", "1e1", "0x10", "1,2", "٣", "99999999999999999999"]
)
def test_a_limit_outside_1_to_100_is_400(api: Caller, path: str, limit: str):
    assert_problem(api.get(path, params={"limit": limit}), "bad-request", parameter="limit")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/customers", "status"),
        ("/v1/customers", "email"),
        ("/v1/customers", "offset"),
        ("/v1/orders", "page"),
        ("/v1/orders", "Limit"),
        ("/v1/orders", "customer_id"),
        ("/v1/orders", "limit[]"),
        ("/v1/orders", "__proto__"),
    ],
)
def test_an_unknown_query_parameter_is_400_and_named(api: Caller, path: str, name: str):
    assert_problem(api.get(path, params={name: "1"}), "bad-request", parameter=name)


@pytest.mark.parametrize("kind", ["customers", "orders"])
def test_an_unknown_query_parameter_is_400_on_every_other_route_too(api: Caller, kind: str):
    made = api.customer() if kind == "customers" else api.order()
    path = f"/v1/{kind}/{made['id']}"
    query = {"expand": "all"}
    answers = [api.get(path, params=query), api.post(f"/v1/{kind}", {}, params=query)]
    if kind == "orders":
        answers.append(api.patch(path, {"status": "confirmed"}, params=query))
        answers.append(api.post(f"{path}/cancel", key=None, params=query))
    for answer in answers:
        assert_problem(answer, "bad-request", parameter="expand")


# Cursors.


def cursor_of(api: Caller, path: str, **params: str) -> str:
    """The cursor after the first of more than one."""
    cursor = api.get(path, params={"limit": 1, **params}).json()["nextCursor"]
    assert isinstance(cursor, str)
    return cursor


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_may_be_used_again_and_with_another_limit(api: Caller, path: str):
    made = fill(api, path, 4)
    cursor = cursor_of(api, path)
    for limit in (1, 2, 2, 100):
        page = api.get(path, params={"cursor": cursor, "limit": limit}).json()
        assert ids(page["items"]) == made[1 : 1 + limit]


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_with_any_character_changed_is_400(api: Caller, path: str):
    fill(api, path, 2)
    cursor = cursor_of(api, path)
    # The last character of base64 may hold bits that mean nothing.
    for position in range(len(cursor) - 1):
        other = "A" if cursor[position] != "A" else "z"
        damaged = cursor[:position] + other + cursor[position + 1 :]
        response = api.get(path, params={"cursor": damaged})
        assert_problem(response, "bad-request", parameter="cursor")


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: "",
        lambda c: c[:-4],
        lambda c: c[4:],
        lambda c: c[::-1],
        lambda c: c + c,
        lambda c: c + "AAAA",
        lambda c: c + "\x00",
        lambda c: "null",
        lambda c: "0",
        lambda c: "e30",
        lambda c: "bnVsbA",
        lambda c: "W10",
        lambda c: "____",
        lambda c: "%%%",
        lambda c: "ключ",
        lambda c: UNKNOWN_ID,
        lambda c: "A" * 5000,
    ],
    ids=[
        "empty", "end cut off", "start cut off", "reversed", "doubled", "lengthened", "with a NUL",
        "null", "zero", "{}", "null in base64", "[]", "underscores", "percents", "not ASCII",
        "an id", "long",
    ],
)  # fmt: skip
def test_a_damaged_cursor_is_400(api: Caller, damage):
    fill(api, "/v1/orders", 2)
    cursor = damage(cursor_of(api, "/v1/orders"))
    response = api.get("/v1/orders", params={"cursor": cursor})
    assert_problem(response, "bad-request", parameter="cursor")


def test_a_cursor_is_bound_to_its_filters(api: Caller):
    customer = api.customer()["id"]
    for _ in range(2):
        api.order(customer)
    since = "2020-01-01T00:00:00Z"
    filters = [
        {},
        {"status": "pending"},
        {"status": "confirmed"},
        {"customerId": customer},
        {"customerId": UNKNOWN_ID},
        {"createdFrom": since},
        {"createdTo": "2999-01-01T00:00:00Z"},
        {"createdFrom": since, "status": "pending"},
    ]
    for made_with in filters:
        if made_with in ({"status": "confirmed"}, {"customerId": UNKNOWN_ID}):
            continue  # an empty list has no cursor
        cursor = cursor_of(api, "/v1/orders", **made_with)
        for used_with in filters:
            response = api.get("/v1/orders", params={**used_with, "cursor": cursor})
            if used_with == made_with:
                assert response.status_code == 200
                assert len(response.json()["items"]) == 1
            else:
                assert_problem(response, "bad-request", parameter="cursor")


@pytest.mark.parametrize("path", LISTS)
def test_another_tenants_cursor_shows_nothing_of_that_tenant(
    api: Caller, stranger: Caller, path: str
):
    fill(api, path, 2)
    response = stranger.get(path, params={"cursor": cursor_of(api, path)})
    if response.status_code == 200:
        assert response.json()["items"] == []
    else:
        assert_problem(response, "bad-request", parameter="cursor")


@pytest.mark.parametrize("path", LISTS)
def test_inserts_during_a_walk_neither_repeat_nor_hide_anything(api: Caller, path: str):
    made = fill(api, path, 12)
    customer = api.customer()["id"] if path == "/v1/orders" else None
    stop = threading.Event()
    inserted: list[str] = []

    def insert() -> None:
        while not stop.is_set():
            inserted.append((api.order(customer) if customer else api.customer())["id"])

    inserter = threading.Thread(target=insert)
    try:
        seen: list[str] = []
        for number, page in enumerate(api.pages(path, limit=3)):
            seen += ids(page)
            if number == 0:
                inserter.start()
            while inserter.is_alive() and len(inserted) < 2 * (number + 1):
                stop.wait(0.005)
    finally:
        stop.set()
        inserter.join()
    assert seen == made
    assert len(inserted) >= 4


def test_orders_that_leave_the_filter_during_a_walk_do_not_break_it(api: Caller):
    made = fill(api, "/v1/orders", 5)
    first = api.get("/v1/orders", params={"limit": 2, "status": "pending"}).json()
    for order in first["items"]:
        api.patch(f"/v1/orders/{order['id']}", {"status": "confirmed"})
    query = {"status": "pending", "cursor": first["nextCursor"]}
    rest = api.get("/v1/orders", params=query).json()
    assert ids(rest["items"]) == made[2:]


# Filters.


def test_orders_can_be_filtered_by_status(api: Caller):
    customer = api.customer()["id"]
    by_status = {
        s: api.order(customer, status=s)["id"]
        for s in ("pending", "confirmed", "shipped", "delivered", "cancelled")
    }
    for status, order in by_status.items():
        assert ids(api.get("/v1/orders", params={"status": status}).json()["items"]) == [order]


def test_orders_can_be_filtered_by_customer(api: Caller):
    one, other = api.customer()["id"], api.customer()["id"]
    mine = {api.order(one)["id"], api.order(one)["id"]}
    api.order(other)
    found = api.get("/v1/orders", params={"customerId": one}).json()["items"]
    assert set(ids(found)) == mine
    nobodys = api.get("/v1/orders", params={"customerId": UNKNOWN_ID}).json()
    assert nobodys == {"items": [], "nextCursor": None}


def test_filters_combine(api: Caller):
    one, other = api.customer()["id"], api.customer()["id"]
    wanted = api.order(one, status="confirmed")
    api.order(one)
    api.order(other, status="confirmed")
    found = api.get(
        "/v1/orders",
        params={"customerId": one, "status": "confirmed", "createdFrom": wanted["createdAt"]},
    )
    assert ids(found.json()["items"]) == [wanted["id"]]


def test_created_from_is_inclusive_and_created_to_exclusive(api: Caller):
    customer = api.customer()["id"]
    older = api.order(customer)
    threading.Event().wait(0.01)
    newer = api.order(customer)

    def found(**params: str) -> list[str]:
        return ids(api.get("/v1/orders", params=params).json()["items"])

    assert found(createdFrom=older["createdAt"]) == [newer["id"], older["id"]]
    assert found(createdFrom=newer["createdAt"]) == [newer["id"]]
    assert found(createdTo=newer["createdAt"]) == [older["id"]]
    assert found(createdTo=older["createdAt"]) == []
    between = {"createdFrom": older["createdAt"], "createdTo": newer["createdAt"]}
    assert found(**between) == [older["id"]]


def test_a_time_with_an_offset_means_the_same_instant(api: Caller):
    order = api.order()
    instant = datetime.fromisoformat(order["createdAt"])
    for hours in (-11, 0, 2, 5.5):
        local = instant.astimezone(timezone(timedelta(hours=hours)))
        found = api.get("/v1/orders", params={"createdFrom": local.isoformat()})
        assert ids(found.json()["items"]) == [order["id"]]
        later = local + timedelta(seconds=1)
        assert (
            api.get("/v1/orders", params={"createdFrom": later.isoformat()}).json()["items"] == []
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", ""),
        ("status", "lost"),
        ("status", "PENDING"),
        ("status", "pending,confirmed"),
        ("status", "pending\x00"),
        ("customerId", ""),
        ("customerId", "7"),
        ("customerId", "not-an-id"),
        ("customerId", UNKNOWN_ID + "0"),
        ("customerId", "\x00"),
        ("createdFrom", ""),
        ("createdFrom", "yesterday"),
        ("createdFrom", "2026-13-01T00:00:00Z"),
        ("createdFrom", "2026-02-30T00:00:00Z"),
        ("createdFrom", "2026-01-01T25:00:00Z"),
        ("createdTo", "2026-01-01T00:00:00+99:00"),
        ("createdTo", "infinity"),
        ("createdTo", "now"),
        ("createdTo", "-1"),
        ("createdTo", "2026-01-01T00:00:00Z\x00"),
    ],
    ids=lambda v: ascii(v),
)
def test_an_invalid_filter_is_400_and_named(api: Caller, name: str, value: str):
    assert_problem(api.get("/v1/orders", params={name: value}), "bad-request", parameter=name)


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1900-01-01T00:00:00+23:59"]
)
def test_a_time_at_the_end_of_the_calendar_is_no_server_error(api: Caller, value: str):
    for name in ("createdFrom", "createdTo"):
        assert api.get("/v1/orders", params={name: value}).status_code in {200, 400}


def test_a_range_that_ends_before_it_begins_holds_nothing(api: Caller):
    order = api.order()
    params = {"createdFrom": "2999-01-01T00:00:00Z", "createdTo": order["createdAt"]}
    response = api.get("/v1/orders", params=params)
    if response.status_code == 200:
        assert response.json()["items"] == []
    else:
        assert_problem(response, "bad-request")


def test_a_list_is_sorted_by_id_and_so_by_time(api: Caller):
    fill(api, "/v1/orders", 6)
    orders = api.get("/v1/orders").json()["items"]
    assert all(a["id"] > b["id"] for a, b in pairwise(orders))
    assert all(a["createdAt"] >= b["createdAt"] for a, b in pairwise(orders))
