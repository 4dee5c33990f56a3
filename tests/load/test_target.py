"""Where a load test may go, and what is said before it starts if it cannot."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from senior_backend.errors import InputError, NotRunError
from senior_backend.load import target as targets
from senior_backend.load.target import Target, choose, choose_proxy, parse, preflight, resolve
from tests.load.certificates import Authority


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "authority", "prefix", "path"),
    [
        ("http://h", "http", "h", 80, "h", "", "/"),
        ("https://h/", "https", "h", 443, "h", "", "/"),
        ("HTTPS://H.Example:443", "https", "h.example", 443, "h.example", "", "/"),
        ("http://h:8080/api/v1", "http", "h", 8080, "h:8080", "/api/v1", "/api/v1"),
        ("http://h/api/v1/", "http", "h", 80, "h", "/api/v1", "/api/v1/"),
        ("http://h/a?x=1&y=a%20b", "http", "h", 80, "h", "/a", "/a?x=1&y=a%20b"),
        ("http://h?x=1", "http", "h", 80, "h", "", "/?x=1"),
        ("http://h/ä", "http", "h", 80, "h", "/%C3%A4", "/%C3%A4"),
        ("http://bü.de", "http", "xn--b-eha.de", 80, "xn--b-eha.de", "", "/"),
        ("http://[::1]:8000/x", "http", "::1", 8000, "[::1]:8000", "/x", "/x"),
        ("https://[::1]", "https", "::1", 443, "[::1]", "", "/"),
        ("http://[fe80::1%25eth0]", "http", "fe80::1%eth0", 80, "[fe80::1]", "", "/"),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart(
    url: str, scheme: str, host: str, port: int, authority: str, prefix: str, path: str
) -> None:
    found = parse(url)
    assert (found.scheme, found.host, found.port) == (scheme, host, port)
    assert (found.authority, found.prefix, found.path) == (authority, prefix, path)


NO_SCHEME = "write http:// or https:// and a host"
UNREADABLE = "no host and port can be read in it"
NO_SPACES = "a URL has no spaces, control characters or backslashes"


@pytest.mark.parametrize(
    ("url", "shown", "message"),
    [
        ("staging.example.com", "staging.example.com", NO_SCHEME),
        ("localhost:80", "localhost:80", NO_SCHEME),
        ("ftp://h", "ftp://h", NO_SCHEME),
        ("", "", NO_SCHEME),
        ("http://", "http://", "there is no host in it"),
        ("http://:80/", "http://:80/", "there is no host in it"),
        ("http://h:0/", "http://h:0/", "there is no port 0"),
        ("http://h:65536/", "http://h:65536/", "Port out of range 0-65535"),
        ("http://h:x/", "http://h:x/", "Port could not be cast to integer value as 'x'"),
        ("http://[::1/", "http://[::1/", "Invalid IPv6 URL"),
        ("http://a..b/", "http://a..b/", "no host has the name 'a..b'"),
        (f"http://{'a' * 64}/", f"http://{'a' * 64}/", f"no host has the name '{'a' * 64}'"),
        ("http://h/a b", "'http://h/a b'", NO_SPACES),
        ("http://h/\r\nX: y", r"'http://h/\r\nX: y'", NO_SPACES),
        (
            "http://me:secret@h/",
            "http://…@h/",
            "a URL with a user or password ends up in logs; send it as a header",
        ),
        ("ftp://me:secret@h/", "ftp://…@h/", NO_SCHEME),
        ("me:secret@h", "…@h", NO_SCHEME),
        ("http://me:sec ret@h/", "'http://…@h/'", NO_SPACES),
        ("http://me:secret@h:65536/", "http://…@h:65536/", UNREADABLE),
        ("http://me:sec/ret@h/", "http://…@h/", UNREADABLE),
        ("http://me:secret@[::1/", "http://…@[::1/", UNREADABLE),
        ("http://h/?key=secret#top", "http://h/?…", "a #fragment is never sent; leave it out"),
        ("http://h/#top", "http://h/#top", "a #fragment is never sent; leave it out"),
    ],
)
def test_a_url_that_is_none_is_refused_in_one_line(url: str, shown: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse(url)
    assert str(error.value) == f"--target {shown}: {message}"


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1", "http://127.8.8.8", "https://[::1]:9"]
)
def test_a_scenario_may_name_this_machine(url: str) -> None:
    assert choose(url, None) == parse(url)


@pytest.mark.parametrize(
    "host",
    ["staging.example.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.example.com", "2130706433", "[::2]"],
)
def test_a_scenario_cannot_consent_to_load_another_machine(host: str) -> None:
    with pytest.raises(InputError) as error:
        choose(f"http://{host}/x", None, path="load.yml")
    assert str(error.value) == (
        f"load.yml: target: a file may only name this machine; to load {host} say so: "
        f"--target http://{host}/x"
    )


def test_a_key_in_the_query_of_a_target_is_in_no_error() -> None:
    with pytest.raises(InputError, match=r"--target https://h\.example/x\?…$"):
        choose("https://h.example/x?key=secret", None)


def test_naming_the_target_is_the_consent_and_goes_before_the_file() -> None:
    assert choose("http://elsewhere.example", "https://a.example/x").host == "a.example"


def test_without_any_target_nothing_runs() -> None:
    with pytest.raises(InputError, match="no target: name one with --target"):
        choose(None, None)


def test_a_proxy_needs_the_same_consent() -> None:
    assert choose_proxy(None, None) is None
    assert choose_proxy("http://127.0.0.1:3128", None) == parse("http://127.0.0.1:3128")
    assert choose_proxy(None, "http://proxy.example:3128") == parse("http://proxy.example:3128")
    with pytest.raises(InputError, match=r"proxy: a file may only name this machine"):
        choose_proxy("http://proxy.example:3128", None)
    with pytest.raises(InputError, match=r"--proxy https://p\?…: write http://"):
        choose_proxy(None, "https://p?key=secret")


# Names and addresses


def test_a_name_is_resolved_once_with_all_its_addresses() -> None:
    found = resolve(parse("http://localhost:8000"))
    assert (socket.AF_INET, ("127.0.0.1", 8000)) in found.addresses
    assert found.resolve_ms >= 0
    assert len(set(found.addresses)) == len(found.addresses)


def test_an_unknown_host_is_one_line() -> None:
    with pytest.raises(NotRunError, match=r"^no-such-host\.invalid: unknown host"):
        resolve(parse("http://no-such-host.invalid/"))


# The first connection


@contextmanager
def listening(
    answer: Callable[[socket.socket], None] = lambda connection: None,
) -> Iterator[int]:
    """A server on a port of this machine that does ``answer`` with each connection."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(30)
    ended = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                if ended.is_set():
                    return
                connection.settimeout(10)
                with suppress(OSError):
                    answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    port = server.getsockname()[1]
    try:
        yield port
    finally:
        ended.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
        server.close()


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def at(url: str) -> Target:
    return resolve(parse(url))


