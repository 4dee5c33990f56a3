"""HTTP by hand, for requests that no well-behaved client sends."""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from .service import Service

READ_SECONDS = 10.0


@dataclass(frozen=True)
class RawAnswer:
    """The bytes that came back, and whether the service closed the connection."""

    data: bytes
    closed: bool

    @property
    def statuses(self) -> list[int]:
        """The status of every response in `data`, interim ones left out."""
        return [s for s in _statuses(self.data) if s >= 200]

    @property
    def status(self) -> int | None:
        """The first final status; None if there was no response."""
        return self.statuses[0] if self.statuses else None

    def header(self, name: str) -> str | None:
        """A header of the first response."""
        head = self.data.partition(b"\r\n\r\n")[0].decode("latin-1")
        for line in head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


def _statuses(data: bytes) -> list[int]:
    found = []
    for piece in data.split(b"HTTP/1.")[1:]:
        digits = piece[2:5]
        if digits.isdigit() and piece[1:2] == b" ":
            found.append(int(digits))
    return found


def connect(service: Service) -> socket.socket:
    """A TCP connection to the service."""
    connection = socket.create_connection(service.address, timeout=READ_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(
    service: Service,
    *pieces: bytes,
    finish: bool = False,
    seconds: float = 2.0,
) -> RawAnswer:
    """Send `pieces`, then read until the service closes or says nothing more for `seconds`.

    `finish` closes our sending half first, as a client that dies in mid-request does.
    """
    with connect(service) as connection:
        return send_and_read(connection, pieces, finish=finish, seconds=seconds)


def send_and_read(
    connection: socket.socket, pieces: Iterable[bytes], *, finish: bool, seconds: float
) -> RawAnswer:
    """`exchange` on a connection of the caller's."""
    try:
        for piece in pieces:
            connection.sendall(piece)
        if finish:
            connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # closed on us in mid-request; what it said before that is still to be read
    return read_until_quiet(connection, seconds)


def read_until_quiet(connection: socket.socket, seconds: float) -> RawAnswer:
    """Read until end of stream, or until a complete-looking answer and `seconds` of silence."""
    data = b""
    deadline = time.monotonic() + READ_SECONDS
    while time.monotonic() < deadline:
        connection.settimeout(0.15 if _complete(data) else seconds)
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            return RawAnswer(data, closed=False)
        except OSError:
            return RawAnswer(data, closed=True)
        if not piece:
            return RawAnswer(data, closed=True)
        data += piece
    return RawAnswer(data, closed=False)


def _complete(data: bytes) -> bool:
    """Whether the last response in `data` has all the bytes its Content-Length announced."""
    start = data.rfind(b"HTTP/1.")
    head, separator, body = data[max(start, 0) :].partition(b"\r\n\r\n")
    if start < 0 or not separator:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":", 1)[1])
    return body.endswith(b"0\r\n\r\n")


def request_bytes(
    method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """A well-formed HTTP/1.1 request; Content-Length is added when there is a body."""
    lines = {"Host": "service.example.com", **(headers or {})}
    if body:
        lines.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
