"""Whether the generator kept up: what is INVALID, what is the target's own, what is only told."""

from dataclasses import replace

import pytest

from senior_backend.load.histogram import Histogram, bucket
from senior_backend.load.validity import Evidence, Moment, fastest_p99, few, judge

MS = 1_000_000


def times(*pairs):
    """(milliseconds, how often)."""
    return Histogram({bucket(int(ms * MS)): count for ms, count in pairs})


def moments(*each, due=1_000):
    """(started, busy) or (started, busy, backlog), a second each."""
    made = []
    backlog = 0
    for second, (started, busy) in enumerate(each):
        backlog = max(0, backlog + due - started)
        made.append(Moment(second, 1, due, started, busy, backlog, 10, 10))
    return made


QUIET = Evidence(
    due=10_000,
    started=10_000,
    dropped=0,
    duration_s=10,
    moments=moments(*[(1_000, 0.2)] * 10),
    busy=0.2,
    workers=2,
    cores=4,
    covered=[1.0, 1.0],
    lost=[],
    pacing=times((0.05, 9_990), (5, 10)),
    response=times((2, 9_000), (8, 1_000)),
    service=times((1.8, 9_000), (7.5, 1_000)),
    samples={"list": 6_000, "create": 4_000},
    fastest_p99_ns=8 * MS,
    max_open=40,
    max_connections=500,
    connection_failures=0,
    no_local_port=0,
    max_pacing_error_ns=2 * MS,
    precise=False,
    interrupted=False,
    local=False,
)
BEHIND = {"started": 8_000, "busy": 0.97, "moments": moments(*[(800, 0.97)] * 10)}
SATURATED = {"started": 8_000, "moments": moments(*[(800, 0.3)] * 10), "max_open": 500}

NO_SUCCESS = {"response": Histogram(), "service": Histogram(), "fastest_p99_ns": float("nan")}

