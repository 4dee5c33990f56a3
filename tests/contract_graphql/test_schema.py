"""The schema is the contract's: README.md's, in substance, however it is asked for."""

import re
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    GraphQLSchema,
    build_ast_schema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    lexicographic_sort_schema,
    parse,
    print_type,
    validate_schema,
)

from .client import PATH, Caller, assert_not_executed

README = Path(__file__).with_name("README.md")
NONE = "scalar DateTime type Query { ping: Ping } type Ping { message: String! }"

# What README.md says of every connection, and the Relay specification of PageInfo.
PAGE_INFO = """
    type PageInfo {
      hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String
    }
"""
CONNECTION = """
    type {name} {{ edges: [{node}Edge!]! pageInfo: PageInfo! }}
    type {node}Edge {{ cursor: String! node: {node}! }}
"""


def expected(example: str) -> GraphQLSchema:
    """The schema that README.md prints, its connections written out."""
    if example == "none":
        return build_schema(NONE)
    (sdl,) = re.findall(r"```graphql\n(.*?)```", README.read_text(), re.DOTALL)
    names = sorted(set(re.findall(r"\w+Connection\b", sdl)))
    assert len(names) == 2
    nodes = {name: name.removesuffix("Connection") for name in names}
    connections = [CONNECTION.format(name=name, node=node) for name, node in nodes.items()]
    return build_ast_schema(without_descriptions(parse("\n".join([sdl, PAGE_INFO, *connections]))))


def without_descriptions(document: DocumentNode) -> DocumentNode:
    """Descriptions are no substance."""
    from graphql import Visitor, visit
    from graphql.language import Node

    class Remove(Visitor):
        def enter(self, node: Node, *_: object) -> Node | None:
            if getattr(node, "description", None) is None:
                return None
            values = {key: getattr(node, key) for key in node.keys}
            return type(node)(**{**values, "description": None})

    return visit(document, Remove())


def printed(schema: GraphQLSchema) -> dict[str, str]:
    """Each type of the schema, sorted, without descriptions."""
    from graphql import print_schema

    bare = build_ast_schema(without_descriptions(parse(print_schema(schema))))
    named = lexicographic_sort_schema(bare).type_map
    standard = {"String", "Int", "Float", "Boolean", "ID"}
    return {
        name: print_type(type_)
        for name, type_ in named.items()
        if not name.startswith("__") and name not in standard
    }


@pytest.fixture(scope="module")
def wanted(settings) -> dict[str, str]:
    return printed(expected(settings.example))


def assert_same(found: dict[str, str], wanted: dict[str, str]) -> None:
    assert sorted(found) == sorted(wanted)
    for name, type_ in wanted.items():
        assert found[name] == type_


def test_introspection_shows_the_contracts_schema(api: Caller, wanted: dict[str, str]):
    data = api.run(get_introspection_query()).data
    schema = build_client_schema(data)  # type: ignore[arg-type]
    assert validate_schema(schema) == []
    assert_same(printed(schema), wanted)


def test_the_printed_schema_is_the_contracts(nobody: Caller, wanted: dict[str, str]):
    response = nobody.get("/schema.graphql")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain") or (
        "graphql" in response.headers["content-type"]
    )
    schema = build_schema(response.text)
    assert validate_schema(schema) == []
    assert_same(printed(schema), wanted)


# Introspection and its neighbours in production.


@pytest.fixture(scope="module")
def in_production(launch, calling):
    with launch(APP_ENV="production") as service, calling(service) as api:
        yield api


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Query") { name } }',
        "{ ...F } fragment F on Query { __schema { types { name } } }",
        "{ a: __schema { types { name } } }",
        "query ($no: Boolean = false) { __schema @include(if: $no) { types { name } } }",
    ],
)
def test_production_does_not_introspect(in_production: Caller, document: str):
    assert_not_executed(in_production.run(document), "invalid-document")
    response = in_production.request("GET", PATH, params={"query": document})
    assert response.status_code == 400


def test_typename_is_no_introspection(in_production: Caller, guarded):
    assert in_production.run("{ __typename }").data == {"__typename": "Query"}


@pytest.mark.parametrize(
    "document",
    [
        "{ custommers { edges { cursor } } }",
        "{ pin { message } }",
        "{ orders(frist: 1) { edges { cursor } } }",
        "{ orders { edges { node { custommerId } } } }",
        "{ ... on Custmer { id } }",
        'mutation { createCustmer(input: {email: "x"}) { __typename } }',
        'mutation { createCustomer(input: {emial: "x"}) { __typename } }',
        "{ orders(filter: {status: pendin}) { edges { cursor } } }",
        "query ($a: OrdrFilter) { orders(filter: $a) { edges { cursor } } }",
        "{ __typename @skp(if: true) }",
    ],
)
def test_production_suggests_no_name_of_the_schema(in_production: Caller, document: str):
    answer = in_production.run(document)
    assert_not_executed(answer, "invalid-document")
    for error in answer.errors:
        assert "did you mean" not in error["message"].lower(), error
        for name in ("customers", "customerId", "OrderFilter", "createCustomer", "pending", "ping"):
            assert f'"{name}"' not in error["message"].replace(document, ""), error


@pytest.mark.orders
def test_production_suggests_no_name_for_variables(in_production: Caller):
    document = "query ($f: OrderFilter) { orders(filter: $f) { edges { cursor } } }"
    for value in ({"status": "pendin"}, {"statuss": "pending"}):
        answer = in_production.run(document, {"f": value})
        assert_not_executed(answer, "bad-request")
        assert "did you mean" not in answer.response.text.lower()
