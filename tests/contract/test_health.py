"""Liveness and readiness while all is well; trouble has modules of its own."""

import json
import re

import pytest

from .client import Caller, assert_problem


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_healthy_service_says_200_to_anybody(nobody: Caller, path: str):
    for method in ("GET", "HEAD"):
        response = nobody.request(method, path)
        assert response.status_code == 200
        assert "no-store" in response.headers.get("cache-control", "no-store")


def test_livez_knows_nothing_of_the_database(nobody: Caller):
    assert not re.search("(?i)database|postgres|pool", nobody.get("/livez").text)


@pytest.fixture(scope="module")
def in_production(launch, calling):
    with launch(APP_ENV="production") as service, calling(service) as api:
        yield api


def test_production_gives_no_details(in_production: Caller):
    """What tells one healthy answer from another is a detail."""
    for path in ("/livez", "/readyz"):
        response = in_production.as_bearer(None).get(path)
        assert response.status_code == 200
        assert not re.search(
            "database|postgres|pool|probe|latency|version", response.text, re.IGNORECASE
        )
        assert len(response.content) < 100
        if response.headers.get("content-type", "").startswith("application/json"):
            assert len(json.loads(response.text)) <= 1


def test_production_has_the_document_but_no_pages(in_production: Caller):
    nobody = in_production.as_bearer(None)
    assert nobody.get("/openapi.json").status_code == 200
    for path in ("/docs", "/redoc", "/docs/", "/swagger"):
        assert_problem(nobody.get(path), "not-found")


def test_production_serves_as_any_other_environment(in_production: Caller, guarded):
    assert in_production.get(guarded.path).status_code == 200
    assert_problem(in_production.as_bearer(None).get(guarded.path), "unauthorized")