def refusal(target: Target, **options: object) -> str:
    with pytest.raises(NotRunError) as error:
        preflight(target, **options)  # type: ignore[arg-type]
    message = str(error.value)
    assert "\n" not in message
    return message.replace(str(target.port), "PORT")


def test_a_target_that_accepts_is_ready() -> None:
    with listening() as port:
        target = at(f"http://127.0.0.1:{port}")
        assert preflight(target) == (target, ())


def test_a_target_that_refuses_is_one_line() -> None:
    target = at(f"http://127.0.0.1:{closed_port()}")
    assert refusal(target) == (
        "127.0.0.1:PORT: connection refused; is the service running, and on this port?"
    )


def test_addresses_that_accept_nothing_are_left_out_and_named() -> None:
    with listening() as port:
        open_, dead = at(f"http://127.0.0.1:{port}"), at(f"http://127.0.0.2:{closed_port()}")
        both = Target("http", "h", port, "", "h", (*dead.addresses, *open_.addresses))
        reached, notes = preflight(both)
    assert reached.addresses == open_.addresses
    assert notes == (
        "127.0.0.2 left out: connection refused; is the service running, and on this port?",
    )


def test_a_target_that_never_answers_the_connect_is_one_line() -> None:
    # A full queue of connections that nobody accepts: Linux then leaves the SYN unanswered.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            message = refusal(at(f"http://127.0.0.1:{port}"), connect_s=0.3)
        except pytest.fail.Exception:
            pytest.skip("this kernel answers connects beyond the queue")
        finally:
            for one in waiting:
                one.close()
    assert message == (
        "127.0.0.1:PORT: no connection within 0.3 s; check the address, and the firewalls between"
    )


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def speaking_tls(
    authority: Authority,
    *names: str,
    expired: bool = False,
    client_ca: Path | None = None,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
) -> Callable[[socket.socket], None]:
    signed = authority.sign(*names, expired=expired)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.cert, signed.key)
    context.maximum_version = newest
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    return answer


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.cert))


def test_a_certificate_that_is_for_the_host_is_accepted(authority: Authority) -> None:
    with listening(speaking_tls(authority, "localhost", "127.0.0.1")) as port:
        for host in ("127.0.0.1", "localhost"):
            target = at(f"https://{host}:{port}")
            assert preflight(target, context=trusting(authority))[1] == ()


