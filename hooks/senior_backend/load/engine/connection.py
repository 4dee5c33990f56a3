"""Connections: how they come to be, and what the loop keeps with each.

A connection is made in steps, none of which waits: TCP, the proxy's tunnel, TLS.
"""

import contextlib
import errno
import os
import socket
import ssl
from collections import defaultdict
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from senior_backend.errors import InputError
from senior_backend.load import causes
from senior_backend.load.engine.arriving import NEVER
from senior_backend.load.engine.poller import Poller
from senior_backend.load.engine.settings import EngineSettings, Proxy, Tls
from senior_backend.load.histogram import bucket
from senior_backend.load.http1 import Glance, Reader, ResponseError
from senior_backend.load.plan import Step
from senior_backend.load.recording import EndpointCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from senior_backend.load.engine.loop import Request

IDLE: Final = 0
"""Open, and no request on it."""
WAITING: Final = 1
"""A request is sent, nothing came yet: the state of the hot path."""
READING: Final = 2
"""The response comes in pieces, or is not to be taken at a glance."""
SENDING: Final = 3
"""The request did not fit into the socket's buffer; the rest follows."""
OPENING: Final = 4
"""Not open yet; ``stage`` says how far it is."""
CLOSED: Final = 5
CHANNEL: Final = 6
"""Not a connection: the line to the process that started this one."""

CONNECT: Final = 0
TUNNEL: Final = 1
HANDSHAKE: Final = 2

READ_SIZE: Final = 65_536
"""More than a TLS record holds, so that nothing stays behind in the TLS layer."""

_SHORTEST_KEEP_ALIVE_NS: Final = 500_000_000
"""What is closed sooner is not closed for lying idle."""

_NO_STEP: Final = Step(
    endpoint=0, static=b"", render=None, head=False, expected=frozenset(), timeout_ns=NEVER
)

_OUT_OF: Final = {errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE}
"""What connect(2) and socket(2) say when this machine has no more to give."""

_TUNNEL_HEADERS: Final = 16 * 1024


