"""When requests are sent, what they are counted as, and that every arrival is accounted for."""

import gc
import resource
import socket
import threading
import time
from collections.abc import Callable

import pytest

from senior_backend.load import causes
from senior_backend.load.arrivals import SECOND, constant, schedule
from senior_backend.load.engine.arriving import NEVER
from senior_backend.load.engine.connection import WAITING, Connection, KeepAlive
from senior_backend.load.plan import Response, Step, Variables
from senior_backend.load.recording import EndpointCounts
from tests.load.engine.driver import (
    GET,
    HEAD,
    MS,
    Outcome,
    arrivals,
    drive,
    plan,
    settings,
    step,
)
from tests.load.engine.servers import OK, Peer, always, serve


def accounts_balance(outcome: Outcome) -> None:
    """Nothing is lost, whatever happened: what every run must fulfil."""
    ended = outcome.succeeded + sum(outcome.failures.values())
    assert outcome.total("due") == outcome.total("started") + outcome.total("dropped")
    assert outcome.total("sent") == ended
    assert outcome.windows[-1].backlog == 0
    assert outcome.windows[-1].in_flight == 0
    indexes = [window.index for window in outcome.windows]
    assert indexes == sorted(indexes)


# -- the schedule ---------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_all_workers_together_send_every_arrival_once(workers: int) -> None:
    sent: list[int] = []

    def render(arrival: int, _variables: Variables) -> bytes:
        sent.append(arrival)
        return GET

    with serve(always(OK)) as server:
        outcomes = [
            drive(
                plan(step(None, render=render)),
                arrivals(100, 0.2),
                settings(server),
                worker=worker,
                workers=workers,
            )
            for worker in range(workers)
        ]
    assert sorted(sent) == list(range(100))
    assert sum(outcome.succeeded for outcome in outcomes) == 100
    for outcome in outcomes:
        accounts_balance(outcome)


def test_endpoints_are_taken_in_the_order_of_the_plan() -> None:
    steps = [step(endpoint=0), step(endpoint=1), step(endpoint=0), step(endpoint=2)]
    with serve(always(OK)) as server:
        outcome = drive(plan(*steps), arrivals(40, 0.2), settings(server))
    assert [outcome.merged("response", number).count for number in range(3)] == [20, 10, 10]


def test_nothing_is_sent_before_it_is_due() -> None:
    received: list[int] = []

    def note(peer: Peer) -> None:
        while peer.request():
            received.append(time.perf_counter_ns())
            peer.send(OK)

    planned = arrivals(20, 0.4)
    with serve(note) as server:
        outcome = drive(plan(), planned, settings(server))
    assert len(received) == 20
    for arrival, moment in enumerate(received):
        assert moment >= outcome.begin + planned.due(arrival)


def test_a_precise_run_counts_the_same() -> None:
    with serve(always(OK)) as server:
        outcome = drive(plan(), arrivals(50, 0.3), settings(server, precise=True))
    accounts_balance(outcome)
    assert outcome.succeeded == 50


def test_the_warm_up_is_in_no_count() -> None:
    requests: list[bytes] = []

    def note(peer: Peer) -> None:
        while request := peer.request():
            requests.append(request)
            peer.send(OK)

    with serve(note) as server:
        outcome = drive(plan(), arrivals(20, 0.2, warm=0.3), settings(server))
    assert len(requests) == 50
    assert outcome.succeeded == outcome.total("due") == outcome.total("sent") == 20
    # It has windows of its own, for its connections.
    assert outcome.windows[0].index == -1
    assert outcome.merged("connect").count == outcome.done.opened
    accounts_balance(outcome)


def test_a_warm_up_that_still_runs_at_the_start_counts_nowhere() -> None:
    def slow(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.15)
            peer.send(OK.replace(b"200", b"500"))

    with serve(slow) as server:
        outcome = drive(plan(), arrivals(2, 0.2, warm=0.2), settings(server))
    assert outcome.failures == {"http 500": 2}
    accounts_balance(outcome)


