"""Prometheus metrics: as in REST, and operations by type and name of a bounded set."""

import pytest

from tests.contract.client import new_key
from tests.contract.service import PLAIN
from tests.contract.test_metrics import *  # noqa: F403

from .client import Caller


def test_documents_names_variables_and_paths_make_no_series(
    api: Caller, nobody: Caller, guarded, metrics_url: str, tenant: str
):
    name, value, path = f"Op{new_key()}", new_key(), f"/{new_key()}"
    api.run(f"query {name} {{ __typename }}")
    api.run("query ($a: Int!) { __typename }", {"a": value})
    api.run(f"{{ {name} }}")
    nobody.get(path)
    nobody.request("BREW", path, checked=False)
    text = PLAIN.get(metrics_url).text
    for secret in (name, value, path, tenant, "BREW"):
        assert secret not in text


def test_an_operation_without_a_known_name_is_anonymous(api: Caller, guarded, metrics_url: str):
    api.run("query Stranger { __typename }")
    assert "anonymous" in PLAIN.get(metrics_url).text


@pytest.mark.orders
def test_ids_make_no_series(api: Caller, metrics_url: str):
    order = api.order()
    api.read("order", order["id"])
    text = PLAIN.get(metrics_url).text
    assert order["id"] not in text
    assert order["customerId"] not in text
    assert '"mutation"' in text
