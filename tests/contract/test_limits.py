"""Bodies that are too large, however they come, and callers that ask too often."""

import json
import time

import pytest

from .client import JSON, Caller, Guarded, all_at_once, assert_problem, customer_body, new_key
from .raw import RawAnswer, connect, exchange, read_until_quiet, request_bytes, send_and_read
from .service import Service, StartedService

BODY_LIMIT = 4_096
PER_MINUTE = 20


@pytest.fixture(scope="module")
def limited(launch):
    """A service that takes bodies of 4 KiB; nothing else about it is special."""
    with launch(BODY_LIMIT_BYTES=str(BODY_LIMIT)) as service:
        yield service


@pytest.fixture
def small(limited, calling):
    with calling(limited) as api:
        yield api


def padded(size: int) -> bytes:
    """A valid customer as exactly `size` bytes of JSON."""
    body = json.dumps(customer_body()).encode()
    return body + b" " * (size - len(body))


def headers(api: Caller, **more: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {api.token}",
        "Content-Type": JSON,
        "Idempotency-Key": new_key(),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def assert_refused_as_too_large(answer: RawAnswer) -> None:
    assert answer.status == 413, answer
    assert b'"/problems/payload-too-large"' in answer.data


@pytest.mark.orders
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("size", "status"), [(BODY_LIMIT, 201), (BODY_LIMIT + 1, 413), (BODY_LIMIT * 20, 413)]
)
def test_a_body_may_be_as_large_as_the_limit_and_no_larger(
    small: Caller, chunked: bool, size: int, status: int
):
    body = padded(size)
    content = iter([body[i : i + 1000] for i in range(0, size, 1000)]) if chunked else body
    response = small.post("/v1/customers", content=content, headers={"Content-Type": JSON})
    assert response.status_code == status, response.text
    if status == 413:
        assert_problem(response, "payload-too-large")


