"""The loop: sends each request when it is due, whatever the target does, and counts what comes.

``Loop._run`` is the hot path. It is one function on purpose: a call for each request would cost a
tenth of the rate. It takes only what is plain (a request that fits the socket, a whole response in
one read); everything else is in the methods after it, where clarity counts.

Later steps of flows stand in ``_ready`` once their time has come; of these and the arrivals that
wait, the older goes first.
"""

import heapq
import resource
import sys
from bisect import bisect_left
from collections import deque
from ssl import SSLEOFError, SSLError, SSLSocket, SSLWantReadError, SSLWantWriteError
from time import perf_counter_ns, process_time
from typing import TYPE_CHECKING, Any, Final

from httptools import HttpParserError, HttpParserUpgrade

from senior_backend.load import causes
from senior_backend.load.engine import poller as polling
from senior_backend.load.engine.arriving import NEVER, Arriving
from senior_backend.load.engine.channel import Channel
from senior_backend.load.engine.connection import (
    CLOSED,
    IDLE,
    OPENING,
    READ_SIZE,
    READING,
    SENDING,
    WAITING,
    Connection,
    ConnectionFailedError,
    Dialer,
    words,
)
from senior_backend.load.engine.counting import Counting, count_failure
from senior_backend.load.engine.deadlines import Deadlines
from senior_backend.load.engine.messages import Done, Message, Ready
from senior_backend.load.engine.settings import SECOND, EngineSettings
from senior_backend.load.histogram import bucket
from senior_backend.load.http1 import HEAD_END, Glance, Reader, ResponseError
from senior_backend.load.plan import Plan, Response, Step, Variables
from senior_backend.load.recording import Counts, EndpointCounts

if TYPE_CHECKING:
    from senior_backend.load.arrivals import Schedule

Request = tuple[int, int, int, Step, EndpointCounts, Variables | None]
"""Intended send, actual send, arrival, step, where it counts, what its flow has captured."""

LaterStep = tuple[int, int, int, Step, Variables]
"""When it is to be sent, a number that keeps the order, arrival, step, what was captured."""

Heads = dict[int, tuple[bytes, int]]
"""Length of a whole response -> its head, and its status.

A response of the same length that begins with the same bytes is framed in the same way, so it need
not be parsed again. Servers that put a number of their own into each head never get here.
"""

_UNKNOWN: Final = (b"\0", 0)
"""No response begins like this."""
_HEADS: Final = 1024
_LEARN_NS: Final = 1_000_000
"""A head is remembered once in that time: where none ever comes again, the attempt costs little."""

_SPIN_NS: Final = 150_000
"""How long before a send a precise loop stops sleeping: more than any wake-up is late."""
_STALL_NS: Final = 5_000_000
"""A loop that looks so much later than it meant to was not let run: more than a turn takes."""
_LOOK_NS: Final = 1_000_000
"""The shortest time between two looks around."""
_DIALS_AT_ONCE: Final = 8
"""Connections begun in one turn: some 0.3 ms."""
_WARM_AT_ONCE: Final = 32
"""Connections under way at once before the start: less than the shortest listen queues."""

BLOCKED: Final = (BlockingIOError, SSLWantReadError, SSLWantWriteError)


