"""The system's poller, to which the loop trusts."""

import socket
import time
from collections.abc import Iterator

import pytest

from senior_backend.load.engine import poller as polling
from senior_backend.load.engine.poller import Poller


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = polling.make()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def ready(poller: Poller) -> list[int]:
    return [descriptor for descriptor, _event in poller.poll()]


def test_says_what_can_be_read_until_it_has_been(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    left, right = pair
    poller.add(left.fileno())
    assert ready(poller) == []
    right.send(b"x")
    assert ready(poller) == [left.fileno()]
    assert ready(poller) == [left.fileno()]
    left.recv(1)
    assert ready(poller) == []


def test_says_what_can_be_written_while_that_is_asked_for(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    left, _right = pair
    poller.add(left.fileno(), writing=True)
    assert ready(poller) == [left.fileno()]
    poller.change(left.fileno(), writing=False)
    assert ready(poller) == []
    poller.change(left.fileno(), writing=True)
    assert ready(poller) == [left.fileno()]


def test_says_that_the_other_side_has_closed(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    left, right = pair
    poller.add(left.fileno())
    right.close()
    assert ready(poller) == [left.fileno()]


def test_forgets_what_is_closed(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    poller.add(left.fileno())
    right.send(b"x")
    left.close()
    assert ready(poller) == []


def test_waits_no_shorter_than_asked_and_less_than_a_millisecond_longer(poller: Poller) -> None:
    """Half a millisecond: what counts in milliseconds cannot do it. The best of many counts."""
    waits = []
    for _ in range(50):
        began = time.perf_counter_ns()
        assert poller.wait(500_000) == []
        waits.append(time.perf_counter_ns() - began)
    assert min(waits) >= 500_000
    assert min(waits) < 1_000_000


def test_a_wait_ends_when_something_happens(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    left, right = pair
    poller.add(left.fileno())
    right.send(b"x")
    began = time.perf_counter()
    assert [descriptor for descriptor, _event in poller.wait(60_000_000_000)] == [left.fileno()]
    assert time.perf_counter() - began < 30
