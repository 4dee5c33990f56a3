"""Orders: creation, the status machine, versions and cancelling."""

import pytest

from tests.contract.client import all_at_once, assert_order, item, order_body
from tests.contract.test_money_and_time import test_the_total_is_exact as totals
from tests.contract.test_orders import LEGAL, MOVES

from .client import ORDER, Caller, assert_not_executed, assert_user_error, mutation, thing

pytestmark = pytest.mark.orders

TOTALS = totals.pytestmark[0].args[1]


def test_a_created_order_is_answered_whole(api: Caller):
    customer = api.customer()
    order = thing(api.create("Order", order_body(customer["id"])), "Order")
    assert_order(order)
    assert order["customerId"] == customer["id"]
    assert (order["status"], order["currency"], order["version"]) == ("pending", "EUR", 1)
    assert order["totalMinor"] == 2599
    sent = [(i["sku"], i["quantity"], i["unitPriceMinor"]) for i in order["items"]]
    assert sent == [("tea", 2, 1250), ("spoon", 1, 99)]
    assert api.read("order", order["id"]) == order


def test_a_created_order_can_be_followed_to_its_customer(api: Caller):
    customer = api.customer()
    answer = api.change(
        "createOrder",
        order_body(customer["id"]),
        selection="id customer { email orders { edges { node { id } } } }",
    )
    order = thing(answer, "Order")
    assert order["customer"]["email"] == customer["email"]
    assert order["customer"]["orders"]["edges"] == [{"node": {"id": order["id"]}}]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"customerId": ""}, ["customerId"]),
        ({"customerId": "\x00"}, ["customerId"]),
        ({"currency": ""}, ["currency"]),
        ({"currency": "eur"}, ["currency"]),
        ({"currency": "EURO"}, ["currency"]),
        ({"currency": "ZZZ"}, ["currency"]),
        ({"currency": "E\x00R"}, ["currency"]),
        ({"items": []}, ["items"]),
        ({"items": [item()] * 101}, ["items"]),
        ({"items": [item(), item(sku="")]}, ["items", "1", "sku"]),
        ({"items": [item(), item(sku="s" * 65)]}, ["items", "1", "sku"]),
        ({"items": [item(), item(sku="te\x00a")]}, ["items", "1", "sku"]),
        ({"items": [item(quantity=0)]}, ["items", "0", "quantity"]),
        ({"items": [item(quantity=-1)]}, ["items", "0", "quantity"]),
        ({"items": [item(quantity=10_001)]}, ["items", "0", "quantity"]),
        ({"items": [item(quantity=2**31 - 1)]}, ["items", "0", "quantity"]),
        ({"items": [item(unitPriceMinor=-1)]}, ["items", "0", "unitPriceMinor"]),
        ({"items": [item(unitPriceMinor=1_000_000_001)]}, ["items", "0", "unitPriceMinor"]),
    ],
    ids=lambda v: ascii(v)[:50],
)
def test_an_order_that_is_invalid_says_where(api: Caller, changes: dict, path: list[str]):
    answer = api.create("Order", order_body(api.customer()["id"], **changes))
    assert_user_error(answer, "ValidationError", "validation", path=path)
    assert api.page("orders")["edges"] == []


@pytest.mark.parametrize(
    "line",
    [
        item(quantity=1.5), item(quantity="1"), item(quantity=True), item(quantity=None),
        item(quantity=2**31), item(unitPriceMinor=0.5), item(unitPriceMinor="99"), item(sku=1),
        item(sku=None), item(colour="red"), item(id="x"), {"sku": "tea"}, {}, 1, "tea", None,
    ],
    ids=lambda line: ascii(line)[:60],
)  # fmt: skip
def test_what_the_types_refuse_is_a_bad_request(api: Caller, line: object):
    body = order_body(api.customer()["id"], items=[item(), line])
    assert_not_executed(api.create("Order", body), "bad-request")


