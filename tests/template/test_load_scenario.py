"""`loadtest/scenario.yml`: the tool accepts it, and it asks for what the service offers."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)

from tests.template.trees import EXAMPLES, REST, TREES

Request = dict[str, Any]
Operation = tuple[str, str]
"""Method and path, as the API description has them."""


@pytest.fixture(scope="module", params=TREES)
def framework(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    generate: Callable[..., Path],
    framework: str,
    example: str,
) -> Path:
    directory = tmp_path_factory.mktemp("scenario") / "payments-api"
    return generate(directory, framework=framework, example=example)


def scenario_of(service: Path) -> dict[str, Any]:
    return yaml.safe_load((service / "loadtest" / "scenario.yml").read_text())


def requests_of(scenario: dict[str, Any]) -> Iterator[Request]:
    """Every request: for data, as an endpoint, as a step of a flow."""
    for feeder in scenario.get("data", {}).values():
        yield from feeder["requests"]
    yield from scenario["endpoints"]
    for flow in scenario.get("flows", []):
        yield from flow["steps"]


def described(service: Path) -> dict[Operation, dict[str, Any]]:
    """The operations of the service, but for its health and its description."""
    paths = json.loads((service / "openapi.json").read_text())["paths"]
    return {
        (method.upper(), path): operation
        for path, operations in paths.items()
        for method, operation in operations.items()
        if path.startswith("/v1/")
    }


def operation_of(request: Request, described: dict[Operation, dict[str, Any]]) -> Operation:
    """The one that this request means; names in braces stand for one segment of a path."""
    path = request["path"].partition("?")[0]
    found = [
        (method, template)
        for method, template in described
        if method == request.get("method", "GET")
        and re.fullmatch(re.sub(r"\{\w+\}", r"\\$\\{[\\w.]+\\}", template), path)
    ]
    assert len(found) == 1, f"{request.get('method', 'GET')} {path}: {found}"
    return found[0]


def check(service: Path) -> subprocess.CompletedProcess[str]:
    """What `make load-test-check` runs."""
    return subprocess.run(
        [sys.executable, "-m", "senior_backend", "load", "run", "loadtest/scenario.yml", "--check"],
        cwd=service,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tool_accepts_it(service: Path):
    done = check(service)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("framework", REST, scope="module")
def test_it_asks_for_every_operation_and_no_other(service: Path):
    offered = described(service)
    asked = {operation_of(request, offered) for request in requests_of(scenario_of(service))}
    assert asked == offered.keys()


@pytest.mark.parametrize("framework", REST, scope="module")
def test_it_sends_the_headers_that_an_operation_requires(service: Path):
    offered = described(service)
    for request in requests_of(scenario_of(service)):
        required = {
            parameter["name"]
            for parameter in offered[operation_of(request, offered)].get("parameters", [])
            if parameter["in"] == "header" and parameter.get("required")
        }
        assert required <= request.get("headers", {}).keys(), request["path"]


def fields_of(schema: GraphQLSchema, document: str) -> set[str]:
    """What a document asks of the roots; it must be valid."""
    parsed = parse(document)
    assert validate(schema, parsed) == []
    return {
        selection.name.value
        for definition in parsed.definitions
        if isinstance(definition, OperationDefinitionNode)
        for selection in definition.selection_set.selections
        if isinstance(selection, FieldNode)
    }


@pytest.mark.parametrize("framework", ["graphql"], scope="module")
def test_it_asks_for_every_field_of_the_roots_in_valid_documents(service: Path):
    schema = build_schema((service / "schema.graphql").read_text())
    documents = [request["graphql"]["query"] for request in requests_of(scenario_of(service))]
    asked = set().union(*(fields_of(schema, document) for document in documents))
    roots = [root for root in (schema.query_type, schema.mutation_type) if root]
    assert asked == set().union(*(root.fields for root in roots))


@pytest.mark.parametrize("framework", ["graphql"], scope="module")
def test_every_operation_of_clients_is_valid_and_allowed(service: Path):
    schema = build_schema((service / "schema.graphql").read_text())
    written = [path.read_text() for path in (service / "operations").rglob("*.graphql")]
    allowed = json.loads((service / "persisted-operations.json").read_text())
    assert len(written) == len(allowed) > 0
    for key, document in allowed.items():
        assert key == hashlib.sha256(document.encode()).hexdigest()
    assert all(fields_of(schema, document) for document in [*written, *allowed.values()])


def test_every_measured_request_has_a_name_a_status_and_a_threshold(service: Path):
    scenario = scenario_of(service)
    measured = list(requests_of({**scenario, "data": {}}))
    names = [request["name"] for request in measured]
    assert len(names) == len(set(names))
    for request in measured:
        assert request["expect"]["status"], request["name"]
        assert request["thresholds"]["http_req_duration"], request["name"]


def test_endpoints_stand_last_so_that_one_is_added_at_the_end(service: Path):
    assert list(scenario_of(service))[-1] == "endpoints"


@pytest.mark.parametrize("name", ["null", "true", "on", "no", "y", "e1", "a" * 40, "x-1-2"])
def test_any_name_of_a_service_is_the_name_of_its_scenario(copie, template_folder: Path, name: str):
    copied = copie.copy(extra_answers={"project_name": name}, template_dir=template_folder)
    assert scenario_of(copied.project_dir)["name"] == name
