"""The session that runs a migration: statements are sent, and waited for with a deadline.

Nothing here blocks for good: whoever waits can look at the server from another session meanwhile,
and what does not end is cancelled, then its session is ended.
"""

import contextlib
import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from senior_backend.errors import NotRunError

_GRACE_S: Final = 2.0
"""For a statement to end after it was cancelled; then its session is ended."""
_END_MS: Final = 5000
"""For a session to be gone after it was ended."""
_CONNECT_S: Final = 10
_ASK_S: Final = 10.0
_AT_A_TIME: Final = 2000
"""Rows that are taken before somebody looks at the clock."""
_MOST_MESSAGES: Final = 20_000
"""Of one statement: a loop may raise any number of notices."""
_CHUNK: Final = 1 << 20
"""Bytes of rows that are sent at once."""
_CANCELLED: Final = "57014"
_LONGEST_ERROR: Final = 400


Rows = list[tuple[str | None, ...]]
"""Of a result, as text."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a message to the server ended; ``rows`` were changed or returned."""

    error: str | None = None
    sqlstate: str | None = None
    rows: int | None = None
    duration_ms: float = 0.0


def connect(url: str, options: Mapping[str, str]) -> "psycopg.Connection[Any]":
    """A connection in autocommit, with settings that hold from its start (and after RESET ALL).

    Raises:
        NotRunError: the server does not answer.
    """
    try:
        given = conninfo_to_dict(url).get("options")
        ours = " ".join(f"-c {name}={_escaped(value)}" for name, value in options.items())
        info = make_conninfo(
            url,
            options=f"{given} {ours}" if given else ours,
            connect_timeout=_CONNECT_S,
        )
        return psycopg.connect(info, autocommit=True)
    except psycopg.Error as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = reason.rpartition("failed: ")[2].removeprefix("FATAL:").strip()
        raise NotRunError(f"cannot connect to the database of the trace: {reason}") from None


