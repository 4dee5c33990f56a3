"""Where a load test goes: the parsed URL, the consent to load it, its addresses, a first handshake.

The host name is resolved once, before the start, and every connection goes to the addresses found
then: a test must not move to another host half-way, nor wait for a resolver.
"""

import contextlib
import errno
import ipaddress
import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from senior_backend.errors import InputError, NotRunError

Address = tuple[int, tuple[Any, ...]]
"""(family, sockaddr) for ``socket.connect``."""

_PORTS: Final = {"http": 80, "https": 443}
_PATH: Final = "/%:@!$&'()*+,;=~-._"  # RFC 3986 section 3.3, and % as it is written
_RESOLVER_S: Final = 15.0  # glibc asks two servers for 5 s each, and may do so twice
_ALERT_S: Final = 0.25  # TLS 1.3 refuses a client's certificate after the handshake has ended
_CONNECTS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts. ``resolve`` adds the addresses, ``preflight`` leaves out dead ones."""

    scheme: str
    """``http`` or ``https``."""
    host: str
    """Lower case, ASCII (IDNA), without the brackets of an IPv6 address."""
    port: int
    prefix: str
    """Stands before the path of every endpoint: empty, or ``/api/v1`` with no slash at its end."""
    server_name: str
    """What the certificate must be for, and SNI names."""
    addresses: tuple[Address, ...] = ()
    path: str = "/"
    """Path and query as written, for a test of this one URL."""
    resolve_ms: float = 0.0

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """For ``Host``: the port only where it is not the scheme's own (RFC 9110 section 7.2)."""
        return self.host_text if self.port == _PORTS[self.scheme] else self.endpoint

    @property
    def endpoint(self) -> str:
        """``host:port``, always with the port: for CONNECT and for messages."""
        return f"{self.host_text}:{self.port}"

    @property
    def host_text(self) -> str:
        """The host as a URL has it: an IPv6 address in brackets, without its zone."""
        host = self.host.partition("%")[0]
        return f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """Scheme, host, port and path prefix, for the result: never a password."""
        return f"{self.scheme}://{self.authority}{self.prefix}"


def parse(url: str, *, what: str = "--target") -> Target:
    """``url`` in its parts; ``what`` is what an error calls it."""
    scheme, separator, _rest = url.partition("://")
    shown = without_secrets(url)
    if not separator or scheme.lower() not in _PORTS:
        raise InputError(f"{what} {shown}: write http:// or https:// and a host")
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise InputError(
            f"{what} {shown!r}: a URL has no spaces, control characters or backslashes"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        why = "no host and port can be read in it" if "@" in url else error
        raise InputError(f"{what} {shown}: {why}") from None
    if "@" in parts.netloc:
        raise InputError(
            f"{what} {shown}: a URL with a user or password ends up in logs; send it as a header"
        )
    if parts.fragment:
        raise InputError(f"{what} {shown}: a #fragment is never sent; leave it out")
    if not host or port == 0:
        raise InputError(f"{what} {shown}: there is no {'port 0' if host else 'host in it'}")
    host = _ascii(unquote(host), f"{what} {shown}")
    path = quote(parts.path, safe=_PATH)
    query = f"?{quote(parts.query, safe=_PATH + '?[]')}" if parts.query else ""
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        prefix=path.rstrip("/"),
        server_name=host.partition("%")[0],
        path=(path or "/") + query,
    )


def without_secrets(url: str) -> str:
    """As errors show it: no user, no password, no query."""
    before, at, rest = url.rpartition("@")
    scheme, colon, _ = before.partition("://")
    start, mark, _query = (f"{scheme}{colon}" * bool(colon) + "…@" + rest if at else url).partition(
        "?"
    )
    return start + "?…" * bool(mark)


def _ascii(host: str, where: str) -> str:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host.partition("%")[0])
        except ValueError as error:
            raise InputError(f"{where}: not an IPv6 address: {error}") from None
        return host
    try:
        name = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        raise InputError(f"{where}: no host has the name {host!r}") from None
    labels = name.removesuffix(".").split(".")
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,63}", label) for label in labels):
        raise InputError(f"{where}: no host has the name {host!r}")
    return name


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine by itself: ``localhost`` or a loopback address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def choose(in_scenario: str | None, given: str | None, *, path: str = "the scenario") -> Target:
    """The target of a run. Loading a host needs consent: naming it with ``--target``.

    A file is shared and copied, so what stands in it can consent to loopback only. ``path`` is
    where ``in_scenario`` stands.
    """
    if given is not None:
        return parse(given)
    if in_scenario is None:
        raise InputError(f"no target: name one with --target, or a loopback one in {path}")
    target = parse(in_scenario, what=f"{path}: target")
    if not is_loopback(target.host):
        raise InputError(
            f"{path}: target: a file may only name this machine; to load {target.host_text} "
            f"say so: --target {without_secrets(in_scenario)}"
        )
    return target


