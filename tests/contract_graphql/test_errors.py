"""What is said of an error, and what is not; every error of the suite is checked in client.py."""

import json

import pytest

from tests.contract.client import customer_body
from tests.contract.database import Database
from tests.contract.service import StartedService
from tests.contract.test_problems import (  # noqa: F401
    at,
    test_a_trailing_slash_is_another_path,
    test_an_unknown_route_is_not_found_with_and_without_a_token,
    test_another_method_is_405_with_allow,
    test_forbidden_says_that_the_scope_is_missing,
    test_unauthorized_has_a_bearer_challenge,
)

from .client import GRAPHQL, JSON, PATH, Caller, assert_fails, assert_not_executed

SECRETS = (
    "select", "insert", "relation", "sql", "exception", "stack", "node_modules", ".ts", ".js",
    "_gone", "prisma",
)  # fmt: skip


@pytest.mark.orders
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_what_nobody_foresaw_is_internal_and_tells_nothing(
    api: Caller, started: StartedService, database: Database, accept: str
):
    order, since = api.order(), started.log_size()
    with database.tables_missing():
        answers = [
            api.run("{ orders { edges { cursor } } }", accept=accept, checked=False),
            api.change("createCustomer", customer_body(), accept=accept, checked=False),
            api.run(f'{{ node(id: "{order["id"]}") {{ id }} }}', accept=accept, checked=False),
        ]
    for answer in answers:
        assert_fails(answer, "internal")
        told = answer.response.text.lower()
        assert [secret for secret in SECRETS if secret in told] == [], told
        trouble = answer.errors[0]["extensions"]["requestId"]
        lines = [line for line in started.log_lines(since) if trouble in json.dumps(line)]
        assert any("does not exist" in json.dumps(line) for line in lines), "no cause in the log"
    assert api.read("order", order["id"]) == order


@pytest.mark.orders
def test_an_internal_error_of_one_field_leaves_the_others(api: Caller, database: Database):
    with database.tables_missing():
        answer = api.run(
            "{ __typename a: orders { edges { cursor } } b: customers { edges { cursor } } }",
            checked=False,
        )
    assert answer.body["data"] == {"__typename": "Query", "a": None, "b": None}
    assert sorted(error["path"][0] for error in answer.errors) == ["a", "b"]


INVALID = {
    "nothing but white space": " ",
    "a comment": "# nothing",
    "an open brace": "{",
    "a closing brace": "}",
    "an empty selection": "{ }",
    "a word": "nonsense",
    "a control character": "{ \u0007 }",
    "an open string": '{ node(id: "',
    "a field that is not there": "{ nonsense }",
    "an argument that is not there": "{ __typename(x: 1) }",
    "a directive that is not there": "{ __typename @nonsense }",
    "a directive twice": "{ __typename @skip(if: true) @skip(if: true) }",
    "a skip without a condition": "{ __typename @skip }",
    "a selection on a scalar": "{ __typename { x } }",
    "an unknown fragment": "{ ...Nothing }",
    "an unused fragment": "{ __typename } fragment F on Query { __typename }",
    "a fragment on no type": "{ ...F } fragment F on Nonsense { x }",
    "a fragment that spreads itself": "{ ...F } fragment F on Query { ...F }",
    "a circle of fragments": ("{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }"),
    "a fragment twice": (
        "{ ...F } fragment F on Query { __typename } fragment F on Query { __typename }"
    ),
    "an undefined variable": "{ __typename @skip(if: $no) }",
    "an unused variable": "query ($a: Int) { __typename }",
    "a variable twice": "query ($a: Boolean, $a: Boolean) { __typename @skip(if: $a) }",
    "a variable of no type": "query ($a: Nonsense) { __typename @skip(if: $a) }",
    "a variable of an output type": "query ($a: Query) { __typename @skip(if: $a) }",
    "a variable in the wrong place": "query ($a: String!) { __typename @skip(if: $a) }",
    "two anonymous operations": "{ __typename } { __typename }",
    "two operations of one name": "query A { __typename } query A { __typename }",
    "a type definition": "type T { x: Int }",
    "a definition beside an operation": "{ __typename } scalar T",
    "a subscription": "subscription { __typename }",
    "two meanings of one name": "{ a: __typename a: __schema { __typename } }",
    "a literal that is no boolean": '{ __typename @skip(if: "true") }',
    "a null that may not be": "{ __typename @skip(if: null) }",
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_document_says_so(api: Caller, guarded, name: str):
    assert_not_executed(api.run(INVALID[name]), "invalid-document")


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ("query A { __typename }", "B"),
        ("query A { __typename }", ""),
        ("query A { __typename } query B { __typename }", None),
        ("query A { __typename } query B { __typename }", "a"),
        ("fragment F on Query { __typename }", None),
    ],
)
def test_an_operation_that_is_not_there_or_not_named_is_an_invalid_document(
    api: Caller, document: str, operation: str | None
):
    answer = api.send({"query": document, "operationName": operation})
    assert_not_executed(answer, "invalid-document")


