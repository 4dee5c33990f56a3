"""Times, rates and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.load.scenario.durations import duration, rate, size
from tests.load.scenario.scenarios import PROPERTY

MS, S = 10**6, 10**9


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("250ms", 250 * MS),
        ("60s", 60 * S),
        ("5m", 300 * S),
        ("1h30m", 5400 * S),
        ("1m30s", 90 * S),
        ("1.5s", 1500 * MS),
        ("0.1s", 100 * MS),
        ("7us", 7000),
        ("7µs", 7000),
        ("3ns", 3),
        ("0", 0),
        ("0s", 0),
        ("24h", 86_400 * S),
    ],
)
def test_times_are_exact_nanoseconds(text: str, ns: int) -> None:
    assert duration(text) == ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60", "a time has a unit: write 60s or 60ms"),
        ("1.5", "a time has a unit: write 1.5s or 1.5ms"),
        ("", "'' is no time; write it like 250ms, 60s, 5m or 1h30m"),
        ("60 s", "'60 s' is no time; write it like 250ms, 60s, 5m or 1h30m"),
        ("-5s", "'-5s' is no time; write it like 250ms, 60s, 5m or 1h30m"),
        ("5d", "'5d' is no time; write it like 250ms, 60s, 5m or 1h30m"),
        ("5s\n", "'5s\n' is no time; write it like 250ms, 60s, 5m or 1h30m"),
        ("٣s", "'٣s' is no time; write it like 250ms, 60s, 5m or 1h30m"),
        ("9" * 400 + "s", f"'{'9' * 400}s' is no time; write it like 250ms, 60s, 5m or 1h30m"),
    ],
)
def test_what_is_no_time_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        duration(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "a_second"),
    [("500", 500), ("500/s", 500), ("30/m", 0.5), ("1/h", 1 / 3600), ("0.1", 0.1)],
)
def test_rates_are_a_second(text: str, a_second: float) -> None:
    assert rate(text) == a_second


@pytest.mark.parametrize("text", ["", "fast", "-1", "1/d", "1 /s", "nan", "inf", "1e3"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate; write arrivals a second like 500, or 30/m"):
        rate(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("4096", 4096), ("64KiB", 65_536), ("16 MiB", 2**24), ("1MB", 10**6), ("1.5KiB", 1536)],
)
def test_sizes_are_bytes(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "big", "-1", "1TB", "KiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size; write it like 64KiB or 16MiB"):
        size(text)


@PROPERTY
@given(st.integers(0, 10**15 - 1))
def test_nanoseconds_come_back(ns: int) -> None:
    assert duration(f"{ns}ns") == ns
