"""Servers on loopback sockets that do as a test says, also what no real server would."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """One connection, seen from the server."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        """How many connections came before it."""
        self._read = bytearray()

    def request(self) -> bytes:
        """The next whole request; empty at the end."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return b""
        end = self._read.index(b"\r\n\r\n") + 4
        for line in self._read[:end].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                end += int(value)
        while len(self._read) < end:
            if not self._more():
                return b""
        request = bytes(self._read[:end])
        del self._read[:end]
        return request

    def _more(self) -> bool:
        try:
            data = self.sock.recv(1 << 16)
        except OSError:
            return False
        self._read += data
        return bool(data)

    def send(self, *parts: bytes) -> None:
        """Each part in a packet of its own, as far as that can be had."""
        for part in parts:
            with contextlib.suppress(OSError):
                self.sock.sendall(part)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self) -> None:
        """Close without a farewell: the other side gets RST."""
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        self.sock.close()


Behaviour = Callable[[Peer], None]
"""What to do with a connection; it is closed after it."""


def always(*parts: bytes) -> Behaviour:
    """Answer each request with the same bytes."""

    def behave(peer: Peer) -> None:
        while peer.request():
            peer.send(*parts)

    return behave


@dataclass
class Server:
    """Where it listens, and what it saw."""

    family: int
    address: tuple[object, ...]
    connections: int = 0
    failures: list[str] = field(default_factory=list)
    """Connections that did not get through the TLS handshake."""

    @property
    def port(self) -> int:
        port = self.address[1]
        assert isinstance(port, int)
        return port


@contextlib.contextmanager
def serve(
    behave: Behaviour,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    family: int = socket.AF_INET,
    receive_buffer: int | None = None,
) -> Iterator[Server]:
    """A server with a thread for each connection; everything is closed at the end."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if receive_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    listener.bind((host, 0))
    listener.listen(512)
    server = Server(family, listener.getsockname())
    peers: list[Peer] = []

    def attend(sock: socket.socket, number: int) -> None:
        if tls is not None:
            try:
                sock = tls.wrap_socket(sock, server_side=True)
            except OSError as error:
                server.failures.append(str(error))
                sock.close()
                return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(sock, number)
        peers.append(peer)
        with contextlib.suppress(OSError):
            behave(peer)
        peer.close()

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            number = server.connections
            server.connections += 1
            threading.Thread(target=attend, args=(sock, number), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for peer in peers:
            peer.close()
