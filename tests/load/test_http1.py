"""The same response, however it is cut into reads; strict about what is none."""

from dataclasses import dataclass

import pytest
from httptools import HttpParserError, HttpParserUpgrade

from senior_backend.load import causes
from senior_backend.load.http1 import Glance, Reader, ResponseError

HEADER_LIMIT = 2000
BODY_LIMIT = 1000


@dataclass(frozen=True)
class Read:
    """What came of a response."""

    status: int = 0
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    reusable: bool = False
    cause: str | None = None
    complete: bool = True


def read(*parts: bytes, head_only: bool = False, closed: bool = False) -> Read:
    reader = Reader(
        head_only=head_only,
        header_limit=HEADER_LIMIT,
        body_limit=BODY_LIMIT,
        wants_headers=True,
        wants_body=True,
    )
    try:
        for part in parts:
            reader.feed(part)
        if closed:
            reader.end()
    except ResponseError as error:
        return Read(cause=error.cause)
    if not reader.complete:
        return Read(complete=False)
    return Read(reader.status, reader.body, tuple(reader.headers), reader.reusable)


def ok(*headers: tuple[bytes, bytes], body: bytes = b"", reusable: bool = True) -> Read:
    return Read(200, body, headers, reusable)


LENGTH_2 = (b"Content-Length", b"2")
LENGTH_0 = (b"Content-Length", b"0")
CHUNKED = (b"Transfer-Encoding", b"chunked")

RESPONSES = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ok(LENGTH_2, body=b"ok")),
    "a length of 0": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ok(LENGTH_0)),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ok(LENGTH_0)),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
        ok(CHUNKED, body=b"abcde"),
    ),
    "a trailer, which is no header": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
        ok(CHUNKED, body=b"a"),
    ),
    "an interim response, whose headers are its own": (
        (
            b"HTTP/1.1 103 Early\r\nContent-Length: 7\r\nX: y\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        ),
        ok(LENGTH_2, body=b"ok"),
    ),
    "empty lines before it": (
        b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ok(LENGTH_2, body=b"ok"),
    ),
    "an empty line after it": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n",
        None,  # Whether it is seen depends on the read; the response does not.
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", Read(204, reusable=True)),
    "304 with a length": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
        Read(304, headers=(LENGTH_2,), reusable=True),
    ),
    "Connection: close": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        ok((b"Connection", b"close"), LENGTH_2, body=b"ok", reusable=False),
    ),
    "HTTP/1.0": (
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ok(LENGTH_2, body=b"ok", reusable=False),
    ),
    "something after it": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP",
        ok(LENGTH_2, body=b"ok", reusable=False),
    ),
    "a switch of protocols": (
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        Read(101, headers=((b"Connection", b"upgrade"), (b"Upgrade", b"x"))),
    ),
    "no length, not ended yet": (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", Read(complete=False)),
    "too little": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", Read(complete=False)),
    "another protocol": (b"SSH-2.0-OpenSSH\r\n", Read(cause=causes.INVALID_HTTP)),
    "HTTP/2": (b"HTTP/2 200\r\n\r\n", Read(cause=causes.INVALID_HTTP)),
    "a negative length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        Read(cause=causes.INVALID_HTTP),
    ),
    "a length in hexadecimal": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n",
        Read(cause=causes.INVALID_HTTP),
    ),
    "a space before the colon": (
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n",
        Read(cause=causes.INVALID_HTTP),
    ),
    "a folded header": (
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        Read(cause=causes.INVALID_HTTP),
    ),
    "chunks and a length": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        Read(cause=causes.INVALID_HTTP),
    ),
    "a chunk without its end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        Read(cause=causes.INVALID_HTTP),
    ),
    "large headers": (
        b"HTTP/1.1 200 OK\r\nX: %b\r\nContent-Length: 0\r\n\r\n" % (b"x" * HEADER_LIMIT),
        Read(cause=causes.TOO_LARGE),
    ),
    "a large body": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * (BODY_LIMIT + 1),
        Read(cause=causes.TOO_LARGE),
    ),
    "a body at the limit": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * BODY_LIMIT,
        ok((b"Content-Length", b"1000"), body=b"x" * BODY_LIMIT),
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_is_read_the_same_wherever_it_is_cut(name: str) -> None:
    data, expected = RESPONSES[name]
    if expected is None:
        expected = ok(LENGTH_2, body=b"ok")
        data = data.removesuffix(b"\r\n")
    assert read(data) == expected
    for cut in range(1, len(data)):
        assert read(data[:cut], data[cut:]) == expected, cut
    assert read(*(data[i : i + 1] for i in range(len(data)))) == expected


