"""Another tenant's id, in every position an id can take: as if it did not exist."""

import pytest

from tests.contract.client import UNKNOWN_ID, customer_body, order_body

from .client import Caller, assert_user_error, ids, nodes

pytestmark = pytest.mark.orders

MALFORMED = [
    "", "0", "abc", "null", "-", " ", "'", "../etc", "\x00", "\ud83d\ude00", "a" * 1000,
    UNKNOWN_ID[:-1], UNKNOWN_ID + "0", "g" + UNKNOWN_ID[1:], UNKNOWN_ID.replace("-", ""),
    "{" + UNKNOWN_ID + "}", "urn:uuid:" + UNKNOWN_ID, UNKNOWN_ID + " ", UNKNOWN_ID + "\x00",
    "Q3VzdG9tZXI6MQ==", "Customer:" + UNKNOWN_ID,
]  # fmt: skip
NODE = "query ($id: ID!) { node(id: $id) { id __typename } }"


@pytest.mark.parametrize("id_", [*MALFORMED, UNKNOWN_ID, 7], ids=lambda v: ascii(v)[:40])
def test_an_unknown_or_malformed_id_is_null(api: Caller, id_: object):
    assert api.ask(NODE, {"id": id_}) is None
    for kind in ("customer", "order"):
        assert api.ask(f"query ($id: ID!) {{ {kind}(id: $id) {{ id }} }}", {"id": id_}) is None


@pytest.mark.parametrize("id_", [*MALFORMED, UNKNOWN_ID], ids=lambda v: ascii(v)[:40])
def test_a_change_of_an_unknown_or_malformed_id_is_not_found(api: Caller, id_: str):
    order = {"id": id_, "version": 1}
    assert_user_error(api.move(order, "confirmed"), "NotFoundError", "not-found")
    assert_user_error(api.cancel(order), "NotFoundError", "not-found")


@pytest.mark.parametrize("id_", [*MALFORMED, UNKNOWN_ID], ids=lambda v: ascii(v)[:40])
def test_an_order_for_an_unknown_or_malformed_customer_is_invalid(api: Caller, id_: str):
    answer = api.create("Order", order_body(id_))
    assert_user_error(answer, "ValidationError", "validation", path=["customerId"])


def test_an_id_of_another_kind_is_null(api: Caller):
    order = api.order()
    assert api.read("customer", order["id"]) is None
    assert api.read("order", order["customerId"]) is None
    assert api.read("order", order["items"][0]["id"]) is None
    assert api.ask(NODE, {"id": order["items"][0]["id"]}) is None


def test_an_id_in_another_spelling_is_malformed(api: Caller):
    id_ = api.customer()["id"]
    for spelling in (id_.replace("-", ""), "{" + id_ + "}", "urn:uuid:" + id_, id_ + " "):
        assert api.read("customer", spelling) is None
        assert api.ask(NODE, {"id": spelling}) is None


def test_a_node_is_what_its_own_field_answers(api: Caller):
    order = api.order()
    found = api.ask(
        "query ($id: ID!) { node(id: $id) { id ... on Order { status totalMinor customer"
        " { email } items { sku } } ... on Customer { email } } }",
        {"id": order["id"]},
    )
    assert (found["id"], found["status"]) == (order["id"], "pending")
    assert found["totalMinor"] == order["totalMinor"]
    customer = api.ask(
        "query ($id: ID!) { node(id: $id) { __typename ... on Customer { email orders"
        " { edges { node { id } } } } } }",
        {"id": order["customerId"]},
    )
    assert customer["email"] == found["customer"]["email"]
    assert ids(customer["orders"]) == [order["id"]]


def test_several_nodes_may_be_asked_at_once(api: Caller, stranger: Caller):
    order, theirs = api.order(), stranger.order()
    wanted = {
        "order": order["id"],
        "customer": order["customerId"],
        "unknown": UNKNOWN_ID,
        "malformed": "x",
        "theirs": theirs["id"],
    }
    fields = " ".join(f'{name}: node(id: "{id_}") {{ id }}' for name, id_ in wanted.items())
    assert api.run(f"{{ {fields} }}").data == {
        "order": {"id": order["id"]},
        "customer": {"id": order["customerId"]},
        "unknown": None,
        "malformed": None,
        "theirs": None,
    }


