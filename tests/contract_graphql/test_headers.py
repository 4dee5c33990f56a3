"""Headers: as in REST, and of replies of every kind."""

import pytest

from tests.contract.test_headers import *  # noqa: F403
from tests.contract.test_headers import ORIGIN

from .client import PATH, Caller


def test_no_answer_of_graphql_may_be_stored(api: Caller, nobody: Caller):
    answers = [
        api.run("{ __typename }"),
        api.run("{ nonsense }"),
        api.run("{"),
        api.send([]),
        nobody.run("{ __typename }"),
    ]
    for answer in answers:
        assert "no-store" in answer.response.headers["cache-control"]


def test_a_page_may_send_documents(open_to_app, guarded):
    preflight = open_to_app.as_bearer(None).request(
        "OPTIONS",
        PATH,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-request-id",
        },
    )
    assert preflight.status_code in {200, 204}
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower()
    wanted = {"authorization", "content-type", "x-request-id"}
    assert wanted <= {name.strip() for name in allowed.split(",")}
    answer = open_to_app.run("{ __typename }", headers={"Origin": ORIGIN})
    assert answer.response.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.orders
def test_a_page_may_see_that_an_answer_was_replayed(open_to_app):
    answer = open_to_app.run("{ __typename }", headers={"Origin": ORIGIN})
    exposed = answer.response.headers["access-control-expose-headers"].lower()
    assert {"idempotency-replayed", "x-request-id"} <= {n.strip() for n in exposed.split(",")}
