"""The parts of a comparison, by hand: errors of samples, differences, the noise floor."""

import math
import random
from collections.abc import Sequence

import pytest

from senior_backend.load.comparison import noise
from senior_backend.load.comparison.difference import ASSUMED_SPREAD, difference
from senior_backend.load.comparison.document import Metric
from senior_backend.load.comparison.samples import Distribution, Sample, Unusable, sample
from senior_backend.load.histogram import Histogram

NONE = (0.0,) * 30
SIZES = (100,) * 30


def known(value: float, variance: float = 0.0, freedom: int = 4) -> Sample:
    return Sample(value, NONE, SIZES, variance, freedom)


def histogram(values: Sequence[float]) -> Histogram:
    found = Histogram()
    for value in values:
        found.add(int(value))
    return found


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.955, 95.5)]
)
def test_a_percentile_is_interpolated_within_its_bucket(share: float, expected: float) -> None:
    # 0 to 99, once each, in buckets of one: half of them lie below 50.
    assert Distribution(histogram(range(100))).quantile(share) == pytest.approx(expected)


def test_the_width_of_a_bucket_is_shared_out_evenly() -> None:
    # 256 and 257 share a bucket, which reaches to 258.
    assert Distribution(histogram([256] * 8)).quantile(0.25) == pytest.approx(256.5)


@pytest.mark.parametrize(
    ("metric", "needed"), [("p50", 20), ("p90", 100), ("p95", 200), ("p99", 1000), ("mean", 30)]
)
def test_a_metric_takes_ten_requests_beyond_it(metric: Metric, needed: int) -> None:
    found = sample([histogram([1000] * (needed - 1))], metric)
    assert found == Unusable(f"{needed - 1} requests succeeded, {metric} takes {needed}")
    assert isinstance(sample([histogram([1000] * needed)], metric), Sample)


def test_a_run_of_too_few_blocks_has_a_value_and_no_error() -> None:
    found = sample([histogram([1000] * 100)] * 7, "p50")
    assert isinstance(found, Sample)
    assert (found.value, found.freedom) == (pytest.approx(math.log(1000), abs=0.004), 0)


def test_the_moves_of_the_mean_are_those_of_its_blocks() -> None:
    blocks = [histogram([100] * 10), histogram([200] * 10), *[histogram([150] * 10)] * 8]
    found = sample(blocks, "mean")
    assert isinstance(found, Sample)
    # 10 requests that lie 50 below a mean of 150, of 100 in all: 10 * 50 / (150 * 100)
    assert found.moves == pytest.approx((-1 / 30, 1 / 30, *[0] * 8))
    assert sum(found.moves) == pytest.approx(0)


@pytest.mark.parametrize(("metric", "error"), [("p50", 0.0072), ("p95", 0.0120), ("mean", 0.0058)])
def test_the_error_of_independent_requests_is_the_textbooks(metric: Metric, error: float) -> None:
    # 10,000 lognormal times with sigma 0.5 and a median of 1 ms in 40 blocks. Textbook: for a share
    # p, sqrt(p (1 - p) / n) divided by the density of the logarithm; for the mean
    # sqrt((exp(sigma^2) - 1) / n).
    chance = random.Random(3)
    squares, values = [], []
    for _ in range(25):
        blocks = [
            histogram([1e6 * math.exp(chance.gauss(0, 0.5)) for _ in range(250)]) for _ in range(40)
        ]
        found = sample(blocks, metric)
        assert isinstance(found, Sample)
        squares.append(found.variance)
        values.append(found.value)
    assert math.sqrt(sum(squares) / 25) == pytest.approx(error, rel=0.2)
    mean = sum(values) / 25
    assert math.sqrt(sum((v - mean) ** 2 for v in values) / 24) == pytest.approx(error, rel=0.4)


def test_one_pause_does_not_blow_up_the_error_of_a_percentile() -> None:
    quiet = [histogram(range(1_000_000, 2_000_000, 10_000))] * 30
    paused = histogram([*range(1_000_000, 2_000_000, 20_000), *[3_000_000_000] * 50])
    found = sample([*quiet[1:], paused], "p50")
    assert isinstance(found, Sample)
    assert math.sqrt(found.variance) < 0.02