@pytest.mark.parametrize("member", ["id", "status", "totalMinor", "version", "tenant"])
def test_what_the_server_decides_is_no_input(api: Caller, member: str):
    body = order_body(api.customer()["id"], **{member: "x"})
    assert_not_executed(api.create("Order", body), "bad-request")


@pytest.mark.parametrize(
    "line",
    [
        item(sku="s"), item(sku="s" * 64), item(sku="Ærø/%20 '\"\\"), item(quantity=10_000),
        item(unitPriceMinor=0), item(unitPriceMinor=1_000_000_000),
    ],
    ids=lambda line: ascii(line)[:60],
)  # fmt: skip
def test_an_item_at_the_edge_of_what_is_allowed_is_kept_exactly(api: Caller, line: dict):
    order = api.order(items=[line])
    assert {k: v for k, v in order["items"][0].items() if k != "id"} == line
    assert api.read("order", order["id"]) == order


def test_a_hundred_items_keep_their_order(api: Caller):
    order = api.order(items=[item(sku=f"sku-{n}") for n in range(100)])
    assert [i["sku"] for i in order["items"]] == [f"sku-{n}" for n in range(100)]
    assert api.read("order", order["id"]) == order


@pytest.mark.parametrize(("items", "total"), TOTALS, ids=lambda v: str(v) if v is int else "")
def test_the_total_is_exact_and_whole(api: Caller, items: list[dict], total: int):
    order = api.order(items=items)
    assert order["totalMinor"] == total
    answer = api.run(f'{{ order(id: "{order["id"]}") {{ totalMinor }} }}')
    assert f'"totalMinor":{total}}}' in answer.response.text.replace(" ", "")


# The status machine.


@pytest.mark.parametrize(("old", "new"), MOVES, ids=[f"{old}-{new}" for old, new in MOVES])
def test_the_status_machine_allows_its_moves_and_no_other(api: Caller, old: str, new: str):
    order = api.order(status=old)
    answer = api.move(order, new)
    after = api.read("order", order["id"])
    assert after is not None
    if old == new:
        assert thing(answer, "Order") == order == after
    elif (old, new) in LEGAL:
        changed = thing(answer, "Order")
        assert_order(changed)
        assert changed["status"] == new
        assert changed["version"] == order["version"] + 1
        assert changed["updatedAt"] >= order["updatedAt"]
        still = {k: order[k] for k in order if k not in {"status", "version", "updatedAt"}}
        assert still.items() <= changed.items()
        assert after == changed
    else:
        assert_user_error(answer, "ConflictError", "invalid-transition")
        assert after == order


