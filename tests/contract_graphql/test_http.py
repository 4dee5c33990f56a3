"""GraphQL over HTTP: which status, which media type, which method."""

import json

import pytest

from tests.contract.client import customer_body, new_key

from .client import (
    GRAPHQL,
    JSON,
    PATH,
    Answer,
    Caller,
    assert_not_executed,
    media_type,
    mutation,
)

TYPENAME = "{ __typename }"
# What is accepted -> what is answered.
ACCEPTED = {
    None: GRAPHQL,
    GRAPHQL: GRAPHQL,
    JSON: JSON,
    "*/*": GRAPHQL,
    "application/*": GRAPHQL,
    f"{GRAPHQL}, {JSON};q=0.9": GRAPHQL,
    f"{JSON};q=0.9, {GRAPHQL}": GRAPHQL,
    f"{GRAPHQL};q=0.5, {JSON}": JSON,
    f"{JSON}, */*;q=0.1": JSON,
    f"text/html, {JSON};q=0.8": JSON,
    f"text/html, {GRAPHQL};q=0.1": GRAPHQL,
    f"{GRAPHQL};q=0, {JSON}": JSON,
    f"{JSON};q=0, */*": GRAPHQL,
    "APPLICATION/JSON": JSON,
    f"{JSON}; charset=utf-8": JSON,
    f"{GRAPHQL}; charset=utf-8": GRAPHQL,
    f"text/html,application/xhtml+xml,{JSON}": JSON,
    "text/html, */*;q=0.8": GRAPHQL,
}
NOT_ACCEPTED = [
    "text/html",
    "application/xml, text/*",
    f"{JSON};q=0",
    f"{GRAPHQL};q=0, {JSON};q=0",
    "*/*;q=0",
    "application/problem+json",
    "text/event-stream",
    "multipart/mixed",
    f"{JSON}; charset=utf-16",
]


def with_accept(api: Caller, document: str, accept: str | None) -> Answer:
    """POST with exactly that header; httpx would send one of its own."""
    request = api.http.build_request(
        "POST",
        PATH,
        json={"query": document},
        headers={"Authorization": f"Bearer {api.token}", "Accept": accept or "x"},
    )
    if accept is None:
        del request.headers["accept"]
    return Answer(api.http.send(request))


@pytest.mark.parametrize("accept", ACCEPTED, ids=str)
def test_the_media_type_is_what_the_client_prefers(api: Caller, accept: str | None):
    answer = with_accept(api, TYPENAME, accept)
    assert answer.data == {"__typename": "Query"}
    assert media_type(answer.response) == ACCEPTED[accept]
    charset = answer.response.headers["content-type"].lower().partition("charset=")[2]
    assert charset in {"", "utf-8"}


@pytest.mark.parametrize("accept", ACCEPTED, ids=str)
def test_an_invalid_document_is_400_unless_only_json_is_accepted(api: Caller, accept: str | None):
    for document in ("{", "{ nonsense }"):
        answer = with_accept(api, document, accept)
        assert_not_executed(answer, "invalid-document")
        assert media_type(answer.response) == ACCEPTED[accept]
        assert answer.status == (400 if ACCEPTED[accept] == GRAPHQL else 200)


@pytest.mark.parametrize("accept", NOT_ACCEPTED)
def test_a_client_that_accepts_nothing_that_is_there_is_told_406(api: Caller, accept: str):
    for document in (TYPENAME, "{"):
        answer = with_accept(api, document, accept)
        assert_not_executed(answer, "not-acceptable")
        assert answer.status == 406


@pytest.mark.parametrize("accept", [GRAPHQL, JSON, "text/html"])
def test_refusals_before_any_document_have_their_status_whatever_is_accepted(
    api: Caller, nobody: Caller, accept: str
):
    assert nobody.run(TYPENAME, accept=accept).status == 401
    assert api.request("POST", "/x", headers={"Accept": accept}).status_code == 404
    assert api.request("PUT", PATH, headers={"Accept": accept}).status_code == 405
    if accept != "text/html":
        answer = api.send([], accept=accept)
        assert_not_executed(answer, "batch-not-allowed")
        assert answer.status == 400
        answer = api.send({}, accept=accept)
        assert_not_executed(answer, "bad-request")
        assert answer.status == 400


