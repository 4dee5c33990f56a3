"""Reads HTTP/1.1 responses (RFC 9112), strictly, with httptools (llhttp, as in Node.js).

``Glance`` is for the usual case, a whole response in one read: the engine feeds it and looks at
three numbers. Whatever is not that plain goes to a ``Reader``, from its first byte: responses in
pieces, interim ones, HEAD, bodies that end with the connection, limits, and everything broken.
"""

from typing import Any, Final

from httptools import (
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

from senior_backend.load import causes

HEAD_END: Final = b"\r\n\r\n"


class ResponseError(Exception):
    """No response can be made of what came. ``cause`` is one of ``causes``."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Glance:
    """Tells whether what was fed is exactly one response that leaves nothing open.

    It is if ``begun`` and ``complete`` are both 1 after feeding (set both to 0 before); ``status``,
    ``keep_alive`` and ``chunked`` then describe it, and the same object takes the next response.
    After anything else, and after errors, it must be thrown away.

    It and its parser know each other: without ``discard`` only the garbage collector, which is off
    during a run, would free them. The same goes for ``Reader``.
    """

    __slots__ = ("begun", "chunked", "complete", "feed", "keep_alive", "parser", "status")

    def __init__(self) -> None:
        self.begun = 0
        self.complete = 0
        self.keep_alive = False
        self.chunked = False
        self.parser: Any = HttpResponseParser(self)
        self.feed: Any = self.parser.feed_data
        self.status: Any = self.parser.get_status_code

    def discard(self) -> None:
        """Free it; it is not used any more."""
        self.parser = self.feed = self.status = None

    def on_message_begin(self) -> None:
        """httptools: a response begins."""
        self.begun += 1

    def on_message_complete(self) -> None:
        """httptools: a response has ended."""
        self.complete += 1
        # The parser has forgotten it when feeding returns.
        self.keep_alive = self.parser.should_keep_alive()

    def on_chunk_header(self) -> None:
        """httptools: the size of a chunk was read."""
        self.chunked = True


class Reader:
    """One response, however it is cut into reads."""

    __slots__ = (
        "_body",
        "_body_limit",
        "_failure",
        "_framing",
        "_head",
        "_head_only",
        "_header_limit",
        "_headers_complete",
        "_interim",
        "_keep_alive",
        "_length_known",
        "_parser",
        "_persistent",
        "_received",
        "_trailers",
        "_wants_body",
        "_wants_headers",
        "complete",
        "headers",
        "status",
        "surplus",
    )

    def __init__(
        self,
        *,
        head_only: bool,
        header_limit: int,
        body_limit: int,
        wants_headers: bool = False,
        wants_body: bool = False,
    ) -> None:
        self._head_only = head_only
        self._header_limit = header_limit
        self._body_limit = body_limit
        self._wants_headers = wants_headers
        self._wants_body = wants_body
        self._parser: Any = HttpResponseParser(self)
        self._head = bytearray()
        self._headers_complete = False
        self._interim = 0
        self._length_known = False
        self._persistent = True
        self._framing = 0
        """Bytes read since a part of the body came: chunk extensions, trailers."""
        self._trailers = 0
        self._received = 0
        self._body: list[bytes] = []
        self.surplus = False
        self._keep_alive = False
        self._failure: str | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.complete = False

    @property
    def body(self) -> bytes:
        """What the response carried, without chunk framing; empty unless it was wanted."""
        return b"".join(self._body)

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the connection."""
        return self._keep_alive and not self.surplus

    def feed(self, data: bytes) -> bool:
        """Take what was read; True: the response is complete. Raises ResponseError."""
        if self.complete:
            self.surplus = True
            return True
        if not self._headers_complete:
            self._head += data
        self._framing += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            # 101 that nobody asked for: a response, after which this is no HTTP connection.
            self.surplus = True
        except HttpParserError:
            if self._failure is None and not self.complete:
                raise ResponseError(causes.INVALID_HTTP) from None
            self.surplus = True
        if not self.complete and self._framing > self._header_limit:
            self._failure = causes.TOO_LARGE
        if self._failure is not None:
            raise ResponseError(self._failure)
        return self.complete

    def end(self) -> bool:
        """The target closed; True: that completes the response. Raises ResponseError."""
        if not self.complete:
            if not self._headers_complete or self._length_known:
                raise ResponseError(causes.CLOSED_EARLY)
            self.complete = True
        self._keep_alive = False
        return True

    def discard(self) -> None:
        """Free the parser; nothing more will be fed."""
        self._parser = None

    # What httptools calls. An exception would only come back wrapped: failures are noted instead.

    def on_message_begin(self) -> None:
        """httptools: a response begins."""
        if self.complete:
            self.surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a field of the head, or of the trailer."""
        if self._headers_complete:
            self._trailers += len(name) + len(value) + 4
            if self._trailers > self._header_limit:
                self._failure = causes.TOO_LARGE
            return
        lowered = name.lower()
        if lowered == b"content-length":
            self._length_known = True
        elif lowered == b"transfer-encoding":
            self._length_known = value.rstrip().lower().endswith(b"chunked")
        elif lowered == b"connection" and b"close" in value.lower():
            self._persistent = False
        if self._wants_headers:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """httptools: the head has ended."""
        if self.complete:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            return
        self.status = status
        self._headers_complete = True
        self._keep_alive = self._parser.should_keep_alive()
        end = self._head_end()
        if end > self._header_limit:
            self._failure = causes.TOO_LARGE
        if self._head_only:
            # RFC 9112, 6.3: it ends here, whatever length its fields announce. The parser, which
            # does not know that, takes one that announces none to end with the connection.
            self._keep_alive |= self._persistent and self._parser.get_http_version() == "1.1"
            self.complete = True
            self.surplus = len(self._head) > end

    def on_body(self, part: bytes) -> None:
        """httptools: a part of the body."""
        if self.complete:
            return
        self._framing = 0
        self._received += len(part)
        if self._received > self._body_limit:
            self._failure = causes.TOO_LARGE
        elif self._wants_body:
            self._body.append(part)

    def on_message_complete(self) -> None:
        """httptools: a response has ended."""
        if not self._headers_complete:
            self._interim += 1
            self.headers.clear()
            self._length_known = False
        elif not self.complete:
            self.complete = True
            self._keep_alive = self._parser.should_keep_alive()

    def _head_end(self) -> int:
        """Where the body begins in what was read: after this head, and the interim ones."""
        head = self._head
        position = 0
        for _ in range(self._interim + 1):
            while head[position] in b"\r\n":
                position += 1  # Empty lines before a response, which the parser skips.
            position = head.index(HEAD_END, position) + len(HEAD_END)
        return position
