"""Other ways to the target: IPv6, and proxies."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from senior_backend.load import causes
from senior_backend.load.engine.settings import Proxy, Tls
from tests.load.certificates import Authority
from tests.load.engine.driver import arrivals, drive, plan, settings, step
from tests.load.engine.servers import OK, Behaviour, Peer, Server, always, serve
from tests.load.engine.test_tls import server_context


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_target_may_have_an_ipv6_address() -> None:
    with serve(always(OK), host="::1", family=socket.AF_INET6) as server:
        outcome = drive(plan(), arrivals(5, 0.1), settings(server))
    assert outcome.succeeded == 5


def test_a_plain_target_is_asked_for_through_the_proxy() -> None:
    requests: list[bytes] = []

    def proxy(peer: Peer) -> None:
        while request := peer.request():
            requests.append(request)
            peer.send(OK)

    request = b"GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n"
    with serve(proxy) as server:
        given = settings(server)
        given = replace(
            given, addresses=(), proxy=Proxy(addresses=given.addresses, authority="api.test:80")
        )
        outcome = drive(plan(step(request)), arrivals(3, 0.1), given)
    assert outcome.succeeded == 3
    assert requests == [request] * 3


def tunnel(target: Server, asked: list[bytes], *parts: bytes) -> Behaviour:
    """A proxy that connects to the target, whatever it is asked for."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def behave(peer: Peer) -> None:
        asked.append(peer.request())
        with socket.create_connection(("127.0.0.1", target.port)) as upstream:
            peer.send(*parts)
            thread = threading.Thread(target=pump, args=(upstream, peer.sock), daemon=True)
            thread.start()
            pump(peer.sock, upstream)
            thread.join()

    return behave


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def target(authority: Authority) -> Iterator[Server]:
    context = server_context(authority.sign("api.test"))
    with serve(always(OK), tls=context) as server:
        yield server


@pytest.mark.parametrize(
    "answer",
    [
        (b"HTTP/1.1 200 Connection established\r\n\r\n",),
        (b"HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", b"\r\n"),  # RFC 9110, 9.3.6.
    ],
)
def test_a_target_with_tls_is_reached_through_a_tunnel(
    authority: Authority, target: Server, answer: tuple[bytes, ...]
) -> None:
    asked: list[bytes] = []
    with serve(tunnel(target, asked, *answer)) as server:
        outcome = drive(
            plan(),
            arrivals(5, 0.1),
            settings(
                server,
                proxy=Proxy(
                    addresses=((server.family, server.address),),
                    authority="api.test:443",
                    authorization="Basic dTpw",
                ),
                tls=Tls("api.test", ca=str(authority.cert)),
            ),
        )
    assert outcome.failures == {}
    assert outcome.succeeded == 5
    connect = b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n"
    assert set(asked) == {connect + b"Proxy-Authorization: Basic dTpw\r\n\r\n"}


def closes(peer: Peer) -> None:
    peer.request()


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (always(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "HTTP status 407"),
        (always(b"SOCKS?\r\n"), causes.INVALID_HTTP),
        (closes, causes.CLOSED_EARLY),
        (
            always(b"HTTP/1.1 200 OK\r\n\r\nhello"),
            "the proxy sent more than its answer before the tunnel began",
        ),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_named_as_the_cause(behave: Behaviour, reason: str) -> None:
    with serve(behave) as server:
        outcome = drive(
            plan(),
            arrivals(2, 0.05),
            settings(
                server,
                proxy=Proxy(((server.family, server.address),), authority="api.test:443"),
                tls=Tls("api.test"),
            ),
        )
    assert outcome.failures == {causes.PROXY_REFUSED: 2}
    assert outcome.done.connection_reason == reason