REFUSALS = {
    "invalid-document": "{ nonsense }",
    "document-too-large": "{ " + "__typename " * 1_001 + "}",
    "document-too-wide": "{ " + " ".join(f"a{n}: __typename" for n in range(21)) + " }",
    "too-many-aliases": "{ __schema { queryType { " + "a: name " * 31 + "} } }",
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_document_that_is_not_executed_is_400_or_200(api: Caller, code: str):
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        answer = api.run(REFUSALS[code], accept=accept)
        assert_not_executed(answer, code)
        assert answer.status == status


def test_a_field_that_fails_is_200_in_both_media_types(api: Caller, mint, guarded):
    weak = api.as_bearer(mint(scope="something:else"))
    for accept in (GRAPHQL, JSON):
        response = weak.request("GET", guarded.path, headers={"Accept": accept})
        assert Answer(response).status == 200
        assert media_type(response) == accept


# GET.


def get(api: Caller, checked: bool = True, **params: str) -> Answer:
    response = api.request("GET", PATH, params=params, headers={"Accept": GRAPHQL}, checked=checked)
    return Answer(response)


def test_a_query_by_get_is_answered_as_by_post(api: Caller):
    assert get(api, query=TYPENAME).body == api.run(TYPENAME).body


def test_get_takes_variables_operation_name_and_extensions(api: Caller):
    document = "query A($a: Boolean!) { a: __typename @include(if: $a) } query B { b: __typename }"
    options = {"query": document, "operationName": "A", "extensions": "{}"}
    assert get(api, **options, variables='{"a": true}').data == {"a": "Query"}
    assert get(api, **options, variables='{"a": false}').data == {}
    assert get(api, query=document, operationName="B").data == {"b": "Query"}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"query": ""},
        {"variables": "{}"},
        {"query": TYPENAME, "variables": "{"},
        {"query": TYPENAME, "variables": "[]"},
        {"query": TYPENAME, "variables": "1"},
        {"query": TYPENAME, "extensions": "nonsense"},
        {"query": TYPENAME, "extensions": "[]"},
    ],
    ids=ascii,
)
def test_get_parameters_that_are_none_are_a_bad_request(api: Caller, params: dict[str, str]):
    answer = get(api, **params)
    assert_not_executed(answer, "bad-request")
    assert answer.status == 400


def test_head_is_get_without_the_body(api: Caller, guarded):
    for query, status in ((TYPENAME, 200), ("{", 400)):
        head = api.request("HEAD", PATH, params={"query": query}, headers={"Accept": GRAPHQL})
        assert head.status_code == status
        assert head.content == b""


@pytest.mark.orders
def test_a_mutation_by_get_is_405_and_changes_nothing(api: Caller):
    key = new_key()
    input_ = {**customer_body(), "idempotencyKey": key}
    both = (
        f"query Q {{ __typename }} {mutation('createCustomer').replace('mutation', 'mutation M')}"
    )
    for method in ("GET", "HEAD"):
        for params in (
            {"query": mutation("createCustomer")},
            {"query": both, "operationName": "M"},
        ):
            response = api.request(
                method, PATH, params={**params, "variables": json.dumps({"input": input_})}
            )
            assert response.status_code == 405
            assert response.headers["allow"] == "POST"
            if method == "GET":
                code = response.json()["errors"][0]["extensions"]["code"]
                assert code == "method-not-allowed"
    assert get(api, query=both, operationName="Q").data == {"__typename": "Query"}
    assert api.page("customers")["edges"] == []


def test_a_query_of_a_post_is_in_its_body_only(api: Caller):
    answer = api.send({})
    assert_not_executed(answer, "bad-request")
    response = api.request(
        "POST", PATH, params={"query": TYPENAME}, json={}, headers={"Accept": GRAPHQL}
    )
    assert response.status_code == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_allow_names_what_graphql_is_asked_by(nobody: Caller, method: str):
    response = nobody.request(method, PATH)
    assert response.status_code == 405
    allowed = {name.strip() for name in response.headers["allow"].split(",")}
    assert allowed - {"OPTIONS"} == {"GET", "HEAD", "POST"}