@pytest.mark.orders
@pytest.mark.parametrize(
    "document",
    [
        '{ order(id: {}) { id } }',
        '{ order { id } }',
        '{ order(id: null) { id } }',
        '{ order(id: "x") }',
        '{ order(id: "x", x: 1) { id } }',
        '{ orders(first: "1") { edges { cursor } } }',
        '{ orders(first: 1.5) { edges { cursor } } }',
        '{ orders(first: 3000000000) { edges { cursor } } }',
        '{ orders(last: 1) { edges { cursor } } }',
        '{ orders(before: "x") { edges { cursor } } }',
        '{ orders(filter: {status: lost}) { edges { cursor } } }',
        '{ orders(filter: {status: "pending"}) { edges { cursor } } }',
        '{ orders(filter: {status: PENDING}) { edges { cursor } } }',
        '{ orders(filter: {email: "x"}) { edges { cursor } } }',
        '{ customers(filter: {}) { edges { cursor } } }',
        '{ node(id: "x") { email } }',
        '{ nodes(ids: []) { id } }',
        'mutation { createOrder { __typename } }',
        'mutation { createOrder(input: {}) { __typename } }',
        'mutation { cancelOrder(input: {id: "x", reason: "x"}) { __typename } }',
        'mutation { updateOrderStatus(input: {id: "x", status: confirmed}) { __typename } }',
        'mutation { cancelOrder(input: {id: "x"}) { id } }',
        'mutation { cancelOrder(input: {id: "x"}) { ... on Customer { id } } }',
        'mutation { deleteOrder(input: {id: "x"}) { __typename } }',
    ],
)  # fmt: skip
def test_a_document_that_does_not_fit_the_schema_is_invalid(api: Caller, document: str):
    assert_not_executed(api.run(document), "invalid-document")


@pytest.mark.parametrize("value", [None, "true", 1, 0, [], {}, [True, False], "\x00"], ids=repr)
def test_a_variable_that_does_not_fit_its_type_is_a_bad_request(api: Caller, value: object):
    document = "query ($a: Boolean!) { __typename @include(if: $a) }"
    assert api.run(document, {"a": True}).data == {"__typename": "Query"}
    assert_not_executed(api.run(document, {"a": value}), "bad-request")
    assert_not_executed(api.run(document), "bad-request")


@pytest.mark.orders
@pytest.mark.parametrize("value", ["x", 1.5, 2**31, True, [1, 2], {}, "1"], ids=repr)
def test_a_first_that_is_no_int_is_a_bad_request(api: Caller, value: object):
    document = "query ($first: Int) { orders(first: $first) { edges { cursor } } }"
    assert_not_executed(api.run(document, {"first": value}), "bad-request")


@pytest.mark.orders
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"input": None},
        {"input": []},
        {"input": "x"},
        {"input": {"email": "a@example.com"}},
        {"input": {"email": 1, "name": "Ada", "idempotencyKey": "k"}},
        {"input": {"email": None, "name": "Ada", "idempotencyKey": "k"}},
        {"input": {"email": ["a"], "name": "Ada", "idempotencyKey": "k"}},
        {"input": {"email": "a@example.com", "name": "Ada", "idempotencyKey": "k", "id": "x"}},
        {"input": {"email": "a@example.com", "name": "Ada", "idempotencyKey": "k", "__proto": 1}},
    ],
    ids=lambda v: ascii(v)[:60],
)
def test_an_input_that_does_not_fit_its_type_is_a_bad_request(api: Caller, variables: dict):
    document = (
        "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { __typename } }"
    )
    assert_not_executed(api.run(document, variables), "bad-request")
    assert api.page("customers")["edges"] == []


@pytest.mark.orders
def test_a_value_is_not_repeated_in_the_error_about_it(api: Caller):
    secret = "hunter2-secret"
    answer = api.run(
        "query ($first: Int) { orders(first: $first) { edges { cursor } } }", {"first": secret}
    )
    assert_not_executed(answer, "bad-request")
    assert "stack" not in answer.response.text


@pytest.mark.parametrize("name", ["A", "__typename", "nope"])
def test_get_and_post_tell_the_same_errors(api: Caller, name: str):
    document = f"{{ {name}(x: }}"
    by_get = api.request("GET", PATH, params={"query": document}, headers={"Accept": GRAPHQL})
    by_post = api.run(document)
    assert by_get.status_code == by_post.status == 400
    told = by_get.json()["errors"][0]
    assert told["message"] == by_post.errors[0]["message"]
    assert told["locations"] == by_post.errors[0]["locations"]