def test_windows_are_a_second_each_and_add_up() -> None:
    with serve(always(OK)) as server:
        outcome = drive(plan(), arrivals(120, 1.2), settings(server))
    assert [window.index for window in outcome.windows] == [-1, 0, 1]
    assert sum(w.length_ns for w in outcome.windows if w.index >= 0) >= 1.19 * SECOND
    assert all(w.slept_ns <= w.length_ns for w in outcome.windows)
    assert outcome.succeeded == outcome.total("due") == 120
    first = outcome.windows[1]
    assert first.due == pytest.approx(first.length_ns * 100 / SECOND, abs=2)
    accounts_balance(outcome)


def test_windows_of_very_many_endpoints_come_in_parts_and_lose_nothing() -> None:
    names = [f"endpoint {number}" for number in range(200)]
    steps = [step(endpoint=number) for number in range(200)]
    with serve(always(OK)) as server:
        outcome = drive(plan(*steps, endpoints=names), arrivals(1200, 0.8), settings(server))
    assert [outcome.merged("response", number).count for number in range(200)] == [6] * 200
    assert max(len(window.endpoints) for window in outcome.windows) <= 16
    assert outcome.merged("connect").count == outcome.done.opened
    accounts_balance(outcome)


# -- two clocks -----------------------------------------------------------------------------------


def test_a_pause_of_the_target_is_in_the_response_time_of_every_arrival_it_made_wait() -> None:
    """A server that answers nothing for a while delays each arrival of that while by what was left
    of it. When it answered is the truth; with two connections, service time hardly sees it.
    """
    pause, count = 0.6, 600
    planned = arrivals(count, 2.4)
    answered: list[int] = []
    frozen = threading.Lock()
    opened = threading.Event()

    def answer(peer: Peer) -> None:
        while peer.request():
            opened.set()
            with frozen:
                answered.append(time.perf_counter_ns())
                peer.send(OK)

    def freeze() -> None:
        opened.wait(10)
        time.sleep(0.6)
        with frozen:
            time.sleep(pause)

    with serve(answer) as server:
        thread = threading.Thread(target=freeze)
        thread.start()
        outcome = drive(plan(), planned, settings(server, max_connections=2))
        thread.join()
    waited = sorted(
        moment - outcome.begin - planned.due(arrival)
        for arrival, moment in enumerate(sorted(answered))
    )
    response, service = outcome.merged("response"), outcome.merged("service")
    for percent in (50.0, 90.0, 95.0, 99.0):
        truth = waited[int(count * percent / 100)]
        assert response.percentile(percent) == pytest.approx(truth, rel=0.03, abs=100 * MS)
    assert response.percentile(95) > 300 * MS
    assert service.percentile(95) < response.percentile(95) / 2
    assert outcome.succeeded == count
    accounts_balance(outcome)


def test_waiting_for_a_connection_is_no_pacing_error() -> None:
    def slow(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.05)
            peer.send(OK)

    with serve(slow) as server:
        outcome = drive(
            plan(), arrivals(10, 0.05), settings(server, max_connections=1, warm_connections=1)
        )
    assert outcome.merged("response").percentile(100) > 0.4 * SECOND
    assert outcome.merged("pacing").count == 1
    accounts_balance(outcome)


# -- connections ----------------------------------------------------------------------------------


def test_connections_are_opened_before_the_start() -> None:
    with serve(always(OK)) as server:
        outcome = drive(plan(), arrivals(5, 0.1), settings(server, warm_connections=7))
        assert server.connections == 7
    assert outcome.ready.open_connections == 7
    assert outcome.done.opened == 7
    # Those that were free for longest go first: all of them are used.
    assert outcome.merged("pacing").count == 5


