"""Each field needs the scope of its REST counterpart; the others are answered."""

import pytest

from tests.contract.client import UNKNOWN_ID, customer_body, new_key, order_body

from .client import CREATING, Caller, assert_fails, mutation

pytestmark = pytest.mark.orders

SCOPES = ["customers:read", "customers:write", "orders:read", "orders:write"]
QUERIES = {
    "customer": ("customers:read", f'{{ customer(id: "{UNKNOWN_ID}") {{ id }} }}'),
    "customers": ("customers:read", "{ customers { edges { cursor } } }"),
    "order": ("orders:read", f'{{ order(id: "{UNKNOWN_ID}") {{ id }} }}'),
    "orders": ("orders:read", "{ orders { edges { cursor } } }"),
}
MUTATIONS = {
    "createCustomer": "customers:write",
    "createOrder": "orders:write",
    "updateOrderStatus": "orders:write",
    "cancelOrder": "orders:write",
}


def others(scope: str) -> str:
    return " ".join(s for s in SCOPES if s != scope)


@pytest.mark.parametrize("field", QUERIES)
def test_a_query_needs_its_scope_and_no_other(api: Caller, mint, tenant: str, field: str):
    scope, document = QUERIES[field]
    weak = api.as_bearer(mint(tenant=tenant, scope=others(scope)))
    assert_fails(weak.run(document), "forbidden", path=[field], scope=scope)
    able = api.as_bearer(mint(tenant=tenant, scope=scope))
    assert able.run(document).errors == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_needs_its_scope_and_no_other(api: Caller, mint, tenant: str, name: str):
    scope = MUTATIONS[name]
    inputs = {
        "createCustomer": customer_body(),
        "createOrder": order_body(api.customer()["id"]),
        "updateOrderStatus": {"id": UNKNOWN_ID, "status": "confirmed", "expectedVersion": 1},
        "cancelOrder": {"id": UNKNOWN_ID},
    }
    weak = api.as_bearer(mint(tenant=tenant, scope=others(scope)))
    assert_fails(weak.change(name, inputs[name]), "forbidden", path=[name], scope=scope)
    able = api.as_bearer(mint(tenant=tenant, scope=scope))
    assert able.change(name, inputs[name], selection="__typename").errors == []


def test_a_missing_scope_comes_before_what_is_wrong_with_the_input(api: Caller, mint, tenant: str):
    weak = api.as_bearer(mint(tenant=tenant, scope="orders:read"))
    answer = weak.run(
        mutation("createCustomer"),
        {"input": {"email": "", "name": "\x00", "idempotencyKey": ""}},
    )
    assert_fails(answer, "forbidden", scope="customers:write")


def test_the_relations_need_the_scope_of_what_they_lead_to(api: Caller, mint, tenant: str):
    order = api.order()
    document = (
        "query ($o: ID!) { order(id: $o) { id customerId customer { name } } }",
        "query ($c: ID!) { customer(id: $c) { id orders { edges { node { id } } } } }",
    )
    orders = api.as_bearer(mint(tenant=tenant, scope="orders:read"))
    answer = orders.run(document[0], {"o": order["id"]})
    assert_fails(answer, "forbidden", path=["order", "customer"], scope="customers:read")
    assert answer.body["data"]["order"] == {
        "id": order["id"], "customerId": order["customerId"], "customer": None,
    }  # fmt: skip
    customers = api.as_bearer(mint(tenant=tenant, scope="customers:read"))
    answer = customers.run(document[1], {"c": order["customerId"]})
    assert_fails(answer, "forbidden", path=["customer", "orders"], scope="orders:read")
    assert answer.body["data"]["customer"] == {"id": order["customerId"], "orders": None}


def test_a_relation_that_is_not_asked_for_needs_nothing(api: Caller, mint, tenant: str):
    order = api.order()
    orders = api.as_bearer(mint(tenant=tenant, scope="orders:read"))
    assert orders.read("order", order["id"]) == order


def test_a_node_needs_the_scope_of_what_it_is(api: Caller, mint, tenant: str):
    order = api.order()
    document = "query ($id: ID!) { node(id: $id) { id __typename } }"
    cases = [
        (order["id"], "Order", "orders:read"),
        (order["customerId"], "Customer", "customers:read"),
    ]
    for id_, type_, scope in cases:
        able = api.as_bearer(mint(tenant=tenant, scope=scope))
        assert able.ask(document, {"id": id_}) == {"id": id_, "__typename": type_}
        weak = api.as_bearer(mint(tenant=tenant, scope=others(scope)))
        assert_fails(weak.run(document, {"id": id_}), "forbidden", path=["node"], scope=scope)
        # Whether it is there is not told either.
        unknown = weak.run(document, {"id": UNKNOWN_ID})
        assert_fails(unknown, "forbidden", path=["node"], scope=scope)


def test_what_a_created_order_leads_to_needs_its_scope(api: Caller, mint, tenant: str):
    """A mutation's answer opens nothing that a query would not."""
    customer = api.customer()["id"]
    writer = api.as_bearer(mint(tenant=tenant, scope="orders:write"))
    answer = writer.change("createOrder", order_body(customer), selection="id customer { name }")
    assert_fails(answer, "forbidden", path=["createOrder", "customer"], scope="customers:read")
    assert answer.body["data"]["createOrder"]["id"]


def test_of_two_fields_one_may_be_answered(api: Caller, mint, tenant: str):
    api.order()
    reader = api.as_bearer(mint(tenant=tenant, scope="orders:read"))
    answer = reader.run("{ orders { edges { cursor } } customers { edges { cursor } } }")
    assert_fails(answer, "forbidden", path=["customers"])
    assert len(answer.body["data"]["orders"]["edges"]) == 1


def test_a_forbidden_mutation_does_not_stop_the_next(api: Caller, mint, tenant: str):
    order = api.order()
    writer = api.as_bearer(mint(tenant=tenant, scope="orders:write"))
    answer = writer.run(
        "mutation ($c: CreateCustomerInput!, $o: CancelOrderInput!) {"
        " createCustomer(input: $c) { __typename }"
        " cancelOrder(input: $o) { __typename ... on Order { status } } }",
        {"c": {**customer_body(), "idempotencyKey": new_key()}, "o": {"id": order["id"]}},
    )
    assert_fails(answer, "forbidden", path=["createCustomer"])
    assert answer.body["data"]["cancelOrder"] == {"__typename": "Order", "status": "cancelled"}


def test_a_reader_may_ask_what_a_thing_is_called_without_any_scope(api: Caller, mint):
    assert api.as_bearer(mint(scope="")).run("{ __typename }").data == {"__typename": "Query"}


@pytest.mark.parametrize("name", CREATING)
def test_a_replay_still_needs_the_scope(api: Caller, mint, tenant: str, name: str):
    body = customer_body() if name == "createCustomer" else order_body(api.customer()["id"])
    body = {**body, "idempotencyKey": new_key()}
    assert api.change(name, body).errors == []
    demoted = api.as_bearer(mint(tenant=tenant, scope=others(MUTATIONS[name])))
    assert_fails(demoted.change(name, body), "forbidden")
