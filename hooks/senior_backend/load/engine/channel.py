"""The worker's end of the line to the process that started it. Nothing here ever waits."""

import socket
from time import perf_counter_ns
from typing import Any, Final

from senior_backend.load.engine.arriving import NEVER
from senior_backend.load.engine.connection import CHANNEL
from senior_backend.load.engine.messages import Decoder, Message, encode
from senior_backend.load.engine.poller import Poller

_LAST_WORDS_NS: Final = 10_000_000_000


class ParentGoneError(Exception):
    """Nobody listens any more: the worker ends."""


class Channel:
    """Messages both ways over a socket that is watched with the connections."""

    __slots__ = ("_decoder", "_outbox", "_poller", "_socket", "fd", "state")

    def __init__(self, sock: socket.socket, poller: Poller) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._poller = poller
        self._decoder = Decoder()
        self._outbox = bytearray()
        self.fd = sock.fileno()
        self.state = CHANNEL
        """Tells it from connections, among which the loop finds it."""
        poller.add(self.fd)

    def awaited_by(self) -> int:
        """Never: a message may take as long as it likes."""
        return NEVER

    def send(self, *message: Any) -> None:  # noqa: ANN401 - any message
        """Send at once what the socket takes, and the rest when there is room."""
        if not self._outbox:
            self._outbox += encode(*message)
            self._write()
            if self._outbox:
                self._poller.change(self.fd, writing=True)
        else:
            self._outbox += encode(*message)

    def ready(self) -> list[Message]:
        """Go on writing, and read: the messages that came. Raises ParentGoneError at the end."""
        if self._outbox:
            self._write()
            if not self._outbox:
                self._poller.change(self.fd, writing=False)
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return []
        except OSError:
            raise ParentGoneError from None
        if not data:
            raise ParentGoneError
        return self._decoder.feed(data)

    def flush(self) -> None:
        """Wait until all is written, at the end of a run; give up after a while."""
        deadline = perf_counter_ns() + _LAST_WORDS_NS
        while self._outbox and perf_counter_ns() < deadline:
            for fd, _event in self._poller.wait(max(0, deadline - perf_counter_ns())):
                if fd == self.fd:
                    self.ready()

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._outbox)
        except BlockingIOError:
            return
        except OSError:
            raise ParentGoneError from None
        del self._outbox[:sent]
