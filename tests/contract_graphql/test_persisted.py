"""Persisted operations: an allow-list in production, a convenience elsewhere."""

import hashlib
import json
from pathlib import Path

import pytest

from .client import GRAPHQL, JSON, PATH, Answer, Caller, assert_not_executed

HASH = "0" * 64


@pytest.fixture(scope="module")
def allowed(settings) -> dict[str, str]:
    """The service's allow-list: what stands in its file."""
    if settings.commands is None:
        pytest.skip("the allow-list is read from the service's folder: use --contract-service")
    file: Path = settings.commands.directory / "persisted-operations.json"
    return dict(json.loads(file.read_text()))


@pytest.fixture(scope="module")
def strict(launch, calling):
    """A caller of a service as production has it when nothing is said."""
    with launch(APP_ENV="production", GRAPHQL_DOCUMENTS=None) as service, calling(service) as api:
        yield api


@pytest.fixture(scope="module")
def a_query(allowed: dict[str, str]) -> tuple[str, str]:
    """Hash and document of a query that needs no variables."""
    for hash_, document in allowed.items():
        if document.lstrip().startswith(("query", "{")) and "!" not in document.partition("{")[0]:
            return hash_, document
    pytest.fail("the allow-list has no query without required variables")


def by_document_id(hash_: str) -> dict:
    return {"documentId": f"sha256:{hash_}"}


def by_extension(hash_: str) -> dict:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}}


WAYS = pytest.mark.parametrize("way", [by_document_id, by_extension])


def test_the_allow_list_names_documents_by_their_sha256(allowed: dict[str, str]):
    assert allowed
    for hash_, document in allowed.items():
        assert hashlib.sha256(document.encode()).hexdigest() == hash_


@WAYS
def test_every_operation_of_the_list_is_valid(strict: Caller, allowed: dict[str, str], way):
    """Whatever it answers without its variables, it is found."""
    for hash_ in allowed:
        answer = strict.send(way(hash_))
        codes = [error["extensions"]["code"] for error in answer.errors]
        assert not set(codes) - {"bad-request"}, answer.body


@WAYS
@pytest.mark.parametrize("who", ["strict", "api"])
def test_a_persisted_query_is_executed_by_its_hash(request, who: str, a_query, way):
    caller: Caller = request.getfixturevalue(who)
    assert caller.send(way(a_query[0])).data


@WAYS
def test_a_persisted_query_is_executed_by_get(strict: Caller, a_query, way):
    params = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in way(a_query[0]).items()
    }
    response = strict.request("GET", PATH, params=params, headers={"Accept": GRAPHQL})
    assert Answer(response).data


@WAYS
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
@pytest.mark.parametrize("who", ["strict", "api"])
def test_an_unknown_hash_is_not_found(request, who: str, accept: str, way):
    caller: Caller = request.getfixturevalue(who)
    answer = caller.send(way(HASH), accept=accept)
    assert_not_executed(answer, "persisted-operation-not-found")
    assert answer.status == (404 if accept == GRAPHQL else 200)


@pytest.mark.parametrize(
    "name", ["__proto__", "constructor", "toString", "", "sha256:", "sha256:x", HASH, "md5:" + HASH]
)
def test_an_odd_document_id_is_not_found_or_no_request(strict: Caller, name: str):
    answer = strict.send({"documentId": name})
    assert answer.outcome in {"persisted-operation-not-found", "bad-request"}
    assert answer.status in {400, 404}


@pytest.mark.parametrize(
    "document", ["{ __typename }", "query A { __typename }", "mutation { x }", "{", "{ nonsense }"]
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_production_takes_no_document(strict: Caller, document: str, accept: str):
    answer = strict.run(document, accept=accept)
    assert_not_executed(answer, "persisted-operation-required")
    assert answer.status == (400 if accept == GRAPHQL else 200)


def test_production_takes_no_document_by_get(strict: Caller):
    response = strict.request(
        "GET", PATH, params={"query": "{ __typename }"}, headers={"Accept": GRAPHQL}
    )
    assert_not_executed(Answer(response), "persisted-operation-required")


def test_production_registers_nothing(strict: Caller):
    """Automatic registration would make the list everybody's."""
    document = "{ __typename }"
    hash_ = hashlib.sha256(document.encode()).hexdigest()
    for way in (by_extension, by_document_id):
        first = strict.send({"query": document, **way(hash_)})
        assert_not_executed(first, "persisted-operation-required")
        assert_not_executed(strict.send(way(hash_)), "persisted-operation-not-found")


@WAYS
def test_a_hash_beside_another_document_is_refused(api: Caller, a_query, way):
    answer = api.send({"query": "{ other: __typename }", **way(a_query[0])})
    if answer.errors:
        assert answer.outcome == "bad-request"
    else:
        assert "other" in answer.data, "the hash decided, though the document says otherwise"


def test_another_version_of_persisted_queries_is_no_request(api: Caller, a_query):
    extension = {"persistedQuery": {"version": 2, "sha256Hash": a_query[0]}}
    answer = api.send({"extensions": extension})
    assert_not_executed(answer, "bad-request")


def test_production_may_be_told_to_take_any_document(launch, calling):
    with (
        launch(APP_ENV="production", GRAPHQL_DOCUMENTS="any") as service,
        calling(service) as api,
    ):
        assert api.run("{ __typename }").data


def test_other_environments_may_be_told_to_take_persisted_ones_only(launch, calling, a_query):
    with launch(GRAPHQL_DOCUMENTS="persisted") as service, calling(service) as api:
        assert_not_executed(api.run("{ __typename }"), "persisted-operation-required")
        assert api.send(by_document_id(a_query[0])).data


def test_a_token_comes_before_the_allow_list(strict: Caller, a_query):
    nobody = strict.as_bearer(None)
    assert nobody.send(by_document_id(a_query[0])).status == 401
    assert nobody.run("{ __typename }").status == 401