def test_a_certificate_for_another_host_is_refused(authority: Authority) -> None:
    with listening(speaking_tls(authority, "other.example")) as port:
        message = refusal(at(f"https://127.0.0.1:{port}"), context=trusting(authority))
    assert message == (
        "127.0.0.1:PORT: its certificate is not for 127.0.0.1; name the host as the certificate "
        "does, or set tls.server_name in the scenario"
    )


def test_an_unknown_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    unknown = Authority(tmp_path, "unknown")
    with listening(speaking_tls(unknown, "127.0.0.1")) as port:
        message = refusal(at(f"https://127.0.0.1:{port}"), context=trusting(authority))
    assert message == (
        "127.0.0.1:PORT: its certificate is from an authority that this machine does not know "
        "(unable to get local issuer certificate); give the authority with --cacert"
    )


def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    with listening(speaking_tls(authority, "127.0.0.1", expired=True)) as port:
        message = refusal(at(f"https://127.0.0.1:{port}"), context=trusting(authority))
    assert message == (
        "127.0.0.1:PORT: its certificate has expired; renew it (--insecure loads it as it is)"
    )


def test_a_port_without_tls_is_refused(authority: Authority) -> None:
    def plain(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with listening(plain) as port:
        message = refusal(at(f"https://127.0.0.1:{port}"), context=trusting(authority))
    assert message == (
        "127.0.0.1:PORT: it does not speak TLS; write http:// instead, or the TLS port (not PORT)"
    )


def test_a_port_that_keeps_silent_is_refused(authority: Authority) -> None:
    with listening(lambda connection: _wait_for_end(connection)) as port:
        message = refusal(at(f"https://127.0.0.1:{port}"), context=trusting(authority), tls_s=0.3)
    assert message == "127.0.0.1:PORT: no TLS handshake within 0.3 s; is it a TLS port?"


def _wait_for_end(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_target_that_wants_a_certificate_of_ours_says_so(
    authority: Authority, newest: ssl.TLSVersion
) -> None:
    server = speaking_tls(authority, "127.0.0.1", client_ca=authority.cert, newest=newest)
    with listening(server) as port:
        target = at(f"https://127.0.0.1:{port}")
        message = refusal(target, context=trusting(authority))
        with_one = trusting(authority)
        client = authority.sign("client")
        with_one.load_cert_chain(client.cert, client.key)
        assert preflight(target, context=with_one)[1] == ()
    assert re.fullmatch(
        r"127\.0\.0\.1:PORT: it refuses the handshake, as servers do that want another client "
        r"certificate or none of ours \([\w ]+\); see --cert and --key",
        message,
    )


# Proxies


def tunnelling(status: str, then: Callable[[socket.socket], None]) -> Callable[..., None]:
    def answer(connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        assert head.startswith(b"CONNECT inside.example:443 HTTP/1.1\r\nHost: inside.example:443")
        connection.sendall(f"HTTP/1.1 {status}\r\nVia: test\r\n\r\n".encode())
        then(connection)

    return answer


def test_the_handshake_goes_through_the_proxy_which_alone_is_resolved(authority: Authority) -> None:
    server = speaking_tls(authority, "inside.example")
    with listening(tunnelling("200 OK", server)) as port:
        proxy = at(f"http://127.0.0.1:{port}")
        reached, _ = preflight(
            parse("https://inside.example"), context=trusting(authority), proxy=proxy
        )
    assert reached.addresses == proxy.addresses


@pytest.mark.parametrize(
    ("status", "told"),
    [("403 Forbidden", "HTTP/1.1 403 Forbidden"), ("407 Who?", "HTTP/1.1 407 Who?")],
)
def test_a_proxy_that_refuses_is_one_line(authority: Authority, status: str, told: str) -> None:
    refusing = tunnelling(status, lambda connection: None)
    with listening(refusing) as port, pytest.raises(NotRunError) as error:
        preflight(
            parse("https://inside.example"),
            context=trusting(authority),
            proxy=at(f"http://127.0.0.1:{port}"),
        )
    assert str(error.value) == (
        f"proxy 127.0.0.1:{port}: it does not connect to inside.example:443: {told}"
    )


def test_a_proxy_that_is_not_there_is_named_as_such() -> None:
    port = closed_port()
    with pytest.raises(NotRunError) as error:
        preflight(parse("http://inside.example"), proxy=at(f"http://127.0.0.1:{port}"))
    assert str(error.value).startswith(f"proxy 127.0.0.1:{port}: connection refused")


def test_loopback_is_told_by_the_name_alone() -> None:
    assert targets.is_loopback("LOCALHOST")
    assert not targets.is_loopback("localhost.example.com")
