"""Windows of all workers added up: exact totals, a series that stays small, stretches to judge."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.load import totals
from senior_backend.load.recording import EndpointCounts
from senior_backend.load.totals import SECOND, Recording, Totals
from tests.load.windows import MS, counted, window

VALUES = st.lists(st.integers(0, 10 * SECOND), max_size=5)


def recording(endpoints=("a", "b"), workers=1, seconds=10):
    return Recording(endpoints, workers, seconds * SECOND)


def filled(windows, **options):
    made = recording(**options)
    for worker, each in windows:
        made.add(worker, each)
    return made


def all_counts(stretches, endpoint):
    every = {}
    for _start, _length, stretch in stretches:
        totals.add_counts(every, stretch.response(endpoint))
    return every


class TestTotals:
    """Everything, exactly."""

    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), VALUES, VALUES), max_size=12))
    def test_do_not_depend_on_the_order_in_which_windows_arrive(self, given_windows):
        windows = [
            (worker, window(index, {0: ok}, failures={(1, "timeout"): bad} if bad else None))
            for worker, index, ok, bad in given_windows
        ]
        shuffled = random.Random(1).sample(windows, len(windows))
        one, other = filled(windows, workers=3), filled(shuffled, workers=3)
        assert one.total.endpoints == other.total.endpoints
        values = [value for _, _, ok, _ in given_windows for value in ok]
        assert one.total.endpoints.get(0, EndpointCounts()).response == counted(values)
        assert all_counts(one.series(), 0) == counted(values)
        assert all_counts(one.blocks(), 0) == counted(values)

    def test_have_numbers_of_all_workers(self):
        made = filled(
            [
                (0, window(0, {0: [MS, MS]}, backlog=1, open_connections=4, in_flight=2)),
                (1, window(0, {0: [MS]}, dropped=2, open_connections=3, in_flight=1)),
                (0, window(1, {1: [MS]}, backlog=5, open_connections=6, in_flight=3)),
            ],
            workers=2,
        )
        numbers = made.total.numbers
        assert (numbers.due, numbers.started, numbers.sent, numbers.dropped) == (4, 4, 4, 2)
        assert (numbers.backlog, numbers.open_connections, numbers.in_flight) == (5, 9, 4)
        assert made.total.endpoints[0].bytes_received == 300
        assert made.total.endpoints[0].statuses == {200: 3}

    def test_of_what_was_sent_count_the_measured_part_only(self):
        made = filled(
            [(0, window(9, due=10, started=6, sent=6)), (0, window(10, {0: [MS] * 4}, due=0))]
        )
        assert (made.total.numbers.due, made.total.numbers.started) == (10, 6)
        assert made.total.numbers.sent == 10
        assert sum(made.total.endpoints[0].response.values()) == 4

    def test_know_how_busy_the_busiest_worker_was(self):
        made = filled(
            [
                (0, window(0, slept=0.9)),
                (1, window(0, slept=0.2)),
                (1, window(1, slept=0.0)),
                (1, window(10, slept=1.0)),  # waiting for the last responses
            ],
            workers=2,
        )
        assert made.total.numbers.busy == pytest.approx(0.9)

    def test_of_what_ended_before_the_measured_part_count_connections_only(self):
        before = window(-1, {0: [MS]}, pacing=[MS])
        before.connect.update(counted([2 * MS]))
        before.connection_failures["connect refused"] += 1
        made = filled([(0, before)])
        assert made.total.connect == counted([2 * MS])
        assert made.total.connection_failures == {"connect refused": 1}
        assert not made.total.endpoints
        assert not made.total.pacing
        assert not list(made.series())

    def test_of_windows_handed_over_are_not_shared(self):
        """The same objects may come again: a worker in this process reuses them."""
        each = window(0, {0: [MS]})
        made = filled([(0, each)])
        each.endpoints[0].response.clear()
        assert made.total.endpoints[0].response == counted([MS])


class TestSeries:
    """What happened over time."""

    def test_has_a_stretch_a_second_with_both_workers(self):
        made = filled(
            [(0, window(0, {0: [MS]})), (0, window(1)), (1, window(0, {0: [5 * MS], 1: [MS]}))],
            workers=2,
        )
        series = list(made.series())
        assert [(start, length) for start, length, _ in series] == [(0, 1), (1, 1)]
        assert series[0][2].response(0) == counted([MS, 5 * MS])
        assert series[0][2].endpoints() == [0, 1]
        assert series[0][2].numbers.due == 3

    def test_counts_failures_by_endpoint_and_by_cause(self):
        made = filled([(0, window(0, failures={(1, "timeout"): [MS, MS], (1, "http 503"): [MS]}))])
        ((_, _, stretch),) = made.series()
        assert stretch.failed == {1: 3}
        assert stretch.errors == {"timeout": 2, "http 503": 1}

    def test_of_a_long_run_is_short_and_complete(self):
        seconds = 5_000
        made = filled([(0, window(i, {0: [i * MS]})) for i in range(seconds)], seconds=seconds)
        series = list(made.series())
        assert len(series) <= totals.MOST_STRETCHES
        assert [start for start, _, _ in series] == list(range(0, seconds, made.span))
        assert made.span == 16
        assert all_counts(series, 0) == counted([i * MS for i in range(seconds)])
        assert series[1][2].response(0) == counted([i * MS for i in range(16, 32)])

    def test_keeps_the_last_state_of_what_it_joins(self):
        made = filled(
            [(0, window(i, backlog=i)) for i in range(totals.MOST_STRETCHES + 2)], seconds=700
        )
        assert made.span == 2
        assert [stretch.numbers.backlog for _, _, stretch in made.series()][:3] == [1, 3, 5]

    def test_of_many_endpoints_has_fewer_stretches(self):
        names = [f"e{i}" for i in range(1_000)]
        made = recording(names, seconds=300)
        assert made.most == totals.FEWEST_STRETCHES
        for i in range(300):
            made.add(0, window(i, {i % 1_000: [MS]}))
        assert len(list(made.series())) <= totals.FEWEST_STRETCHES

    def test_with_too_many_buckets_has_fewer_stretches(self, monkeypatch):
        monkeypatch.setattr(totals, "MOST_BUCKETS", 2_000)
        values = [MS << shift for shift in range(12)]
        made = filled([(0, window(i, {0: values, 1: values})) for i in range(400)], seconds=400)
        series = list(made.series())
        assert sum(stretch.buckets for _, _, stretch in series) <= 2_400
        assert len(series) >= totals.FEWEST_STRETCHES / 2
        assert all_counts(series, 1) == counted(values * 400)

    def test_takes_a_late_window_where_it_belongs(self):
        made = filled([(0, window(i, {0: [MS]})) for i in range(50)], workers=2, seconds=50)
        made.add(1, window(3, {0: [9 * MS]}))
        series = list(made.series())
        assert series[3][2].response(0) == counted([MS, 9 * MS])
        assert all_counts(series, 0) == counted([MS] * 50 + [9 * MS])

    def test_holds_counts_beyond_32_bits(self):
        each = window(0)
        each.endpoints[0] = EndpointCounts(response={300: 2**40})
        made = filled([(0, each), *((0, window(i)) for i in range(1, 12))], seconds=12)
        assert next(made.series())[2].response(0) == {300: 2**40}


class TestBlocks:
    """Equal stretches of the measured part, for comparisons."""

    @pytest.mark.parametrize(
        ("seconds", "blocks", "length"),
        [
            (10, 10, 1),
            (30, 30, 1),
            (60, 30, 2),
            (100, 25, 4),
            (61, 20, 3),
            (600, 30, 20),
            (7_200, 30, 240),
        ],
    )
    def test_are_about_thirty(self, seconds, blocks, length):
        made = filled([(0, window(i, {0: [MS]})) for i in range(seconds)], seconds=seconds)
        found = list(made.blocks())
        assert len(found) == blocks
        assert found[0][1] == length
        assert sum(each for _, each, _ in found) == seconds

    def test_are_fewer_where_they_would_have_too_many_buckets(self, monkeypatch):
        monkeypatch.setattr(totals, "MOST_BLOCK_BUCKETS", 20)
        made = filled([(0, window(i, {0: [MS, 9 * MS]})) for i in range(60)], seconds=60)
        found = list(made.blocks())
        assert [length for _, length, _ in found] == [8] * 7 + [4]
        assert all_counts(found, 0) == counted([MS, 9 * MS] * 60)

    def test_have_the_last_responses_in_the_last_one(self):
        made = filled([(0, window(i, {0: [MS]})) for i in range(14)], seconds=10)
        found = list(made.blocks())
        assert [sum(stretch.response(0).values()) for _, _, stretch in found] == [1] * 9 + [5]
        assert found[-1][:2] == (9, 1)

    def test_of_a_run_that_was_ended_stop_with_it(self):
        made = filled([(0, window(i, {0: [MS]})) for i in range(4)], seconds=60)
        assert [(start, length) for start, length, _ in made.blocks()] == [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 1),
        ]

    def test_of_nothing_are_none(self):
        assert list(recording().blocks()) == []


class TestWatches:
    """Stretches of a wished length, told as soon as they are complete."""

    def told(self, made, length):
        heard = []
        made.watch(length, lambda stretch, seconds: heard.append((stretch.numbers.due, seconds)))
        return heard

    def test_are_told_when_all_workers_are_past_them(self):
        made = recording(workers=2, seconds=20)
        heard = self.told(made, 5)
        for i in range(7):
            made.add(0, window(i, due=1))
        assert heard == []
        for i in range(5):
            made.add(1, window(i, due=10))
        assert heard == [(55, 5)]

    def test_do_not_wait_for_a_worker_that_is_lost(self):
        made = recording(workers=2, seconds=20)
        heard = self.told(made, 5)
        made.add(1, window(0, due=10))
        made.lose(1)
        for i in range(6):
            made.add(0, window(i, due=1))
        assert heard == [(15, 5)]

    @pytest.mark.parametrize(
        ("seconds", "length", "told"),
        [
            (10, 5, [(5, 5), (5, 5)]),
            (12, 5, [(5, 5), (7, 7)]),
            (13, 5, [(5, 5), (5, 5), (3, 3)]),
            (3, 5, [(3, 3)]),
            (2, 5, [(2, 2)]),
        ],
    )
    def test_are_the_whole_run_together(self, seconds, length, told):
        made = recording(seconds=seconds)
        heard = self.told(made, length)
        for i in range(seconds):
            made.add(0, window(i, due=1))
        made.add(0, window(seconds, due=0))  # waiting for the last responses
        made.finish(seconds * SECOND)
        assert heard == told

    @pytest.mark.parametrize(
        ("ended", "told"),
        [(5, [(5, 5)]), (7, [(5, 5)]), (8, [(5, 5), (3, 3)]), (1, [(1, 1)])],
    )
    def test_of_a_run_that_was_ended_leave_out_less_than_half_a_stretch(self, ended, told):
        made = recording(seconds=60)
        heard = self.told(made, 5)
        for i in range(ended):
            made.add(0, window(i, due=1))
        made.finish(ended * SECOND)
        assert heard == told

    def test_of_a_stretch_with_no_window_are_told_as_well(self):
        made = recording(seconds=20)
        heard = self.told(made, 5)
        made.add(0, window(0, due=1))
        made.add(0, window(12, due=1))
        assert heard == [(1, 5), (0, 5)]

    def test_have_everything_that_a_threshold_asks_for(self):
        made = recording(seconds=2)
        stretches = []
        made.watch(2, lambda stretch, _seconds: stretches.append(stretch))
        for i in range(3):
            each = window(i, {0: [MS]}, failures={(1, "timeout"): [MS]}, pacing=[5])
            each.connect.update(counted([7]))
            made.add(0, each)
        made.finish(2 * SECOND)
        assert isinstance(stretches[0], Totals)
        assert stretches[0].endpoints == made.total.endpoints
        assert stretches[0].pacing == counted([5] * 3)
        assert stretches[0].connect == counted([7] * 3)


def test_how_much_of_the_measured_part_a_worker_accounts_for():
    made = filled(
        [(0, window(0)), (0, window(1, length_ns=3 * SECOND)), (1, window(0))],
        workers=3,
    )
    assert [made.covered_ns(worker) for worker in range(3)] == [4 * SECOND, SECOND, 0]
