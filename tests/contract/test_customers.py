"""Customers: create, read, and what a body may and may not say."""

import pytest

from .client import (
    JSON,
    UNKNOWN_ID,
    Caller,
    all_at_once,
    assert_customer,
    assert_problem,
    customer_body,
)

pytestmark = pytest.mark.orders


def email_of(length: int) -> str:
    """An address of exactly `length` characters whose every part is as long as it may be."""
    domain = "example.com"
    while len(domain) < length - 65:
        domain = "b" * min(60, length - 65 - len(domain) - 1) + "." + domain
    return "a" * (length - 1 - len(domain)) + "@" + domain


def test_a_created_customer_is_answered_201_with_location_and_etag(api: Caller):
    body = customer_body(name="Grace Hopper")
    response = api.post("/v1/customers", body)

    assert response.status_code == 201
    assert response.headers["content-type"].split(";")[0] == JSON
    customer = response.json()
    assert_customer(customer)
    assert customer["email"].lower() == body["email"].lower()
    assert customer["name"] == "Grace Hopper"
    assert customer["createdAt"] == customer["updatedAt"]
    location = response.headers["location"]
    assert location.endswith(f"/v1/customers/{customer['id']}")
    fetched = api.get(location)
    assert fetched.status_code == 200
    assert fetched.json() == customer
    assert fetched.headers["etag"] == response.headers["etag"]


def test_an_unknown_customer_is_404(api: Caller):
    assert_problem(api.get(f"/v1/customers/{UNKNOWN_ID}"), "not-found")


@pytest.mark.parametrize("member", ["email", "name"])
@pytest.mark.parametrize(
    "value", [None, 1, True, [], {}, ["x@example.com"], 1.5], ids=lambda v: repr(v)
)
def test_a_member_of_the_wrong_type_is_422_and_named(api: Caller, member: str, value: object):
    assert_problem(api.create_customer(**{member: value}), "validation", pointer=f"/{member}")


@pytest.mark.parametrize("member", ["email", "name"])
def test_a_missing_member_is_422_and_named(api: Caller, member: str):
    body = customer_body()
    del body[member]
    assert_problem(api.post("/v1/customers", body), "validation", pointer=f"/{member}")


def test_every_wrong_member_is_named_at_once(api: Caller):
    problem = assert_problem(api.post("/v1/customers", {"email": 1, "more": 2}), "validation")
    assert {e["pointer"] for e in problem["errors"]} == {"/email", "/name", "/more"}


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada @example.com",
        "ada@exa mple.com",
        "ada@example.com\n",
        "a@b@example.com",
        email_of(255),
        "ada\x00@example.com",
        # What is white space to readers of the OpenAPI document (ECMA 262).
        "a\u00a0da@example.com",
        "ada@exa\u2028mple.com",
        "ada@example\u3000.com",
        "\ufeffada@example.com",
    ],
    ids=ascii,
)
def test_an_invalid_email_is_422(api: Caller, email: str):
    assert_problem(api.create_customer(email=email), "validation", pointer="/email")


def test_an_email_of_254_characters_is_accepted(api: Caller):
    email = email_of(254)
    assert len(email) == 254
    assert api.customer(email=email)["email"].lower() == email


@pytest.mark.parametrize("name", ["", "n" * 201, "\x00", "Ada\x00"], ids=lambda n: ascii(n[:8]))
def test_an_invalid_name_is_422(api: Caller, name: str):
    assert_problem(api.create_customer(name=name), "validation", pointer="/name")


@pytest.mark.parametrize(
    "name",
    [
        "n",
        "n" * 200,
        "Łukasz Žižka",
        "名" * 200,
        "👩‍🚀 Ada",
        "' OR 1=1 --",
        "<b>",
        "a\u202eb",
        "\\0",
    ],
    ids=lambda n: ascii(n[:8]),
)
def test_a_name_comes_back_as_it_was_sent(api: Caller, name: str):
    customer = api.customer(name=name)
    assert customer["name"] == name
    assert api.get(f"/v1/customers/{customer['id']}").json()["name"] == name


@pytest.mark.parametrize(
    "member", ["id", "version", "createdAt", "tenant", "tenantId", "nick name"]
)
def test_an_unknown_or_server_made_member_is_422_and_named(api: Caller, member: str):
    response = api.create_customer(**{member: UNKNOWN_ID})
    assert_problem(response, "validation", pointer=f"/{member}")


def test_the_pointer_to_an_unknown_member_is_escaped_as_rfc_6901_says(api: Caller):
    assert_problem(api.create_customer(**{"a/b~c": 1}), "validation", pointer="/a~1b~0c")


def test_a_second_customer_with_the_email_in_another_case_is_409(api: Caller):
    email = customer_body()["email"]
    api.customer(email=email)
    assert_problem(api.create_customer(email=email.upper()), "conflict")


def test_another_tenant_may_use_the_same_email(api: Caller, stranger: Caller):
    email = api.customer()["email"]
    assert stranger.create_customer(email=email).status_code == 201


def test_of_ten_simultaneous_customers_with_one_email_exactly_one_is_created(api: Caller):
    body = customer_body()
    answers = all_at_once([lambda: api.post("/v1/customers", body)] * 10)

    assert sorted(a.status_code for a in answers) == [201] + [409] * 9
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, "conflict")
    assert len(api.get("/v1/customers").json()["items"]) == 1
