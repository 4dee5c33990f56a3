"""createCustomer: what is kept, what is refused, and where."""

import pytest

from tests.contract.client import all_at_once, assert_customer, customer_body
from tests.contract.test_customers import email_of

from .client import Caller, assert_user_error, thing

pytestmark = pytest.mark.orders


def test_a_created_customer_is_answered_whole(api: Caller):
    body = customer_body(name="Grace Hopper")
    answer = api.create("Customer", body)
    customer = thing(answer, "Customer")
    assert_customer(customer)
    assert customer["email"].lower() == body["email"].lower()
    assert customer["name"] == "Grace Hopper"
    assert customer["createdAt"] == customer["updatedAt"]
    assert customer["version"] == 1
    assert not answer.replayed
    assert api.read("customer", customer["id"]) == customer


@pytest.mark.parametrize(
    "email",
    [
        "", "ada", "@example.com", "ada@", "ada @example.com", "ada@exa mple.com",
        "ada@example.com\n", "a@b@example.com", email_of(255), "ada\x00@example.com", "\x00",
    ],
    ids=ascii,
)  # fmt: skip
def test_an_invalid_email_is_a_validation_error(api: Caller, email: str):
    answer = api.create("Customer", customer_body(email=email))
    assert_user_error(answer, "ValidationError", "validation", path=["email"])
    assert api.page("customers")["edges"] == []


@pytest.mark.parametrize("name", ["", "n" * 201, "\x00", "Ada\x00"], ids=lambda n: ascii(n[:8]))
def test_an_invalid_name_is_a_validation_error(api: Caller, name: str):
    answer = api.create("Customer", customer_body(name=name))
    assert_user_error(answer, "ValidationError", "validation", path=["name"])


def test_everything_that_is_wrong_is_told_at_once(api: Caller):
    answer = api.change("createCustomer", {"email": "x", "name": "", "idempotencyKey": ""})
    told = assert_user_error(answer, "ValidationError", "validation")
    assert {tuple(entry["path"]) for entry in told["errors"]} >= {("email",), ("name",)}


def test_a_nul_in_a_literal_is_a_validation_error(api: Caller):
    answer = api.run(
        'mutation { createCustomer(input: {email: "nul@example.com", name: "A\\u0000",'
        ' idempotencyKey: "k"}) { __typename ... on ValidationError { code message'
        " errors { path code message } } } }"
    )
    assert_user_error(answer, "ValidationError", "validation", path=["name"])


def test_an_email_of_254_characters_is_accepted(api: Caller):
    email = email_of(254)
    assert api.customer(email=email)["email"].lower() == email


@pytest.mark.parametrize(
    "name",
    [
        "n", "n" * 200, "Łukasz Žižka", "名" * 200, "👩‍🚀 Ada", "' OR 1=1 --", "<b>", "a\u202eb",
        "e\u0301", "é", "\u0130stanbul", '"quoted" \\ ${x} {{7*7}}', "line\nfeed", " padded ",
    ],
    ids=lambda n: ascii(n[:20]),
)  # fmt: skip
def test_a_name_comes_back_as_it_was_sent(api: Caller, name: str):
    customer = api.customer(name=name)
    assert customer["name"] == name
    found = api.read("customer", customer["id"])
    assert found == customer


def test_a_block_string_is_a_string(api: Caller):
    answer = api.run(
        'mutation { createCustomer(input: {email: "block@example.com", name: """\n  Ada\n""",'
        ' idempotencyKey: "k"}) { ... on Customer { name } } }'
    )
    assert answer.result == {"name": "Ada"}


def test_a_second_customer_with_the_email_in_another_case_is_a_conflict(api: Caller):
    email = api.customer()["email"]
    answer = api.create("Customer", customer_body(email=email.upper()))
    told = assert_user_error(answer, "ConflictError", "conflict")
    assert email not in told["message"].lower()
    assert len(api.page("customers")["edges"]) == 1


def test_another_tenant_may_use_the_same_email(api: Caller, stranger: Caller):
    email = api.customer()["email"]
    assert stranger.customer(email=email)["email"] == email


def test_of_ten_simultaneous_customers_with_one_email_exactly_one_is_created(api: Caller):
    body = customer_body()
    answers = all_at_once([lambda: api.create("Customer", body)] * 10)
    assert sorted(a.outcome for a in answers) == ["Customer"] + ["conflict"] * 9
    assert len(api.page("customers")["edges"]) == 1


def test_several_mutations_of_a_document_happen_one_after_the_other(api: Caller):
    fields = " ".join(
        f'm{n}: createCustomer(input: {{email: "serial{n % 2}@example.com", name: "{n}",'
        f' idempotencyKey: "{n}"}}) {{ __typename ... on Customer {{ name }} }}'
        for n in range(4)
    )
    data = api.run(f"mutation {{ {fields} }}").data
    assert list(data) == ["m0", "m1", "m2", "m3"]
    assert [data[f"m{n}"]["__typename"] for n in range(4)] == [
        "Customer", "Customer", "ConflictError", "ConflictError",
    ]  # fmt: skip