def test_how_long_the_target_keeps_idle_connections_is_learnt_from_those_it_closes() -> None:
    """From then on they are given up a little earlier: a request that is sent at the very moment
    of the close would fail, and with connections used in turn at a steady rate, all might.
    """
    ends: list[str] = []

    def impatient(peer: Peer) -> None:
        peer.sock.settimeout(0.8)
        try:
            while b"\r\n\r\n" in peer.sock.recv(1000):
                peer.send(OK)
            ends.append("the client's")
        except TimeoutError:
            ends.append("the server's")

    with serve(impatient) as server:
        outcome = drive(plan(), arrivals(4, 4.0), settings(server, warm_connections=6))
    assert outcome.failures == {}
    assert outcome.succeeded == 4
    assert "the server's" in ends
    assert "the client's" in ends


MOMENTS: dict[str, tuple[list[tuple[float, float]], float | None]] = {
    # name: (for how long each was idle, and when it was closed), what was learnt; in seconds
    "the first": ([(5, 5)], None),
    "two in turn": ([(5, 5), (5.2, 10)], 3.75),
    "those opened at once, and one more": ([(5, 5), (5, 5.01), (5, 5.02), (5, 7)], 3.75),
    "a restart": ([(0.6, 9), (0.7, 9.01), (0.8, 9.02), (1.5, 9.03), (1.6, 9.1)], None),
    "two restarts": ([(2, 9), (7, 30)], None),
    "a restart, then idle ones": ([(0.6, 9), (5, 20), (5, 25)], 3.75),
    "what answers and closes": ([(0.1, 1), (0.1, 2), (0.1, 3)], None),
}


@pytest.mark.parametrize("case", MOMENTS)
def test_a_restart_of_the_target_says_nothing_of_how_long_it_keeps_connections(case: str) -> None:
    """All later requests of a slow run would wait for a new connection."""
    closed, learnt = MOMENTS[case]
    keep_alive = KeepAlive()
    for idle, moment in closed:
        keep_alive.learn(int(idle * SECOND), int(moment * SECOND))
    assert keep_alive.limit_ns == (NEVER if learnt is None else int(learnt * SECOND))


def test_a_connection_given_up_in_the_drain_is_not_taken_for_the_end_of_a_request() -> None:
    def behave(peer: Peer) -> None:
        peer.request()
        time.sleep((0.0, 0.0, 0.1, 1.5)[peer.number])
        peer.send(OK)
        if peer.number < 2:
            time.sleep(0.8)  # Then it closes: idle connections last as long.
        else:
            peer.request()

    late = (*constant(1, 2 * SECOND), *constant(20, 100 * MS))
    with serve(behave) as server:
        outcome = drive(plan(), schedule(late), settings(server))
    assert outcome.total("sent") == outcome.succeeded == 4
    accounts_balance(outcome)


