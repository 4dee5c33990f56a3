"""Headers every answer carries, and those that depend: caching, HSTS, CORS, HEAD."""

import pytest

from .client import JSON, Caller, Guarded, assert_problem

ORIGIN = "https://app.example.com"
OTHER_ORIGIN = "https://admin.example.com"
STRANGER = "https://evil.example.com"


def cors_headers(response) -> dict[str, str]:
    return {k: v for k, v in response.headers.items() if k.startswith("access-control-")}


# HEAD and caching.


def head_paths(api: Caller, guarded: Guarded) -> list[str]:
    paths = ["/livez", "/readyz", guarded.description, guarded.path, "/v1/nothing"]
    if guarded.path == "/v1/customers":
        order = api.order()
        paths += [
            "/v1/orders",
            "/v1/orders?limit=101",
            f"/v1/orders/{order['id']}",
            f"/v1/orders/{order['customerId']}",
            f"/v1/customers/{order['customerId']}",
        ]
    return paths


def test_head_is_get_without_the_body(api: Caller, guarded: Guarded):
    same = ("content-type", "etag", "cache-control", "www-authenticate", "allow", "vary")
    for path in head_paths(api, guarded):
        get, head = api.get(path), api.head(path)
        assert head.status_code == get.status_code, path
        assert head.content == b"", path
        for name in same:
            assert head.headers.get(name) == get.headers.get(name), (path, name)
        if "content-length" in head.headers and get.status_code == 200:
            assert head.headers["content-length"] == get.headers["content-length"], path


def directives(response) -> set[str]:
    value = response.headers.get("cache-control", "")
    return {directive.strip().lower() for directive in value.split(",")}


def test_tenant_data_is_not_stored_by_caches(api: Caller, guarded: Guarded):
    assert "no-store" in directives(api.get(guarded.path))


@pytest.mark.orders
def test_a_resource_with_an_etag_is_revalidated_or_not_stored(api: Caller):
    created = api.create_customer()
    customer = f"/v1/customers/{created.json()['id']}"
    order = f"/v1/orders/{api.order(created.json()['id'])['id']}"
    answers = [
        created,
        api.get(customer),
        api.get(order),
        api.get(order, headers={"If-None-Match": "*"}),
        api.patch(order, {"status": "confirmed"}),
        api.post(f"{order}/cancel", key=None),
    ]
    for response in answers:
        found = directives(response)
        assert "no-store" in found or {"private", "no-cache"} <= found, response.request
        assert "public" not in found


@pytest.mark.orders
def test_bodies_are_json_and_say_so(api: Caller):
    order = api.order()
    for path in ("/v1/orders", f"/v1/orders/{order['id']}", "/v1/customers"):
        content_type = api.get(path).headers["content-type"]
        assert content_type.split(";")[0] == JSON
        assert content_type.lower() in {JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=utf-8"}


# HSTS.

HSTS = "strict-transport-security"


def test_hsts_is_not_sent_over_plain_http(api: Caller, guarded: Guarded):
    for headers in ({}, {"X-Forwarded-Proto": "https"}):
        # No proxy is trusted here, so nobody's word about TLS counts.
        assert HSTS not in api.get(guarded.path, headers=headers).headers


def test_hsts_is_sent_behind_tls(launch, calling, guarded: Guarded):
    with launch(TRUST_PROXY_HOPS="1") as service, calling(service) as api:
        secure = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
        for path in (guarded.path, "/v1/nothing"):
            header = api.get(path, headers=secure).headers[HSTS]
            assert "max-age=" in header.replace(" ", "")
        assert HSTS not in api.get(guarded.path, headers={"X-Forwarded-Proto": "http"}).headers
        assert HSTS not in api.get(guarded.path).headers


# CORS.

PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization",
}


def test_cors_is_off_by_default(api: Caller, nobody: Caller, guarded: Guarded):
    assert cors_headers(api.get(guarded.path, headers={"Origin": ORIGIN})) == {}
    preflight = nobody.request("OPTIONS", guarded.path, headers=PREFLIGHT)
    assert cors_headers(preflight) == {}


@pytest.fixture(scope="module")
def open_to_app(launch, calling):
    """A caller of a service that allows two origins."""
    allowed = f"{ORIGIN},{OTHER_ORIGIN}"
    with launch(CORS_ALLOWED_ORIGINS=allowed) as service, calling(service) as api:
        yield api


@pytest.mark.parametrize("origin", [ORIGIN, OTHER_ORIGIN])
def test_an_allowed_origin_may_read_answers_and_errors(
    open_to_app: Caller, guarded: Guarded, origin: str
):
    sent = {"Origin": origin}
    answers = [
        open_to_app.get(guarded.path, headers=sent),
        open_to_app.as_bearer(None).get(guarded.path, headers=sent),
        open_to_app.get("/v1/nothing", headers=sent),
    ]
    assert [a.status_code for a in answers] == [200, 401, 404]
    for response in answers:
        assert response.headers["access-control-allow-origin"] == origin
        assert "origin" in response.headers["vary"].lower()


def test_an_allowed_origin_may_preflight(open_to_app: Caller, guarded: Guarded):
    nobody = open_to_app.as_bearer(None)
    response = nobody.request("OPTIONS", guarded.path, headers=PREFLIGHT)
    assert response.status_code in {200, 204}
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "GET" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].lower()
    assert allowed == "*" or "authorization" in allowed


@pytest.mark.orders
def test_a_preflight_allows_the_methods_and_headers_of_the_contract(open_to_app: Caller):
    nobody = open_to_app.as_bearer(None)
    wanted = {
        "POST": "authorization,content-type,idempotency-key,x-request-id",
        "PATCH": "authorization,content-type,if-match",
    }
    for method, headers in wanted.items():
        path = "/v1/orders" if method == "POST" else "/v1/orders/x"
        response = nobody.request(
            "OPTIONS",
            path,
            headers={
                "Origin": ORIGIN,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": headers,
            },
        )
        assert response.status_code in {200, 204}
        assert method in response.headers["access-control-allow-methods"]
        allowed = response.headers["access-control-allow-headers"].lower()
        assert set(headers.split(",")) <= {h.strip() for h in allowed.split(",")}


@pytest.mark.parametrize(
    "origin",
    [
        STRANGER,
        "null",
        ORIGIN + ".evil.com",
        ORIGIN.replace("https", "http"),
        ORIGIN + ":8443",
        "*",
    ],
)
def test_another_origin_is_told_nothing(open_to_app: Caller, guarded: Guarded, origin: str):
    response = open_to_app.get(guarded.path, headers={"Origin": origin})
    assert "access-control-allow-origin" not in response.headers
    preflight = open_to_app.as_bearer(None).request(
        "OPTIONS", guarded.path, headers={**PREFLIGHT, "Origin": origin}, checked=False
    )
    assert preflight.status_code < 500
    assert "access-control-allow-origin" not in preflight.headers


def test_options_that_is_no_preflight_names_the_methods_or_is_405(nobody: Caller, guarded: Guarded):
    response = nobody.request("OPTIONS", guarded.path)
    if response.status_code == 405:
        assert_problem(response, "method-not-allowed")
    else:
        assert response.status_code in {200, 204}
        assert "GET" in response.headers["allow"]
