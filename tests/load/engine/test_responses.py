"""What the engine makes of each way in which a target can answer, and fail to."""

import socket
import sys
import time

import pytest

from senior_backend.load import causes
from senior_backend.load.histogram import Histogram
from tests.load.engine.driver import GET, HEAD, MS, arrivals, drive, plan, settings, step
from tests.load.engine.servers import OK, Behaviour, Peer, always, serve

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
BIG = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000


def once(*parts: bytes) -> Behaviour:
    """Answer one request on each connection, then close it."""

    def behave(peer: Peer) -> None:
        if peer.request():
            peer.send(*parts)

    return behave


def slowly(*parts: bytes) -> Behaviour:
    """With pauses, so that each part is read by itself."""

    def behave(peer: Peer) -> None:
        while peer.request():
            for part in parts:
                peer.send(part)
                time.sleep(0.005)

    return behave


SUCCESSES = {
    # name: (behaviour, request, connections that 5 requests in a row need)
    "a length": (always(OK), GET, 1),
    "no body": (always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), GET, 1),
    "chunks": (always(CHUNKED + b"2\r\nok\r\n0\r\n\r\n"), GET, 1),
    "chunks and a trailer": (always(CHUNKED + b"2\r\nok\r\n0\r\nEnd: yes\r\n\r\n"), GET, 1),
    "204, which has no body": (always(b"HTTP/1.1 204 No Content\r\n\r\n"), GET, 1),
    "304, whose length is of another": (
        always(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
        GET,
        1,
    ),
    "HEAD, whose length is of another": (
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        HEAD,
        1,
    ),
    "HEAD with the header of chunks": (always(CHUNKED), HEAD, 1),
    "HEAD with a body after all": (always(OK), HEAD, 5),
    "an interim response": (always(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK), GET, 1),
    "two interim responses, apart": (
        slowly(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", OK),
        GET,
        1,
    ),
    "a body until the end": (once(ENDLESS + b"some", b"thing"), GET, 5),
    "headers in pieces": (slowly(OK[:5], OK[5:25], OK[25:39], OK[39:]), GET, 1),
    "a body in pieces": (slowly(OK[:-2], b"o", b"k"), GET, 1),
    "chunks in pieces": (slowly(CHUNKED, b"2", b"\r\no", b"k\r\n0", b"\r\n\r", b"\n"), GET, 1),
    "more than one read holds": (always(BIG), GET, 1),
    "Connection: close": (
        once(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        GET,
        5,
    ),
    "Connection: close, and the target does not": (
        always(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        GET,
        5,
    ),
    "HTTP/1.0": (once(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), GET, 5),
    "HTTP/1.0 that keeps the connection": (
        always(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"),
        GET,
        1,
    ),
    "more than the response": (always(OK + b"HTTP/1.1 200 OK\r\n"), GET, 5),
    "two responses to one request": (always(OK + OK), GET, 5),
    "an empty line after the response": (always(OK + b"\r\n"), GET, 1),
    "an offer of HTTP/2": (
        always(OK.replace(b"Content", b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent")),
        GET,
        1,
    ),
}


@pytest.mark.parametrize("case", SUCCESSES)
def test_succeeds(case: str) -> None:
    behave, request, connections = SUCCESSES[case]
    with serve(behave) as server:
        outcome = drive(plan(step(request)), arrivals(5, 0.1), settings(server, max_connections=1))
    assert outcome.failures == {}
    assert outcome.succeeded == outcome.total("sent") == 5
    assert sum(outcome.statuses.values()) == 5
    assert server.connections == connections


def stays_silent(peer: Peer) -> None:
    peer.request()
    peer.request()


def drips(peer: Peer) -> None:
    """A slow-loris answer: never silent for long, never done."""
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        peer.sock.sendall(b"x")
        time.sleep(0.02)


def resets(peer: Peer) -> None:
    peer.request()
    peer.reset()


def resets_midway(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour")
    time.sleep(0.02)
    peer.reset()


def resets_without_length(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n\r\nfour")
    time.sleep(0.02)
    peer.reset()


FAILURES = {
    # name: (behaviour, cause)
    "an unexpected status": (always(OK.replace(b"200", b"503")), "http 503"),
    "a switch of protocols": (
        once(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello"),
        "http 101",
    ),
    "no answer in time": (stays_silent, causes.TIMEOUT),
    "an answer that never ends": (drips, causes.TIMEOUT),
    "an interim response only": (always(b"HTTP/1.1 100 Continue\r\n\r\n"), causes.TIMEOUT),
    "a close without an answer": (once(), causes.RESET),
    "a reset without an answer": (resets, causes.RESET),
    "a close within the headers": (once(b"HTTP/1.1 200 OK\r\nConte"), causes.CLOSED_EARLY),
    "a close within the body": (
        once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour"),
        causes.CLOSED_EARLY,
    ),
    "a close within the chunks": (once(CHUNKED + b"5\r\nhel"), causes.CLOSED_EARLY),
    "a close before the last chunk": (once(CHUNKED + b"2\r\nok\r\n"), causes.CLOSED_EARLY),
    "a reset within the body": (resets_midway, causes.CLOSED_EARLY),
    "a reset within a body without a length": (resets_without_length, causes.CLOSED_EARLY),
    "another protocol": (once(b"SSH-2.0-OpenSSH_9.2\r\n"), causes.INVALID_HTTP),
    "line ends without CR": (
        once(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
        causes.INVALID_HTTP,
    ),
    "a length that is no number": (
        once(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok"),
        causes.INVALID_HTTP,
    ),
    "two lengths": (
        once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        causes.INVALID_HTTP,
    ),
    "a length and chunks": (
        once(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        causes.INVALID_HTTP,
    ),
    "a chunk whose size is no number": (once(CHUNKED + b"x\r\n"), causes.INVALID_HTTP),
    "headers above the limit": (
        once(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000 + b"\r\nContent-Length: 0\r\n\r\n"),
        causes.TOO_LARGE,
    ),
    "headers that never end": (once(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000), causes.TOO_LARGE),
    "interim responses without end": (
        once(b"HTTP/1.1 100 Continue\r\nX: x\r\n\r\n" * 200 + OK),
        causes.TOO_LARGE,
    ),
    "a trailer above the limit": (
        once(CHUNKED + b"0\r\nX: " + b"x" * 5000 + b"\r\n\r\n"),
        causes.TOO_LARGE,
    ),
    "a body above the limit": (
        once(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000),
        causes.TOO_LARGE,
    ),
    "a body without a length above the limit": (once(ENDLESS + b"x" * 9000), causes.TOO_LARGE),
    "chunks above the limit": (
        once(CHUNKED + b"3e8\r\n%b\r\n" % (b"x" * 1000) * 9 + b"0\r\n\r\n"),
        causes.TOO_LARGE,
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_fails(case: str) -> None:
    behave, cause = FAILURES[case]
    with serve(behave) as server:
        outcome = drive(
            plan(step(timeout_ns=300 * MS if cause == causes.TIMEOUT else 10_000 * MS)),
            arrivals(3, 0.06),
            settings(server, header_limit=4096, body_limit=8000),
        )
    assert outcome.failures == {cause: 3}
    assert outcome.total("sent") == 3
    assert outcome.succeeded == 0


def test_a_timeout_is_counted_with_how_long_it_lasted() -> None:
    with serve(stays_silent) as server:
        outcome = drive(plan(step(timeout_ns=300 * MS)), arrivals(3, 0.03), settings(server))
    (times,) = [
        counts.failures[causes.TIMEOUT]
        for window in outcome.windows
        for counts in window.endpoints.values()
    ]
    assert Histogram(times).percentile(0) >= 0.99 * 300 * MS


def test_bytes_are_counted_as_they_came() -> None:
    with serve(slowly(OK[:20], OK[20:])) as server:
        outcome = drive(plan(), arrivals(4, 0.2), settings(server))
    assert outcome.bytes_received == 4 * len(OK)


def test_a_connection_that_the_target_closed_while_idle_is_no_failure() -> None:
    def closes_soon(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        time.sleep(0.01)

    with serve(closes_soon) as server:
        outcome = drive(plan(), arrivals(3, 0.9), settings(server))
    assert outcome.failures == {}
    assert outcome.succeeded == 3
    assert server.connections == 3


def test_a_target_that_speaks_unasked_is_not_listened_to() -> None:
    def adds_later(peer: Peer) -> None:
        while peer.request():
            peer.send(OK)
            time.sleep(0.02)
            peer.send(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")

    with serve(adds_later) as server:
        outcome = drive(plan(), arrivals(3, 0.9), settings(server))
    assert outcome.failures == {}
    assert outcome.statuses == {200: 3}
    assert server.connections == 3


def test_a_large_request_is_sent_in_pieces() -> None:
    received: list[int] = []

    def reads_slowly(peer: Peer) -> None:
        time.sleep(0.05)
        while request := peer.request():
            received.append(len(request))
            peer.send(OK)

    body = b"x" * 2_000_000
    request = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with serve(reads_slowly, receive_buffer=16_384) as server:
        outcome = drive(plan(step(request)), arrivals(3, 0.03), settings(server))
    assert outcome.failures == {}
    assert received == [len(request)] * 3


def test_an_answer_before_the_request_has_ended_counts() -> None:
    def refuses(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.send(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        time.sleep(1)  # Closing with unread data sends RST, which may overtake the answer.

    request = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000
    with serve(refuses, receive_buffer=16_384) as server:
        outcome = drive(plan(step(request)), arrivals(2, 0.02), settings(server))
    assert outcome.failures == {"http 413": 2}


def test_a_refused_connection_fails_the_request_that_waited_for_it() -> None:
    with serve(always(OK)) as server:
        pass
    outcome = drive(plan(), arrivals(5, 0.1), settings(server))
    assert outcome.failures == {causes.CONNECT_REFUSED: 5}
    assert outcome.refused == {causes.CONNECT_REFUSED: 5}
    assert outcome.total("due") == outcome.total("started") == outcome.total("sent") == 5
    assert outcome.done.connection_reason == "Connection refused"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse instead")
def test_a_connection_that_takes_too_long_fails_with_its_own_cause() -> None:
    # A listen queue that is full takes no more connections, and does not say so.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        server = type("S", (), {"family": socket.AF_INET, "address": listener.getsockname()})()
        outcome = drive(plan(), arrivals(2, 0.02), settings(server, connect_timeout_ns=200 * MS))
        for filler in fillers:
            filler.close()
    assert outcome.failures == {causes.CONNECT_TIMEOUT: 2}
    assert outcome.done.connection_reason == "not connected within 0.2 s"
