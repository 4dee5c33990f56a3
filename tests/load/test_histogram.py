"""Histograms of durations: how exact they are, and that they add up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.load.histogram import Histogram, bounds, bucket, middle

DURATIONS = st.integers(min_value=0, max_value=10**13)
"""Nanoseconds, up to almost three hours."""
SAMPLES = st.lists(DURATIONS, min_size=1, max_size=200)


def of(values):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def nearest_rank(values, percent):
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values) - 1e-9) - 1)]


@given(DURATIONS)
def test_a_value_lies_within_the_bounds_of_its_bucket(value):
    low, high = bounds(bucket(value))
    assert low <= value <= high


@given(DURATIONS)
def test_the_middle_of_a_bucket_is_within_0_4_percent_of_every_value_in_it(value):
    assert abs(middle(bucket(value)) - value) <= value / 256


@given(DURATIONS)
def test_buckets_are_adjacent_and_rise(value):
    index = bucket(value)
    assert bucket(bounds(index)[1]) == index
    assert bucket(bounds(index)[1] + 1) == index + 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, (0, 0)),
        (1, (1, 1)),
        (255, (255, 255)),
        (256, (256, 257)),
        (1_000_000, (999_424, 1_003_519)),
    ],
)
def test_bounds_of_known_values(value, expected):
    assert bounds(bucket(value)) == expected


@given(SAMPLES, st.floats(min_value=0.1, max_value=99.99))
def test_a_percentile_is_within_0_4_percent_of_the_sample_it_stands_for(values, percent):
    truth = nearest_rank(values, percent)
    assert abs(of(values).percentile(percent) - truth) <= truth / 256


@given(SAMPLES)
def test_the_maximum_is_never_understated_and_at_most_0_8_percent_too_high(values):
    highest = of(values).percentile(100)
    assert max(values) <= highest <= max(values) * (1 + 1 / 127)


@given(SAMPLES, SAMPLES)
def test_merged_parts_are_the_whole_exactly(first, second):
    merged = of(first)
    merged.merge(of(second))
    assert merged == of(first + second)
    merged.merge(of(first).counts)
    assert merged == of(first + second + first)


@given(SAMPLES)
def test_the_mean_is_within_0_4_percent(values):
    truth = sum(values) / len(values)
    assert of(values).mean == pytest.approx(truth, rel=1 / 256, abs=1e-9)


@given(SAMPLES)
def test_written_as_pairs_it_comes_back(values):
    histogram = of(values)
    assert list(histogram) == sorted(histogram.counts.items())
    assert Histogram(list(histogram)) == histogram


def test_percentiles_are_nearest_ranks():
    histogram = of(range(1, 101))
    assert [histogram.percentile(p) for p in (1, 50, 95, 99, 99.9, 100)] == [
        1,
        50,
        95,
        99,
        100,
        100,
    ]


@given(SAMPLES, st.lists(st.floats(min_value=0.1, max_value=100), max_size=5))
def test_several_percentiles_are_those_one_by_one(values, percents):
    histogram = of(values)
    assert histogram.percentiles(percents) == [histogram.percentile(p) for p in percents]


@pytest.mark.parametrize("percent", [50, 99, 100])
def test_nothing_has_no_percentile(percent):
    assert math.isnan(Histogram().percentile(percent))
    assert math.isnan(Histogram().mean)
    assert math.isnan(Histogram().at_most(5))


def test_the_share_up_to_a_value():
    histogram = of([1, 2, 3, 4])
    assert [histogram.at_most(value) for value in (0, 1, 3, 9)] == [0, 0.25, 0.75, 1]


def test_counting_a_value_many_times_is_counting_it_often():
    many, once = Histogram(), of([7, 7, 7])
    many.add(7, 3)
    assert many == once
    assert many.count == 3
