"""Every problem type the contract names, made by the simplest request that deserves it.

The client checks each error of the whole suite member by member; here each type appears at least
once, and what is special about it is checked. `rate-limited`, `unavailable`, `timeout` and
`idempotency-in-progress` need an unusual service: see test_limits, test_overload, test_idempotency.
"""

import pytest

from .client import (
    JSON,
    UNKNOWN_ID,
    Caller,
    Guarded,
    assert_problem,
    customer_body,
)
from .database import Database
from .service import StartedService


def test_unauthorized_has_a_bearer_challenge(nobody: Caller, guarded: Guarded):
    response = nobody.get(guarded.path)
    assert_problem(response, "unauthorized")
    assert response.headers["www-authenticate"].split()[0].rstrip(",").lower() == "bearer"


def test_forbidden_says_that_the_scope_is_missing(api: Caller, mint, guarded: Guarded):
    response = api.as_bearer(mint(scope="something:else")).get(guarded.path)
    assert_problem(response, "forbidden")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/customers", "/v1/nothing", "/problems", "/metrics"]
)
def test_an_unknown_route_is_not_found_with_and_without_a_token(
    api: Caller, nobody: Caller, path: str
):
    assert_problem(api.get(path), "not-found")
    assert_problem(nobody.get(path), "not-found")
    assert_problem(nobody.post(path, {}), "not-found")


def at(path: str, guarded: Guarded) -> str:
    return path.format(guarded=guarded.route, description=guarded.description)


@pytest.mark.parametrize("path", ["/livez/", "/readyz/", "{description}/", "{guarded}/"])
def test_a_trailing_slash_is_another_path(api: Caller, guarded: Guarded, path: str):
    assert_problem(api.get(at(path, guarded)), "not-found")


@pytest.mark.orders
def test_a_trailing_slash_behind_a_resource_is_another_path(api: Caller):
    order = api.order()
    path = f"/v1/orders/{order['id']}"
    assert_problem(api.get(f"{path}/"), "not-found")
    assert_problem(api.patch(f"{path}/", {"status": "confirmed"}), "not-found")
    assert_problem(api.post(f"{path}/cancel/", key=None), "not-found")
    assert_problem(api.post("/v1/orders/", {}), "not-found")


def allowed(header: str) -> set[str]:
    return {method.strip().upper() for method in header.split(",")}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "{description}", "{guarded}"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_method_is_405_with_allow(nobody: Caller, guarded: Guarded, path: str, method: str):
    response = nobody.request(method, at(path, guarded))
    assert_problem(response, "method-not-allowed")
    assert {"GET", "HEAD"} <= allowed(response.headers["allow"])
    assert method not in allowed(response.headers["allow"])


ROUTES = [
    ("/v1/customers", {"GET", "HEAD", "POST"}),
    (f"/v1/customers/{UNKNOWN_ID}", {"GET", "HEAD"}),
    ("/v1/orders", {"GET", "HEAD", "POST"}),
    (f"/v1/orders/{UNKNOWN_ID}", {"GET", "HEAD", "PATCH"}),
    (f"/v1/orders/{UNKNOWN_ID}/cancel", {"POST"}),
]


@pytest.mark.orders
@pytest.mark.parametrize(("path", "methods"), ROUTES)
def test_allow_lists_exactly_what_the_route_can(api: Caller, path: str, methods: set[str]):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
        response = api.request(method, path)
        assert_problem(response, "method-not-allowed")
        assert allowed(response.headers["allow"]) - {"OPTIONS"} == methods


@pytest.mark.orders
@pytest.mark.parametrize(
    "id_",
    ["0", "abc", "null", "-", "%20", "'", "..%2f", "%00", "a" * 1000, UNKNOWN_ID[:-1],
     UNKNOWN_ID + "0", "g" + UNKNOWN_ID[1:], UNKNOWN_ID.replace("-", ""),
     "{" + UNKNOWN_ID + "}", "urn:uuid:" + UNKNOWN_ID],
)  # fmt: skip
def test_a_malformed_id_is_not_found(api: Caller, id_: str):
    for kind in ("customers", "orders"):
        assert_problem(api.get(f"/v1/{kind}/{id_}"), "not-found")
    assert_problem(api.patch(f"/v1/orders/{id_}", {"status": "confirmed"}), "not-found")
    assert_problem(api.post(f"/v1/orders/{id_}/cancel", key=None), "not-found")


@pytest.mark.orders
def test_an_id_in_another_spelling_is_malformed(api: Caller):
    id_ = api.customer()["id"]
    for spelling in (id_.replace("-", ""), "{" + id_ + "}", "urn:uuid:" + id_, id_ + "%20"):
        assert_problem(api.get(f"/v1/customers/{spelling}"), "not-found")


@pytest.mark.orders
def test_malformed_json_is_a_bad_request(api: Caller):
    response = api.post("/v1/customers", content=b"{", headers={"Content-Type": JSON})
    assert_problem(response, "bad-request")


@pytest.mark.orders
@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp",
     "text/json", "multipart/form-data; boundary=x", "json", "application/", "garbage", "*/*"],
)  # fmt: skip
def test_a_body_of_another_media_type_is_415(api: Caller, media_type: str):
    order = api.order()
    headers = {"Content-Type": media_type}
    body = b'{"status": "confirmed"}'
    response = api.patch(f"/v1/orders/{order['id']}", content=body, headers=headers)
    assert_problem(response, "unsupported-media-type")
    response = api.post("/v1/customers", content=b"{}", headers=headers)
    assert_problem(response, "unsupported-media-type")


@pytest.mark.orders
@pytest.mark.parametrize(
    "media_type",
    ["application/json", "APPLICATION/JSON", "application/json;charset=utf-8",
     'application/json; charset="UTF-8"', "application/json ; charset=utf-8"],
)  # fmt: skip
def test_json_may_be_spelled_as_rfc_9110_allows(api: Caller, media_type: str):
    content = b'{"email": "spelling@example.com", "name": "Ada"}'
    response = api.post("/v1/customers", content=content, headers={"Content-Type": media_type})
    assert response.status_code == 201


@pytest.mark.orders
def test_errors_of_one_kind_share_everything_but_the_occurrence(api: Caller):
    first, second = (assert_problem(api.create_customer(name=""), "validation") for _ in range(2))
    assert first["requestId"] != second["requestId"]
    assert first["errors"] == second["errors"]


@pytest.mark.orders
def test_what_nobody_foresaw_is_internal_and_tells_nothing(
    api: Caller, started: StartedService, database: Database
):
    order = api.order()
    with database.tables_missing():
        answers = [
            api.get("/v1/orders", checked=False),
            api.post("/v1/customers", customer_body(), checked=False),
        ]
    for response in answers:
        assert_problem(response, "internal")
        told = response.text.lower()
        for secret in ("select", "insert", "relation", "sql", "exception", "traceback", "table"):
            assert secret not in told, response.text
    assert api.get(f"/v1/orders/{order['id']}").json() == order
    trouble = answers[0].json()["requestId"]
    assert any(trouble in str(line.values()) for line in started.log_lines())
