"""The number of statements depends on the document, never on the number of rows."""

from collections.abc import Iterator

import pytest

from tests.contract.client import customer_body, new_key, order_body

from .client import Caller, nodes
from .statements import Statements

pytestmark = pytest.mark.orders

CUSTOMERS, ORDERS_OF_EACH, AT_ONCE = 100, 10, 20

DOCUMENTS = {
    "customers, their orders, their items and customers": """
        query ($first: Int) {
          customers(first: $first) { edges { node { id name
            orders(first: 10) { edges { node { id items { sku } customer { id email } } } } } } }
        }
    """,
    "orders, their items, their customers and orders of those": """
        query ($first: Int) {
          orders(first: $first) { edges { node { id items { sku quantity } customer { id
            orders(first: 2) { edges { node { id items { sku } customer { name } } } } } } } }
        }
    """,
    "one relation asked for in two places": """
        query ($first: Int) {
          a: orders(first: $first) { edges { node { customer { name } } } }
          b: orders(first: $first) { edges { node { customer { email } } } }
        }
    """,
    "one relation with other arguments": """
        query ($first: Int) {
          customers(first: $first) { edges { node {
            all: orders(first: 10) { edges { cursor } }
            pending: orders(first: 10, filter: {status: pending}) { edges { cursor } } } } }
        }
    """,
}


def create_many(api: Caller, kind: str, bodies: list[dict]) -> list[str]:
    """Create all of them, several in a document; their ids."""
    made: list[str] = []
    for start in range(0, len(bodies), AT_ONCE):
        part = bodies[start : start + AT_ONCE]
        variables = {f"v{n}": {**body, "idempotencyKey": new_key()} for n, body in enumerate(part)}
        declared = ", ".join(f"${name}: Create{kind}Input!" for name in variables)
        fields = " ".join(
            f"{name}: create{kind}(input: ${name}) {{ ... on {kind} {{ id }} }}"
            for name in variables
        )
        data = api.run(f"mutation ({declared}) {{ {fields} }}", variables).data
        made += [data[name]["id"] for name in variables]
    return made


@pytest.fixture(scope="module")
def crowd(launch, calling, observed_database) -> Iterator[Caller]:
    """A caller with 100 customers of ten orders each, whose documents may cost anything."""
    with (
        launch(database=observed_database, GRAPHQL_MAX_COST="1000000") as service,
        calling(service) as api,
    ):
        customers = create_many(api, "Customer", [customer_body() for _ in range(CUSTOMERS)])
        orders = [order_body(customer) for _ in range(ORDERS_OF_EACH) for customer in customers]
        create_many(api, "Order", orders)
        yield api


@pytest.mark.parametrize("name", DOCUMENTS)
def test_statements_are_as_many_for_few_rows_as_for_many(
    crowd: Caller, statements: Statements, name: str
):
    counts: dict[int, int] = {}
    for first in (1, 10, 100):
        sent = statements.during(
            lambda first=first: crowd.run(DOCUMENTS[name], {"first": first}).data
        )
        counts[first] = len(sent)
    assert len(set(counts.values())) == 1, counts
    assert 1 <= counts[1] <= 12, counts


def test_three_levels_of_10_100_and_1000_orders_are_whole(crowd: Caller, statements: Statements):
    document = DOCUMENTS["customers, their orders, their items and customers"]
    for first in (1, 10, 100):
        customers = nodes(crowd.ask(document, {"first": first}))
        assert len(customers) == first
        for customer in customers:
            orders = nodes(customer["orders"])
            assert len(orders) == ORDERS_OF_EACH
            assert {order["customer"]["id"] for order in orders} == {customer["id"]}
            assert all(len(order["items"]) == 2 for order in orders)