INVALID = {
    "the loop had no time left": (
        BEHIND,
        (
            "800.0 of 1,000.0 arrivals a second were sent (80.0 %), and the generator was the"
            " limit: its loop was busy 97 % of the time while arrivals fell behind; use more"
            " workers (--workers / generator.workers) on a machine with more cores, or a lower rate"
        ),
    ),
    "it had none left in the highest stage only": (
        {
            "started": 9_400,
            "moments": moments(*[(1_000, 0.3)] * 8, (700, 0.99), (700, 0.99)),
        },
        "its loop was busy 99 % of the time while arrivals fell behind",
    ),
    "it had none left, with all connections in use": (
        {**BEHIND, "max_open": 500},
        "the generator was the limit",
    ),
    "it had none left, beside its target": (
        {**BEHIND, "local": True},
        "run the target on another machine, use more cores, or a lower rate",
    ),
    "sends were late although they had a connection": (
        {"pacing": times((0.05, 9_800), (5, 200))},
        (
            "200 of 10,000 sends were sent late by the generator, by more than 2 ms (p99 5 ms): its"
            " own delay is in the response times; use --precise (generator.precise) or a quieter"
            " machine, or allow more (--max-pacing-error / generator.max_pacing_error)"
        ),
    ),
    "it stood still for a while": (
        {"pacing": times((0.05, 9_800), (1_500, 200))},
        "by more than 2 ms (p99 1.5 s)",
    ),
    "sends were late with spinning": (
        {"pacing": times((0.05, 9_800), (5, 200)), "precise": True, "busy": 0.85},
        "use a lower rate, or allow more",
    ),
    "sends were late on a machine without a free core": (
        {"pacing": times((0.05, 9_800), (5, 200)), "cores": 2},
        "use a quieter machine or a lower rate, or allow more",
    ),
    "sends were late where the target takes the last core": (
        {"pacing": times((0.05, 9_800), (5, 200)), "cores": 3, "local": True},
        "use a quieter machine or a lower rate, or allow more",
    ),
    "the loop had no time left, and nothing succeeded": (
        {**BEHIND, **NO_SUCCESS},
        "the generator was the limit",
    ),
    "this machine had no port left": (
        {"no_local_port": 1_200},
        (
            "1,200 times this machine had no free port (or descriptor) for one more connection: the"
            " generator was the limit; let the target keep connections alive, use fewer of them"
            " (--connections / connections.max), or widen net.ipv4.ip_local_port_range (and ulimit"
            " -n)"
        ),
    ),
    "this machine had no port left, and nothing succeeded": (
        {"no_local_port": 1, **NO_SUCCESS},
        "had no free port",
    ),
    "sends were late for the fast endpoint of a slow target": (
        {"pacing": times((5, 10_000)), "response": times((1, 9_000), (900, 1_000))},
        "by more than 2 ms",
    ),
    "a worker was killed": (
        {"lost": ["worker 1 was killed (SIGKILL)"], "covered": [1.0, 0.3]},
        (
            "worker 1 was killed (SIGKILL): its arrivals were not sent, what it had not reported is"
            " missing; run again"
        ),
    ),
    "windows are missing": (
        {"covered": [1.0, 0.9]},
        "worker 1 accounts for 90 % of the measured part only",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_because(case):
    changes, reason = INVALID[case]
    reasons, _ = judge(replace(QUIET, **changes))
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_every_reason_is_told():
    reasons, _ = judge(replace(QUIET, **BEHIND, pacing=times((9, 10_000)), covered=[0.5, 1.0]))
    assert len(reasons) == 3


VALID = {
    "all is quiet": {},
    "a hundredth was late, to the last": {"pacing": times((0.05, 9_900), (5, 100))},
    "two hiccups in a short run": {"pacing": times((0.05, 98), (5, 2))},
    "sends were late, but little beside the response": {
        "pacing": times((5, 10_000)),
        "response": times((100, 10_000)),
        "fastest_p99_ns": 100 * MS,
    },
    "sends were late and nothing succeeded": {
        "pacing": times((0.05, 9_000), (500, 1_000)),
        **NO_SUCCESS,
    },
    "more was allowed": {"pacing": times((5, 10_000)), "max_pacing_error_ns": 6 * MS},
    "the loop was busy, and kept up": {
        "busy": 0.98,
        "moments": moments(*[(1_000, 0.98)] * 10),
    },
    "the last per cent is missing": {"started": 9_900},
    "the target did not keep up": SATURATED,
    "the target stood still at the end": {
        "started": 9_000,
        "moments": moments(*[(1_000, 0.2)] * 9, (0, 0.01)),
    },
    "the loop was busy making up for a target that stood still": {
        "started": 9_500,
        "moments": moments(*[(1_000, 0.2)] * 7, (0, 0.01), (1_000, 0.2), (1_500, 0.99)),
    },
    "a worker began a little late in a short run": {"duration_s": 0.5, "covered": [1.0, 0.6]},
    "a run of nothing": {
        "due": 0,
        "started": 0,
        "moments": [],
        "duration_s": 0,
        "pacing": Histogram(),
        "response": Histogram(),
        "service": Histogram(),
        "samples": {},
        "fastest_p99_ns": float("nan"),
    },
}


@pytest.mark.parametrize("case", VALID)
def test_valid_although(case):
    assert judge(replace(QUIET, **VALID[case]))[0] == []


WARNINGS = {
    "the target did not keep up": (
        SATURATED,
        (
            "the target did not keep up from 0 s on: 800.0 of 1,000.0 arrivals a second were sent"
            " (80.0 %); all connections were waiting for responses, up to 2,000 arrivals waited;"
            " their wait is in the response times"
        ),
    ),
    "arrivals were given up": (
        {**SATURATED, "dropped": 1_500},
        "up to 2,000 arrivals waited, 1,500 arrivals were given up",
    ),
    "connections could not be had": (
        {**SATURATED, "max_open": 300, "connection_failures": 12},
        "300 of 500 connections could be had, 12 could not be opened",
    ),
    "connections were the limit": (
        {"max_open": 500},
        "all 500 connections (--connections / connections.max) were in use at some time",
    ),
    "the loop was rather busy": (
        {"busy": 0.85, "moments": moments(*[(1_000, 0.85)] * 10)},
        "the generator's loop was busy 85 % of the time, little is left for more load",
    ),
    "the loop was rather busy for a second": (
        {"moments": moments(*[(1_000, 0.3)] * 9, (1_000, 0.88))},
        "the generator's loop was busy 88 % of the time in the 1 s from 9 s on",
    ),
    "pacing is visible in short response times": (
        {"pacing": times((0.05, 10_000)), "response": times((0.2, 10_000))},
        (
            "the generator sent late by p50 50 \N{MICRO SIGN}s, p99 50 \N{MICRO SIGN}s, 25 % of the"
            " median response time (0.2 ms): latencies are higher by up to that; use --precise"
        ),
    ),
    "what was allowed is visible in the fastest endpoint": (
        {
            "pacing": times((0.2, 9_800), (4, 200)),
            "max_pacing_error_ns": 1_000 * MS,
            "cores": 1,
        },
        (
            "the generator sent late by p50 0.2 ms, p99 4.01 ms, 50 % of the fastest endpoint's p99"
            " (8 ms): latencies are higher by up to that; use a quieter machine or a lower rate"
        ),
    ),
    "arrivals waited for a connection, and all were sent": (
        {
            "pacing": times((0.05, 8_600)),
            "response": times((2, 8_000), (1_030, 2_000)),
            "service": times((2, 8_000), (5.72, 2_000)),
        },
        (
            "response p90 is 1.03 s, service p90 5.72 ms: 1,400 of 10,000 arrivals waited for a"
            " connection; their wait is in the response times"
        ),
    ),
    "arrivals waited for all connections and for the generator": (
        {
            "pacing": times((0.05, 8_600), (3, 50)),
            "response": times((2, 9_700), (1_030, 300)),
            "service": times((2, 9_700), (5.72, 300)),
            "max_open": 500,
        },
        (
            "response p99 is 1.03 s, service p99 5.72 ms: 1,350 of 10,000 arrivals waited for a"
            " connection, 50 waited more than 1 ms for the generator, all 500 connections"
            " (--connections / connections.max) were in use; their wait is in the response times"
        ),
    ),
    "few samples": (
        {"samples": {"a": 900}},
        "900 samples are few for p99 and p99.9; run longer",
    ),
    "few samples for p99.9": (
        {"samples": {"a": 9_000}},
        "9,000 samples are few for p99.9; run longer",
    ),
    "few samples of some endpoints": (
        {"samples": {"a": 5, "b": 10_000, "c": 0, "d": 1, "e": 2}},
        "fewer than 1,000 samples for p99: a, c, d and 1 more",
    ),
    "the target is on this machine": (
        {"local": True},
        "generator and target share this machine",
    ),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_a_warning_says_that(case):
    changes, warning = WARNINGS[case]
    reasons, warnings = judge(replace(QUIET, **changes))
    assert reasons == []
    assert [w for w in warnings if warning in w]


@pytest.mark.parametrize(
    ("response", "service"),
    [
        (times((1.5, 10_000)), times((0.6, 10_000))),  # less than a millisecond apart
        (times((90, 10_000)), times((50, 10_000))),  # less than twice
    ],
)
def test_clocks_that_differ_little_are_no_news(response, service):
    assert judge(replace(QUIET, response=response, service=service))[1] == []


def test_a_target_that_did_not_keep_up_is_told_once():
    clocks = {"response": times((900, 10_000)), "service": times((5, 10_000))}
    _, warnings = judge(replace(QUIET, **SATURATED, **clocks))
    assert len([w for w in warnings if "response" in w]) == 1


def test_a_delay_for_which_a_run_is_invalid_is_told_once():
    reasons, warnings = judge(replace(QUIET, pacing=times((5, 10_000))))
    assert (len(reasons), warnings) == (1, [])


@pytest.mark.parametrize(
    ("samples", "about"),
    [
        ({"a": 900}, ["p99"]),
        ({"a": 5, "b": 20_000}, ["p99"]),
        ({"a": 5, "b": 5_000}, ["p99", "p99.9"]),
        ({"a": 9_000}, ["p99.9"]),
        ({"a": 10_000}, []),
        ({}, []),
    ],
)
def test_a_warning_of_few_samples_says_which_percentile_it_is_about(samples, about):
    assert [percentile for percentile, _ in few(samples)] == about


def test_a_quiet_run_has_no_warning():
    assert judge(QUIET) == ([], [])


def test_the_generators_own_limit_is_not_blamed_on_the_target():
    assert not [w for w in judge(replace(QUIET, **BEHIND))[1] if "target" in w]


def test_what_waited_when_a_run_was_interrupted_is_not_blamed_on_the_target():
    assert judge(replace(QUIET, dropped=1, interrupted=True)) == ([], [])


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([times((1, 100)), times((900, 5_000))], 1),
        ([times((1, 99)), times((900, 5_000))], 900),  # too few for a p99
        ([times((1, 50)), times((3, 50))], 3),
    ],
)
def test_the_fastest_endpoint_that_has_enough_requests_says_what_is_late(endpoints, expected):
    every = Histogram()
    for each in endpoints:
        every.merge(each)
    assert fastest_p99(endpoints, every) == pytest.approx(expected * MS, rel=0.004)
