"""The served OpenAPI document: complete, true of the service, and safe to generate clients from."""

import re
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .client import JSON, MERGE_PATCH, PROBLEM, Caller, assert_always, new_key

EXAMPLES = 25

Operation = tuple[str, str]

# Operation -> the statuses its responses document, beside 401, 403, 429, 503 and 504.
OPERATIONS: dict[Operation, set[int]] = {
    ("GET", "/v1/customers"): {200, 400},
    ("POST", "/v1/customers"): {201, 400, 409, 413, 415, 422},
    ("GET", "/v1/customers/{}"): {200, 304, 404},
    ("GET", "/v1/orders"): {200, 400},
    ("POST", "/v1/orders"): {201, 400, 409, 413, 415, 422},
    ("GET", "/v1/orders/{}"): {200, 304, 404},
    ("PATCH", "/v1/orders/{}"): {200, 400, 404, 409, 412, 413, 415, 422, 428},
    ("POST", "/v1/orders/{}/cancel"): {200, 404, 409},
}
ALWAYS = {401, 403, 429, 503, 504}
PARAMETERS: dict[Operation, set[tuple[str, str, bool]]] = {
    ("GET", "/v1/customers"): {("query", "limit", False), ("query", "cursor", False)},
    ("POST", "/v1/customers"): {("header", "idempotency-key", True)},
    ("GET", "/v1/orders"): {
        ("query", name, False)
        for name in ("limit", "cursor", "status", "customerId", "createdFrom", "createdTo")
    },
    ("POST", "/v1/orders"): {("header", "idempotency-key", True)},
    ("PATCH", "/v1/orders/{}"): {("header", "if-match", True)},
}
BY_NAME = {f"{method} {path}": (method, path) for method, path in OPERATIONS}


@pytest.fixture(scope="module")
def document(http) -> dict[str, Any]:
    response = http.get("/openapi.json")
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == JSON
    return dict(response.json())


def resolve(document: dict[str, Any], node: Any) -> Any:
    """`node`, or what its $ref points at."""
    while isinstance(node, dict) and "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def operations(document: dict[str, Any]) -> Iterator[tuple[Operation, dict[str, Any], str]]:
    """Every operation under /v1, with its parameter names taken out of the path."""
    for path, entry in document["paths"].items():
        for method, operation in resolve(document, entry).items():
            if method in {"get", "post", "put", "patch", "delete"} and path.startswith("/v1/"):
                shared = resolve(document, entry).get("parameters", [])
                merged = {**operation, "parameters": [*shared, *operation.get("parameters", [])]}
                yield (method.upper(), re.sub(r"\{[^}]*\}", "{}", path)), merged, path


def test_the_document_is_openapi_3_1_and_describes_itself(document):
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"]
    assert document["info"]["version"]


def test_every_operation_has_a_name_of_its_own_and_a_summary(document):
    ids = [operation.get("operationId") for _, operation, _ in operations(document)]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert all(o.get("summary") or o.get("description") for _, o, _ in operations(document))


def test_every_reference_leads_somewhere(document):
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node and isinstance(node["$ref"], str):
                assert node["$ref"].startswith("#/"), node
                resolve(document, node)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(document)


@pytest.mark.orders
def test_the_document_has_exactly_the_operations_of_the_contract(document):
    # People add routes of their own; the contract's must all be there.
    assert OPERATIONS.keys() <= {operation for operation, _, _ in operations(document)}


def test_every_operation_documents_its_problems(document, settings):
    for operation, described, _ in operations(document):
        documented = {int(code) for code in described["responses"] if code.isdigit()}
        wanted = ALWAYS | OPERATIONS.get(operation, {200})
        assert wanted <= documented, f"{operation} lacks {sorted(wanted - documented)}"
        for code, response in described["responses"].items():
            if code == "default" or int(code) >= 400:
                content = resolve(document, response).get("content", {})
                assert PROBLEM in content, f"{operation} {code}: {list(content)}"
                schema = resolve(document, content[PROBLEM]["schema"])
                assert {"type", "title", "status", "detail", "instance", "requestId"} <= set(
                    schema["properties"]
                ), f"{operation} {code}"


def test_every_operation_is_secured_by_a_bearer_token(document):
    schemes = {
        name: resolve(document, scheme)
        for name, scheme in document["components"]["securitySchemes"].items()
    }
    for operation, described, _ in operations(document):
        needed = described.get("security", document.get("security", []))
        assert needed, operation
        for alternative in needed:
            assert alternative, f"{operation} may be called without a token"
            for name in alternative:
                assert schemes[name]["type"] in {"http", "oauth2", "openIdConnect"}, operation
                if schemes[name]["type"] == "http":
                    assert schemes[name]["scheme"].lower() == "bearer"


