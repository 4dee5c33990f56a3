"""Liveness and readiness: as in REST; production describes nothing."""

from tests.contract.client import assert_problem
from tests.contract.test_health import *  # noqa: F403

from .client import Caller


def test_production_has_the_document_but_no_pages(in_production: Caller):
    """It has neither."""
    nobody = in_production.as_bearer(None)
    for path in ("/schema.graphql", "/docs", "/docs/", "/graphiql", "/openapi.json"):
        assert_problem(nobody.get(path), "not-found")
        assert_problem(in_production.get(path), "not-found")


def test_elsewhere_there_is_a_page_to_try_it(nobody: Caller):
    page = nobody.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].split(";")[0] == "text/html"
    assert nobody.head("/docs").status_code == 200