def choose_proxy(
    in_scenario: str | None, given: str | None, *, path: str = "the scenario"
) -> Target | None:
    """The proxy of a run, which sees all of the load: it needs the same consent."""
    url = given if given is not None else in_scenario
    if not url:
        return None
    what = "--proxy" if given is not None else f"{path}: proxy"
    proxy = parse(url, what=what)
    if proxy.tls:
        raise InputError(f"{what} {without_secrets(url)}: write http://")
    if given is None and not is_loopback(proxy.host):
        raise InputError(
            f"{path}: proxy: a file may only name this machine; to send the load through "
            f"{proxy.host_text} say so: --proxy {without_secrets(url)}"
        )
    return proxy


def resolve(target: Target, *, timeout_s: float = _RESOLVER_S) -> Target:
    """``target`` with all its addresses, in the resolver's order, and how long that took."""
    found: list[Address] = []
    failed: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            for family, _type, _proto, _name, address in socket.getaddrinfo(
                target.host, target.port, type=socket.SOCK_STREAM
            ):
                if (family, address) not in found:
                    found.append((family, address))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    started = time.perf_counter()
    thread = threading.Thread(target=look_up, daemon=True)  # cannot be interrupted otherwise
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise NotRunError(
            f"{target.host_text}: no answer from the resolver within {timeout_s:g} s; "
            "check the name, or this machine's DNS"
        )
    if failed:
        raise NotRunError(f"{target.host_text}: {_lookup_failure(failed[0])}")
    if is_loopback(target.host) and not all(is_loopback(address[0]) for _, address in found):
        raise NotRunError(
            f"{target.host_text} resolves to {found[0][1][0]}, which is not this machine; "
            "mend /etc/hosts, or write 127.0.0.1"
        )
    return replace(
        target, addresses=tuple(found), resolve_ms=(time.perf_counter() - started) * 1000
    )


def _lookup_failure(error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return "unknown host: the resolver does not answer; check the name, or this machine's DNS"
    return "unknown host; check the name"


def preflight(
    target: Target,
    *,
    context: ssl.SSLContext | None = None,
    proxy: Target | None = None,
    proxy_headers: bytes = b"",
    connect_s: float = 5.0,
    tls_s: float = 5.0,
) -> tuple[Target, tuple[str, ...]]:
    """One connection to every address, with its handshake, so that a run starts only if it can.

    Returns ``target`` without the addresses that accept no connection, and a note on each of
    those. Through a proxy the addresses are the proxy's. No request is sent.
    """
    first_hop = proxy or target
    who = f"proxy {first_hop.endpoint}" if proxy else first_hop.endpoint

    def attempt(address: Address) -> OSError | None:
        try:
            dial(
                target,
                address,
                context=context,
                proxy=proxy,
                proxy_headers=proxy_headers,
                connect_s=connect_s,
                tls_s=tls_s,
            ).close()
        except OSError as error:
            return error
        return None

    with ThreadPoolExecutor(min(len(first_hop.addresses), _CONNECTS_AT_ONCE)) as pool:
        outcomes = list(pool.map(attempt, first_hop.addresses))
    good = [a for a, error in zip(first_hop.addresses, outcomes, strict=True) if error is None]
    bad = [(a, e) for a, e in zip(first_hop.addresses, outcomes, strict=True) if e is not None]
    if not good:
        raise NotRunError(f"{who}: {_connect_failure([error for _, error in bad], connect_s)}")
    notes = tuple(
        f"{address[0]} left out: {_connect_failure([error], connect_s)}"
        for (_, address), error in bad
    )
    if proxy is not None:
        return replace(target, addresses=tuple(good), resolve_ms=proxy.resolve_ms), notes
    return replace(target, addresses=tuple(good)), notes


def dial(
    target: Target,
    address: Address,
    *,
    context: ssl.SSLContext | None,
    proxy: Target | None,
    proxy_headers: bytes = b"",
    connect_s: float,
    tls_s: float,
) -> socket.socket:
    """A connection that is ready for a request, in blocking mode; ``address`` is the first hop's.

    Raises ``OSError`` where there is no connection, ``NotRunError`` where it leads nowhere.
    """
    connection = _connect(address, connect_s)
    try:
        if proxy is not None and target.tls:
            _open_tunnel(connection, target, proxy, proxy_headers)
        if context is not None and target.tls:
            connection = _handshake(connection, target, context, tls_s)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(address: Address, timeout_s: float) -> socket.socket:
    family, where = address
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(where)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_failure(errors: Sequence[OSError], timeout_s: float) -> str:
    """What to say of addresses none of which accepts; the most telling of their errors."""
    numbers = {error.errno for error in errors}
    if any(isinstance(error, TimeoutError) for error in errors) or errno.ETIMEDOUT in numbers:
        return f"no connection within {timeout_s:g} s; check the address, and the firewalls between"
    if errno.ECONNREFUSED in numbers:
        return "connection refused; is the service running, and on this port?"
    if errno.EMFILE in numbers:
        return "too many open files on this machine; raise the limit (ulimit -n)"
    if numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}:
        return "there is no route to it from this machine"
    return f"cannot connect: {errors[0].strerror or errors[0]}"