@pytest.mark.parametrize("version", [0, -1, 2, 99, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("name", ["updateOrderStatus", "cancelOrder"])
def test_a_version_that_is_not_the_present_one_changes_nothing(
    api: Caller, name: str, version: int
):
    order = api.order()
    input_: dict = {"id": order["id"], "expectedVersion": version}
    if name == "updateOrderStatus":
        input_["status"] = "confirmed"
    told = assert_user_error(
        api.change(name, input_), "PreconditionFailedError", "precondition-failed"
    )
    assert told["currentVersion"] == order["version"]
    assert api.read("order", order["id"]) == order


def test_the_same_status_needs_the_present_version_too(api: Caller):
    order = api.order()
    answer = api.move(order, "pending", expectedVersion=7)
    assert_user_error(answer, "PreconditionFailedError", "precondition-failed")


def test_a_status_is_asked_of_the_types(api: Caller):
    order = api.order()
    for status in ("lost", "PENDING", "", "confirmed\x00", None, 1, ["confirmed"]):
        assert_not_executed(api.move(order, status), "bad-request")
    assert_not_executed(api.move(order, "confirmed", expectedVersion=None), "bad-request")
    assert_not_executed(api.move(order, "confirmed", expectedVersion="1"), "bad-request")
    assert api.read("order", order["id"]) == order


# Cancelling.


@pytest.mark.parametrize("status", ["pending", "confirmed"])
@pytest.mark.parametrize("expects", [True, False, None])
def test_an_order_that_has_not_left_can_be_cancelled(api: Caller, status: str, expects):
    order = api.order(status=status)
    version = (
        {"expectedVersion": order["version"] if expects else None} if expects is not False else {}
    )
    cancelled = thing(api.cancel(order, **version), "Order")
    assert cancelled["status"] == "cancelled"
    assert cancelled["version"] == order["version"] + 1
    assert api.read("order", order["id"]) == cancelled


def test_cancelling_a_cancelled_order_changes_nothing(api: Caller):
    order = api.order(status="cancelled")
    assert thing(api.cancel(order), "Order") == order
    assert thing(api.cancel(order, expectedVersion=order["version"]), "Order") == order


@pytest.mark.parametrize("status", ["shipped", "delivered"])
def test_an_order_that_has_left_can_not_be_cancelled(api: Caller, status: str):
    order = api.order(status=status)
    assert_user_error(api.cancel(order), "ConflictError", "invalid-transition")
    assert api.read("order", order["id"]) == order


def test_what_a_document_reads_after_a_change_is_the_changed(api: Caller):
    """Nothing that was loaded before the second mutation is shown after it."""
    order = api.order()
    selection = "customer { orders { edges { node { status version } } } }"
    document = (
        "mutation ($a: UpdateOrderStatusInput!, $b: CancelOrderInput!) {"
        f" a: updateOrderStatus(input: $a) {{ ... on Order {{ status {selection} }} }}"
        f" b: cancelOrder(input: $b) {{ ... on Order {{ status {selection} }} }} }}"
    )
    move = {"id": order["id"], "status": "confirmed", "expectedVersion": order["version"]}
    data = api.run(document, {"a": move, "b": {"id": order["id"]}}).data
    for name, status in (("a", "confirmed"), ("b", "cancelled")):
        assert data[name]["status"] == status
        (edge,) = data[name]["customer"]["orders"]["edges"]
        assert edge["node"]["status"] == status


# Lost updates do not happen.


@pytest.mark.parametrize("rivals", [2, 8])
@pytest.mark.parametrize("attempt", range(3))
def test_of_simultaneous_changes_of_one_version_exactly_one_succeeds(
    api: Caller, rivals: int, attempt: int
):
    order = api.order()
    targets = ["confirmed", "cancelled"] * (rivals // 2)
    answers = all_at_once([lambda t=t: api.move(order, t) for t in targets])
    assert sorted(a.outcome for a in answers) == sorted(
        ["Order"] + ["precondition-failed"] * (rivals - 1)
    )
    winner = next(a for a in answers if a.outcome == "Order")
    assert api.read("order", order["id"]) == thing(winner, "Order")


def test_simultaneous_cancels_all_see_one_cancelled_order(api: Caller):
    order = api.order()
    answers = [thing(a, "Order") for a in all_at_once([lambda: api.cancel(order)] * 8)]
    assert all(answer == api.read("order", order["id"]) for answer in answers)


@pytest.mark.parametrize("attempt", range(3))
def test_cancelling_and_shipping_at_once_leaves_one_consistent_order(api: Caller, attempt: int):
    order = api.order(status="confirmed")
    shipped, cancelled = all_at_once(
        [lambda: api.move(order, "shipped"), lambda: api.cancel(order)]
    )
    final = api.ask(f'{{ order(id: "{order["id"]}") {{ status }} }}')["status"]
    if shipped.outcome == "Order":
        assert cancelled.outcome == "invalid-transition"
        assert final == "shipped"
    else:
        assert (shipped.outcome, cancelled.outcome) == ("precondition-failed", "Order")
        assert final == "cancelled"


def test_fields_that_are_not_selected_are_not_needed(api: Caller):
    order = api.order()
    answer = api.run(mutation("cancelOrder", "__typename"), {"input": {"id": order["id"]}})
    assert answer.result == {"__typename": "Order"}
    everything = api.ask(
        f"query ($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}", {"id": order["id"]}
    )
    assert_order(everything)
