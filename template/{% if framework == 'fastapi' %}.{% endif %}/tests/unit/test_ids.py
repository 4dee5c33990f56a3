"""UUIDv7: RFC 9562, section 5.7."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

import pytest

from app.domain.ids import IdGenerator, first_id_from, time_of


def test_form() -> None:
    made = IdGenerator(clock=lambda: 0x0123456789AB)()
    assert made.version == 7
    assert made.variant == RFC_4122
    assert made.int >> 80 == 0x0123456789AB


def test_ids_increase_within_a_millisecond() -> None:
    new_id = IdGenerator(clock=lambda: 1_700_000_000_000)
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_ids_increase_when_the_clock_steps_back() -> None:
    times = iter([2_000, 1_000, 1_001, 2_001])
    new_id = IdGenerator(clock=lambda: next(times))
    made = [new_id() for _ in range(4)]
    assert made == sorted(made)


def test_a_full_counter_goes_on_in_the_next_millisecond() -> None:
    new_id = IdGenerator(clock=lambda: 1_000)
    before = new_id()
    new_id._counter = (1 << 42) - 1
    after = new_id()
    assert after > before
    assert after.int >> 80 == 1_001


def test_an_id_carries_its_millisecond() -> None:
    made = IdGenerator(clock=lambda: 1_700_000_000_123)()
    assert time_of(made) == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("microseconds", [-1001, -1000, -999, -1, 0, 1, 999, 1000])
def test_a_range_of_time_is_a_range_of_ids(microseconds: int) -> None:
    made = IdGenerator(clock=lambda: 1_700_000_000_123)()
    moment = time_of(made) + timedelta(microseconds=microseconds)
    assert (made >= first_id_from(moment)) is (time_of(made) >= moment)


def test_before_the_epoch_every_id_counts() -> None:
    assert first_id_from(datetime(1, 1, 1, tzinfo=UTC)).int == 0