def _open_tunnel(connection: socket.socket, target: Target, proxy: Target, headers: bytes) -> None:
    """CONNECT (RFC 9110 section 9.3.6); reads exactly the answer's head, which has no body."""
    request = f"CONNECT {target.endpoint} HTTP/1.1\r\nHost: {target.endpoint}\r\n".encode()
    head = b""
    try:
        connection.sendall(request + headers + b"\r\n")
        while not head.endswith(b"\r\n\r\n") and len(head) < 65536:
            byte = connection.recv(1)  # not one byte of the handshake that follows
            if not byte:
                break
            head += byte
    except TimeoutError:
        raise NotRunError(f"proxy {proxy.endpoint}: no answer to CONNECT in time") from None
    except OSError as error:
        raise NotRunError(
            f"proxy {proxy.endpoint}: it broke the connection at CONNECT: {error.strerror}"
        ) from None
    line = head.partition(b"\r\n")[0].decode("latin-1")
    if not re.match(r"HTTP/1\.[01] 2\d\d(?: |$)", line):
        answer = line if line.isprintable() and line else "no HTTP answer"
        raise NotRunError(
            f"proxy {proxy.endpoint}: it does not connect to {target.endpoint}: {answer}"
        )


def _handshake(
    connection: socket.socket, target: Target, context: ssl.SSLContext, timeout_s: float
) -> ssl.SSLSocket:
    connection.settimeout(timeout_s)
    try:
        secure = context.wrap_socket(connection, server_hostname=target.server_name)
    except (OSError, ValueError) as error:
        raise NotRunError(f"{target.endpoint}: {_tls_failure(error, target, timeout_s)}") from None
    try:
        _await_alert(secure)
    except OSError as error:
        secure.close()
        raise NotRunError(f"{target.endpoint}: {_tls_failure(error, target, timeout_s)}") from None
    return secure


def _await_alert(secure: ssl.SSLSocket) -> None:
    """Whether the target takes our certificate, or asks for one we do not have."""
    if secure.version() != "TLSv1.3":
        return  # told within the handshake
    timeout = secure.gettimeout()
    secure.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(secure, selectors.EVENT_READ)
        told = selector.select(_ALERT_S)
    if told:
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):  # session tickets
            secure.recv(1)
    secure.settimeout(timeout)


_CERTIFICATE_ALERTS: Final = (
    "CERTIFICATE_REQUIRED",
    "HANDSHAKE_FAILURE",
    "BAD_CERTIFICATE",
    "UNKNOWN_CA",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_EXPIRED",
    "UNSUPPORTED_CERTIFICATE",
)
_NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
)


def _tls_failure(error: OSError | ValueError, target: Target, timeout_s: float) -> str:
    """One line on why a handshake failed, and what mends it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_failure(error, target)
    if isinstance(error, TimeoutError):
        return f"no TLS handshake within {timeout_s:g} s; is it a TLS port?"
    reason = (getattr(error, "reason", None) or "").upper()
    if any(reason.endswith(known) for known in _NO_TLS):
        return f"it does not speak TLS; write http:// instead, or the TLS port (not {target.port})"
    if any(known in reason for known in _CERTIFICATE_ALERTS):
        return (
            "it refuses the handshake, as servers do that want another client certificate or none "
            f"of ours ({reason.lower().replace('_', ' ')}); see --cert and --key"
        )
    if isinstance(error, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "it closed the connection in the TLS handshake; is it a TLS port?"
    text = reason.lower().replace("_", " ") or str(error)
    return f"no TLS handshake: {text}"


# OpenSSL's X509_V_ERR_* numbers
_EXPIRED, _NOT_YET = 10, 9
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
_WRONG_NAME = (62, 64)


def _certificate_failure(error: ssl.SSLCertVerificationError, target: Target) -> str:
    if error.verify_code in _WRONG_NAME:
        return (
            f"its certificate is not for {target.server_name}; name the host as the certificate "
            "does, or set tls.server_name in the scenario"
        )
    if error.verify_code in _UNKNOWN_ISSUER:
        return (
            "its certificate is from an authority that this machine does not know "
            f"({error.verify_message}); give the authority with --cacert"
        )
    if error.verify_code == _EXPIRED:
        return "its certificate has expired; renew it (--insecure loads it as it is)"
    if error.verify_code == _NOT_YET:
        return "its certificate is not valid yet; check the clocks (--insecure loads it as it is)"
    return f"its certificate does not verify: {error.verify_message}"
