"""Connections: Relay's rules, forward only, newest first, by keyset; cursors bound to lists."""

import threading
from datetime import datetime, timedelta, timezone

import pytest

from tests.contract.client import UNKNOWN_ID, assert_customer, assert_order

from .client import (
    CUSTOMER,
    ORDER,
    Caller,
    assert_fails,
    assert_not_executed,
    ids,
    nodes,
    page_of,
)

pytestmark = pytest.mark.orders

LISTS = ["customers", "orders"]
OF_CUSTOMER = """
    query ($id: ID!, $first: Int, $after: String, $filter: CustomerOrderFilter) {
      customer(id: $id) { orders(first: $first, after: $after, filter: $filter) {
        edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }
"""


def fill(api: Caller, field: str, number: int) -> list[str]:
    """Make `number` of what `field` lists; their ids, newest first."""
    if field == "customers":
        made = [api.customer()["id"] for _ in range(number)]
    else:
        customer = api.customer()["id"]
        made = [api.order(customer)["id"] for _ in range(number)]
    return sorted(made, reverse=True)


def orders_of(api: Caller, customer: str, **variables: object) -> dict:
    return dict(api.ask(OF_CUSTOMER, {"id": customer, **variables})["orders"])


@pytest.mark.parametrize("field", LISTS)
def test_an_empty_connection(api: Caller, field: str):
    assert api.page(field) == {
        "edges": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


@pytest.mark.parametrize("field", LISTS)
def test_a_page_holds_whole_things(api: Caller, field: str):
    newest, *_ = fill(api, field, 2)
    page = api.page(field, selection=ORDER if field == "orders" else CUSTOMER)
    for node in nodes(page):
        (assert_order if field == "orders" else assert_customer)(node)
    assert nodes(page)[0] == api.read(field[:-1], newest)


@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize("first", [1, 2, 5, 7, 100])
def test_walking_the_pages_meets_everything_once_newest_first(api: Caller, field: str, first: int):
    made = fill(api, field, 7)
    pages = [[node["id"] for node in page] for page in api.walk(field, first=first)]
    assert [id_ for page in pages for id_ in page] == made
    assert all(len(page) == first for page in pages[: 7 // first])
    assert len(pages) == -(-7 // first), "an empty last page"


@pytest.mark.parametrize("field", LISTS)
def test_a_page_holds_twenty_unless_asked_otherwise(api: Caller, field: str):
    made = fill(api, field, 21)
    first = api.page(field)
    assert ids(first) == made[:20]
    assert first["pageInfo"]["hasNextPage"] is True
    second = api.page(field, after=first["pageInfo"]["endCursor"])
    assert ids(second) == made[20:]
    assert second["pageInfo"]["hasNextPage"] is False
    document = f"{{ {field} {{ edges {{ node {{ id }} }} }} }}"
    assert ids(api.ask(document)) == made[:20]


@pytest.mark.parametrize("field", LISTS)
def test_page_info_follows_the_specification(api: Caller, field: str):
    fill(api, field, 3)
    whole = api.page(field)
    cursors = [edge["cursor"] for edge in whole["edges"]]
    assert len(set(cursors)) == 3
    assert all(isinstance(cursor, str) and cursor for cursor in cursors)
    for after in (None, *cursors):
        for first in (1, 2, 3):
            page = api.page(field, first=first, after=after)
            start = 0 if after is None else cursors.index(after) + 1
            shown = [edge["cursor"] for edge in page["edges"]]
            assert shown == cursors[start : start + first]
            assert page["pageInfo"] == {
                "hasNextPage": start + first < 3,
                "hasPreviousPage": after is not None,
                "startCursor": shown[0] if shown else None,
                "endCursor": shown[-1] if shown else None,
            }


@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize("first", [0, 101, -1, 2**31 - 1, -(2**31)])
def test_a_first_outside_1_to_100_fails_at_its_field(api: Caller, field: str, first: int):
    answer = api.run(page_of(field, "id"), {"first": first})
    if first > 100 and answer.status == 400:
        assert_not_executed(answer, "document-too-costly")
    else:
        assert_fails(answer, "bad-request", path=[field], argument="first")


@pytest.mark.parametrize("first", [0, 101, -1])
def test_a_first_of_a_relation_fails_at_its_field(api: Caller, first: int):
    customer = api.customer()["id"]
    answer = api.run(OF_CUSTOMER, {"id": customer, "first": first})
    assert_fails(answer, "bad-request", path=["customer", "orders"], argument="first")


@pytest.mark.parametrize("field", LISTS)
def test_a_first_of_null_is_the_default_or_refused(api: Caller, field: str):
    made = fill(api, field, 2)
    answer = api.run(f"{{ {field}(first: null) {{ edges {{ node {{ id }} }} }} }}")
    if answer.errors:
        assert_fails(answer, "bad-request", path=[field], argument="first")
    else:
        assert ids(answer.result) == made


# Cursors.


def cursor_of(api: Caller, field: str, **variables: object) -> str:
    """The cursor after the first of more than one."""
    return str(api.page(field, first=1, **variables)["pageInfo"]["endCursor"])


@pytest.mark.parametrize("field", LISTS)
def test_a_cursor_may_be_used_again_and_with_another_first(api: Caller, field: str):
    made = fill(api, field, 4)
    cursor = cursor_of(api, field)
    for first in (1, 2, 2, 100):
        assert ids(api.page(field, after=cursor, first=first)) == made[1 : 1 + first]


@pytest.mark.parametrize("field", LISTS)
def test_a_cursor_with_any_character_changed_is_refused(api: Caller, field: str):
    fill(api, field, 2)
    cursor = cursor_of(api, field)
    # The last character of base64 may hold bits that mean nothing.
    for position in range(len(cursor) - 1):
        other = "A" if cursor[position] != "A" else "z"
        damaged = cursor[:position] + other + cursor[position + 1 :]
        answer = api.run(page_of(field, "id"), {"after": damaged})
        assert_fails(answer, "bad-request", path=[field], argument="after")


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
        lambda c: "e30",
        lambda c: "W10",
        lambda c: "%%%",
        lambda c: "ключ",
        lambda c: UNKNOWN_ID,
        lambda c: "A" * 5000,
    ],
    ids=[
        "empty", "end cut off", "start cut off", "reversed", "doubled", "lengthened", "with a NUL",
        "null", "{}", "[]", "percents", "not ASCII", "an id", "long",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", LISTS)
def test_a_damaged_cursor_is_refused(api: Caller, field: str, damage):
    fill(api, field, 2)
    answer = api.run(page_of(field, "id"), {"after": damage(cursor_of(api, field))})
    assert_fails(answer, "bad-request", path=[field], argument="after")


def test_a_cursor_is_bound_to_its_list_and_its_filters(api: Caller):
    customer, other = api.customer()["id"], api.customer()["id"]
    for _ in range(2):
        api.order(customer)
        api.order(other)
    since = "2020-01-01T00:00:00Z"
    filters: list[dict | None] = [
        {},
        {"status": "pending"},
        {"customerId": customer},
        {"createdFrom": since},
        {"createdTo": "2999-01-01T00:00:00Z"},
        {"createdFrom": since, "status": "pending"},
    ]
    document = page_of("orders", "id")
    cursors = [cursor_of(api, "orders", filter=filter_) for filter_ in filters]
    for made_with, cursor in zip(filters, cursors, strict=True):
        for used_with in filters:
            answer = api.run(document, {"filter": used_with, "after": cursor})
            if used_with == made_with:
                assert answer.result["edges"]
            else:
                assert_fails(answer, "bad-request", path=["orders"], argument="after")
    # The same rows, but another list.
    of_customer = orders_of(api, customer, first=1)["pageInfo"]["endCursor"]
    foreign = [cursor_of(api, "customers"), of_customer]
    for cursor in foreign:
        answer = api.run(document, {"after": cursor})
        assert_fails(answer, "bad-request", path=["orders"], argument="after")
    for cursor in [*cursors, cursor_of(api, "customers")]:
        if cursor != cursors[2]:
            answer = api.run(OF_CUSTOMER, {"id": customer, "after": cursor})
            assert_fails(answer, "bad-request", path=["customer", "orders"], argument="after")
    answer = api.run(OF_CUSTOMER, {"id": other, "after": of_customer})
    assert_fails(answer, "bad-request", path=["customer", "orders"], argument="after")


def test_a_filter_that_says_nothing_is_no_filter(api: Caller):
    fill(api, "orders", 2)
    cursor = cursor_of(api, "orders")
    for filter_ in ({}, None):
        assert len(api.page("orders", filter=filter_, after=cursor)["edges"]) == 1


@pytest.mark.parametrize("field", LISTS)
def test_another_tenants_cursor_shows_nothing_of_that_tenant(
    api: Caller, stranger: Caller, field: str
):
    fill(api, field, 2)
    answer = stranger.run(page_of(field, "id"), {"after": cursor_of(api, field)})
    if answer.errors:
        assert_fails(answer, "bad-request", path=[field], argument="after")
    else:
        assert answer.result["edges"] == []


@pytest.mark.parametrize("field", LISTS)
def test_inserts_during_a_walk_neither_repeat_nor_hide_anything(api: Caller, field: str):
    made = fill(api, field, 12)
    customer = api.customer()["id"] if field == "orders" else None
    stop = threading.Event()
    inserted: list[str] = []

    def insert() -> None:
        while not stop.is_set():
            inserted.append((api.order(customer) if customer else api.customer())["id"])

    inserter = threading.Thread(target=insert)
    try:
        seen: list[str] = []
        for number, page in enumerate(api.walk(field, first=3)):
            seen += [node["id"] for node in page]
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
    made = fill(api, "orders", 5)
    pending = {"status": "pending"}
    first = api.page("orders", selection="id version", first=2, filter=pending)
    for order in nodes(first):
        api.move(order, "confirmed")
    rest = api.page("orders", filter=pending, after=first["pageInfo"]["endCursor"])
    assert ids(rest) == made[2:]


# The connection of a customer.


def test_the_orders_of_a_customer_are_paged_as_all_orders_are(api: Caller):
    customer, other = api.customer()["id"], api.customer()["id"]
    made = sorted((api.order(customer)["id"] for _ in range(5)), reverse=True)
    api.order(other)
    assert ids(orders_of(api, customer)) == made
    seen, after = [], None
    while True:
        page = orders_of(api, customer, first=2, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += ids(page)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == made


def test_each_customer_of_a_page_has_its_own_page_of_orders(api: Caller):
    made: dict[str, list[str]] = {}
    for number in range(4):
        customer = api.customer()["id"]
        made[customer] = sorted((api.order(customer)["id"] for _ in range(number)), reverse=True)
    found = api.page(
        "customers",
        selection="id orders(first: 2) { edges { node { id } } pageInfo { hasNextPage } }",
    )
    assert len(nodes(found)) == 4
    for customer in nodes(found):
        mine = made[customer["id"]]
        assert ids(customer["orders"]) == mine[:2]
        assert customer["orders"]["pageInfo"]["hasNextPage"] is (len(mine) > 2)


def test_one_field_may_be_asked_twice_with_other_arguments(api: Caller):
    customer = api.customer()["id"]
    pending = api.order(customer)["id"]
    cancelled = api.order(customer, status="cancelled")["id"]
    found = api.ask(
        "query ($id: ID!) { customer(id: $id) {"
        " all: orders { edges { node { id } } }"
        " one: orders(first: 1) { edges { node { id } } }"
        " pending: orders(filter: {status: pending}) { edges { node { id } } }"
        " cancelled: orders(filter: {status: cancelled}) { edges { node { id } } } } }",
        {"id": customer},
    )
    assert ids(found["all"]) == [cancelled, pending]
    assert ids(found["one"]) == [cancelled]
    assert ids(found["pending"]) == [pending]
    assert ids(found["cancelled"]) == [cancelled]


# Filters.


def test_orders_can_be_filtered_by_status(api: Caller):
    customer = api.customer()["id"]
    by_status = {
        s: api.order(customer, status=s)["id"]
        for s in ("pending", "confirmed", "shipped", "delivered", "cancelled")
    }
    for status, order in by_status.items():
        assert ids(api.page("orders", filter={"status": status})) == [order]
        assert ids(orders_of(api, customer, filter={"status": status})) == [order]


def test_orders_can_be_filtered_by_customer(api: Caller):
    one, other = api.customer()["id"], api.customer()["id"]
    mine = {api.order(one)["id"], api.order(one)["id"]}
    api.order(other)
    assert set(ids(api.page("orders", filter={"customerId": one}))) == mine
    assert api.page("orders", filter={"customerId": UNKNOWN_ID})["edges"] == []


def test_created_from_is_inclusive_and_created_to_exclusive(api: Caller):
    customer = api.customer()["id"]
    older = api.order(customer)
    threading.Event().wait(0.01)
    newer = api.order(customer)

    def found(**filter_: str) -> list[str]:
        page = api.page("orders", filter=filter_)
        assert ids(page) == ids(orders_of(api, customer, filter=filter_))
        return ids(page)

    assert found(createdFrom=older["createdAt"]) == [newer["id"], older["id"]]
    assert found(createdFrom=newer["createdAt"]) == [newer["id"]]
    assert found(createdTo=newer["createdAt"]) == [older["id"]]
    assert found(createdTo=older["createdAt"]) == []
    both = {"createdFrom": older["createdAt"], "createdTo": newer["createdAt"]}
    assert found(**both, status="pending") == [older["id"]]


def test_a_time_with_an_offset_means_the_same_instant(api: Caller):
    order = api.order()
    instant = datetime.fromisoformat(order["createdAt"])
    for hours in (-11, 0, 2, 5.5):
        local = instant.astimezone(timezone(timedelta(hours=hours)))
        assert ids(api.page("orders", filter={"createdFrom": local.isoformat()})) == [order["id"]]
        later = (local + timedelta(seconds=1)).isoformat()
        assert api.page("orders", filter={"createdFrom": later})["edges"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
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
        ("createdFrom", "2026-01-01"),
        ("createdFrom", 1767225600),
        ("createdTo", "2026-01-01T00:00:00+99:00"),
        ("createdTo", "infinity"),
        ("createdTo", "now"),
        ("createdTo", "2026-01-01T00:00:00Z\x00"),
        ("status", "lost"),
        ("status", "PENDING"),
        ("status", "pending\x00"),
        ("status", 1),
    ],
    ids=lambda v: ascii(v),
)
def test_a_filter_that_can_not_be_used_is_a_bad_request(api: Caller, name: str, value: object):
    answer = api.run(page_of("orders", "id"), {"filter": {name: value}})
    if "data" in answer.body:
        error = assert_fails(answer, "bad-request", path=["orders"])
        assert error["extensions"]["argument"] in {"filter", name, f"filter.{name}"}
    else:
        assert_not_executed(answer, "bad-request")


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1900-01-01T00:00:00+23:59"]
)
def test_a_time_at_the_end_of_the_calendar_is_no_server_error(api: Caller, value: str):
    for name in ("createdFrom", "createdTo"):
        answer = api.run(page_of("orders", "id"), {"filter": {name: value}})
        assert not answer.errors or answer.outcome == "bad-request"


def test_a_range_that_ends_before_it_begins_holds_nothing(api: Caller):
    order = api.order()
    filter_ = {"createdFrom": "2999-01-01T00:00:00Z", "createdTo": order["createdAt"]}
    assert api.page("orders", filter=filter_)["edges"] == []


def test_a_bad_argument_leaves_the_other_fields(api: Caller):
    fill(api, "customers", 1)
    answer = api.run("{ customers { edges { cursor } } orders(first: 0) { edges { cursor } } }")
    assert_fails(answer, "bad-request", path=["orders"], argument="first")
    assert len(answer.body["data"]["customers"]["edges"]) == 1
