"""A worker's arrivals: taken in order, counted whole."""

import pytest

from senior_backend.load.arrivals import SECOND
from senior_backend.load.engine.arriving import NEVER, Arriving
from tests.load.engine.driver import MS, arrivals

BEGIN = 5_000


def started(worker: int, workers: int, *, warm: float = 0.0) -> Arriving:
    arriving = Arriving(arrivals(3000, 3.0, warm=warm), worker, workers)
    arriving.start(BEGIN)
    return arriving


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("step", [1, 13, 5000])
@pytest.mark.parametrize("warm", [0.0, 0.25])
def test_each_arrival_is_taken_once_at_its_time(workers: int, step: int, warm: float) -> None:
    taken: list[tuple[int, int]] = []
    for worker in range(workers):
        arriving = started(worker, workers, warm=warm)
        while arriving.due:
            # The warm-up and the measured part are never in one list.
            last = arriving.number(len(arriving.due) - 1)
            assert arriving.is_measured(arriving.first) == arriving.is_measured(last)
            assert arriving.is_measured(last) != arriving.warming_up
            some = min(step, len(arriving.due))
            numbers = [arriving.number(place) for place in range(some)]
            taken += zip(numbers, arriving.due[:some], strict=True)
            arriving.advance(some)
        assert arriving.moment(0) == NEVER
    count = 3000 + int(warm * 1000)
    assert sorted(taken) == [(k, BEGIN + k * MS) for k in range(count)]


def test_what_has_come_and_what_was_taken_are_counted_without_the_warm_up() -> None:
    arriving = started(1, 3, warm=0.5)
    assert arriving.come(BEGIN - 1) == 0
    assert arriving.come(BEGIN + 499 * MS) == 0
    # Worker 1 of 3 has the arrivals 502, 505, ...: 499 was its last of the warm-up.
    assert [arriving.come(BEGIN + k * MS) for k in (501, 502, 504, 505)] == [0, 1, 1, 2]
    assert arriving.come(BEGIN + 60 * SECOND) == 1000
    while arriving.warming_up:
        arriving.advance(1)
        assert arriving.taken(0) == 0
    assert arriving.first == 502
    assert (arriving.taken(0), arriving.taken(5)) == (0, 5)
    arriving.advance(7)
    assert arriving.taken(3) == 10


def test_the_moment_of_any_arrival_is_known_ahead() -> None:
    arriving = started(0, 2)
    assert [arriving.moment(place) for place in (0, 1, 1400, 1499, 1500)] == [
        BEGIN,
        BEGIN + 2 * MS,
        BEGIN + 2800 * MS,
        BEGIN + 2998 * MS,
        NEVER,
    ]


def test_after_a_stop_nothing_comes_and_nothing_waits() -> None:
    arriving = started(0, 2)
    arriving.advance(10)
    now = BEGIN + 100 * MS
    assert (arriving.come(now), arriving.taken(0)) == (51, 10)
    arriving.stop(now)
    assert arriving.due == []
    assert arriving.moment(0) == NEVER
    assert (arriving.come(now + SECOND), arriving.taken(0)) == (51, 51)
    arriving.advance(0)
    assert arriving.due == []