def test_runs_tell_the_noise_where_there_are_four() -> None:
    # Each side's values lie 0.01 apart: squares 2 + 2 by 4 degrees of freedom, 0.0001; of the
    # difference of two means of three, sqrt(0.0001 * 2 / 3); t is 0.05 / 0.00816 = 6.12.
    base, new = [known(v) for v in (0, 0.01, 0.02)], [known(v) for v in (0.05, 0.06, 0.07)]
    found = difference(base, new, steady=True)
    assert found is not None
    assert (found.value, found.freedom) == (pytest.approx(0.05), 4)
    assert found.error == pytest.approx(0.0081650, abs=1e-6)
    assert found.p_value == pytest.approx(0.00361, abs=1e-5)
    assert found.interval(0.05) == pytest.approx((0.05 - 0.02267, 0.05 + 0.02267), abs=1e-5)


def test_the_noise_within_the_runs_counts_where_it_is_larger() -> None:
    # By chance the runs agree to 0.01; from within each is known to 0.02 only, with 24 degrees.
    base = [known(v, 0.0004) for v in (0, 0.01, 0.02)]
    new = [known(v, 0.0004) for v in (0.05, 0.06, 0.07)]
    found = difference(base, new, steady=True)
    assert found is not None
    assert (found.error, found.freedom) == (pytest.approx(math.sqrt(0.0004 * 2 / 3)), 24)
    # Under a changing load blocks differ because the load does: then the runs alone tell.
    alone = difference(base, new, steady=False)
    assert alone is not None
    assert (alone.error, alone.freedom) == (pytest.approx(0.0081650, abs=1e-6), 4)


def test_with_a_run_a_side_the_blocks_tell_and_a_spread_from_run_to_run_is_assumed() -> None:
    # Variances 0.0003 + 0.0001 + 2 * 0.01^2; degrees of freedom 36 / ((9 + 1) / 4).
    found = difference([known(0, 0.0003)], [known(0.1, 0.0001)], steady=True)
    assert found is not None
    assert found.error == pytest.approx(math.sqrt(0.0006))
    assert found.freedom == pytest.approx(14.4)


def test_under_a_changing_load_blocks_are_compared_with_those_of_the_same_moment() -> None:
    ramp = tuple((b - 14.5) / 1000 for b in range(30))
    base = [Sample(0, ramp, SIZES, 1.0, 4)]
    found = difference(base, [Sample(0.1, ramp, SIZES, 1.0, 4)], steady=False)
    assert found is not None
    assert found.error == pytest.approx(ASSUMED_SPREAD * math.sqrt(2))
    shorter = [Sample(0.1, ramp[:20], SIZES[:20], 1.0, 3)]
    assert difference(base, shorter, steady=False) is None


def test_short_runs_have_no_difference_unless_they_are_repeated() -> None:
    short = [known(0, math.nan, 0)]
    assert difference(short, short, steady=True) is None
    repeated = difference(short * 2, [known(0.1, math.nan, 0), known(0.12)], steady=True)
    assert repeated is not None
    assert repeated.freedom == 2


def test_a_target_that_never_moves_has_a_difference_all_the_same() -> None:
    found = difference([known(0)] * 3, [known(0.1)] * 3, steady=True)
    assert found is not None
    assert found.p_value < 1e-6
    same = difference([known(0)] * 3, [known(0)] * 3, steady=True)
    assert same is not None
    assert same.p_value == 1


def test_the_noise_floor_of_runs_is_their_largest_split() -> None:
    # One against two: 0.045, 0, 0.045; whole sides of three and three have two thirds of the error.
    base = [known(v) for v in (0, 0.03, 0.06)]
    assert noise.floor(base, 3) == pytest.approx(0.045 * 2 / 3)


def test_the_noise_floor_of_a_run_is_its_largest_halves() -> None:
    # The first half lies 8 a above the second (2 a of half the requests, twice), the middle not.
    run = Sample(0, (0.01, 0.01, -0.01, -0.01), (5, 5, 5, 5), 0.0, 2)
    assert noise.floor([run], 1) == pytest.approx(0.08 / math.sqrt(2))


def test_no_noise_floor_lies_below_what_a_histogram_resolves() -> None:
    assert noise.floor([known(1)] * 3, 3) == pytest.approx(math.log(257 / 256))
    assert noise.floor([known(1)], 3) == pytest.approx(math.log(257 / 256))


def test_many_runs_are_split_in_a_thousand_ways_and_not_in_all() -> None:
    values = [known(0.01 * i) for i in range(30)]
    assert noise.floor(values, 30) == noise.floor(values, 30) > 0.01
