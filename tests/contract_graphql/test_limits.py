"""Bodies that are too large and callers that ask too often: as in REST."""

import json
import time

import pytest

from tests.contract.raw import RawAnswer, connect, exchange, request_bytes, send_and_read
from tests.contract.service import StartedService
from tests.contract.test_limits import *  # noqa: F403
from tests.contract.test_limits import BODY_LIMIT

from .client import JSON, PATH, Caller, assert_not_executed, errors_of


def padded(size: int) -> bytes:
    """A document as exactly `size` bytes of JSON."""
    body = json.dumps({"query": "{ __typename }"}).encode()
    return body + b" " * (size - len(body))


def headers(api: Caller, **more: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Authorization": f"Bearer {api.token}", "Content-Type": JSON, **named}


def assert_refused_as_too_large(answer: RawAnswer) -> None:
    assert answer.status == 413, answer
    assert b'"payload-too-large"' in answer.data


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("size", "status"), [(BODY_LIMIT, 200), (BODY_LIMIT + 1, 413), (BODY_LIMIT * 20, 413)]
)
def test_a_body_may_be_as_large_as_the_limit_and_no_larger(
    small: Caller, chunked: bool, size: int, status: int
):
    body = padded(size)
    content = iter([body[i : i + 1000] for i in range(0, size, 1000)]) if chunked else body
    response = small.request("POST", PATH, content=content, headers={"Content-Type": JSON})
    assert response.status_code == status, response.text
    if status == 413:
        assert errors_of(response)[0]["extensions"]["code"] == "payload-too-large"


def test_a_chunked_body_without_end_is_refused_when_it_passes_the_limit(
    limited: StartedService, small: Caller
):
    head = request_bytes("POST", PATH, headers(small, Transfer_Encoding="chunked"))
    with connect(limited) as connection:
        connection.sendall(head)
        chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
        pieces = [chunk] * (BODY_LIMIT // 1024 + 2)
        answer = send_and_read(connection, pieces, finish=False, seconds=5)
    assert_refused_as_too_large(answer)


@pytest.mark.parametrize("length", [BODY_LIMIT + 1, 10**10, 2**63 - 1])
def test_a_content_length_beyond_the_limit_is_refused_before_the_body_is_sent(
    limited: StartedService, small: Caller, length: int
):
    started = time.monotonic()
    head = request_bytes("POST", PATH, headers(small, Content_Length=str(length)))
    assert_refused_as_too_large(exchange(limited, head, seconds=5))
    assert time.monotonic() - started < 2


def test_a_client_that_dies_in_the_middle_of_a_body_harms_nobody(
    limited: StartedService, small: Caller
):
    since = limited.log_size()
    head = request_bytes("POST", PATH, headers(small, Content_Length="300"))
    answer = exchange(limited, head + b'{"query": ', finish=True)
    assert answer.status in {None, 400, 408}
    assert small.run("{ __typename }").data
    assert '"level":"error"' not in json.dumps(limited.log_lines(since)).replace(" ", "")


def test_an_array_beyond_the_limit_is_too_large_before_it_is_a_batch(small: Caller):
    answer = small.send([{"query": "{ __typename }"}] * 1000)
    assert_not_executed(answer, "payload-too-large")
