"""Idempotency keys: what a retry gets, what a twin gets, and what a key covers."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .client import (
    UNKNOWN_ID,
    Caller,
    all_at_once,
    assert_problem,
    customer_body,
    kind_of,
    new_key,
    order_body,
)
from .database import Database
from .raw import exchange, request_bytes
from .service import wait_until

pytestmark = pytest.mark.orders

REPLAYED = "Idempotency-Replayed"
STORED_HEADERS = ["Location", "ETag", "Content-Type"]


def is_replay(response) -> bool:
    return response.headers.get(REPLAYED, "").lower() == "true"


@pytest.mark.parametrize("kind", ["customers", "orders"])
def test_a_retry_gets_the_stored_answer_and_creates_nothing(api: Caller, kind: str):
    body = customer_body() if kind == "customers" else order_body(api.customer()["id"])
    before = len(api.get(f"/v1/{kind}").json()["items"])
    key = new_key()
    first = api.post(f"/v1/{kind}", body, key=key)
    again = [api.post(f"/v1/{kind}", body, key=key) for _ in range(2)]

    assert first.status_code == 201
    assert not is_replay(first)
    for replay in again:
        assert is_replay(replay)
        assert replay.status_code == 201
        assert replay.json() == first.json()
        for name in STORED_HEADERS:
            assert replay.headers[name] == first.headers[name]
        assert replay.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert len(api.get(f"/v1/{kind}").json()["items"]) == before + 1


def test_a_retry_gets_what_was_true_then_even_when_the_order_has_changed(api: Caller):
    body, key = order_body(api.customer()["id"]), new_key()
    first = api.post("/v1/orders", body, key=key)
    api.patch(f"/v1/orders/{first.json()['id']}", {"status": "confirmed"})
    replay = api.post("/v1/orders", body, key=key)
    assert is_replay(replay)
    assert replay.json() == first.json()
    assert replay.headers["ETag"] == first.headers["ETag"]


def test_the_spelling_of_the_body_does_not_matter_only_its_content(api: Caller):
    customer, key = api.customer()["id"], new_key()
    spellings = [
        '{"customerId":"%s","currency":"EUR","items":[{"sku":"é","quantity":1,"unitPriceMinor":5}]}',
        '{"items":[{"unitPriceMinor":5,"quantity":1,"sku":"é"}],"currency":"EUR","customerId":"%s"}',
        (
            '\n{ "currency" : "\\u0045UR", "items": [ {"sku": "\\u00e9", "unitPriceMinor": 5,'
            ' "quantity": 1} ], "customerId": "%s" }\r\n\t'
        ),
    ]
    answers = [
        api.post(
            "/v1/orders",
            key=key,
            content=(spelling % customer).encode(),
            headers={"Content-Type": "application/json"},
        )
        for spelling in spellings
    ]
    assert [a.status_code for a in answers] == [201] * 3
    assert [is_replay(a) for a in answers] == [False, True, True]


def test_a_key_with_another_body_is_422(api: Caller):
    customer, key = api.customer()["id"], new_key()
    first = api.post("/v1/orders", order_body(customer), key=key)
    other = api.post("/v1/orders", order_body(customer, currency="USD"), key=key)
    assert_problem(other, "idempotency-key-reused")
    replay = api.post("/v1/orders", order_body(customer), key=key)
    assert is_replay(replay)
    assert replay.json() == first.json()


def test_the_order_of_a_list_is_part_of_the_body(api: Caller):
    body, key = order_body(api.customer()["id"]), new_key()
    api.post("/v1/orders", body, key=key)
    body["items"].reverse()
    assert_problem(api.post("/v1/orders", body, key=key), "idempotency-key-reused")


def test_an_invalid_body_is_told_so_before_the_key_is_looked_at(api: Caller):
    customer, key = api.customer()["id"], new_key()
    api.post("/v1/orders", order_body(customer), key=key)
    invalid = api.post("/v1/orders", order_body(customer, currency="nonsense"), key=key)
    assert_problem(invalid, "validation", pointer="/currency")


# What is not stored.


def test_after_a_422_the_same_key_executes(api: Caller):
    customer, key = api.customer()["id"], new_key()
    invalid = api.post("/v1/orders", order_body(customer, items=[]), key=key)
    assert_problem(invalid, "validation")
    unknown = api.post("/v1/orders", order_body(UNKNOWN_ID), key=key)
    assert_problem(unknown, "validation", pointer="/customerId")
    response = api.post("/v1/orders", order_body(customer), key=key)
    assert response.status_code == 201
    assert not is_replay(response)


def test_after_a_409_the_same_key_executes(api: Caller):
    taken, key = api.customer()["email"], new_key()
    conflict = api.post("/v1/customers", customer_body(email=taken), key=key)
    assert_problem(conflict, "conflict")
    response = api.post("/v1/customers", customer_body(), key=key)
    assert response.status_code == 201
    assert not is_replay(response)


def test_after_a_403_the_same_key_executes(api: Caller, mint, tenant: str):
    body, key = customer_body(), new_key()
    powerless = api.as_bearer(mint(tenant=tenant, scope="customers:read"))
    assert_problem(powerless.post("/v1/customers", body, key=key), "forbidden")
    response = api.post("/v1/customers", body, key=key)
    assert response.status_code == 201
    assert not is_replay(response)


# What a key covers.


def test_a_key_is_the_tenants_own(api: Caller, stranger: Caller):
    body, key = customer_body(), new_key()
    ours = api.post("/v1/customers", body, key=key)
    theirs = stranger.post("/v1/customers", body, key=key)
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert not is_replay(theirs)
    assert ours.json()["id"] != theirs.json()["id"]


def test_a_key_is_the_subjects_own(api: Caller, mint, tenant: str):
    key = new_key()
    api.post("/v1/customers", customer_body(), key=key)
    colleague = api.as_bearer(mint(tenant=tenant, subject="colleague"))
    response = colleague.post("/v1/customers", customer_body(), key=key)
    assert response.status_code == 201
    assert not is_replay(response)


def test_a_key_is_the_routes_own(api: Caller):
    key = new_key()
    customer = api.post("/v1/customers", customer_body(), key=key)
    order = api.post("/v1/orders", order_body(customer.json()["id"]), key=key)
    assert order.status_code == 201
    assert not is_replay(order)


def test_a_new_token_of_the_same_subject_may_retry(api: Caller, mint, tenant: str):
    body, key = customer_body(), new_key()
    first = api.post("/v1/customers", body, key=key)
    renewed = api.as_bearer(mint(tenant=tenant, scope="customers:write"))
    replay = renewed.post("/v1/customers", body, key=key)
    assert is_replay(replay)
    assert replay.json() == first.json()


def test_a_retry_still_needs_the_scope(api: Caller, mint, tenant: str):
    body, key = customer_body(), new_key()
    api.post("/v1/customers", body, key=key)
    demoted = api.as_bearer(mint(tenant=tenant, scope="customers:read"))
    assert_problem(demoted.post("/v1/customers", body, key=key), "forbidden")


# The grammar of a key.


@pytest.mark.parametrize("kind", ["customers", "orders"])
def test_a_create_without_a_key_is_400(api: Caller, kind: str):
    body = customer_body() if kind == "customers" else order_body(api.customer()["id"])
    assert_problem(api.post(f"/v1/{kind}", body, key=None), "idempotency-key-missing")


@pytest.mark.parametrize(
    "value",
    [b"", b"k" * 256, b"two words", b"tab\tinside", b"caf\xc3\xa9", b"\xff", b"del\x7f"],
    ids=ascii,
)
def test_a_malformed_key_is_400(api: Caller, service, value: bytes):
    body = b'{"email": "malformed-key@example.com", "name": "Ada"}'
    head = request_bytes(
        "POST",
        "/v1/customers",
        {
            "Authorization": f"Bearer {api.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": value.decode("latin-1"),
            "Connection": "close",
        },
        body,
    )
    answer = exchange(service, head)
    assert answer.status == 400
    assert api.get("/v1/customers").json()["items"] == []


@pytest.mark.parametrize(
    "key",
    [
        "k",
        "k" * 255,
        "".join(map(chr, range(0x21, 0x7F))),
        '"quoted"',
        "a,b;c=d",
        "../../etc",
        "%00",
    ],
    ids=lambda k: k[:12],
)
def test_any_visible_ascii_is_a_key(api: Caller, key: str):
    body = customer_body()
    first = api.post("/v1/customers", body, key=key)
    replay = api.post("/v1/customers", body, key=key)
    assert first.status_code == 201
    assert is_replay(replay)
    assert replay.json() == first.json()


@pytest.mark.parametrize(
    ("one", "other"), [("Key", "key"), ('"k"', "k"), ("k", "k."), ("a%20b", "a+b")]
)
def test_keys_that_differ_at_all_are_different_keys(api: Caller, one: str, other: str):
    for key in (one, other):
        response = api.post("/v1/customers", customer_body(), key=key)
        assert response.status_code == 201
        assert not is_replay(response)


# Twins.


@pytest.mark.parametrize("twins", [2, 2, 2, 2, 20, 20])
def test_simultaneous_twins_create_one_order(api: Caller, twins: int):
    body, key = order_body(api.customer()["id"]), new_key()
    answers = all_at_once([lambda: api.post("/v1/orders", body, key=key)] * twins)
    created = [a for a in answers if a.status_code == 201]
    assert len([a for a in created if not is_replay(a)]) == 1, [a.status_code for a in answers]
    assert len({a.json()["id"] for a in created}) == 1
    for other in answers:
        if other.status_code != 201:
            assert_problem(other, "idempotency-in-progress")
    retried = api.post("/v1/orders", body, key=key)
    assert is_replay(retried)
    assert retried.json() == created[0].json()
    assert len(api.get("/v1/orders").json()["items"]) == 1


def test_simultaneous_requests_with_one_key_and_different_bodies_create_one_order(api: Caller):
    customer, key = api.customer()["id"], new_key()
    bodies = [order_body(customer, currency=c) for c in ("EUR", "USD", "CHF", "GBP")]
    answers = all_at_once([lambda b=b: api.post("/v1/orders", b, key=key) for b in bodies])
    assert [a.status_code for a in answers].count(201) == 1
    for other in answers:
        if other.status_code != 201:
            assert kind_of(other) in {"idempotency-key-reused", "idempotency-in-progress"}
    assert len(api.get("/v1/orders").json()["items"]) == 1


def test_a_twin_of_a_request_that_takes_long_is_409_after_a_short_wait(
    api: Caller, database: Database
):
    body, key = order_body(api.customer()["id"]), new_key()

    def post():
        return api.post("/v1/orders", body, key=key)

    with ThreadPoolExecutor(1) as pool:
        with database.writes_held() as holds_one:
            held = pool.submit(post)
            wait_until(holds_one, 5, lambda: "the first request does not write")
            twin = post()
        first = held.result()
    assert_problem(twin, "idempotency-in-progress")
    assert first.status_code == 201
    replay = post()
    assert is_replay(replay)
    assert replay.json() == first.json()


# How long a key is kept.


def test_a_key_is_kept_for_24_hours(api: Caller, database: Database):
    body, key = order_body(api.customer()["id"]), new_key()
    first = api.post("/v1/orders", body, key=key)
    database.let_time_pass(hours=23.9)
    replay = api.post("/v1/orders", body, key=key)
    assert is_replay(replay)
    assert replay.json()["id"] == first.json()["id"]
