"""Bodies: strict JSON, read up to a limit."""

import json
from collections.abc import Iterable

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.http.json_body import (
    canonical_json,
    check_content_coding,
    check_media_type,
    decode_json,
    read_body,
)
from app.http.problems import MAX_FIELD_ERRORS, Problem, problem_of

MALFORMED = {
    "empty": b"",
    "not JSON": b"{",
    "two values": b"{} {}",
    "a trailing comma": b'{"a": 1,}',
    "a name twice": b'{"a": 1, "a": 2}',
    "a name twice, further in": b'{"a": [{"b": 1, "b": 1}]}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number of 5000 digits": b"1" * 5000,
    "nested 100000 deep": b"[" * 100_000,
    "objects nested 100000 deep": b'{"a":' * 100_000,
    "Latin-1": b'"\xe4"',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "an overlong encoding": b'"\xc0\x80"',
    "an encoded surrogate": b'"\xed\xa0\x80"',
    "half of a surrogate pair": b'{"a": "\\ud800"}',
    "half of a surrogate pair as a name": b'{"\\udc00": 1}',
    "a control character in a string": b'"\x00"',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_json_is_400(body: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        decode_json(body)
    assert refusal.value.kind.status == 400


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "ä😀", [], {"a": [{"b": None}]}])
def test_json_is_json(value: object) -> None:
    assert decode_json(json.dumps(value).encode()) == value


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert decode_json(b'"\\ud83d\\ude00"') == "😀"


def test_equal_values_have_equal_canonical_bytes() -> None:
    assert canonical_json({"b": 1, "a": "ä"}) == canonical_json({"a": "ä", "b": 1})
    assert canonical_json({"a": 1}) != canonical_json({"a": "1"})


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        (b"application/json", True),
        (b"Application/JSON; charset=UTF-8", True),
        (b'application/json;charset="utf-8"', True),
        (b"application/json; charset=utf-16", False),
        (b"application/merge-patch+json", False),
        (b"text/json", False),
        (b"", False),
        (None, False),
    ],
)
def test_media_type(content_type: bytes | None, accepted: bool) -> None:
    if accepted:
        check_media_type(content_type, frozenset({"application/json"}))
    else:
        with pytest.raises(Problem) as refusal:
            check_media_type(content_type, frozenset({"application/json"}))
        assert refusal.value.kind.status == 415


def test_compressed_bodies_are_415() -> None:
    check_content_coding(b"identity")
    with pytest.raises(Problem) as refusal:
        check_content_coding(b"gzip")
    assert refusal.value.kind.status == 415


class Chunks:
    """A `receive` that counts how much was taken from it."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = list(chunks)
        self.taken = 0

    async def __call__(self) -> Message:
        body = self._chunks.pop(0)
        self.taken += 1
        return {"type": "http.request", "body": body, "more_body": bool(self._chunks)}


async def test_a_body_in_chunks_is_joined() -> None:
    assert await read_body(Chunks([b"ab", b"", b"cd"]), limit=4) == b"abcd"


@pytest.mark.parametrize(
    ("chunks", "taken"),
    [([b"x" * 26], 1), ([b"x" * 26, b"never asked for"], 1), ([b"x" * 10] * 1000, 3)],
)
async def test_reading_stops_at_the_limit(chunks: list[bytes], taken: int) -> None:
    receive = Chunks(chunks)
    with pytest.raises(Problem) as refusal:
        await read_body(receive, limit=25)
    assert refusal.value.kind.status == 413
    assert receive.taken == taken


async def test_a_caller_that_goes_away_amid_the_body_is_no_error_of_ours() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(ClientDisconnect) as gone:
        await read_body(receive, limit=25)
    assert problem_of(gone.value).kind.status == 400


def test_a_body_of_wrong_names_is_not_answered_by_a_larger_one() -> None:
    errors = [
        {"loc": ("body", f"n{number}"), "type": "extra_forbidden", "msg": "Not permitted"}
        for number in range(10_000)
    ]
    told = problem_of(RequestValidationError(errors)).errors
    assert [field["pointer"] for field in told] == [f"/n{n}" for n in range(MAX_FIELD_ERRORS)]
