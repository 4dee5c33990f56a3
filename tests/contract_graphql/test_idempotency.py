"""Idempotency keys: what a retry gets, what a twin gets, and what a key covers."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.client import UNKNOWN_ID, all_at_once, customer_body, new_key, order_body
from tests.contract.database import Database
from tests.contract.service import wait_until

from .client import CREATING, Answer, Caller, assert_user_error, mutation, thing

pytestmark = pytest.mark.orders


def body_for(api: Caller, name: str) -> dict:
    return customer_body() if name == "createCustomer" else order_body(api.customer()["id"])


def create(api: Caller, name: str, body: dict, key: str, **options: object) -> Answer:
    return api.change(name, {**body, "idempotencyKey": key}, **options)


@pytest.mark.parametrize("name", CREATING)
def test_a_retry_gets_the_stored_answer_and_creates_nothing(api: Caller, name: str):
    field = "customers" if name == "createCustomer" else "orders"
    body, key = body_for(api, name), new_key()
    before = len(api.page(field)["edges"])
    first = create(api, name, body, key)
    again = [create(api, name, body, key) for _ in range(2)]
    assert not first.replayed
    for replay in again:
        assert replay.replayed
        assert replay.status == 200
        assert replay.data == first.data
        assert replay.response.headers["X-Request-Id"] != first.response.headers["X-Request-Id"]
    assert len(api.page(field)["edges"]) == before + 1


def test_a_replay_answers_whatever_is_selected_now(api: Caller):
    body, key = order_body(api.customer()["id"]), new_key()
    first = thing(create(api, "createOrder", body, key, selection="id"), "Order")
    assert first.keys() == {"id"}
    whole = create(api, "createOrder", body, key)
    assert whole.replayed
    order = thing(whole, "Order")
    assert order == api.read("order", first["id"])
    aliased = create(api, "createOrder", body, key, selection="a: id b: totalMinor")
    assert thing(aliased, "Order") == {"a": first["id"], "b": 2599}


def test_a_replay_answers_what_was_true_then_even_when_the_order_has_changed(api: Caller):
    body, key = order_body(api.customer()["id"]), new_key()
    first = thing(create(api, "createOrder", body, key), "Order")
    api.move(first, "confirmed")
    replay = create(api, "createOrder", body, key)
    assert replay.replayed
    assert thing(replay, "Order") == first


def test_a_replay_can_be_followed_to_what_is_related(api: Caller):
    customer = api.customer()
    body, key = order_body(customer["id"]), new_key()
    create(api, "createOrder", body, key)
    replay = create(api, "createOrder", body, key, selection="customer { email }")
    assert thing(replay, "Order") == {"customer": {"email": customer["email"]}}


def test_the_spelling_of_the_input_does_not_matter_only_its_content(api: Caller):
    customer, key = api.customer()["id"], new_key()
    selection = "{ __typename ... on Order { id } ... on UserError { code message } }"
    spellings = [
        (
            f'createOrder(input: {{customerId: "{customer}", currency: "EUR",'
            f' idempotencyKey: "{key}", items: [{{sku: "é", quantity: 1, unitPriceMinor: 5}}]}})'
        ),
        (
            f'createOrder(input: {{items: [{{unitPriceMinor: 5, quantity: 1, sku: "\\u00e9"}}],'
            f' idempotencyKey: "{key}", currency: "\\u0045UR", customerId: "{customer}"}})'
        ),
        # A list of one may be written without brackets.
        (
            f'createOrder(input: {{customerId: "{customer}", currency: """EUR""",'
            f' idempotencyKey: "{key}", items: {{sku: "é", quantity: 1, unitPriceMinor: 5}}}})'
        ),
    ]
    answers = [api.run(f"mutation {{ {spelling} {selection} }}") for spelling in spellings]
    variables = {
        "customerId": customer,
        "currency": "EUR",
        "items": [{"sku": "é", "quantity": 1, "unitPriceMinor": 5}],
    }
    answers.append(create(api, "createOrder", variables, key, selection="id"))
    assert [a.replayed for a in answers] == [False, True, True, True]
    assert len({a.result["id"] for a in answers}) == 1


def test_a_key_with_another_input_is_refused(api: Caller):
    customer, key = api.customer()["id"], new_key()
    first = create(api, "createOrder", order_body(customer), key)
    reversed_ = order_body(customer)
    reversed_["items"].reverse()
    for other in (order_body(customer, currency="USD"), reversed_):
        told = assert_user_error(
            create(api, "createOrder", other, key), "IdempotencyError", "idempotency-key-reused"
        )
        assert told["retryAfter"] is None
    replay = create(api, "createOrder", order_body(customer), key)
    assert replay.replayed
    assert replay.data == first.data


def test_an_invalid_input_is_told_so_before_the_key_is_looked_at(api: Caller):
    customer, key = api.customer()["id"], new_key()
    create(api, "createOrder", order_body(customer), key)
    answer = create(api, "createOrder", order_body(customer, currency="nonsense"), key)
    assert_user_error(answer, "ValidationError", "validation", path=["currency"])


# What is not stored.


def test_after_a_validation_error_the_same_key_executes(api: Caller):
    customer, key = api.customer()["id"], new_key()
    for invalid in (order_body(customer, items=[]), order_body(UNKNOWN_ID)):
        assert_user_error(create(api, "createOrder", invalid, key), "ValidationError", "validation")
    answer = create(api, "createOrder", order_body(customer), key)
    assert thing(answer, "Order")
    assert not answer.replayed


def test_after_a_conflict_the_same_key_executes(api: Caller):
    taken, key = api.customer()["email"], new_key()
    body = customer_body(email=taken)
    assert_user_error(create(api, "createCustomer", body, key), "ConflictError", "conflict")
    answer = create(api, "createCustomer", customer_body(), key)
    assert thing(answer, "Customer")
    assert not answer.replayed


def test_after_a_missing_scope_the_same_key_executes(api: Caller, mint, tenant: str):
    body, key = customer_body(), new_key()
    powerless = api.as_bearer(mint(tenant=tenant, scope="customers:read"))
    assert create(powerless, "createCustomer", body, key).outcome == "forbidden"
    answer = create(api, "createCustomer", body, key)
    assert thing(answer, "Customer")
    assert not answer.replayed


def test_after_an_internal_error_the_same_key_executes(api: Caller, database: Database):
    body, key = customer_body(), new_key()
    with database.tables_missing():
        failed = create(api, "createCustomer", body, key, checked=False)
    assert failed.outcome == "internal"
    answer = create(api, "createCustomer", body, key)
    assert thing(answer, "Customer")
    assert not answer.replayed


# What a key covers.


def test_a_key_is_the_tenants_own(api: Caller, stranger: Caller):
    body, key = customer_body(), new_key()
    ours = create(api, "createCustomer", body, key)
    theirs = create(stranger, "createCustomer", body, key)
    assert not theirs.replayed
    assert thing(ours, "Customer")["id"] != thing(theirs, "Customer")["id"]


def test_a_key_is_the_subjects_own(api: Caller, mint, tenant: str):
    key = new_key()
    create(api, "createCustomer", customer_body(), key)
    colleague = api.as_bearer(mint(tenant=tenant, subject="colleague"))
    answer = create(colleague, "createCustomer", customer_body(), key)
    assert thing(answer, "Customer")
    assert not answer.replayed


def test_a_key_is_the_mutation_fields_own_whatever_it_is_called(api: Caller):
    key = new_key()
    body = customer_body()
    customer = thing(create(api, "createCustomer", body, key), "Customer")
    order = create(api, "createOrder", order_body(customer["id"]), key)
    assert thing(order, "Order")
    assert not order.replayed
    renamed = mutation("createCustomer").replace("{ createCustomer(", "{ again: createCustomer(")
    answer = api.run(renamed, {"input": {**body, "idempotencyKey": key}})
    assert answer.replayed
    assert answer.data["again"]["id"] == customer["id"]


def test_a_new_token_of_the_same_subject_may_retry(api: Caller, mint, tenant: str):
    body, key = customer_body(), new_key()
    first = create(api, "createCustomer", body, key)
    renewed = api.as_bearer(mint(tenant=tenant, scope="customers:write"))
    replay = create(renewed, "createCustomer", body, key)
    assert replay.replayed
    assert replay.data == first.data


def test_a_key_twice_in_one_document_creates_one(api: Caller):
    body = {**customer_body(), "idempotencyKey": new_key()}
    document = (
        "mutation ($input: CreateCustomerInput!) {"
        " a: createCustomer(input: $input) { ... on Customer { id } }"
        " b: createCustomer(input: $input) { ... on Customer { id } } }"
    )
    data = api.run(document, {"input": body}).data
    assert data["a"]["id"] == data["b"]["id"]
    assert len(api.page("customers")["edges"]) == 1


# The grammar of a key.


@pytest.mark.parametrize("name", CREATING)
@pytest.mark.parametrize(
    "key",
    ["", "k" * 256, "two words", "tab\tinside", "café", "\x00", "k\x00", "del\x7f", "k\n", "ключ"],
    ids=ascii,
)
def test_a_malformed_key_is_a_validation_error(api: Caller, name: str, key: str):
    answer = create(api, name, body_for(api, name), key)
    told = assert_user_error(answer, "ValidationError", "validation", path=["idempotencyKey"])
    codes = {e["code"] for e in told["errors"] if e["path"] == ["idempotencyKey"]}
    assert codes == {"idempotency-key-missing"}


@pytest.mark.parametrize(
    "key",
    [
        "k", "k" * 255, "".join(map(chr, range(0x21, 0x7F))), '"quoted"', "a,b;c=d", "../../etc",
        "%00",
    ],
    ids=lambda k: k[:12],
)  # fmt: skip
def test_any_visible_ascii_is_a_key(api: Caller, key: str):
    body = customer_body()
    first, replay = (create(api, "createCustomer", body, key) for _ in range(2))
    assert not first.replayed
    assert replay.replayed
    assert replay.data == first.data


@pytest.mark.parametrize(("one", "other"), [("Key", "key"), ('"k"', "k"), ("k", "k.")])
def test_keys_that_differ_at_all_are_different_keys(api: Caller, one: str, other: str):
    for key in (one, other):
        answer = create(api, "createCustomer", customer_body(), key)
        assert thing(answer, "Customer")
        assert not answer.replayed


# Twins.


@pytest.mark.parametrize("twins", [2, 2, 2, 20])
def test_simultaneous_twins_create_one_order(api: Caller, twins: int):
    body, key = order_body(api.customer()["id"]), new_key()
    answers = all_at_once([lambda: create(api, "createOrder", body, key)] * twins)
    created = [a for a in answers if a.outcome == "Order"]
    assert len([a for a in created if not a.replayed]) == 1, [a.outcome for a in answers]
    assert len({a.result["id"] for a in created}) == 1
    for other in answers:
        if other.outcome != "Order":
            told = assert_user_error(other, "IdempotencyError", "idempotency-in-progress")
            assert told["retryAfter"] >= 0
    retried = create(api, "createOrder", body, key)
    assert retried.replayed
    assert retried.data == created[0].data
    assert len(api.page("orders")["edges"]) == 1


def test_simultaneous_mutations_with_one_key_and_different_inputs_create_one_order(api: Caller):
    customer, key = api.customer()["id"], new_key()
    bodies = [order_body(customer, currency=c) for c in ("EUR", "USD", "CHF", "GBP")]
    answers = all_at_once([lambda b=b: create(api, "createOrder", b, key) for b in bodies])
    outcomes = [a.outcome for a in answers]
    assert outcomes.count("Order") == 1
    assert set(outcomes) <= {"Order", "idempotency-key-reused", "idempotency-in-progress"}
    assert len(api.page("orders")["edges"]) == 1


def test_a_twin_of_a_mutation_that_takes_long_is_told_after_a_short_wait(
    api: Caller, database: Database
):
    body, key = order_body(api.customer()["id"]), new_key()

    def post() -> Answer:
        return create(api, "createOrder", body, key)

    with ThreadPoolExecutor(1) as pool:
        with database.writes_held() as holds_one:
            held = pool.submit(post)
            wait_until(holds_one, 5, lambda: "the first mutation does not write")
            twin = post()
        first = held.result()
    told = assert_user_error(twin, "IdempotencyError", "idempotency-in-progress")
    assert told["retryAfter"] >= 0
    replay = post()
    assert replay.replayed
    assert replay.data == first.data


# How long a key is kept.


@pytest.mark.parametrize(("hours", "kept"), [(23.9, True), (24.1, False)])
def test_a_key_is_kept_for_24_hours(launch, new_database, calling, hours: float, kept: bool):
    database = new_database()
    with launch(database=database) as service, calling(service) as api:
        body, key = order_body(api.customer()["id"]), new_key()
        first = thing(create(api, "createOrder", body, key), "Order")
        database.let_time_pass(hours=hours)
        again = create(api, "createOrder", body, key)
        assert again.replayed is kept
        assert (thing(again, "Order")["id"] == first["id"]) is kept
