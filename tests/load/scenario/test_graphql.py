"""The operation of a GraphQL document, and its request."""

import json

import pytest

from senior_backend.load.scenario.graphql import operation
from senior_backend.load.scenario.model import GraphQL
from tests.load.scenario.scenarios import body, head, plan, request, sent


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("query Orders { orders { id } }", "Orders"),
        ("mutation Make($a: In = {b: {c: 1}}) @live { make(a: {b: 1}) { id } }", "Make"),
        ("{ orders { id } }", None),
        ("query { orders }", None),
        ("query($a: Int) { orders(first: $a) }", None),
        ("fragment F on Order { id } query WithFragment { orders { ...F } }", "WithFragment"),
        ('# query Not { a }\nquery Yes { a(b: "query No { }") }', "Yes"),
        ('query Block { a(b: """query No { " } \\""" """) }', "Block"),
        ("query _x1 { query { mutation } }", "_x1"),
    ],
)
def test_operations_are_named_as_the_document_names_them(document: str, name: str | None) -> None:
    assert operation(GraphQL(query=document), document, ()).name == name


def test_one_of_several_operations_is_chosen() -> None:
    document = "query A { a } mutation B { b }"
    assert operation(GraphQL(query=document, operation="B"), document, ()).name == "B"


def test_an_operation_is_a_post_of_json_to_graphql_named_by_itself() -> None:
    document = "query Orders($first: Int) { orders(first: $first) { id } }"
    made = plan({"graphql": {"query": document, "variables": {"first": "${int(3, 3)}"}}})
    data = sent(made.first[0])
    line, fields = head(data)
    assert made.endpoints == ("Orders",)
    assert line == "POST /graphql HTTP/1.1"
    assert fields["content-type"] == "application/json"
    assert fields["accept"] == "application/graphql-response+json, application/json;q=0.9"
    assert json.loads(body(data)) == {
        "query": document,
        "operationName": "Orders",
        "variables": {"first": 3},
    }


def test_the_document_itself_has_no_placeholders() -> None:
    data = request({"path": "/api", "graphql": {"query": '{ a(b: "${uuid}") }'}})
    assert json.loads(body(data)) == {"query": '{ a(b: "${uuid}") }'}
    assert head(data)[0] == "POST /api HTTP/1.1"
