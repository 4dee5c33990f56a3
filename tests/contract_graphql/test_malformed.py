"""Input of every broken kind: as in REST, and bodies that are no request of GraphQL."""

import json

import pytest

from tests.contract.client import customer_body
from tests.contract.test_malformed import *  # noqa: F403
from tests.contract.test_malformed import NOT_JSON

from .client import (
    CUSTOMER,
    GRAPHQL,
    JSON,
    PATH,
    Answer,
    Caller,
    assert_not_executed,
    mutation,
    nodes,
)


def post(api: Caller, content: bytes, media_type: str = JSON) -> Answer:
    headers = {"Content-Type": media_type, "Accept": GRAPHQL}
    return Answer(api.request("POST", PATH, content=content, headers=headers))


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_400(api: Caller, name: str):
    answer = post(api, NOT_JSON[name][:60_000])
    assert_not_executed(answer, "bad-request")
    assert answer.status == 400


NO_REQUEST: dict[str, object] = {
    "null": None,
    "true": True,
    "a number": 1,
    "a string": "{ __typename }",
    "an empty object": {},
    "no document": {"variables": {}},
    "a document that is null": {"query": None},
    "a document that is a number": {"query": 1},
    "a document that is a list": {"query": ["{ __typename }"]},
    "a document that is an object": {"query": {}},
    "variables that are a list": {"query": "{ __typename }", "variables": []},
    "variables that are a string": {"query": "{ __typename }", "variables": "{}"},
    "variables that are a number": {"query": "{ __typename }", "variables": 0},
    "an operation name that is a number": {"query": "{ __typename }", "operationName": 1},
    "an operation name that is an object": {"query": "{ __typename }", "operationName": {}},
    "extensions that are a list": {"query": "{ __typename }", "extensions": []},
    "extensions that are a string": {"query": "{ __typename }", "extensions": "x"},
    "a persisted query that is a string": {"extensions": {"persistedQuery": "x"}},
    "a persisted query without a hash": {"extensions": {"persistedQuery": {"version": 1}}},
    "a document id that is a number": {"documentId": 7},
    "a prototype": {"__proto__": {"query": "{ __typename }"}},
}


@pytest.mark.parametrize("name", NO_REQUEST)
def test_json_that_is_no_request_is_400(api: Caller, name: str):
    answer = api.send(NO_REQUEST[name])
    assert_not_executed(answer, "bad-request")
    assert answer.status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ __typename }", "variables": None},
        {"query": "{ __typename }", "operationName": None},
        {"query": "{ __typename }", "extensions": None},
        {"query": "{ __typename }", "variables": {}, "extensions": {}},
        {"query": "{ __typename }", "variables": {"unused": 1}},
        {"query": "\ufeff{ __typename }"},
        {"query": "query A { __typename } query B { __typename }", "operationName": "B"},
    ],
    ids=lambda body: ascii(body)[:60],
)
def test_what_the_draft_allows_is_taken(api: Caller, body: dict):
    assert api.send(body).data == {"__typename": "Query"}


@pytest.mark.parametrize(
    "body", [b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000]
)
def test_deep_json_is_refused(api: Caller, body: bytes):
    answer = post(api, body)
    assert answer.status == 400
    assert answer.errors[0]["extensions"]["code"] in {"bad-request", "batch-not-allowed"}


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"query": "{ __typename }"}],
        [{"query": "{ __typename }"}, {"query": "{ __typename }"}],
        [[]],
        [None],
        [{"query": "{ __typename }"}] * 500,
    ],
    ids=["empty", "of one", "of two", "of a batch", "of null", "of many"],
)
def test_a_batch_is_refused_as_one(api: Caller, body: list):
    answer = api.send(body)
    assert_not_executed(answer, "batch-not-allowed")
    assert answer.status == 400


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain", "application/graphql", "application/x-www-form-urlencoded", "text/json",
        "multipart/form-data; boundary=x", "json", "application/", "garbage", "*/*",
        "application/graphql-response+json", "application/merge-patch+json",
    ],
)  # fmt: skip
def test_a_body_of_another_media_type_is_415(api: Caller, media_type: str):
    answer = post(api, b'{"query": "{ __typename }"}', media_type)
    assert_not_executed(answer, "unsupported-media-type")
    assert answer.status == 415


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json", "APPLICATION/JSON", "application/json;charset=utf-8",
        'application/json; charset="UTF-8"', "application/json ; charset=utf-8",
    ],
)  # fmt: skip
def test_json_may_be_spelled_as_rfc_9110_allows(api: Caller, media_type: str):
    assert post(api, b'{"query": "{ __typename }"}', media_type).data == {"__typename": "Query"}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x-unknown"])
def test_a_coded_body_is_refused_or_ignored(api: Caller, encoding: str):
    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    content = b'{"query": "{ __typename }"}'
    response = api.request("POST", PATH, content=content, headers=headers)
    assert response.status_code in {200, 400, 415}


@pytest.mark.orders
@pytest.mark.parametrize(
    "name",
    ["\\ud800", "\\udfffA", "\\udc00\\ud800", "\\uffff\\ufdd0", "\\u0001\\u007f", "\\u202e"],
)
def test_odd_text_is_refused_or_kept_but_never_breaks_anything(api: Caller, name: str):
    document, variables = (
        mutation("createCustomer"),
        {**customer_body(name="@"), "idempotencyKey": "k"},
    )
    content = json.dumps({"query": document, "variables": {"input": variables}})
    answer = post(api, content.replace('"@"', f'"{name}"').encode())
    assert answer.outcome in {"Customer", "validation", "bad-request"}
    listed = api.page("customers", selection=CUSTOMER)
    assert len(nodes(listed)) == (answer.outcome == "Customer")