@pytest.mark.orders
def test_a_chunked_body_without_end_is_refused_when_it_passes_the_limit(
    limited: StartedService, small: Caller
):
    head = request_bytes("POST", "/v1/customers", headers(small, Transfer_Encoding="chunked"))
    with connect(limited) as connection:
        connection.sendall(head)
        chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
        answer = send_and_read(
            connection, [chunk] * (BODY_LIMIT // 1024 + 2), finish=False, seconds=5
        )
    assert_refused_as_too_large(answer)


@pytest.mark.orders
@pytest.mark.parametrize("length", [BODY_LIMIT + 1, 10**10, 2**63 - 1])
def test_a_content_length_beyond_the_limit_is_refused_before_the_body_is_sent(
    limited: StartedService, small: Caller, length: int
):
    head = request_bytes("POST", "/v1/customers", headers(small, Content_Length=str(length)))
    started = time.monotonic()
    answer = exchange(limited, head, seconds=5)
    assert_refused_as_too_large(answer)
    assert time.monotonic() - started < 2


@pytest.mark.orders
def test_a_client_that_asks_first_is_refused_before_it_sends(
    limited: StartedService, small: Caller
):
    asked = headers(small, Content_Length=str(BODY_LIMIT + 1), Expect="100-continue")
    answer = exchange(limited, request_bytes("POST", "/v1/customers", asked), seconds=5)
    assert answer.status in {413, 417}


@pytest.mark.orders
def test_a_client_that_asks_first_is_told_to_go_on(limited: StartedService, small: Caller):
    body = padded(500)
    asked = headers(small, Content_Length=str(len(body)), Expect="100-continue")
    with connect(limited) as connection:
        connection.sendall(request_bytes("POST", "/v1/customers", asked))
        interim = connection.recv(65536)
        assert interim.startswith(b"HTTP/1.1 100"), interim
        connection.sendall(body)
        answer = read_until_quiet(connection, 5)
    assert answer.status == 201, answer


@pytest.mark.orders
def test_a_body_longer_than_its_content_length_is_not_read_as_a_second_request(
    limited: StartedService, small: Caller
):
    body = padded(300)
    head = request_bytes("POST", "/v1/customers", headers(small, Content_Length="300"))
    answer = exchange(limited, head + body + b"garbage\r\n\r\n")
    # A parser that sees the garbage first may refuse both.
    assert answer.statuses in ([201], [201, 400], [400])
    assert len(small.get("/v1/customers").json()["items"]) <= 1


@pytest.mark.orders
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_dies_in_the_middle_of_a_body_harms_nobody(
    limited: StartedService, small: Caller, chunked: bool
):
    since = limited.log_size()
    framing = {"Transfer_Encoding": "chunked"} if chunked else {"Content_Length": "300"}
    start = b"ff\r\n{" if chunked else b'{"email": '
    head = request_bytes("POST", "/v1/customers", headers(small, **framing))
    answer = exchange(limited, head + start, finish=True)
    assert answer.status in {None, 400, 408}
    assert small.get("/v1/customers").json()["items"] == []
    assert "Traceback" not in json.dumps(limited.log_lines(since))


@pytest.mark.orders
def test_the_limit_counts_bytes_and_not_characters(small: Caller):
    body = json.dumps(customer_body(name="é" * (BODY_LIMIT // 2)), ensure_ascii=False).encode()
    assert len(body) > BODY_LIMIT > len(body.decode())
    response = small.post("/v1/customers", content=body, headers={"Content-Type": JSON})
    assert_problem(response, "payload-too-large")


def test_a_large_body_without_a_token_is_not_read(limited: StartedService, guarded: Guarded):
    method = "POST" if guarded.path == "/v1/customers" else "GET"
    sent = {"Content-Type": JSON, "Content-Length": str(10**9)}
    answer = exchange(limited, request_bytes(method, guarded.path, sent), seconds=5)
    assert answer.status == 401, answer


# Rates. RATE_LIMIT_PER_MINUTE limits an address before, a principal after authentication.


@pytest.fixture(scope="module")
def throttled(launch):
    """A service behind one proxy, so that a test can come from any address."""
    with launch(RATE_LIMIT_PER_MINUTE=str(PER_MINUTE), TRUST_PROXY_HOPS="1") as service:
        yield service


def ask_until_limited(ask, at_most: int) -> tuple[int, object]:
    """How many requests passed, and the 429 that ended them."""
    for number in range(at_most):
        response = ask(number)
        if response.status_code == 429:
            return number, response
    pytest.fail(f"{at_most} requests in a row and no 429 at {PER_MINUTE} a minute")


def test_a_principal_is_limited_wherever_it_comes_from(
    throttled: Service, calling, mint, guarded: Guarded
):
    with calling(throttled) as api:

        def ask(number: int):
            return api.get(guarded.path, headers={"X-Forwarded-For": f"203.0.113.{number}"})

        passed, response = ask_until_limited(ask, PER_MINUTE * 3)
        assert_problem(response, "rate-limited")
        # A sliding or refilling limit lets a few more through while we ask.
        assert PER_MINUTE <= passed <= PER_MINUTE + 5
        assert 1 <= int(response.headers["retry-after"]) <= 60

        other = api.as_bearer(mint(scope=guarded.scope))
        elsewhere = {"X-Forwarded-For": "203.0.113.200"}
        assert other.get(guarded.path, headers=elsewhere).status_code == 200


def test_two_subjects_of_one_tenant_have_limits_of_their_own(
    throttled: Service, calling, mint, guarded: Guarded
):
    tenant = new_key()
    with calling(throttled, tenant=tenant, subject="greedy") as api:

        def ask(number: int):
            return api.get(guarded.path, headers={"X-Forwarded-For": f"198.51.100.{number}"})

        ask_until_limited(ask, PER_MINUTE * 3)
        modest = api.as_bearer(mint(tenant=tenant, subject="modest", scope=guarded.scope))
        elsewhere = {"X-Forwarded-For": "198.51.100.200"}
        assert modest.get(guarded.path, headers=elsewhere).status_code == 200


@pytest.mark.parametrize("token", [None, "not.a.token"])
def test_an_address_is_limited_before_its_tokens_are_looked_at(
    throttled: Service, calling, guarded: Guarded, token: str | None
):
    address = "192.0.2.1" if token is None else "192.0.2.2"
    with calling(throttled) as api:
        intruder = api.as_bearer(token)

        def ask(_: int):
            return intruder.get(guarded.path, headers={"X-Forwarded-For": address})

        # The address of an office or a proxy holds many principals: its limit may be a multiple.
        _, response = ask_until_limited(ask, PER_MINUTE * 20)
        assert_problem(response, "rate-limited")
        other = {"X-Forwarded-For": "192.0.2.100"}
        assert_problem(intruder.get(guarded.path, headers=other), "unauthorized")
        assert api.get(guarded.path, headers=other).status_code == 200


def test_an_address_that_a_client_made_up_is_not_believed(launch, calling, guarded: Guarded):
    with launch(RATE_LIMIT_PER_MINUTE=str(PER_MINUTE)) as service, calling(service) as api:
        nobody = api.as_bearer(None)

        def ask(number: int):
            return nobody.get(
                guarded.path, headers={"X-Forwarded-For": f"203.0.113.{number % 250}"}
            )

        ask_until_limited(ask, PER_MINUTE * 20)


def test_only_the_hop_our_proxy_added_is_believed(throttled: Service, calling, guarded: Guarded):
    with calling(throttled) as api:
        nobody = api.as_bearer(None)

        def ask(number: int):
            made_up = f"203.0.113.{number % 250}, 192.0.2.77"
            return nobody.get(guarded.path, headers={"X-Forwarded-For": made_up})

        ask_until_limited(ask, PER_MINUTE * 20)


def test_probes_are_never_limited(throttled: Service, calling):
    with calling(throttled) as api:
        nobody = api.as_bearer(None)
        for path in ("/livez", "/readyz"):
            answers = all_at_once([lambda p=path: nobody.get(p)] * PER_MINUTE)
            answers += [nobody.get(path) for _ in range(PER_MINUTE)]
            assert {a.status_code for a in answers} == {200}