@pytest.mark.orders
@pytest.mark.parametrize("name", [f"{m} {p}" for m, p in PARAMETERS])
def test_parameters_are_documented_with_their_place_and_whether_they_are_required(
    document, name: str
):
    described = {operation: o for operation, o, _ in operations(document)}[BY_NAME[name]]
    found = set()
    for reference in described["parameters"]:
        parameter = resolve(document, reference)
        shown = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
        found.add((parameter["in"], shown, parameter.get("required", False)))
    assert PARAMETERS[BY_NAME[name]] <= found


@pytest.mark.orders
def test_request_bodies_are_closed_and_their_limits_documented(document):
    described = {operation: o for operation, o, _ in operations(document)}

    def body(operation: Operation, media_type: str) -> dict[str, Any]:
        request_body = resolve(document, described[operation]["requestBody"])
        assert request_body.get("required") is True, operation
        return dict(resolve(document, request_body["content"][media_type]["schema"]))

    for operation, media_type in [
        (("POST", "/v1/customers"), JSON),
        (("POST", "/v1/orders"), JSON),
        (("PATCH", "/v1/orders/{}"), JSON),
        (("PATCH", "/v1/orders/{}"), MERGE_PATCH),
    ]:
        assert body(operation, media_type)["additionalProperties"] is False, operation

    customer = body(("POST", "/v1/customers"), JSON)
    assert set(customer["required"]) == {"email", "name"}
    name = resolve(document, customer["properties"]["name"])
    assert (name["minLength"], name["maxLength"]) == (1, 200)
    order = body(("POST", "/v1/orders"), JSON)
    assert set(order["required"]) == {"customerId", "currency", "items"}
    items = resolve(document, order["properties"]["items"])
    assert (items["minItems"], items["maxItems"]) == (1, 100)


def test_docs_are_there_outside_production(nobody: Caller):
    response = nobody.get("/docs")
    if response.status_code == 404:
        pytest.skip("this service runs in production")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")


# Schemathesis: requests made from the document, good and bad, and the answers held against it.


@pytest.fixture(scope="module")
def schema(document):
    return schemathesis.openapi.from_dict(document)


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


def fuzz(schema, document, service, token: str, wanted: Operation, mode: Any, checks: list) -> None:
    """Send EXAMPLES requests of one operation."""
    path = next(path for operation, _, path in operations(document) if operation == wanted)
    operation = schema[path][wanted[0]]

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        if mode is GenerationMode.POSITIVE and "Idempotency-Key" in (case.headers or {}):
            headers["Idempotency-Key"] = new_key()  # two good requests are not one repeated
        response = case.call(base_url=service.url, headers=headers)
        case.validate_response(response, checks=checks)
        assert response.headers["x-content-type-options"] == ["nosniff"]

    send()


@pytest.mark.orders
@pytest.mark.parametrize("name", BY_NAME)
def test_answers_to_good_requests_are_as_documented(
    schema, document, service, api: Caller, name: str
):
    assert api.token
    fuzz(schema, document, service, api.token, BY_NAME[name], GenerationMode.POSITIVE, CHECKS)


@pytest.mark.orders
@pytest.mark.parametrize("name", [n for n in BY_NAME if n != "POST /v1/orders/{}/cancel"])
def test_bad_requests_are_refused_as_documented(schema, document, service, api: Caller, name: str):
    assert api.token
    checks = [*CHECKS, negative_data_rejection]
    fuzz(schema, document, service, api.token, BY_NAME[name], GenerationMode.NEGATIVE, checks)


@pytest.mark.orders
def test_a_whole_story_is_answered_as_documented(document, schema, service, api: Caller):
    """Each success of the contract, with its headers and schema held against the document."""
    customer = api.create_customer()
    order = api.create_order(customer.json()["id"])
    path = f"/v1/orders/{order.json()['id']}"
    story = [
        (("POST", "/v1/customers"), customer),
        (("POST", "/v1/orders"), order),
        (("GET", "/v1/customers"), api.get("/v1/customers")),
        (("GET", "/v1/customers/{}"), api.get(f"/v1/customers/{customer.json()['id']}")),
        (("GET", "/v1/orders"), api.get("/v1/orders", params={"limit": 1})),
        (("GET", "/v1/orders/{}"), api.get(path)),
        (("PATCH", "/v1/orders/{}"), api.patch(path, {"status": "confirmed"})),
        (("POST", "/v1/orders/{}/cancel"), api.post(f"{path}/cancel", key=None)),
    ]
    paths = {operation: path for operation, _, path in operations(document)}
    for (method, template), response in story:
        assert response.is_success
        assert_always(response)
        schema[paths[method, template]][method].validate_response(response)