class Loop:
    """One worker's run. ``prepare`` opens connections, ``run`` follows the schedule."""

    def __init__(
        self,
        plan: Plan,
        schedule: "Schedule",
        settings: EngineSettings,
        poller: polling.Poller,
        channel: Channel,
        *,
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        self._plan = plan
        self._schedule = schedule
        self._settings = settings
        self._poller = poller
        self._workers = workers
        self._dialer = Dialer(settings, poller)

        self._connections: list[Connection | Channel | _Nothing] = [_NOTHING] * (channel.fd + 1)
        """By descriptor."""
        self._connections[channel.fd] = channel
        self._idle: deque[Connection] = deque()
        """Those that are open and free. The one that has been so for longest goes first, so that
        all of a target's addresses, and all processes behind them, get their share."""
        self._closed_idle = False
        """Some of these are closed by now."""
        self._open = 0
        """Connections, those under way included."""
        self._connecting = 0
        self._max_open = 0
        self._refusals: deque[str] = deque()
        """Causes; each ends one request that waits for a connection, if there is one."""
        self._connection_reason: str | None = None

        self._later: list[LaterStep] = []
        """A heap: steps of flows whose time has not come."""
        self._ready: deque[LaterStep] = deque()
        self._order = 0

        self._counting = Counting(len(plan.endpoints), channel)
        self._counting.window.connect = self._dialer.connect_times
        self._counting.window.tls = self._dialer.tls_times
        self._arriving = Arriving(schedule, worker, workers)

        self._messages: deque[Message] = deque()
        self._stopped = False
        self._over = False
        self._end = 0
        """When the measured part ends."""
        self._drained = 0
        """When the run ends at the latest."""
        self._deadlines = Deadlines(
            min(
                settings.connect_timeout_ns,
                settings.tls_timeout_ns,
                *(step.timeout_ns for step in _steps(plan)),
            )
        )

    # ---------------------------------------------------------------- before the start

    def prepare(self) -> Ready:
        """Open the first connections; what cannot be opened is said, not raised.

        After the first that cannot, no more are begun: the time it takes stays that of one.
        """
        wanted = min(self._settings.warm_connections, self._settings.max_connections)
        tried = 0
        while tried < wanted or self._connecting:
            if self._refusals:
                wanted = tried
            while tried < wanted and self._connecting < _WARM_AT_ONCE:
                tried += 1
                self._dial()
            if self._connecting:
                self._attend(_LOOK_NS)
        self._refusals.clear()
        return Ready(
            open_connections=self._open,
            failed=dict(self._counting.window.connection_failures),
            reason=self._connection_reason,
        )

    def wait_for_start(self) -> int | None:
        """The moment of the start; None: the run was ended instead."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                if message[0] == "start":
                    begin: int = message[1]
                    return begin
                if message[0] in ("stop", "end"):
                    return None
                self._plan.refresh(message[1])
            self._attend(SECOND)

    def _attend(self, nanoseconds: int) -> None:
        """Handle what happens in that time, without haste."""
        for fd, _event in self._poller.wait(nanoseconds):
            self._handle(self._connections[fd])
        self._look_for_timeouts(perf_counter_ns())

    # ---------------------------------------------------------------- the run

    def run(self, begin: int) -> Done:
        """Follow the schedule from ``begin`` to its end, drain, and report."""
        start = begin + self._schedule.warm_ns
        self._end = start + self._schedule.duration_ns
        self._drained = self._end + self._settings.drain_ns
        self._counting.start(begin, start)
        self._arriving.start(begin)
        cpu = process_time()
        self._finish(self._run())
        return self.report(process_time() - cpu)

    def report(self, cpu_s: float = 0.0) -> Done:
        """How this worker fared."""
        return Done(
            cpu_s=cpu_s,
            max_rss_bytes=_max_rss(),
            opened=self._dialer.opened,
            max_open=self._max_open,
            connection_reason=self._connection_reason,
        )

    def _run(self) -> int:
        """Until the run is over; how many of the arrivals in hand were taken."""
        # Locals are found by number, attributes by name: this is a third of the rate.
        clock = perf_counter_ns
        poll, wait = self._poller.poll, self._poller.wait
        # Whatever has the state WAITING is a Connection with a request.
        connections: list[Any] = self._connections
        idle, ready, later, refusals = self._idle, self._ready, self._later, self._refusals
        take_idle, put_idle = idle.popleft, idle.append
        messages = self._messages
        counting = self._counting
        stride = self._workers
        first = self._plan.first
        in_turn = len(first)
        glance_limit = min(self._settings.header_limit, self._settings.body_limit)
        max_wait = self._settings.max_wait_ns
        precise = self._settings.precise

        heads: Heads = {}
        learn_at = 0

        due, size, base, counts, pacing = self._refill(0)
        i = 0
        wake = due[0] if size else NEVER
        look_at = 0
        looked = fell = woke = clock()

        while not self._over:
            # 1. Wait: for a response, for the next send, for the next look around.
            now = clock()
            limit = min(wake, look_at)
            if limit <= now:
                limit = looked
                events = poll()
            else:
                if not precise:
                    events = wait(limit - now)
                elif limit - now > _SPIN_NS:
                    events = wait(limit - now - _SPIN_NS)
                else:
                    events = poll()
                after = clock()
                counting.slept += after - now
                now = after
            looked = now
            if now - limit > _STALL_NS:
                if not size or due[i] > woke:  # all that the last time made late was sent
                    fell = limit
                woke = now

            # Connections that were free while the next arrivals came due: what is late on these is
            # this program's own doing.
            free = len(idle)

            # 2. Receive.
            for fd, _event in events:
                connection = connections[fd]
                if connection.state != WAITING:
                    self._handle(connection)
                    continue
                try:
                    data = connection.recv(READ_SIZE)
                except BLOCKED:
                    continue
                except OSError as error:
                    self._break(connection, error)
                    continue
                received = len(data)
                if received > glance_limit:
                    self._receive(connection, data)
                    continue
                head, status = heads.get(received, _UNKNOWN)
                if data.startswith(head):
                    now = clock()
                    keep_alive, chunked = True, False
                else:
                    glance = connection.glance
                    glance.begun = glance.complete = 0
                    glance.chunked = False
                    try:
                        glance.feed(data)
                    except (HttpParserError, HttpParserUpgrade):
                        self._receive(connection, data)
                        continue
                    status = glance.status()
                    if glance.complete != 1 or glance.begun != 1 or status < 200:
                        self._receive(connection, data)
                        continue
                    now = clock()
                    keep_alive, chunked = glance.keep_alive, glance.chunked
                    if now > learn_at and keep_alive and not chunked:
                        _learn(heads, data, status)
                        learn_at = now + _LEARN_NS
                intended, sent, arrival, step, where, variables = connection.request
                if status not in step.expected:
                    cause = causes.http_status(status)
                elif step.judge is None:
                    cause = None
                else:
                    cause = step.judge(arrival, _response(step, status, data, chunked), variables)
                where.statuses[status] += 1
                where.bytes_received += received
                if cause is None:
                    value = now - intended
                    exponent = value.bit_length() - 8
                    where.response[
                        (exponent << 7) + (value >> exponent) if exponent > 0 else value
                    ] += 1
                    value = now - sent
                    exponent = value.bit_length() - 8
                    where.service[
                        (exponent << 7) + (value >> exponent) if exponent > 0 else value
                    ] += 1
                    if step.next is not None:
                        self._follow(connection.request, now)
                else:
                    count_failure(where, cause, now - intended)
                if keep_alive:
                    connection.state = IDLE
                    put_idle(connection)
                else:
                    self._close(connection)

            # 3. Send what is due.
            while later and later[0][0] <= now:
                ready.append(heapq.heappop(later))
            if (
                refusals
                or self._closed_idle
                or (size and now - due[i] > max_wait)
                or (ready and now - ready[0][0] > max_wait)
            ):
                self._attend_to_waiting(now, i)
                due, size, base, counts, pacing = self._refill(0)
                i = 0
            while idle:
                if not size:
                    if not ready:
                        break
                    free -= 1
                    self._send_later(take_idle(), ready.popleft())
                    continue
                intended = due[i]
                if ready and ready[0][0] <= intended:
                    free -= 1
                    self._send_later(take_idle(), ready.popleft())
                    continue
                now = clock()
                if intended > now:
                    break
                arrival = base + i * stride
                step = first[arrival % in_turn]
                request = step.static
                if request is None:
                    variables = {}
                    request = step.render(arrival, variables)  # type: ignore[misc] # one is given
                    now = clock()
                elif step.judge is None:
                    variables = None
                else:
                    variables = {}
                if free > 0:
                    free -= 1
                    value = now - intended
                    exponent = value.bit_length() - 8
                    pacing[(exponent << 7) + (value >> exponent) if exponent > 0 else value] += 1
                elif fell <= intended <= woke:
                    # More came due while this program stood still than connections were free: they
                    # wait for one now, but did not until it woke.
                    pacing[bucket(woke - intended)] += 1
                connection = take_idle()
                connection.state = READING if step.head else WAITING
                connection.request = (
                    intended,
                    now,
                    arrival,
                    step,
                    counts[step.endpoint],
                    variables,
                )
                try:
                    if (count := connection.send(request)) != len(request):
                        self._send_rest(connection, request, count)
                except BLOCKED:
                    self._send_rest(connection, request, 0)
                except OSError:
                    self._fail(connection, causes.RESET)
                i += 1
                if i == size:
                    due, size, base, counts, pacing = self._refill(i)
                    i = 0

            # After the sends: a stop gives up what waits for a connection, not what could go out.
            if messages:
                self._obey(now, i)
                due, size, base, counts, pacing = self._refill(0)
                i = 0
                if self._stopped:
                    look_at = 0

            # 4. When there will be something to do.
            if not idle:
                wake = self._open_more(now, i)
            elif size:
                wake = due[i]
            else:
                wake = NEVER
            if later and later[0][0] < wake:
                wake = later[0][0]
            if look_at <= now:
                look_at = self._look_around(now, i, wake)
        return i

    # ---------------------------------------------------------------- what waits

    def _refill(self, taken: int) -> tuple[list[int], int, int, list[EndpointCounts], Counts]:
        """What comes after the first so many of the arrivals that are due, how many that are, the
        number of the first, and where they count.
        """
        arriving, counting = self._arriving, self._counting
        arriving.advance(taken)
        due = arriving.due
        if arriving.warming_up:
            return due, len(due), arriving.first, counting.thrown, counting.thrown_pacing
        return due, len(due), arriving.first, counting.measured, counting.window.pacing

    def _attend_to_waiting(self, now: int, taken: int) -> None:
        """Connections that were closed or refused, requests that waited too long.

        Takes requests that cannot be sent from the front of those that wait.
        """
        arriving, ready = self._arriving, self._ready
        arriving.advance(taken)
        self._forget_closed_idle()
        while self._refusals:
            cause = self._refusals.popleft()
            moment = arriving.moment(0)
            if ready and ready[0][0] <= moment:
                self._fail_later(ready.popleft(), cause, now)
            elif moment <= now:
                step = self._plan.first[arriving.first % len(self._plan.first)]
                where = self._counts_of(arriving.first)[step.endpoint]
                count_failure(where, cause, now - moment)
                arriving.advance(1)
        longest = now - self._settings.max_wait_ns
        while ready and ready[0][0] < longest:
            self._fail_later(ready.popleft(), causes.UNRESOLVED, now)
        while too_late := bisect_left(arriving.due, longest):
            if not arriving.warming_up:
                self._counting.dropped += too_late
            arriving.advance(too_late)

    def _obey(self, now: int, taken: int) -> None:
        """What the parent says."""
        self._arriving.advance(taken)
        while self._messages:
            message = self._messages.popleft()
            if message[0] == "token":
                self._plan.refresh(message[1])
            elif message[0] == "stop":
                self._stop(now)
            elif message[0] == "end":
                self._over = True

    def _stop(self, now: int) -> None:
        """Send nothing more. What is due and was not sent never will be."""
        if self._stopped:
            return
        self._stopped = True
        self._counting.dropped += self._arriving.come(now) - self._arriving.taken(0)
        self._arriving.stop(now)
        self._drained = min(self._drained, now + self._settings.drain_ns)
        self._later.clear()
        while self._ready:
            self._fail_later(self._ready.popleft(), causes.UNRESOLVED, now)

    def _counts_of(self, arrival: int) -> list[EndpointCounts]:
        counting = self._counting
        return counting.measured if self._arriving.is_measured(arrival) else counting.thrown

    # ---------------------------------------------------------------- sending, beside the hot path

    def _send_rest(self, connection: Connection, request: bytes, count: int) -> None:
        """The socket took only the first ``count`` bytes."""
        connection.outgoing = memoryview(request)[count:]
        connection.state = SENDING
        self._poller.change(connection.fd, writing=True)

    def _send_later(self, connection: Connection, later: LaterStep) -> None:
        """A later step of a flow; its time has come."""
        intended, _order, arrival, step, variables = later
        request = step.static
        if request is None:
            request = step.render(arrival, variables)  # type: ignore[misc] # one is given
        now = perf_counter_ns()
        where = self._counts_of(arrival)[step.endpoint]
        connection.request = (intended, now, arrival, step, where, variables)
        connection.state = READING if step.head else WAITING
        self._counting.later += self._arriving.is_measured(arrival)
        try:
            if (count := connection.send(request)) != len(request):
                self._send_rest(connection, request, count)
        except BLOCKED:
            self._send_rest(connection, request, 0)
        except OSError:
            self._fail(connection, causes.RESET)

    def _follow(self, request: Request, now: int) -> None:
        """A step of a flow succeeded: the next one is sent after the pause."""
        _intended, _sent, arrival, step, _where, variables = request
        if step.next is None or self._stopped:
            return
        self._order += 1
        later = (now + step.pause_ns, self._order, arrival, step.next, variables or {})
        if step.pause_ns:
            heapq.heappush(self._later, later)
        else:
            self._ready.append(later)

    def _fail_later(self, later: LaterStep, cause: str, now: int) -> None:
        """A later step cannot be sent: it counts like one that was sent and failed."""
        intended, _order, arrival, step, _variables = later
        self._counting.later += self._arriving.is_measured(arrival)
        count_failure(self._counts_of(arrival)[step.endpoint], cause, now - intended)

    # ---------------------------------------------------------------- receiving, likewise

    def _handle(self, connection: "Connection | Channel | _Nothing") -> None:
        """Something happened on what is not waiting for a plain response."""
        if isinstance(connection, Channel):
            self._messages.extend(connection.ready())
        elif isinstance(connection, Connection):
            state = connection.state
            if state == OPENING:
                self._go_on_opening(connection)
            elif state == IDLE:
                self._idle_event(connection)
            else:
                if state == SENDING:
                    self._go_on_sending(connection)
                self._read(connection)

    def _idle_event(self, connection: Connection) -> None:
        """The target closed a connection that was not in use, which is its right; or spoke
        without having been asked, after which the connection cannot be trusted.
        """
        try:
            data = connection.recv(READ_SIZE)
        except BLOCKED:
            return  # TLS: a session ticket, say.
        except OSError as error:
            self._note_alert(connection, error)
            data = b""
        if not data:
            keep_alive, now = self._dialer.keep_alive, perf_counter_ns()
            if keep_alive.learn(now - connection.used_at, now):
                self._deadlines.tighten(keep_alive.limit_ns)
        if not data or data.strip(b"\r\n"):
            self._close(connection)
            self._closed_idle = True

    def _forget_closed_idle(self) -> None:
        """Once for all that closed in this turn: a restarted server closes thousands at once."""
        if self._closed_idle:
            still = [connection for connection in self._idle if connection.state == IDLE]
            self._idle.clear()
            self._idle.extend(still)
            self._closed_idle = False

    def _go_on_sending(self, connection: Connection) -> None:
        try:
            count = connection.send(connection.outgoing)
        except SSLWantReadError:
            self._poller.change(connection.fd, writing=False)
            return
        except BLOCKED:
            self._poller.change(connection.fd, writing=True)
            return
        except OSError:
            # It may have answered before it stopped listening: 413, say.
            self._sent(connection)
            return
        connection.outgoing = connection.outgoing[count:]
        if not connection.outgoing:
            self._sent(connection)
            connection.state = READING

    def _sent(self, connection: Connection) -> None:
        connection.outgoing = _NOTHING_TO_SEND
        self._poller.change(connection.fd, writing=False)

    def _read(self, connection: Connection) -> None:
        """Read more of a response."""
        try:
            data = connection.recv(READ_SIZE)
            self._receive(connection, data)
            sock = connection.sock
            # What the TLS layer has read already, the poller knows nothing of.
            while data and isinstance(sock, SSLSocket) and connection.reader and sock.pending():
                data = connection.recv(READ_SIZE)
                self._receive(connection, data)
        except BLOCKED:
            return
        except OSError as error:
            self._break(connection, error)

    def _break(self, connection: Connection, error: OSError) -> None:
        """The connection broke while a response was expected."""
        if self._note_alert(connection, error):
            self._fail(connection, causes.TLS_FAILED)
        elif connection.state == READING and connection.reader is not None:
            # A body that ends with the connection ends with its close, not with its failure
            # (RFC 9112, 8).
            self._fail(connection, causes.CLOSED_EARLY)
        else:
            self._receive(connection, b"")

    def _note_alert(self, connection: Connection, error: OSError) -> bool:
        """Whether it was the TLS layer. TLS 1.3 refuses a client's certificate only after the
        handshake has ended for the client (RFC 8446, 4.4.2.4).
        """
        if not isinstance(error, SSLError) or isinstance(error, SSLEOFError):
            return False
        self._counting.window.connection_failures[causes.TLS_FAILED] += 1
        self._connection_reason = words(error)
        return True

    def _receive(self, connection: Connection, data: bytes) -> None:
        """A part of a response, or nothing: the other side has closed."""
        reader = connection.reader
        if reader is None:
            step = connection.request[3]
            reader = connection.reader = Reader(
                head_only=step.head,
                header_limit=self._settings.header_limit,
                body_limit=self._settings.body_limit,
                wants_headers=step.wants_headers,
                wants_body=step.wants_body,
            )
            connection.received = 0
            if connection.state == WAITING:
                connection.state = READING
        connection.received += len(data)
        try:
            complete = reader.feed(data) if data else reader.end()
        except ResponseError as error:
            self._fail(connection, error.cause if connection.received else causes.RESET)
            return
        if complete:
            self._complete(connection, reader)

    def _complete(self, connection: Connection, reader: Reader) -> None:
        now = perf_counter_ns()
        intended, sent, arrival, step, where, variables = connection.request
        cause = None
        if reader.status not in step.expected:
            cause = causes.http_status(reader.status)
        elif step.judge is not None:
            response = Response(reader.status, reader.headers, reader.body)
            cause = step.judge(arrival, response, {} if variables is None else variables)
        where.statuses[reader.status] += 1
        where.bytes_received += connection.received
        if cause is None:
            where.response[bucket(now - intended)] += 1
            where.service[bucket(now - sent)] += 1
            self._follow(connection.request, now)
        else:
            count_failure(where, cause, now - intended)
        reader.discard()
        if reader.reusable and connection.state == READING:
            connection.state = IDLE
            connection.reader = None
            connection.glance.discard()
            connection.glance = Glance()
            self._idle.append(connection)
        else:
            self._close(connection)

    def _fail(self, connection: Connection, cause: str) -> None:
        """No response came of the request, and none can come any more."""
        intended, _sent, _arrival, _step, where, _variables = connection.request
        count_failure(where, cause, perf_counter_ns() - intended)
        if connection.reader is not None:
            where.bytes_received += connection.received
        self._close(connection)

    # ---------------------------------------------------------------- connections

    def _open_more(self, now: int, i: int) -> int:
        """No connection is free: open as many as requests wait, within the limit.

        The moment when one more will be needed, or when the oldest request has waited too long.
        """
        arriving, ready = self._arriving, self._ready
        oldest = min(arriving.moment(i), ready[0][0] if ready else NEVER)
        too_late = oldest + self._settings.max_wait_ns
        for _ in range(_DIALS_AT_ONCE):
            if self._open >= self._settings.max_connections:
                return too_late
            place = i + self._connecting - len(ready)
            if place >= i:
                moment = arriving.moment(place)
                if moment > now:
                    return min(moment, too_late)
            self._dial()
            if self._refusals:
                break
        return now

    def _dial(self) -> None:
        try:
            connection = self._dialer.dial()
        except ConnectionFailedError as error:
            self._refuse(error)
            return
        table = self._connections
        if connection.fd >= len(table):
            table.extend([_NOTHING] * (connection.fd + 1 - len(table)))
        table[connection.fd] = connection
        self._connecting += 1
        self._open += 1
        self._max_open = max(self._max_open, self._open)

    def _go_on_opening(self, connection: Connection) -> None:
        try:
            if self._dialer.advance(connection):
                self._connecting -= 1
                self._idle.append(connection)
        except ConnectionFailedError as error:
            self._give_up_opening(connection, error)

    def _give_up_opening(self, connection: Connection, error: ConnectionFailedError) -> None:
        self._connecting -= 1
        self._close(connection)
        self._refuse(error)

    def _refuse(self, error: ConnectionFailedError) -> None:
        self._counting.window.connection_failures[error.cause] += 1
        self._connection_reason = error.reason
        self._refusals.append(error.cause)

    def _close(self, connection: Connection) -> None:
        self._connections[connection.fd] = _NOTHING
        self._open -= 1
        connection.close()

    # ---------------------------------------------------------------- once in a while

    def _look_around(self, now: int, i: int, wake: int) -> int:
        """Timeouts, the window, the end; when to look again."""
        counting = self._counting
        again = self._look_for_timeouts(now)
        if counting.has_more:
            counting.send_part()
            again = min(again, now + _LOOK_NS)
        if now < counting.rotate_at:
            again = min(again, counting.rotate_at)
        elif counting.may_rotate(now, wake):
            self._rotate(now, i)
            again = min(again, counting.rotate_at)
        else:
            again = min(again, wake)
        if not self._stopped and now < self._end:
            return min(again, self._end)
        waits = self._arriving.moment(i) < NEVER or self._ready or self._later
        if now >= self._drained or not (waits or self._in_flight):
            self._over = True
        return min(again, now + _LOOK_NS)

    def _look_for_timeouts(self, now: int) -> int:
        again = self._deadlines.look(self._connections, now, self._expire)
        self._forget_closed_idle()
        return again

    def _expire(self, connection: "Connection | Channel | _Nothing") -> None:
        if not isinstance(connection, Connection):
            return
        if connection.state == OPENING:
            self._give_up_opening(connection, self._dialer.too_late(connection))
        elif connection.state == IDLE:
            self._close(connection)
            self._closed_idle = True
        else:
            self._fail(connection, causes.TIMEOUT)

    @property
    def _in_flight(self) -> int:
        """Requests without their response."""
        return self._open - self._connecting - len(self._idle)

    def _rotate(self, now: int, i: int) -> None:
        self._counting.rotate(
            now,
            come=self._arriving.come(now),
            taken=self._arriving.taken(i),
            waiting=len(self._ready),
            open_connections=self._open - self._connecting,
            in_flight=self._in_flight,
        )

    def _finish(self, i: int) -> None:
        """Count what did not end, and send the last window."""
        now = perf_counter_ns()
        self._arriving.advance(i)
        self._stop(now)
        for connection in self._connections:
            if isinstance(connection, Connection):
                if connection.state in (WAITING, READING, SENDING):
                    self._fail(connection, causes.UNRESOLVED)
                else:
                    connection.close()
        counting = self._counting
        if counting.window.index < 0 and now >= counting.rotate_at:
            self._rotate(now, 0)
        self._rotate(now, 0)
        counting.finish()


class _Nothing:
    """Stands in the table of connections where there is none."""

    state = CLOSED

    def awaited_by(self) -> int:
        """Never."""
        return NEVER


_NOTHING: Final = _Nothing()
_NOTHING_TO_SEND: Final = memoryview(b"")


def _learn(heads: Heads, data: bytes, status: int) -> None:
    """Remember the head of a response that came whole, was understood and is not chunked."""
    if not data.startswith(b"HTTP/"):
        return  # Empty lines before it.
    if len(heads) >= _HEADS:
        heads.clear()
    heads[len(data)] = data[: data.index(HEAD_END) + len(HEAD_END)], status


def _response(step: Step, status: int, data: bytes, chunked: bool) -> Response:
    """What ``step`` asked for of a response that came whole."""
    if not step.wants_headers and not chunked and data.startswith(b"HTTP/"):
        return Response(
            status, [], data[data.find(HEAD_END) + len(HEAD_END) :] if step.wants_body else b""
        )
    reader = Reader(
        head_only=False,
        header_limit=len(data),
        body_limit=len(data),
        wants_headers=step.wants_headers,
        wants_body=step.wants_body,
    )
    reader.feed(data)
    reader.discard()
    return Response(status, reader.headers, reader.body)


def _steps(plan: Plan) -> list[Step]:
    """Every step there is."""
    steps: dict[int, Step] = {}
    for first in plan.first:
        step: Step | None = first
        while step is not None and id(step) not in steps:
            steps[id(step)] = step
            step = step.next
    return list(steps.values())


def _max_rss() -> int:
    """In bytes; Linux counts in KiB, macOS in bytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024