def test_a_connection_that_has_closed_is_not_closed_again() -> None:
    """A pass over very many takes several turns, in which some of them close by themselves."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, 0, 0, KeepAlive())
        connection.state = WAITING
        connection.request = (0, 0, 0, step(timeout_ns=MS), EndpointCounts(), None)
        assert connection.awaited_by() == MS
        connection.close()
        assert connection.awaited_by() == NEVER


def test_no_more_connections_than_allowed() -> None:
    def slow(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.02)
            peer.send(OK)

    with serve(slow) as server:
        outcome = drive(plan(), arrivals(60, 0.1), settings(server, max_connections=3))
        assert server.connections == 3
    assert outcome.done.max_open == 3
    assert outcome.succeeded == 60
    accounts_balance(outcome)


def test_no_more_connections_than_requests_that_wait() -> None:
    with serve(always(OK)) as server:
        outcome = drive(plan(), arrivals(20, 0.001), settings(server, max_connections=100))
    assert 1 <= outcome.done.opened <= 20


def test_addresses_are_used_in_turn() -> None:
    with serve(always(OK)) as one, serve(always(OK)) as two:
        outcome = drive(
            plan(),
            arrivals(30, 0.2),
            settings(
                one,
                addresses=((one.family, one.address), (two.family, two.address)),
                warm_connections=6,
                max_connections=6,
            ),
        )
        assert (one.connections, two.connections) == (3, 3)
    assert outcome.succeeded == 30


def test_connections_that_cannot_be_opened_before_the_start_are_said() -> None:
    with serve(always(OK)) as server:
        pass
    outcome = drive(plan(), arrivals(1, 0.1), settings(server, warm_connections=4))
    assert outcome.ready.open_connections == 0
    assert set(outcome.ready.failed) == {causes.CONNECT_REFUSED}
    assert outcome.ready.reason == "Connection refused"


def test_a_machine_that_has_no_descriptor_left_is_not_called_a_target_that_refuses() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serve(always(OK)) as server, socket.create_server(("127.0.0.1", 0), backlog=100) as deaf:
        given = settings(
            server,
            addresses=((socket.AF_INET, deaf.getsockname()),),
            max_connections=100,
            drain_ns=100 * MS,
        )
        resource.setrlimit(resource.RLIMIT_NOFILE, (deaf.fileno() + 20, hard))
        try:
            outcome = drive(plan(), arrivals(60, 0.3), given)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(outcome.refused) == {causes.NO_LOCAL_PORT}
    assert outcome.failures[causes.NO_LOCAL_PORT] > 0
    accounts_balance(outcome)


def test_a_thousand_silent_connections_time_out_each() -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        peer.request()

    with serve(silent) as server:
        outcome = drive(
            plan(step(timeout_ns=700 * MS)),
            arrivals(1000, 0.3),
            settings(server, max_connections=1000),
        )
    assert outcome.failures == {causes.TIMEOUT: 1000}
    accounts_balance(outcome)


# -- the backlog ----------------------------------------------------------------------------------


def stalls(peer: Peer) -> None:
    """Answers the first request only."""
    peer.request()
    peer.send(OK)
    while peer.request():
        pass


def test_an_arrival_that_waits_too_long_is_dropped_and_counted() -> None:
    with serve(stalls) as server:
        outcome = drive(
            plan(step(timeout_ns=500 * MS)),
            arrivals(100, 0.3),
            settings(server, max_connections=1, max_wait_ns=100 * MS),
        )
    assert outcome.total("due") == 100
    assert outcome.total("dropped") >= 80
    assert outcome.failures == {causes.TIMEOUT: outcome.total("sent") - outcome.succeeded}
    accounts_balance(outcome)


def test_what_is_not_sent_when_the_drain_ends_is_dropped_and_what_is_not_answered_unfinished() -> (
    None
):
    with serve(stalls) as server:
        outcome = drive(
            plan(),
            arrivals(50, 0.3),
            settings(server, max_connections=2, drain_ns=300 * MS),
        )
    assert outcome.succeeded == 2
    assert outcome.failures == {causes.UNRESOLVED: 2}
    assert outcome.total("dropped") == 46
    accounts_balance(outcome)


def test_the_drain_lasts_until_the_last_response_and_no_longer() -> None:
    def slow(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.3)
            peer.send(OK)

    started = time.perf_counter()
    with serve(slow) as server:
        outcome = drive(plan(), arrivals(4, 0.1), settings(server, drain_ns=60 * SECOND))
    assert outcome.succeeded == 4
    assert time.perf_counter() - started < 30
    accounts_balance(outcome)


def test_the_backlog_is_seen_while_it_lasts() -> None:
    def answers_late(peer: Peer) -> None:
        peer.request()
        time.sleep(1.6)
        peer.send(OK)
        while peer.request():
            peer.send(OK)

    with serve(answers_late) as server:
        outcome = drive(plan(), arrivals(100, 1.0), settings(server, max_connections=1))
    first = next(window for window in outcome.windows if window.index == 0)
    assert first.in_flight == 1
    assert first.backlog >= 90
    assert first.due == first.backlog + 1
    assert outcome.succeeded == 100
    accounts_balance(outcome)


# -- being told to end ----------------------------------------------------------------------------


def after(seconds: float, *message: object) -> Callable[[Callable[..., None]], None]:
    def speak(send: Callable[..., None]) -> None:
        time.sleep(seconds)
        send(*message)

    return speak


def test_stop_sends_nothing_more_and_waits_for_what_is_under_way() -> None:
    def slow(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.2)
            peer.send(OK)

    with serve(slow) as server:
        outcome = drive(
            plan(),
            arrivals(2000, 20),
            settings(server, max_connections=50),
            say=after(0.5, "stop"),
        )
    assert outcome.failures == {}
    assert 0 < outcome.succeeded < 1000
    assert outcome.total("due") == outcome.succeeded + outcome.total("dropped")
    accounts_balance(outcome)


def test_what_could_go_out_when_a_stop_comes_is_sent_and_not_dropped() -> None:
    with serve(always(OK)) as server:
        outcome = drive(
            plan(),
            arrivals(30_000, 100),
            settings(server, max_connections=200),
            say=after(0.3, "stop"),
        )
    assert outcome.total("dropped") == 0
    assert outcome.total("due") == outcome.succeeded > 0


def test_stop_in_the_warm_up_measures_nothing() -> None:
    with serve(always(OK)) as server:
        outcome = drive(plan(), arrivals(100, 1, warm=20), settings(server), say=after(0.2, "stop"))
    assert outcome.total("due") == outcome.succeeded == 0
    assert {window.index for window in outcome.windows} == {-1}


def test_end_waits_for_nothing() -> None:
    with serve(stalls) as server:
        started = time.perf_counter()
        outcome = drive(
            plan(), arrivals(1000, 20), settings(server, max_connections=1), say=after(0.4, "end")
        )
        assert time.perf_counter() - started < 10
    assert outcome.failures == {causes.UNRESOLVED: 1}
    assert outcome.total("dropped") == outcome.total("due") - outcome.total("started") > 0
    accounts_balance(outcome)


def test_a_new_token_is_in_the_requests_that_follow() -> None:
    requests: list[bytes] = []
    made = step()

    def note(peer: Peer) -> None:
        while request := peer.request():
            requests.append(request)
            peer.send(OK)

    def refresh(token: str) -> None:
        made.static = GET.replace(b"Host", b"Token: %b\r\nHost" % token.encode())

    sending = plan(made)
    sending.refresh = refresh
    with serve(note) as server:
        drive(sending, arrivals(100, 0.5), settings(server), say=after(0.2, "token", "new"))
    tokens = [b"Token: new" in request for request in requests]
    assert tokens == sorted(tokens)
    assert tokens[0] is False
    assert tokens[-1] is True


# -- judging, and flows ---------------------------------------------------------------------------


def test_a_judge_gets_what_it_asked_for_and_its_word_is_the_cause() -> None:
    answer = b"HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody"
    chunked = b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    seen: dict[str, Response] = {}

    def judge(name: str) -> Callable[[int, Response, Variables], str | None]:
        def judged(arrival: int, response: Response, _variables: Variables) -> str | None:
            seen[name] = response
            return "check odd" if arrival % 2 else None

        return judged

    plain = step(judge=judge("plain"))
    body = step(judge=judge("body"), wants_body=True)
    headers = step(judge=judge("headers"), wants_headers=True)
    both = step(HEAD, judge=judge("head"), wants_headers=True)
    for name, sent in {"length": answer, "chunks": chunked}.items():
        with serve(lambda peer, sent=sent: always(sent)(peer)) as server:
            outcome = drive(plan(plain, body, headers), arrivals(12, 0.1), settings(server))
        assert outcome.failures == {"check odd": 6}, name
        assert outcome.statuses == {201: 12}
        assert seen["plain"] == Response(201, [], b"")
        assert seen["body"] == Response(201, [], b"body")
        assert seen["headers"].body == b""
        assert len(seen["headers"].headers) == (2 if name == "length" else 1)
    with serve(always(answer.removesuffix(b"body"))) as server:
        drive(plan(both), arrivals(1, 0.1), settings(server))
    assert seen["head"].headers == [(b"X-A", b"b"), (b"Content-Length", b"4")]


def test_an_unexpected_status_is_not_judged() -> None:
    def judge(_arrival: int, _response: Response, _variables: Variables) -> str | None:
        raise AssertionError

    with serve(always(OK.replace(b"200", b"404"))) as server:
        outcome = drive(plan(step(judge=judge)), arrivals(3, 0.1), settings(server))
    assert outcome.failures == {"http 404": 3}


def flow(pause_ns: int = 0) -> tuple[list[bytes], Step]:
    """Creates a thing, reads it by the number it was given."""
    requests: list[bytes] = []

    def created(arrival: int, _response: Response, variables: Variables) -> str | None:
        variables["id"] = arrival
        return None

    def read(arrival: int, variables: Variables) -> bytes:
        assert variables == {"id": arrival}
        request = b"GET /%d HTTP/1.1\r\nHost: t\r\n\r\n" % variables["id"]
        requests.append(request)
        return request

    last = step(endpoint=2)
    second = step(None, endpoint=1, render=read, next=last)
    first = step(endpoint=0, judge=created, next=second, pause_ns=pause_ns)
    return requests, first


@pytest.mark.parametrize("pause_ns", [0, 50 * MS])
@pytest.mark.parametrize("connections", [1, 10])
def test_a_flow_goes_through_its_steps_with_what_it_captured(
    pause_ns: int, connections: int
) -> None:
    requests, first = flow(pause_ns)
    with serve(always(OK)) as server:
        outcome = drive(
            plan(first),
            arrivals(30, 0.2, warm=0.1),
            settings(server, max_connections=connections),
        )
    assert [outcome.merged("response", number).count for number in range(3)] == [30, 30, 30]
    assert len(requests) == 45
    assert outcome.total("started") == outcome.total("due") == 30
    assert outcome.total("sent") == 90
    # The pause is between the steps, in no response time.
    assert outcome.merged("response", 1).percentile(50) < 50 * MS
    accounts_balance(outcome)


def test_a_failed_step_ends_its_flow() -> None:
    last = step(endpoint=1)
    first = step(endpoint=0, judge=lambda k, _r, _v: "check odd" if k % 2 else None, next=last)
    with serve(always(OK)) as server:
        outcome = drive(plan(first), arrivals(20, 0.1), settings(server))
    assert outcome.failures == {"check odd": 10}
    assert outcome.merged("response", 1).count == 10
    assert outcome.total("sent") == 30
    accounts_balance(outcome)


def test_a_flow_that_waits_in_a_pause_when_the_run_is_stopped_sends_nothing_more() -> None:
    last = step(endpoint=1)
    first = step(endpoint=0, next=last, pause_ns=60 * SECOND)
    with serve(always(OK)) as server:
        outcome = drive(plan(first), arrivals(200, 20), settings(server), say=after(0.4, "stop"))
    assert outcome.failures == {}
    assert outcome.merged("response", 1).count == 0
    accounts_balance(outcome)


# -- memory ---------------------------------------------------------------------------------------


def test_a_run_leaves_nothing_for_the_garbage_collector() -> None:
    """It is off during a run, so whatever is in a cycle would stay until the end."""

    def mixed(peer: Peer) -> None:
        for number in range(1_000_000):
            if not peer.request():
                return
            if number % 5 == 0:
                peer.send(OK[:20])
                time.sleep(0.001)
                peer.send(OK[20:])
            elif number % 5 == 1:
                peer.send(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
                )
            elif number % 5 == 2:
                peer.send(OK + b"more")
                return
            else:
                peer.send(OK)

    judge = step(judge=lambda _k, _r, _v: None, wants_headers=True, wants_body=True)
    gc.collect()
    gc.disable()
    try:
        with serve(mixed) as server:
            outcome = drive(plan(step(), judge), arrivals(400, 0.8), settings(server))
        garbage = gc.collect()
    finally:
        gc.enable()
    assert outcome.failures == {}
    assert outcome.done.opened > 50
    # The threads and sockets of the test itself leave a few.
    assert garbage < 200