@pytest.mark.parametrize(
    "document",
    [
        "query ($id: ID!) { node(id: $id) { id } }",
        "query ($id: ID!) { order(id: $id) { id customer { id } } }",
        "query ($id: ID!) { customer(id: $id) { id orders { edges { cursor } } } }",
    ],
)
def test_another_tenants_thing_is_null_exactly_like_an_unknown_one(
    api: Caller, stranger: Caller, document: str
):
    order = api.order()
    for id_ in (order["id"], order["customerId"]):
        theirs = stranger.run(document, {"id": id_})
        assert theirs.body == stranger.run(document, {"id": UNKNOWN_ID}).body
        assert list(theirs.data.values()) == [None]


def test_another_tenants_order_can_not_be_changed(api: Caller, stranger: Caller):
    order = api.order()
    unknown = {**order, "id": UNKNOWN_ID}
    for change in (
        lambda o: stranger.move(o, "confirmed"),
        lambda o: stranger.cancel(o),
        lambda o: stranger.cancel(o, expectedVersion=o["version"]),
    ):
        told = assert_user_error(change(order), "NotFoundError", "not-found")
        assert told == assert_user_error(change(unknown), "NotFoundError", "not-found")
    assert api.read("order", order["id"]) == order


def test_another_tenants_customer_in_an_order_is_told_exactly_like_an_unknown_one(
    api: Caller, stranger: Caller
):
    theirs = api.customer()["id"]
    told = [
        assert_user_error(
            stranger.create("Order", order_body(customer)),
            "ValidationError",
            "validation",
            path=["customerId"],
        )
        for customer in (theirs, UNKNOWN_ID)
    ]
    assert told[0] == told[1]
    assert api.page("orders")["edges"] == []
    assert stranger.page("orders")["edges"] == []


def test_another_tenants_customer_in_a_filter_finds_nothing(api: Caller, stranger: Caller):
    order = api.order()
    assert stranger.page("orders", filter={"customerId": order["customerId"]})["edges"] == []


def test_connections_and_relations_hold_the_callers_tenant_only(api: Caller, stranger: Caller):
    ours, theirs = api.order(), stranger.order()
    for caller, order in ((api, ours), (stranger, theirs)):
        page = caller.page(
            "customers", selection="id orders { edges { node { id customer { id } } } }"
        )
        (customer,) = nodes(page)
        assert customer["id"] == order["customerId"]
        assert nodes(customer["orders"]) == [
            {"id": order["id"], "customer": {"id": order["customerId"]}}
        ]
        orders = caller.page("orders", selection="id customer { id orders { edges { cursor } } }")
        assert [node["id"] for node in nodes(orders)] == [order["id"]]
        assert len(nodes(orders)[0]["customer"]["orders"]["edges"]) == 1


def test_two_subjects_of_one_tenant_see_the_same(api: Caller, mint, tenant: str):
    order = api.order()
    colleague = api.as_bearer(mint(tenant=tenant, subject="colleague"))
    assert colleague.read("order", order["id"]) == order


@pytest.mark.parametrize(
    ("one", "other"), [("Acme", "acme"), ("acme", "acme "), ("é", "e\u0301")], ids=ascii
)
def test_tenants_that_differ_at_all_are_different_tenants(api: Caller, mint, one: str, other: str):
    unique = api.customer()["id"][:20]
    order = api.as_bearer(mint(tenant=unique + one)).order()
    theirs = api.as_bearer(mint(tenant=unique + other))
    assert theirs.read("order", order["id"]) is None
    assert theirs.page("orders")["edges"] == []


def test_tenants_asking_at_once_are_not_confused(api: Caller, mint):
    """Loaders and caches of one request must not answer another's."""
    from tests.contract.client import all_at_once

    callers = [api.as_bearer(mint(tenant=f"{api.customer()['id'][:20]}{n}")) for n in range(8)]
    made = [caller.create("Customer", customer_body()).result["id"] for caller in callers]
    calls = [
        lambda c=caller: [ids(c.page("customers")), [c.read("customer", id_) for id_ in made]]
        for caller in callers
    ]
    for mine, (listed, read) in zip(made, all_at_once(calls), strict=True):
        assert listed == [mine]
        assert [found["id"] for found in read if found] == [mine]
