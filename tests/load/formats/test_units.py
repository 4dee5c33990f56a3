"""Numbers as people read them."""

import pytest

from senior_backend.load.formats import units


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0.04, "40.0 µs"),
        (0.0004, "400 ns"),
        (0.0009996, "1.00 µs"),
        (0.99949, "999 µs"),
        (0.9996, "1.00 ms"),
        (1.2345, "1.23 ms"),
        (9.999, "10.0 ms"),
        (123.4, "123 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (61_000, "61.0 s"),
        (3_600_000, "3,600 s"),
        (0, "0 ms"),
        (None, units.NOTHING),
        (float("nan"), units.NOTHING),
        (float("inf"), units.NOTHING),
    ],
)
def test_a_latency_has_three_digits_and_the_unit_that_fits(milliseconds, text):
    assert units.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (12.34, "12.3 s"),
        (60, "60 s"),
        (119, "119 s"),
        (120, "2 min"),
        (300, "5 min"),
        (330, "5 min 30 s"),
        (5400, "1 h 30 min"),
        (7200, "2 h"),
        (119.97, "120 s"),
    ],
)
def test_the_length_of_a_run_is_said_as_people_say_it(seconds, text):
    assert units.span(seconds) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50 %"),
        (0.00001, "<0.01 %"),
        (0.0001, "0.01 %"),
        (0.99999, ">99.99 %"),
        (0.9996, "99.96 %"),
        (0.0271, "2.71 %"),
        (0.1234, "12.3 %"),
        (0.99996, ">99.99 %"),
        (1.002, "100.20 %"),
        (None, units.NOTHING),
    ],
)
def test_only_none_is_0_percent_and_only_all_is_100_percent(part, text):
    assert units.share(part) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (200, "200/s"),
        (12_000, "12,000/s"),
        (199.6, "200/s"),
        (0.5, "0.500/s"),
        (1234.5, "1,234/s"),
        (0, "0/s"),
    ],
)
def test_a_rate_is_a_number_a_second(per_second, text):
    assert units.rate(per_second) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (108, 100, "+8.0 %"),
        (97, 100, "-3.0 %"),
        (100.01, 100, "±0 %"),
        (250, 100, "+150.0 %"),
        (1000, 100, "\N{MULTIPLICATION SIGN}10"),
        (9600, 100, "\N{MULTIPLICATION SIGN}96"),
        (1, 0, ""),
        (1, None, ""),
        (None, 1, ""),
        (float("nan"), 1, ""),
    ],
)
def test_a_difference_is_in_percent_and_a_large_one_a_factor(now, before, text):
    assert units.delta(now, before) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (999_960, "1.00 MB"),
        (41_500_000, "41.5 MB"),
        (5e12, "5,000 GB"),
    ],
)
def test_sizes_are_in_powers_of_1000(octets, text):
    assert units.size(octets) == text