class ConnectionFailedError(Exception):
    """The connection could not be opened: a cause of ``causes``, and the system's words."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(f"{cause}: {reason}")
        self.cause = cause
        self.reason = reason


class KeepAlive:
    """For how long a connection may lie idle before the target closes it: learnt from those that
    it closed. A request that is sent at that very moment would meet the close; with a pool that is
    used in turn at a steady rate, all of them might. So connections are given up a little earlier.

    A target that restarts closes all at one moment, however long they were idle: it takes two that
    were idle for about as long, and closed at different moments.
    """

    __slots__ = ("_closed_at", "_idle_ns", "limit_ns")

    def __init__(self) -> None:
        self.limit_ns = NEVER
        self._idle_ns = 0
        self._closed_at = 0

    def learn(self, idle_ns: int, now: int) -> bool:
        """The target closed after that long; True: that is news."""
        if idle_ns < _SHORTEST_KEEP_ALIVE_NS or idle_ns * 3 // 4 >= self.limit_ns:
            return False
        if abs(idle_ns - self._idle_ns) > idle_ns // 5:
            self._idle_ns, self._closed_at = idle_ns, now
            return False
        if now - self._closed_at < _SHORTEST_KEEP_ALIVE_NS:
            return False
        self.limit_ns = min(idle_ns, self._idle_ns) * 3 // 4
        return True


class Connection:
    """One connection, or one that is being opened."""

    __slots__ = (
        "began",
        "deadline",
        "fd",
        "glance",
        "keep_alive",
        "outgoing",
        "reader",
        "received",
        "recv",
        "request",
        "send",
        "sock",
        "stage",
        "state",
    )

    def __init__(
        self, sock: socket.socket, began: int, deadline: int, keep_alive: KeepAlive
    ) -> None:
        self.sock: socket.socket = sock
        self.fd = sock.fileno()
        self.state = OPENING
        self.stage = CONNECT
        self.began = began
        """When the stage began, for its duration."""
        self.deadline = deadline
        """When the stage has taken too long."""
        self.recv: Callable[[int], bytes] = sock.recv
        self.send: Callable[[Any], int] = sock.send
        self.request: Request = (began, began, 0, _NO_STEP, EndpointCounts(), None)
        """The one that is, or was last, on its way; at first, none."""
        self.keep_alive = keep_alive
        self.glance = Glance()
        self.reader: Reader | None = None
        self.received = 0
        """Bytes of the response so far, when it comes in pieces."""
        self.outgoing = memoryview(b"")
        """What is still to be sent."""

    def awaited_by(self) -> int:
        """When what is under way has taken too long."""
        if self.state == OPENING:
            return self.deadline
        if self.state == IDLE:
            return self.used_at + self.keep_alive.limit_ns
        if self.state == CLOSED:
            return NEVER  # It closed after the pass that looks at it began.
        return self.request[1] + self.request[3].timeout_ns

    @property
    def used_at(self) -> int:
        """When it was used last: the send, for the loop has no time to note when it became free."""
        return self.request[1]

    def close(self) -> None:
        """Give it up; the poller forgets it by itself."""
        self.state = CLOSED
        self.glance.discard()
        if self.reader is not None:
            self.reader.discard()
        with contextlib.suppress(OSError):
            self.sock.close()


def tls_context(tls: Tls) -> ssl.SSLContext:
    """What secures every connection. Raises InputError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"{tls.ca}: not a file of certificates to trust ({words(error)}): it must hold them "
            "in PEM form"
        ) from None
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    if tls.cert is not None:
        for name in (tls.cert, tls.key):
            if name is not None and not Path(name).is_file():
                raise InputError(f"{name}: no such file: it is the client's certificate or key")
        try:
            context.load_cert_chain(tls.cert, tls.key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise InputError(
                f"{tls.cert}: not usable as the client's certificate"
                f"{f' with the key {tls.key}' if tls.key else ''} ({words(error)}): both must be "
                "in PEM form, belong together and need no password"
            ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key is protected by a password")


class Dialer:
    """Opens connections to the addresses of the target, or of the proxy, in turn."""

    def __init__(self, settings: EngineSettings, poller: Poller) -> None:
        self._settings = settings
        self._poller = poller
        self._addresses = settings.proxy.addresses if settings.proxy else settings.addresses
        self._next = 0
        self._context = tls_context(settings.tls) if settings.tls else None
        self._server_name = settings.tls.server_name if settings.tls else None
        self._tunnel = _tunnel_request(settings.proxy) if settings.proxy and settings.tls else b""
        self.keep_alive = KeepAlive()
        self.opened = 0
        """Connections that were opened, in all."""
        self.connect_times: dict[int, int] = defaultdict(int)
        self.tls_times: dict[int, int] = defaultdict(int)

    def dial(self) -> Connection:
        """Begin to open a connection. Raises ConnectionFailedError."""
        family, address = self._addresses[self._next % len(self._addresses)]
        self._next += 1
        began = perf_counter_ns()
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise _refusal(error) from None
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except BlockingIOError:
            pass
        except OSError as error:
            sock.close()
            raise _refusal(error) from None
        connection = Connection(
            sock, began, began + self._settings.connect_timeout_ns, self.keep_alive
        )
        self._poller.add(connection.fd, writing=True)
        return connection

    def advance(self, connection: Connection) -> bool:
        """Go on with opening; True: it is open. Raises ConnectionFailedError."""
        if connection.stage == CONNECT:
            failure = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure:
                raise _refusal(OSError(failure, os.strerror(failure)))
            try:
                connection.sock.getpeername()
            except OSError:
                return False
            if not self._tunnel:
                return self._connected(connection)
            connection.stage = TUNNEL
            connection.outgoing = memoryview(self._tunnel)
            connection.reader = Reader(head_only=True, header_limit=_TUNNEL_HEADERS, body_limit=0)
        if connection.reader is not None:
            return self._tunnelled(connection, connection.reader) and self._connected(connection)
        return self._shake_hands(connection)

    def too_late(self, connection: Connection) -> ConnectionFailedError:
        """What it means that the deadline of its stage has passed."""
        if connection.stage == HANDSHAKE:
            seconds = self._settings.tls_timeout_ns / 1e9
            return ConnectionFailedError(causes.TLS_FAILED, f"no handshake within {seconds:g} s")
        seconds = self._settings.connect_timeout_ns / 1e9
        return ConnectionFailedError(causes.CONNECT_TIMEOUT, f"not connected within {seconds:g} s")

    def _connected(self, connection: Connection) -> bool:
        now = perf_counter_ns()
        self.connect_times[bucket(now - connection.began)] += 1
        if self._context is None:
            return self._open(connection)
        connection.stage = HANDSHAKE
        connection.began = now
        connection.deadline = now + self._settings.tls_timeout_ns
        try:
            connection.sock = self._context.wrap_socket(
                connection.sock,
                do_handshake_on_connect=False,
                server_hostname=self._server_name,
            )
        except (OSError, ValueError) as error:
            raise ConnectionFailedError(causes.TLS_FAILED, words(error)) from None
        return self._shake_hands(connection)

    def _shake_hands(self, connection: Connection) -> bool:
        try:
            connection.sock.do_handshake()  # type: ignore[attr-defined] # an SSLSocket by now
        except ssl.SSLWantReadError:
            self._poller.change(connection.fd, writing=False)
            return False
        except ssl.SSLWantWriteError:
            self._poller.change(connection.fd, writing=True)
            return False
        except (OSError, ValueError) as error:
            raise ConnectionFailedError(causes.TLS_FAILED, words(error)) from None
        self.tls_times[bucket(perf_counter_ns() - connection.began)] += 1
        return self._open(connection)

    def _open(self, connection: Connection) -> bool:
        self._poller.change(connection.fd, writing=False)
        connection.state = IDLE
        connection.recv = connection.sock.recv
        connection.send = connection.sock.send
        self.opened += 1
        return True

    def _tunnelled(self, connection: Connection, reader: Reader) -> bool:
        """Ask for the tunnel and read the answer (RFC 9110, 9.3.6); True: it is there."""
        try:
            if connection.outgoing:
                sent = connection.sock.send(connection.outgoing)
                connection.outgoing = connection.outgoing[sent:]
                if not connection.outgoing:
                    self._poller.change(connection.fd, writing=False)
            data = connection.sock.recv(READ_SIZE)
        except BlockingIOError:
            return False
        except OSError as error:
            raise ConnectionFailedError(causes.PROXY_REFUSED, words(error)) from None
        try:
            complete = reader.feed(data) if data else reader.end()
        except ResponseError as error:
            raise ConnectionFailedError(causes.PROXY_REFUSED, error.cause) from None
        if not complete:
            return False
        if not 200 <= reader.status < 300:
            raise ConnectionFailedError(causes.PROXY_REFUSED, f"HTTP status {reader.status}")
        if reader.surplus:
            raise ConnectionFailedError(
                causes.PROXY_REFUSED, "the proxy sent more than its answer before the tunnel began"
            )
        reader.discard()
        connection.reader = None
        return True


def _tunnel_request(proxy: Proxy) -> bytes:
    lines = [f"CONNECT {proxy.authority} HTTP/1.1", f"Host: {proxy.authority}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def _refusal(error: OSError) -> ConnectionFailedError:
    if error.errno == errno.ECONNREFUSED:
        return ConnectionFailedError(causes.CONNECT_REFUSED, words(error))
    if error.errno == errno.ETIMEDOUT:
        return ConnectionFailedError(causes.CONNECT_TIMEOUT, words(error))
    if error.errno in _OUT_OF:
        return ConnectionFailedError(causes.NO_LOCAL_PORT, words(error))
    return ConnectionFailedError(causes.CONNECT_FAILED, words(error))


def words(error: Exception) -> str:
    """An error as the system words it, on one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
