"""Validators and preconditions as RFC 9110 section 13 defines them."""

import pytest

from .client import STRONG_ETAG, Caller, assert_problem

pytestmark = pytest.mark.orders


@pytest.fixture
def path(api: Caller) -> str:
    return f"/v1/orders/{api.order()['id']}"


def test_every_single_resource_has_a_strong_etag(api: Caller):
    customer = api.create_customer()
    order = api.create_order(customer.json()["id"])
    order_path = f"/v1/orders/{order.json()['id']}"
    for response in [
        customer,
        order,
        api.get(f"/v1/customers/{customer.json()['id']}"),
        api.get(order_path),
        api.head(order_path),
        api.patch(order_path, {"status": "confirmed"}),
        api.post(f"{order_path}/cancel", key=None),
    ]:
        assert STRONG_ETAG.fullmatch(response.headers["etag"]), response.headers


def test_the_etag_changes_with_the_order_and_only_then(api: Caller, path: str):
    first, second = api.etag(path), api.etag(path)
    assert first == second
    api.patch(path, {"status": "confirmed"})
    assert api.etag(path) != first


@pytest.mark.parametrize("kind", ["orders", "customers"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "if_none_match",
    ["{etag}", "*", '"other", {etag}', '{etag},"other"', "W/{etag}", '  W/"x" ,\t{etag} '],
)
def test_a_matching_if_none_match_is_304(api: Caller, kind: str, method: str, if_none_match: str):
    made = api.order() if kind == "orders" else api.customer()
    path = f"/v1/{kind}/{made['id']}"
    etag = api.etag(path)
    headers = {"If-None-Match": if_none_match.format(etag=etag).strip()}
    response = api.request(method, path, headers=headers)
    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["etag"] == etag


@pytest.mark.parametrize("if_none_match", ['"other"', 'W/"other"', '"a", "b"', '""'])
def test_an_if_none_match_without_a_match_is_200(api: Caller, path: str, if_none_match: str):
    response = api.get(path, headers={"If-None-Match": if_none_match})
    assert response.status_code == 200
    assert response.json()["id"] in path


def test_an_etag_of_before_a_change_is_200_again(api: Caller, path: str):
    old = api.etag(path)
    api.patch(path, {"status": "confirmed"})
    assert api.get(path, headers={"If-None-Match": old}).status_code == 200


@pytest.mark.parametrize("if_match", ["{etag}", "*", '"other", {etag}', '{etag} , "other"'])
def test_a_matching_if_match_lets_the_change_through(api: Caller, path: str, if_match: str):
    headers_value = if_match.format(etag=api.etag(path))
    response = api.patch(path, {"status": "confirmed"}, if_match=headers_value)
    assert response.status_code == 200


@pytest.mark.parametrize("if_match", ['"other"', "W/{etag}", '"a", "b"', '""', 'W/"x", W/{etag}'])
def test_an_if_match_without_a_strong_match_is_412(api: Caller, path: str, if_match: str):
    before = api.get(path)
    value = if_match.format(etag=before.headers["etag"])
    assert_problem(api.patch(path, {"status": "confirmed"}, if_match=value), "precondition-failed")
    assert api.get(path).json() == before.json()


def test_a_stale_if_match_is_412_even_when_nothing_would_change(api: Caller, path: str):
    old = api.etag(path)
    api.patch(path, {"status": "confirmed"})
    response = api.patch(path, {"status": "confirmed"}, if_match=old)
    assert_problem(response, "precondition-failed")


def test_a_patch_without_if_match_is_428(api: Caller, path: str):
    response = api.patch(path, {"status": "confirmed"}, if_match=None)
    assert_problem(response, "precondition-required")
    assert api.get(path).json()["status"] == "pending"


@pytest.mark.parametrize("if_match", ["1", "etag", '"', '"unclosed', "**", ","])
def test_an_if_match_that_is_no_etag_never_lets_a_change_through(
    api: Caller, path: str, if_match: str
):
    response = api.patch(path, {"status": "confirmed"}, if_match=if_match)
    assert response.status_code in {400, 412, 428}
    assert api.get(path).json()["status"] == "pending"
