"""A recording in numbers: what counts where, and that the parts are the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.load.arrivals import constant, schedule
from senior_backend.load.engine.messages import Done
from senior_backend.load.histogram import Histogram, bucket
from senior_backend.load.summary import Facts, percentiles, summarise
from senior_backend.load.totals import SECOND, Recording
from tests.load.windows import MS, counted, window


def facts(seconds=10, **changes):
    return Facts(
        **{
            "scenario": "orders",
            "target": "http://127.0.0.1:8000/v1",
            "addresses": ["127.0.0.1"],
            "resolve_ms": 0.25,
            "local": False,
            "started_at": "2026-01-02T03:04:05.678Z",
            "schedule": schedule(constant(100, seconds * SECOND), warm_ns=2 * SECOND, seed=7),
            "duration_ns": seconds * SECOND,
            "interrupted": False,
            "done": {0: Done(cpu_s=1.5, max_rss_bytes=50_000_000, opened=12, max_open=9)},
            "max_connections": 500,
            **changes,
        }
    )


def result(windows, *, workers=1, seconds=10, thresholds=(), **changes):
    recording = Recording(("list", "create"), workers, seconds * SECOND)
    for worker, each in windows:
        recording.add(worker, each)
    return summarise(recording, facts(seconds, **changes), thresholds)


def steady(seconds=10, **numbers):
    """A quiet run: a hundred requests a second, of 1 to 100 ms."""
    values = [ms * MS for ms in range(1, 101)]
    return [(0, window(i, {0: values}, pacing=[50_000] * 100, **numbers)) for i in range(seconds)]


def test_percentiles_are_those_of_all_requests_that_succeeded():
    total = result(steady()).total
    assert total.count == 1_000
    for name, truth in {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p99.9": 100}.items():
        assert total.response_time_ms[name] == pytest.approx(truth, rel=0.004)
        assert total.service_time_ms[name] == pytest.approx(truth / 2, rel=0.004)
    assert 100 <= total.response_time_ms["max"] <= 100.8
    assert total.response_time_ms["mean"] == pytest.approx(50.5, rel=0.004)


def test_a_failure_is_no_fast_success():
    made = result([(0, window(0, {0: [80 * MS] * 10}, failures={(0, "http 503"): [MS] * 90}))])
    endpoint = made.endpoints["list"]
    assert (endpoint.count, endpoint.failed) == (100, 90)
    assert endpoint.errors == {"http 503": 90}
    assert endpoint.response_time_ms["p50"] == pytest.approx(80, rel=0.004)
    assert endpoint.failed_time_ms["p50"] == pytest.approx(1, rel=0.004)
    assert Histogram(endpoint.histograms.failures["http 503"]).count == 90


def test_a_port_that_this_machine_did_not_have_makes_the_run_invalid():
    failures = {(0, "no free port"): [MS] * 3}
    made = result([(0, window(0, {0: [MS] * 100}, failures=failures))], seconds=1)
    assert not made.valid
    assert made.invalid_reasons[0].startswith("3 times this machine had no free port")


def test_the_limit_in_force_is_beside_the_lateness():
    assert result(steady()).pacing_error_us.limit == 10_000
    slow = result([(0, window(0, {0: [1_000 * MS] * 100}))], seconds=1)
    assert slow.pacing_error_us.limit == pytest.approx(100_000, rel=0.004)


def test_where_nothing_succeeded_there_are_no_percentiles():
    made = result([(0, window(0, failures={(1, "connect refused"): [MS] * 5}))])
    assert made.total.response_time_ms == {}
    assert made.endpoints["create"].response_time_ms == {}
    assert made.endpoints["list"].count == 0
    assert made.total.failed == made.completed == 5


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 12),
            st.lists(st.integers(0, 10**10), max_size=4),
            st.lists(st.integers(0, 10**10), max_size=4),
            st.lists(st.integers(0, 10**10), max_size=2),
        ),
        max_size=10,
    )
)
def test_the_parts_are_the_whole(drawn):
    """Endpoints, causes, the series and the blocks add up to the totals, bucket by bucket."""
    made = result(
        [
            (worker, window(index, {0: a, 1: b}, failures={(1, "timeout"): bad} if bad else None))
            for worker, index, a, b, bad in drawn
        ],
        workers=3,
    )
    total = made.total
    parts = list(made.endpoints.values())
    assert total.count == sum(part.count for part in parts) == made.completed
    assert total.failed == sum(part.failed for part in parts) == sum(total.errors.values())
    assert total.bytes_received == sum(part.bytes_received for part in parts)
    for histogram in ("response_time", "service_time"):
        merged = Histogram()
        for part in parts:
            merged.merge(Histogram(getattr(part.histograms, histogram)))
        assert list(merged) == getattr(total.histograms, histogram)
    merged = Histogram()
    for block in made.blocks:
        for buckets in block.endpoints.values():
            merged.merge(Histogram(buckets))
    if any(index < 10 for _, index, *_ in drawn):
        assert list(merged) == total.histograms.response_time
    assert sum(each.total.count for each in made.series) == total.count
    assert sum(each.due for each in made.series) == made.due
    for each in made.series:
        assert sum(part.count for part in each.endpoints.values()) == each.total.count
        assert sum(each.errors.values()) == each.total.failed


def test_rates_are_those_of_the_measured_part():
    """What waited past its end was not sent on time, although it was answered in the end."""
    made = result(
        [
            *((0, window(i, {0: [MS] * 80}, due=100, started=80, sent=80)) for i in range(10)),
            (0, window(10, {0: [MS] * 200}, due=0, started=200, sent=200)),
        ]
    )
    assert (made.requested_rate, made.achieved_rate) == (100, 80)
    assert (made.due, made.sent, made.completed) == (1_000, 1_000, 1_000)
    assert made.series[-1].start_s == 10
    assert made.series[-1].requested_rate == 0


def test_a_run_that_was_ended_is_measured_by_the_time_it_took():
    made = result(steady(4), duration_ns=4 * SECOND, interrupted=True)
    assert made.interrupted
    assert (made.duration_s, made.planned_duration_s) == (4, 10)
    assert (made.requested_rate, made.achieved_rate) == (100, 100)
    assert made.valid


def test_a_run_that_was_ended_before_it_began_is_empty():
    made = result([], duration_ns=0, interrupted=True)
    assert (made.due, made.requested_rate, made.total.count) == (0, 0, 0)
    assert made.series == made.blocks == []
    assert made.pacing_error_us.p99 == 0


def test_the_generator_and_its_connections():
    before = window(-1)
    before.connect.update(counted([2 * MS, 4 * MS]))
    before.tls.update(counted([6 * MS]))
    before.connection_failures["connect refused"] += 3
    made = result(
        [(0, before), *steady(slept=0.75)],
        done={
            0: Done(cpu_s=1.5, max_rss_bytes=50, opened=12, max_open=9),
            1: Done(cpu_s=0.25, max_rss_bytes=70, opened=3, max_open=2),
        },
    )
    assert made.generator.busy == pytest.approx(0.25)
    assert (made.generator.cpu_s, made.generator.max_rss_bytes) == (1.75, 70)
    connections = made.connections
    assert (connections.opened, connections.max_open) == (15, 11)
    assert connections.failed == {"connect refused": 3}
    assert connections.connect_time_ms["p50"] == pytest.approx(2, rel=0.004)
    assert connections.tls_time_ms["max"] == pytest.approx(6, rel=0.008)
    assert made.pacing_error_us.p50 == pytest.approx(50, rel=0.004)
    assert made.environment.cores >= 1


def test_what_a_lost_worker_had_reported_is_kept():
    made = result(
        [(0, window(0, {0: [MS] * 10}, open_connections=5)), (1, window(0, {0: [MS] * 10}))],
        workers=2,
        lost={1: "was killed (SIGKILL)"},
        done={},
    )
    assert not made.valid
    assert "worker 1 was killed (SIGKILL)" in made.invalid_reasons[0]
    assert made.total.count == 20
    assert made.connections.max_open == 5


def test_warnings_from_before_the_start_come_first():
    made = result(steady(), remarks=["3 connections could not be opened"])
    assert made.warnings[0] == "3 connections could not be opened"


def test_the_series_of_a_long_run_has_its_real_lengths():
    made = result([(0, window(i, {0: [MS]})) for i in range(1_205)], seconds=1_205)
    assert len(made.series) == 302
    assert {each.length_s for each in made.series[:-1]} == {4}
    assert made.series[-1].length_s == 1
    assert made.series[-1].requested_rate == 100


def test_the_last_stretch_ends_with_the_run():
    made = result(steady(3), duration_ns=5 * SECOND // 2, interrupted=True)
    assert [each.length_s for each in made.series] == [1, 1, 0.5]


def test_the_rate_that_was_asked_for_is_the_schedules_own():
    """A window is cut when the loop has time: an arrival at its border may be in the next."""
    made = result([(0, window(i, due=101 - 2 * (i % 2))) for i in range(4)], seconds=4)
    assert [each.due for each in made.series] == [101, 99, 101, 99]
    assert {each.requested_rate for each in made.series} == {100}


def test_the_wait_for_the_last_responses_is_in_the_series_as_long_as_some_come():
    made = result([*steady(), (0, window(10)), (0, window(11, {0: [MS]}, due=0)), (0, window(12))])
    assert [each.start_s for each in made.series[-3:]] == [8, 9, 11]
    assert made.series[-1].requested_rate == 0


def test_percentiles_have_every_name_of_a_table():
    assert list(percentiles(Histogram({bucket(MS): 1}))) == [
        "p50",
        "p90",
        "p95",
        "p99",
        "p99.9",
        "max",
        "mean",
    ]
    assert percentiles(Histogram()) == {}
