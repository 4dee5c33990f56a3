"""When arrivals are due: exact numbers, no drift, the same for any number of workers."""

import itertools
import math
import pickle
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senior_backend.errors import InputError
from senior_backend.load import arrivals
from senior_backend.load.arrivals import SECOND, Stretch, constant, ramp, schedule, schedule_of
from senior_backend.load.scenario.model import LoadModel


def planned(**load):
    return schedule_of(LoadModel.model_validate(load))


def every(plan):
    return plan.chunk(0, 1, plan.count)


RATES = st.fractions(min_value=0, max_value=300, max_denominator=60)
STRETCHES = st.lists(
    st.builds(
        lambda length, start, end, steady: Stretch(length, start, start if steady else end),
        st.integers(min_value=1_000_000, max_value=5 * SECOND),
        RATES,
        RATES,
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)
KINDS = st.sampled_from(["constant", "poisson"])


class TestCount:
    """How many there are."""

    @pytest.mark.parametrize(
        ("load", "count"),
        [
            ({"rate": 500, "duration": "60s"}, 30_000),
            ({"rate": 0.1, "duration": "10s"}, 1),
            ({"rate": 0.3, "duration": "10s"}, 3),
            ({"rate": "1/m", "duration": "60s"}, 1),
            ({"rate": "200/m", "duration": "1h"}, 12_000),
            ({"rate": "7/h", "duration": "3h"}, 21),
            ({"rate": 333, "duration": "10ms"}, 3),
            ({"rate": 5_000, "duration": "1h"}, 18_000_000),
            ({"stages": [{"ramp_to": 100, "duration": "10s"}]}, 500),
            (
                {"stages": [{"rate": 50, "duration": "30s"}, {"ramp_to": 500, "duration": "1m"}]},
                18_000,
            ),
            ({"stages": [{"step_to": 300, "by": 100, "every": "10s"}]}, 6_000),
            ({"stages": [{"step_to": 250, "by": 100, "every": "10s"}]}, 5_500),
            (
                {
                    "stages": [
                        {"rate": 300, "duration": "1s"},
                        {"step_to": 100, "by": 100, "every": "10s"},
                    ]
                },
                3_300,
            ),
            (
                {
                    "stages": [
                        {"rate": 10, "duration": "10s"},
                        {"spike_to": 1000, "duration": "1s"},
                        {"ramp_to": 0, "duration": "10s"},
                    ]
                },
                1_150,
            ),
            ({"stages": [{"ramp_to": 1, "duration": "1s"}] * 3}, 2),
        ],
    )
    @pytest.mark.parametrize("kind", ["constant", "poisson"])
    def test_is_the_integral_of_the_rate_rounded_down(self, load, count, kind):
        assert planned(**load, arrivals=kind).count == count

    @given(STRETCHES)
    def test_of_any_stretches_is_exact(self, stretches):
        total = sum(s.length_ns * (s.start + s.end) / 2 / SECOND for s in stretches)
        assert schedule(stretches).count == math.floor(total)

    def test_of_the_warm_up_is_its_own(self):
        plan = planned(rate=500, duration="60s", warm_up="5s")
        assert (plan.warm, plan.count, plan.warm_ns) == (2_500, 32_500, 5 * SECOND)
        assert plan.due(2_499) < 5 * SECOND == plan.due(2_500)

    def test_of_less_than_one_is_refused(self):
        with pytest.raises(InputError, match="not one arrival is due"):
            planned(rate=0.5, duration="1s")

    @pytest.mark.parametrize(
        ("load", "most"),
        [
            ({"rate": 1_000_000, "duration": "100h"}, "10,000,000,000 constant"),
            ({"rate": 1, "duration": "1s", "warm_up": "9999999h"}, "10,000,000,000 constant"),
            ({"rate": 1_000_000, "duration": "1h", "arrivals": "poisson"}, "1,000,000,000 poisson"),
            (
                {"rate": 10**14, "duration": "100000000h", "arrivals": "poisson"},
                "1,000,000,000 poi",
            ),
        ],
    )
    def test_is_bounded(self, load, most):
        with pytest.raises(InputError, match=rf"load\.rate: more than {most}"):
            planned(**load)

    def test_may_be_days_of_a_high_rate(self):
        plan = planned(rate=50_000, duration="48h")
        assert plan.count == 8_640_000_000
        assert plan.due(plan.count - 1) < 48 * 3600 * SECOND

    def test_of_steps_is_bounded(self):
        with pytest.raises(InputError, match=r"steps of 0\.001 from 0 to 100 are more than 10,000"):
            planned(stages=[{"step_to": 100, "by": 0.001, "every": "1s"}])


class TestTimes:
    """When they are due."""

    def test_of_a_constant_rate_are_whole_periods(self):
        plan = planned(rate=500, duration="60s")
        assert every(plan) == [k * 2_000_000 for k in range(30_000)]

    def test_of_an_odd_rate_do_not_drift(self):
        plan = planned(rate=300_007, duration="9h")
        assert plan.due(plan.count - 1) == (plan.count - 1) * SECOND // 300_007

    def test_of_the_same_rate_do_not_see_a_border(self):
        whole = schedule(constant(7, 10 * SECOND))
        cut = schedule([s for s in constant(7, 10 * SECOND // 64) for _ in range(64)])
        assert every(cut) == every(whole)

    def test_of_a_ramp_are_where_its_integral_is_whole(self):
        plan = planned(stages=[{"ramp_to": 200, "duration": "10s"}])
        assert every(plan) == [int(math.sqrt(k / 10) * SECOND) for k in range(1_000)]

    @given(STRETCHES)
    @settings(max_examples=40, deadline=None)
    def test_agree_with_integration_by_small_steps(self, stretches):
        plan = schedule(stretches)
        step = 4_000_000
        due = iter(every(plan))
        passed, start, expected = Fraction(0), 0, 0
        for s in stretches:
            for at in range(0, s.length_ns, step):
                width = min(step, s.length_ns - at)
                middle = s.start + (s.end - s.start) * (at + Fraction(width, 2)) / s.length_ns
                passed += middle * width / SECOND  # exact: the rate is linear
                while expected < passed and expected < plan.count:
                    moment = next(due)
                    assert start + at - 2 <= moment <= start + at + width + 2
                    expected += 1
            start += s.length_ns

    @given(STRETCHES, KINDS, st.integers(min_value=0, max_value=2 * SECOND))
    @settings(max_examples=60, deadline=None)
    def test_never_go_back_and_lie_within_the_run(self, stretches, kind, warm_ns):
        plan = schedule(stretches, warm_ns=warm_ns, arrivals=kind, seed=3)
        due = every(plan)
        assert len(due) == plan.count
        assert due == sorted(due)
        assert all(0 <= moment < warm_ns for moment in due[: plan.warm])
        end = warm_ns + plan.duration_ns
        assert all(warm_ns <= moment < end for moment in due[plan.warm :])

    @pytest.mark.parametrize(
        ("first", "rate"),
        [
            ({"rate": 80, "duration": "10s"}, 80),
            ({"ramp_to": 100, "duration": "10s"}, 50),
            ({"step_to": 90, "by": 30, "every": "10s"}, 30),
        ],
    )
    def test_of_the_warm_up_have_the_mean_rate_of_the_first_stretch(self, first, rate):
        plan = planned(stages=[first, {"rate": 500, "duration": "10s"}], warm_up="2s")
        assert plan.chunk(0, 1, plan.warm) == [k * SECOND // rate for k in range(2 * rate)]

    def test_of_the_measured_part_are_the_same_with_and_without_a_warm_up(self):
        for kind in ("constant", "poisson"):
            cold = planned(rate=70, duration="5s", arrivals=kind)
            warm = planned(rate=70, duration="5s", arrivals=kind, warm_up="3s")
            moved = [moment - 3 * SECOND for moment in warm.chunk(warm.warm, 1, warm.count)]
            assert moved == pytest.approx(every(cold), abs=1)

    def test_of_a_pause_are_none(self):
        stages = [
            {"rate": 10, "duration": "1s"},
            {"rate": 0, "duration": "5s"},
            {"rate": 10, "duration": "1s"},
        ]
        for kind in ("constant", "poisson"):
            due = every(planned(stages=stages, arrivals=kind))
            assert len(due) == 20
            assert not [moment for moment in due if SECOND <= moment < 6 * SECOND]


class TestPoisson:
    """Random arrivals."""

    def test_repeat_with_their_seed_and_differ_without(self):
        one, same, other = (
            every(planned(rate=200, duration="10s", arrivals="poisson", seed=seed))
            for seed in (1, 1, 2)
        )
        assert one == same
        assert one != other

    def test_have_the_gaps_of_a_poisson_process(self):
        """Mean and variance of exponential gaps, and no memory from one gap to the next."""
        rate = 1_000
        due = every(planned(rate=rate, duration="100s", arrivals="poisson", seed=5))
        gaps = [(b - a) * rate / SECOND for a, b in itertools.pairwise(due)]
        count = len(gaps)
        mean = sum(gaps) / count
        variance = sum((gap - mean) ** 2 for gap in gaps) / count
        follow = sum((a - mean) * (b - mean) for a, b in itertools.pairwise(gaps)) / count
        assert mean == pytest.approx(1, abs=0.001)  # their number is fixed
        assert variance == pytest.approx(1, abs=0.05)
        assert follow == pytest.approx(0, abs=0.02)
        for limit in (0.1, 1.0, 3.0):
            share = sum(gap > limit for gap in gaps) / count
            assert share == pytest.approx(math.exp(-limit), abs=0.01)

    def test_counts_of_seconds_vary_as_they_should(self):
        """Their variance is their mean: blocks of random numbers leave no trace."""
        due = every(planned(rate=100, duration="1000s", arrivals="poisson", seed=11))
        counts = [0] * 1_000
        for moment in due:
            counts[moment // SECOND] += 1
        variance = sum((count - 100) ** 2 for count in counts) / len(counts)
        assert variance == pytest.approx(100, rel=0.2)

    def test_follow_a_ramp(self):
        due = every(planned(stages=[{"ramp_to": 1000, "duration": "100s"}], arrivals="poisson"))
        early = sum(moment < 50 * SECOND for moment in due)
        assert early == pytest.approx(len(due) / 4, rel=0.05)


class TestChunks:
    """How workers and the engine ask for them."""

    @given(STRETCHES, KINDS, st.integers(1, 5), st.integers(1, 700))
    @settings(max_examples=60, deadline=None)
    def test_of_all_workers_are_the_whole(self, stretches, kind, workers, size):
        plan = schedule(stretches, warm_ns=SECOND // 2, arrivals=kind, seed=9)
        due = every(plan)
        for worker in range(workers):
            mine, k = [], worker
            while part := plan.chunk(k, workers, size):
                mine += part
                k += workers * size
            assert mine == due[worker::workers]

    @pytest.mark.parametrize("kind", ["constant", "poisson"])
    def test_single_ones_are_those_of_the_chunk(self, kind):
        plan = planned(
            stages=[{"ramp_to": 400, "duration": "5s"}, {"rate": 400, "duration": "2s"}],
            warm_up="1s",
            arrivals=kind,
        )
        due = every(plan)
        chosen = random.Random(1).sample(range(plan.count), 100)
        assert [plan.due(k) for k in chosen] == [due[k] for k in chosen]

    def test_end_with_the_last_arrival(self):
        plan = planned(rate=10, duration="1s")
        assert len(plan.chunk(8, 1, 1000)) == 2
        assert plan.chunk(10, 1, 1000) == []
        with pytest.raises(IndexError):
            plan.due(10)

    @given(STRETCHES, KINDS, st.integers(-SECOND, 30 * SECOND))
    @settings(max_examples=60, deadline=None)
    def test_how_many_are_due_by_a_moment(self, stretches, kind, moment):
        plan = schedule(stretches, warm_ns=SECOND, arrivals=kind, seed=2)
        assert plan.due_by(moment) == sum(due <= moment for due in every(plan))

    @pytest.mark.parametrize("kind", ["constant", "poisson"])
    def test_survive_the_way_to_a_worker(self, kind):
        plan = planned(rate=333, duration="7s", warm_up="1s", arrivals=kind, seed=4)
        assert every(pickle.loads(pickle.dumps(plan))) == every(plan)

    def test_of_an_hour_at_a_high_rate_take_little_memory(self):
        plan = planned(rate=20_000, duration="1h", arrivals="poisson")
        assert plan.count == 72_000_000
        assert len(pickle.dumps(plan)) < 2_000_000
        assert plan.due_by(plan.due(50_000_000)) == 50_000_001


def test_a_ramp_down_to_nothing_ends_with_its_stretch():
    plan = schedule(ramp(100, 0, 2 * SECOND))
    assert plan.count == 100
    assert plan.due(99) < 2 * SECOND
    assert plan.rate == 50


def test_steps_of_nothing_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="arrives nowhere"):
        arrivals.steps(0, 10, 0, SECOND)
