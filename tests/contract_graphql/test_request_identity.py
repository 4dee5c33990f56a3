"""One id a request: as in REST; and what of an operation is logged."""

import json

import pytest

from tests.contract import test_request_identity as rest
from tests.contract.client import new_key
from tests.contract.service import StartedService
from tests.contract.test_request_identity import *  # noqa: F403
from tests.contract.test_request_identity import lines_of

from .client import Caller, assert_user_error


@pytest.mark.parametrize("outcome", [200, 401, 404, 405])
def test_every_line_of_a_request_holds_its_id(started, api, nobody, guarded, mint, outcome: int):
    """A missing scope is no status here."""
    rest.test_every_line_of_a_request_holds_its_id(started, api, nobody, guarded, mint, outcome)


def test_an_operation_is_logged_without_its_document(started: StartedService, api: Caller):
    id_, since, secret = new_key(), started.log_size(), f"Op{new_key()}"
    api.run(f"query {secret} {{ {secret}: __typename }}", headers={"X-Request-Id": id_})
    lines = lines_of(started, since, id_)
    assert any("anonymous" in json.dumps(line) for line in lines), lines
    assert any("query" in json.dumps(line) for line in lines), lines
    assert secret not in json.dumps(lines)


@pytest.mark.parametrize("bad", ["{", "{ %s }", "query ($a: Int!) { __typename @include(if: %s) }"])
def test_a_document_that_is_refused_is_not_logged(started: StartedService, api: Caller, bad: str):
    id_, since, secret = new_key(), started.log_size(), f"secret{new_key()}"
    document = bad % secret if "%s" in bad else bad + secret
    api.run(document, {"a": secret}, headers={"X-Request-Id": id_})
    assert secret not in json.dumps(lines_of(started, since, id_))


@pytest.mark.orders
def test_personal_data_in_variables_does_not_reach_the_log(started: StartedService, api: Caller):
    since = started.log_size()
    email, name = f"{new_key()}@example.com", f"Ada {new_key()}"
    api.customer(email=email, name=name)
    body = {"email": email, "name": name}
    assert_user_error(api.create("Customer", body), "ConflictError", "conflict")
    body["email"] += "@"
    assert_user_error(api.create("Customer", body), "ValidationError", "validation")
    id_ = new_key()
    api.run("{ __typename }", headers={"X-Request-Id": id_})
    lines_of(started, since, id_)
    text = json.dumps(started.log_lines(since))
    assert email not in text
    assert name not in text
