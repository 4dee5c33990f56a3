"""Prometheus metrics on a port of their own, by route and never by id."""

import re

import pytest

from .client import Caller, Guarded, new_key
from .service import PLAIN, Service

SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r"(\{(?P<labels>([a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\n]|\\[\\n\"])*\",?)*)\})?"
    r" (?P<value>[-+]?(\d+(\.\d*)?([eE][-+]?\d+)?|Inf)|NaN)( -?\d+)?"
    r"( # .*)?"
)


@pytest.fixture
def metrics_url(service: Service) -> str:
    if service.metrics_url is None:
        pytest.skip("where the metrics are was not told: --contract-metrics-url")
    return service.metrics_url


def read(url: str) -> dict[str, float]:
    """Every sample by its name and labels; every line must be of the text format."""
    response = PLAIN.get(url)
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] in {
        "text/plain",
        "application/openmetrics-text",
    }
    samples = {}
    for line in response.text.splitlines():
        if line and not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            samples[f"{match['name']}{{{match['labels'] or ''}}}"] = float(match["value"])
    return samples


def test_metrics_are_the_prometheus_text_format(metrics_url: str):
    assert read(metrics_url)
    assert PLAIN.head(metrics_url).status_code == 200


def test_metrics_need_no_token_and_no_other_path_is_there(metrics_url: str):
    base = metrics_url.removesuffix("/metrics")
    assert PLAIN.get(base + "/v1/customers").status_code == 404


def test_a_request_is_counted_and_timed_under_its_route(
    api: Caller, guarded: Guarded, metrics_url: str
):
    before = read(metrics_url)
    for _ in range(3):
        api.get(guarded.path)
    after = read(metrics_url)
    risen = {k for k in after if guarded.route in k and after[k] - before.get(k, 0) == 3}
    assert [k for k in risen if "200" in k], f"no sample of {guarded.route} with 200 rose by 3"
    assert [k for k in risen if "_bucket{" in k or "_count{" in k], "no duration was observed"


def test_errors_are_counted_with_their_status(nobody: Caller, guarded: Guarded, metrics_url: str):
    before = read(metrics_url)
    nobody.get(guarded.path)
    after = read(metrics_url)
    risen = [k for k in after if guarded.route in k and after[k] > before.get(k, 0)]
    assert [k for k in risen if "401" in k], risen


@pytest.mark.orders
def test_ids_tenants_and_unknown_paths_make_no_series(
    api: Caller, nobody: Caller, tenant: str, metrics_url: str
):
    order = api.order()
    api.get(f"/v1/orders/{order['id']}")
    paths = [f"/{new_key()}" for _ in range(5)]
    for path in paths:
        nobody.get(path)
        nobody.request("BREW", path, checked=False)
    text = PLAIN.get(metrics_url).text
    for secret in [order["id"], order["customerId"], tenant, "BREW", *paths]:
        assert secret not in text
    assert re.search(r'"[^"]*/v1/orders/[:{<][^"]*"', text), "no series of the route's template"


def test_the_pool_can_be_watched(metrics_url: str):
    assert [name for name in read(metrics_url) if "pool" in name]