@pytest.mark.parametrize("name", RESPONSES)
def test_a_glance_takes_a_response_only_as_the_reader_does(name: str) -> None:
    data, expected = RESPONSES[name]
    if expected is None:
        expected = ok(LENGTH_2, body=b"ok")
    glance = Glance()
    try:
        glance.feed(data)
    except (HttpParserError, HttpParserUpgrade):
        return
    if glance.complete == glance.begun == 1 and glance.status() >= 200:
        # The engine gives nothing longer to a glance than the smaller limit.
        assert expected.cause is None or len(data) > min(HEADER_LIMIT, BODY_LIMIT)
        if expected.cause is None:
            assert (glance.status(), glance.keep_alive) == (expected.status, expected.reusable)


def test_a_glance_reads_one_response_after_another() -> None:
    glance = Glance()
    for status in (200, 404, 200):
        glance.begun = glance.complete = 0
        glance.feed(b"HTTP/1.1 %d X\r\nContent-Length: 1\r\n\r\nx" % status)
        assert (glance.begun, glance.complete, glance.status()) == (1, 1, status)
        assert glance.keep_alive


@pytest.mark.parametrize(
    ("data", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", True),  # No length: but no body either that could end it.
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\n\r\n", False),
        (b"HTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2", False),
    ],
)
def test_a_response_to_head_ends_with_its_headers(data: bytes, reusable: bool) -> None:
    whole = read(data, head_only=True)
    assert (whole.status, whole.body, whole.reusable) == (200, b"", reusable)
    for cut in range(1, len(data)):
        assert read(data[:cut], data[cut:], head_only=True) == whole, cut


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nbody", Read(200, b"body")),
        (b"HTTP/1.1 200 OK\r\n\r\n", Read(200)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", None),
        (b"", Read(cause=causes.CLOSED_EARLY)),
        (b"HTTP/1.1 200 OK\r\n", Read(cause=causes.CLOSED_EARLY)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Read(cause=causes.CLOSED_EARLY)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", Read(cause=causes.CLOSED_EARLY)),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            Read(cause=causes.CLOSED_EARLY),
        ),
    ],
)
def test_the_end_of_the_connection_ends_only_a_body_without_a_length(
    data: bytes, expected: Read | None
) -> None:
    found = read(data, closed=True)
    if expected is None:
        assert (found.status, found.body, found.cause) == (200, b"x", None)
    else:
        assert found == expected


@pytest.mark.parametrize("endless", [b"1;a=", b"1\r\na\r\n0\r\nX: "])
def test_what_is_no_body_has_an_end_too(endless: bytes) -> None:
    """Extensions of chunks, and trailers, which the parser would go on collecting."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    more = [b"x" * 500] * 10
    assert read(head, endless, *more) == Read(cause=causes.TOO_LARGE)


def test_many_small_chunks_are_not_too_much() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"1;extension=value\r\na\r\n"] * BODY_LIMIT
    assert read(head, *chunks, b"0\r\n\r\n").body == b"a" * BODY_LIMIT


def test_what_was_not_asked_for_is_not_kept() -> None:
    reader = Reader(head_only=False, header_limit=100, body_limit=100)
    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (reader.headers, reader.body) == ([], b"")
