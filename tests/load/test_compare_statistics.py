"""The statistics of a comparison, against tables and what can be worked out by hand."""

import math
import random

import pytest

from senior_backend.load.comparison.statistics import (
    holm,
    incomplete_beta,
    rates_p,
    sum_variance,
    t_quantile,
    two_sided_p,
)


@pytest.mark.parametrize(
    ("level", "freedom", "expected"),
    [
        (0.05, 1, 12.7062),
        (0.05, 4, 2.7764),
        (0.05, 8, 2.3060),
        (0.05, 10, 2.2281),
        (0.01, 4, 4.6041),
        (0.05 / 3, 10, 2.8701),
        (0.05, 1e6, 1.9600),
    ],
)
def test_the_quantiles_of_student_are_those_of_the_tables(
    level: float, freedom: float, expected: float
) -> None:
    assert t_quantile(level, freedom) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("freedom", [1.0, 2.0, 3.7, 8.0, 200.0])
@pytest.mark.parametrize("level", [0.5, 0.05, 0.001, 1e-9])
def test_a_p_value_undoes_its_quantile(level: float, freedom: float) -> None:
    assert two_sided_p(t_quantile(level, freedom), freedom) == pytest.approx(level, rel=1e-6)


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 4.0, 40.0])
def test_with_two_degrees_of_freedom_the_p_value_has_a_closed_form(t: float) -> None:
    assert two_sided_p(t, 2) == pytest.approx(1 - t / math.sqrt(2 + t * t), abs=1e-12)


@pytest.mark.parametrize("x", [0.0, 0.01, 0.3, 0.5, 0.9, 1.0])
def test_the_incomplete_beta_function_is_a_polynomial_for_whole_numbers(x: float) -> None:
    assert incomplete_beta(1, 1, x) == pytest.approx(x, abs=1e-12)
    # I_x(2, 3): at least two heads of four tosses.
    expected = 6 * x**2 * (1 - x) ** 2 + 4 * x**3 * (1 - x) + x**4
    assert incomplete_beta(2, 3, x) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        # the smallest at 0.05 / 3, the next at 0.05 / 2, the largest at 0.05
        ([0.01, 0.02, 0.04], [(0.05 / 3, True), (0.025, True), (0.05, True)]),
        # 0.03 is above 0.025: it and what follows is tested there, and is not rejected
        ([0.04, 0.03, 0.01], [(0.025, False), (0.025, False), (0.05 / 3, True)]),
        ([0.02, 0.9], [(0.025, True), (0.05, False)]),
        ([], []),
    ],
)
def test_holm_tests_the_smallest_first_and_stops_at_the_first_that_holds(
    p_values: list[float], expected: list[tuple[float, bool]]
) -> None:
    found = holm(p_values, 0.05)
    assert [rejected for _, rejected in found] == [rejected for _, rejected in expected]
    assert [level for level, _ in found] == pytest.approx([level for level, _ in expected])


def test_the_variance_of_a_sum_by_hand() -> None:
    # Four values, two cosines: (1, 0, 0, -1) with the first, cos 22.5 and cos 157.5 degrees, gives
    # 2 cos 22.5; with the second, cos 45 and cos 315, gives 0. Twice their mean square.
    variance, freedom = sum_variance([1, 0, 0, -1])
    assert freedom == 2
    assert variance == pytest.approx((2 * math.cos(math.pi / 8)) ** 2)


@pytest.mark.parametrize(("count", "freedom"), [(8, 2), (10, 2), (20, 3), (30, 4), (60, 6)])
def test_as_many_cosines_as_are_recommended(count: int, freedom: int) -> None:
    assert sum_variance([0.0] * count)[1] == freedom


def test_the_variance_does_not_see_the_mean() -> None:
    values = [3.0, -1, 4, 1, -5, 9, 2, -6, 5, 3]
    shifted = [value + 100 for value in values]
    assert sum_variance(shifted)[0] == pytest.approx(sum_variance(values)[0])


@pytest.mark.parametrize(
    ("kept", "independent", "least"), [(0, 1, 0.9), (0.5, 0.33, 0.75), (0.7, 0.18, 0.6)]
)
def test_the_variance_of_a_sum_counts_that_neighbours_resemble_each_other(
    kept: float, independent: float, least: float
) -> None:
    # Each value keeps that much of the one before. Taken as independent they would give only the
    # share (1 - kept) / (1 + kept) of the true variance of their sum.
    assert independent == pytest.approx((1 - kept) / (1 + kept), abs=0.01)
    chance = random.Random(7)
    sums, estimates = [], []
    for _ in range(2000):
        now = chance.gauss(0, 1)
        values = []
        for _ in range(30):
            values.append(now)
            now = kept * now + chance.gauss(0, math.sqrt(1 - kept * kept))
        sums.append(sum(values) ** 2)
        estimates.append(sum_variance(values)[0])
    assert least < sum(estimates) / sum(sums) < 1.1


@pytest.mark.parametrize(
    ("base", "new", "expected"),
    [
        ((0, 1000), (5, 1000), 2 * 0.5**5),
        ((5, 1000), (0, 1000), 2 * 0.5**5),
        ((5, 1000), (5, 1000), 1.0),
        ((0, 1000), (0, 1000), 1.0),
        # at most one of six in the first half: (1 + 6) / 64
        ((1, 500), (5, 500), 2 * 7 / 64),
        # twice the requests on the new side: 3 of 3 there with probability (2/3)^3
        ((0, 500), (3, 1000), 2 * (2 / 3) ** 3),
    ],
)
def test_rates_of_rare_events_by_hand(
    base: tuple[int, int], new: tuple[int, int], expected: float
) -> None:
    assert rates_p(*base, *new) == pytest.approx(expected)