def _escaped(value: str) -> str:
    """As one word of libpq's ``options``."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


class Runner:
    """One session. A statement at a time: ``send``, then ``poll`` until it has ended."""

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        """Connect.

        Raises:
            NotRunError: the server does not answer.
        """
        self._url = url
        self._connection = connect(url, options)
        self._server = self._connection.pgconn
        self._connection.add_notice_handler(self._note)
        self._results: list[Outcome] = []
        self._rows: Rows | None = None
        """Where rows are kept; None: they are counted by the server only, however many come."""
        self._sent_rows: bytes | None = None
        """Of COPY FROM STDIN, until it asks for them."""
        self._copies = False
        """Rows of COPY TO STDOUT are coming."""
        self._more = False
        """Not all of what has come was taken."""
        self._sent_at = 0.0
        self.pid = self._connection.info.backend_pid
        self.major = self._connection.info.server_version // 10_000
        self.messages: list[str] = []
        """What the server said since somebody emptied it."""

    @property
    def is_alive(self) -> bool:
        """Whether the session still exists, as far as is known."""
        return self._server.status == pq.ConnStatus.OK

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open."""
        return self._server.transaction_status == pq.TransactionStatus.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether a transaction is open in which a statement has failed."""
        return self._server.transaction_status == pq.TransactionStatus.INERROR

    def send(self, message: bytes, rows: bytes | None = None) -> None:
        """Begin with a message: one statement, or several in one implicit transaction.

        ``rows`` are those of COPY FROM STDIN.
        """
        self._results.clear()
        self._sent_rows = rows
        self._copies = False
        self._sent_at = time.perf_counter()
        try:
            self._server.send_query(message)
            self._server.set_single_row_mode()
        except psycopg.Error as error:
            self._results.append(self._lost(error))

    def poll(self, seconds: float) -> Outcome | None:
        """Wait that long at most for the end of what was sent; None: it goes on."""
        until = time.perf_counter() + seconds
        while True:
            try:
                if self._advance():
                    return self._outcome()
                left = until - time.perf_counter()
                if left <= 0:
                    return None
                self._wait(left)
            except (psycopg.Error, OSError, ValueError) as error:
                self._results.append(self._lost(error))
                return self._outcome()

    def run(self, message: bytes, limit_s: float, rows: bytes | None = None) -> Outcome:
        """Send and wait; what does not end in ``limit_s`` is cancelled and is an error."""
        self.send(message, rows)
        return self.poll(limit_s) or self.give_up(limit_s)

    def ask(self, query: str) -> Rows:
        """The rows of a query of ours; none where it fails."""
        self._rows = []
        try:
            self.run(query.encode(), _ASK_S)
            return self._rows
        finally:
            self._rows = None

    def give_up(self, limit_s: float) -> Outcome:
        """Cancel what runs; end the session where that does not help."""
        error = f"it did not end in {limit_s:g} s and was cancelled"
        with contextlib.suppress(psycopg.Error):
            self._server.get_cancel().cancel()
        ended = self.poll(_GRACE_S)
        if ended is None:
            self._end_session()
            error = f"it did not end in {limit_s:g} s, nor when it was cancelled"
        elif ended.error is None:
            return ended
        return Outcome(error, _CANCELLED, duration_ms=self._elapsed_ms())

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._connection.close()

    def _end_session(self) -> None:
        """At the server: it does not notice that nobody waits for a statement any more."""
        with contextlib.suppress(psycopg.Error, NotRunError), connect(self._url, {}) as other:
            other.execute("select pg_terminate_backend(%s, %s)", (self.pid, _END_MS))
        self.close()

    def _advance(self) -> bool:
        """Take a good part of what has come; whether all of it has ended."""
        server = self._server
        if self._results and not self.is_alive:
            return True
        server.consume_input()
        for _ in range(_AT_A_TIME):
            if self._copies:
                size, _data = server.get_copy_data(1)
                if not size:
                    return False
                self._copies = size > 0
            elif server.is_busy():
                return False
            else:
                result = server.get_result()
                if result is None:
                    return True
                self._take(result)
        self._more = True
        return False

    def _take(self, result: Any) -> None:  # noqa: ANN401 - PGresult in one of two builds
        status = result.status
        if status == pq.ExecStatus.COPY_IN:
            self._copy_in()
        elif status == pq.ExecStatus.COPY_OUT:
            self._copies = True
        elif status == pq.ExecStatus.FATAL_ERROR:
            self._results.append(_refused(result, self._elapsed_ms()))
        elif status == pq.ExecStatus.SINGLE_TUPLE:
            if self._rows is not None:
                columns = range(result.nfields)
                self._rows.append(tuple(_text(result.get_value(0, column)) for column in columns))
        else:
            rows = result.command_tuples
            self._results.append(Outcome(rows=rows, duration_ms=self._elapsed_ms()))

    def _copy_in(self) -> None:
        rows, self._sent_rows = self._sent_rows, None
        if rows is None:
            self._server.put_copy_end(b"no rows are here to be copied")
            return
        for at in range(0, len(rows), _CHUNK):
            self._server.put_copy_data(rows[at : at + _CHUNK])
        self._server.put_copy_end()

    def _outcome(self) -> Outcome:
        failed = next((one for one in self._results if one.error is not None), None)
        return failed or (self._results[-1] if self._results else Outcome())

    def _lost(self, error: Exception) -> Outcome:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        self.close()
        return Outcome(f"the session ended: {first}", "08006", duration_ms=self._elapsed_ms())

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self._sent_at) * 1000

    def _wait(self, seconds: float) -> None:
        """Until there is something to take, or room for the rest of a long message."""
        if self._more:
            self._more = False
            return
        events = select.POLLIN
        if self._server.flush():
            events |= select.POLLOUT
        poller = select.poll()
        poller.register(self._server.socket, events)
        poller.poll(max(1, round(seconds * 1000)))

    def _note(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        message = diagnostic.message_primary or ""
        if "pg_toast" not in message and len(self.messages) < _MOST_MESSAGES:
            self.messages.append(message)


def _refused(result: Any, duration_ms: float) -> Outcome:  # noqa: ANN401
    fields: Sequence[bytes | None] = [
        result.error_field(field)
        for field in (pq.DiagnosticField.MESSAGE_PRIMARY, pq.DiagnosticField.SQLSTATE)
    ]
    message, state = [(field or b"").decode("utf-8", "replace") for field in fields]
    if not message:
        message = result.error_message.decode("utf-8", "replace")
    message = " ".join(message.split()) or "the server refused it"
    if len(message) > _LONGEST_ERROR:
        message = f"{message[: _LONGEST_ERROR - 1]}…"
    return Outcome(message, state or None, duration_ms=duration_ms)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
