"""The OpenAPI document is committed, and says what the code does."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.application import describe_api

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = describe_api().openapi()
OPERATIONS = [
    pytest.param(operation, id=f"{method} {path}")
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def test_the_committed_document_is_current() -> None:
    committed = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
    assert committed == DOCUMENT, "run `make openapi` and commit the result"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_error_is_a_problem(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
        assert "X-Request-Id" in response["headers"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_guarded_says_so(operation: dict[str, Any]) -> None:
    statuses = set(operation["responses"])
    if "security" in operation:
        ((scheme, scopes),) = operation["security"][0].items()
        assert scheme == "bearerToken"
        assert scopes
        assert statuses >= {"400", "401", "403", "429", "500", "503", "504"}
    if "requestBody" in operation:
        assert statuses >= {"413", "415", "422"}


def test_objects_are_closed() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name
