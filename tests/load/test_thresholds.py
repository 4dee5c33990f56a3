"""Thresholds: k6's grammar, what each looks at, and when it fails."""

from dataclasses import replace

import pytest

from senior_backend.errors import InputError
from senior_backend.load import thresholds
from senior_backend.load.result import ThresholdResult
from senior_backend.load.scenario.model import Judged, Scenario
from senior_backend.load.thresholds import Judge, Threshold, message, parse
from senior_backend.load.totals import SECOND, Recording
from tests.load.windows import MS, counted, window

NAMES = ("orders", "GET /v1/items/{id}")


def judged(text, **given):
    return Judged.model_validate({"threshold": text, **given})


class TestGrammar:
    """What can be written."""

    @pytest.mark.parametrize(
        ("metric", "text", "expected"),
        [
            ("http_req_duration", "p(95)<200", ("p", 95, "<", 200, "", None)),
            ("http_req_duration", " p( 99.9 ) <= 0.2 s ", ("p", 99.9, "<=", 0.2, "s", None)),
            ("http_req_duration", "med<1.5ms", ("med", 50, "<", 1.5, "ms", None)),
            ("http_req_duration", "avg < 1e3", ("avg", 50, "<", 1000, "", None)),
            ("http_req_duration", "max<.5s", ("max", 50, "<", 0.5, "s", None)),
            ("service_time", "min>=0", ("min", 50, ">=", 0, "", None)),
            ("http_req_failed", "rate<0.01", ("rate", 50, "<", 0.01, "", None)),
            ("http_req_failed", "rate<1%", ("rate", 50, "<", 1, "%", None)),
            ("http_req_failed", "rate==0", ("rate", 50, "==", 0, "", None)),
            ("http_req_failed", "count<=3", ("count", 50, "<=", 3, "", None)),
            ("http_reqs", "rate>100", ("rate", 50, ">", 100, "", None)),
            ("dropped_iterations", "count===0", ("count", 50, "===", 0, "", None)),
            ("dropped", "count!=7", ("count", 50, "!=", 7, "", None)),
            ("achieved", "rate>=99.5%", ("rate", 50, ">=", 99.5, "%", None)),
            ("http_req_connecting", "p(99)<10", ("p", 99, "<", 10, "", None)),
            ("http_req_tls_handshaking", "p(100)<10", ("p", 100, "<", 10, "", None)),
            ("pacing_error", "p(99)<250us", ("p", 99, "<", 250, "us", None)),
            ("http_req_duration{name:orders}", "p(95)<1", ("p", 95, "<", 1, "", "orders")),
            ("http_req_duration{ name : orders }", "p(95)<1", ("p", 95, "<", 1, "", "orders")),
            (
                'http_req_duration{expected_response:true, name:"a, b"}',
                "p(95)<1",
                ("p", 95, "<", 1, "", "a, b"),
            ),
            (
                "http_req_duration{name:GET /v1/items/{id}}",
                "p(95)<1",
                ("p", 95, "<", 1, "", "GET /v1/items/{id}"),
            ),
            ("http_req_duration{name:a, b}", "p(95)<1", ("p", 95, "<", 1, "", "a, b")),
            ("http_req_duration{}", "p(95)<1", ("p", 95, "<", 1, "", None)),
        ],
    )
    def test_is_read(self, metric, text, expected):
        read = parse(metric, text)
        assert (read.metric, read.expression) == (metric, text)
        assert (
            read.aggregation,
            read.percent,
            read.operator,
            read.limit,
            read.unit,
            read.endpoint,
        ) == expected

    @pytest.mark.parametrize(
        ("metric", "text", "error"),
        [
            ("http_req_duratoin", "p(95)<1", "no metric is called http_req_duratoin; did you mean"),
            ("latency", "p(95)<1", "no metric is called latency; there is http_req_duration, "),
            ("http_req_waiting", "p(95)<1", "is not measured; service_time is nearest"),
            ("checks", "rate>0.9", "a response that does not pass a check is a failed request"),
            ("vus", "value>1", "there are no virtual users here"),
            ("", "p(95)<1", "'' is no metric; write it like http_req_duration"),
            ("a b", "p(95)<1", "'a b' is no metric"),
            ("http_req_duration{status:200}", "p(95)<1", "no tag is called status; there is name"),
            ("http_req_duration{orders}", "p(95)<1", "'orders' is no tag; write name:ENDPOINT"),
            ("http_req_duration{name:a,name:b}", "p(95)<1", "one name only"),
            ("achieved{name:a}", "rate>0.9", "achieved is not counted by endpoint"),
            ("http_req_duration", "p95<200", "percentiles are written p(N): p(95)<200"),
            ("http_req_duration", "p(95)=200", "equality is written =="),
            ("http_req_duration", "under 200", "write aggregation, operator and number"),
            ("http_req_failed", "", "write aggregation, operator and number, like rate<0.01"),
            ("dropped", "none", "write aggregation, operator and number, like count==0"),
            ("http_req_duration", "p(95)<200 and more", "not understood"),
            ("http_req_duration", "p(101)<1", "there is no p(101)"),
            ("http_req_duration", "p(0)<1", "there is no p(0)"),
            ("http_req_duration", "p(x)<1", "which percentile?"),
            ("http_req_duration", "p()<1", "which percentile?"),
            ("http_req_duration", "p<1", "which percentile?"),
            ("http_req_duration", "avg(5)<1", "avg has no number in parentheses"),
            ("http_req_duration", "rate<1", "has no rate; it has avg, min, med, max, p(N)"),
            ("http_req_failed", "p(95)<1", "has no p(N); it has rate, count"),
            ("http_reqs", "value>1", "has no value; it has count, rate"),
            ("http_req_duration", "p(95)<2m", "a time is in ms or s, not in m"),
            ("http_req_duration", "p(95)<2%", "a time is in ms or s, not in %"),
            ("http_req_failed", "rate<5ms", "a share is 0 to 1, or a number with %"),
            ("http_req_failed", "rate<5", "a share is 0 to 1; a percentage is written like 1%"),
            ("http_req_failed", "rate<500%", "a share is 0 to 1"),
            ("http_req_failed", "rate<0", "nothing is below 0; write ==0"),
            ("http_req_duration", "p(95)<-1", "nothing here is below 0"),
            ("achieved", "rate>1", "a share is never above 1"),
            ("http_reqs", "rate>5%", "a rate here is a number a second"),
            ("dropped", "count<5%", "a count, it has no unit"),
        ],
    )
    def test_is_refused(self, metric, text, error):
        with pytest.raises(InputError) as raised:
            parse(metric, text)
        assert error in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_takes_what_to_do_on_failure(self):
        given = judged("p(95)<200", abort_on_fail=True, delay="10s", window="30s")
        read = parse("http_req_duration", given.threshold, given=given)
        assert (read.abort, read.delay_ns, read.window_s) == (True, 10 * SECOND, 30)

    def test_takes_the_keys_of_k6(self):
        k6 = {"threshold": "rate<0.01", "abortOnFail": True, "delayAbortEval": "10s"}
        scenario = Scenario.model_validate(
            {
                "load": {"rate": 1, "duration": "60s"},
                "endpoints": [{"path": "/"}],
                "thresholds": {"http_req_failed": [k6]},
            }
        )
        read = thresholds.of_scenario(scenario)[0]
        assert (read.abort, read.delay_ns) == (True, 10 * SECOND)

    def test_windows_are_whole_seconds(self):
        with pytest.raises(InputError, match="a window is whole seconds"):
            parse("service_time", "max<1", given=judged("max<1", window="1500ms"))


class TestOfAScenario:
    """All that stand in a file, with the defaults."""

    def scenario(self, top=None, endpoint=None, step=None):
        return Scenario.model_validate(
            {
                "load": {"rate": 1, "duration": "1s"},
                "endpoints": [{"name": "orders", "path": "/", "thresholds": endpoint or {}}],
                "flows": [
                    {
                        "name": "buy",
                        "steps": [{"name": NAMES[1], "path": "/", "thresholds": step or {}}],
                    }
                ],
                "thresholds": top or {},
            }
        )

    def test_are_those_of_the_top_of_endpoints_and_of_steps(self):
        read = thresholds.of_scenario(
            self.scenario(
                top={"http_req_duration": ["p(95)<1", "p(99)<2"], "achieved": "rate>0.5"},
                endpoint={"service_time": ["med<3"]},
                step={"http_req_failed": "rate<0.5"},
            )
        )
        assert [(t.metric, t.expression, t.endpoint, t.default) for t in read] == [
            ("http_req_duration", "p(95)<1", None, False),
            ("http_req_duration", "p(99)<2", None, False),
            ("achieved", "rate>0.5", None, False),
            ("service_time{name:orders}", "med<3", "orders", False),
            ("http_req_failed{name:GET /v1/items/{id}}", "rate<0.5", NAMES[1], False),
            ("dropped", "count==0", None, True),
        ]
        for each in read:  # as written, each can be read again
            assert parse(each.metric, each.expression).endpoint == each.endpoint

    def test_are_the_defaults_where_nothing_is_said(self):
        read = thresholds.of_scenario(self.scenario())
        assert [(t.metric, t.expression, t.default) for t in read] == [
            ("http_req_failed", "rate<0.01", True),
            ("achieved", "rate>0.99", True),
            ("dropped", "count==0", True),
        ]

    def test_are_not_the_defaults_of_what_is_judged_by_another_name(self):
        read = thresholds.complete([parse("dropped_iterations", "count<5")])
        assert [t.name for t in read if t.default] == ["http_req_failed", "achieved"]

    @pytest.mark.parametrize(
        ("place", "metric", "path", "error"),
        [
            (
                "top",
                "service_time{name:order}",
                ("thresholds", "service_time{name:order}", 0),
                "no endpoint is called order; did you mean orders?",
            ),
            (
                "endpoint",
                "achieved",
                ("endpoints", 0, "thresholds", "achieved", 0),
                "achieved is not counted by endpoint",
            ),
            (
                "step",
                "service_time{name:orders}",
                ("flows", 0, "steps", 0, "thresholds", "service_time{name:orders}"),
                "write service_time",
            ),
        ],
    )
    def test_that_are_wrong_are_told_with_their_place(self, place, metric, path, error):
        text = "rate>0.9" if metric == "achieved" else "max<1"
        scenario = self.scenario(**{place: {metric: text}})
        ((found, said),) = thresholds.problems(scenario)
        assert found == path
        assert error in said
        with pytest.raises(InputError):
            thresholds.of_scenario(scenario)

    def test_that_are_right_have_no_problems(self):
        assert not list(thresholds.problems(self.scenario(endpoint={"http_reqs": "count>0"})))


def recorded(*windows, seconds=10, asked=(), workers=1):
    recording = Recording(NAMES, workers, seconds * SECOND)
    judge = Judge(asked, recording)
    for each in windows:
        recording.add(0, each)
    return judge


def outcome(metric, text, *windows, seconds=10, **given):
    """The one threshold's result at the end of a run."""
    threshold = parse(metric, text, given=judged(text, **given))
    judge = recorded(*windows, seconds=seconds, asked=[threshold])
    (result,) = judge.finish(seconds * SECOND)
    return result


BEFORE = window(-1)
BEFORE.connect.update(counted([3 * MS] * 10))
BEFORE.tls.update(counted([8 * MS] * 10))
RUN = (
    BEFORE,
    window(0, {0: [ms * MS for ms in range(1, 101)]}, pacing=[20_000] * 99 + [900_000]),
    window(
        1,
        {1: [300 * MS] * 90},
        failures={(1, "http 503"): [MS] * 10},
        due=120,
        started=110,
        sent=110,
        dropped=5,
    ),
)


@pytest.mark.parametrize(
    ("metric", "text", "value", "passed"),
    [
        ("http_req_duration", "p(50)<95", 95, False),
        ("http_req_duration", "p(95)<0.4s", 0.3, True),
        ("http_req_duration{name:orders}", "med<=51", 50, True),
        ("http_req_duration{name:orders}", "p(99)<98", 99, False),
        ("http_req_duration{name:orders}", "min>0.5", 1, True),
        ("http_req_duration{name:orders}", "max<105", 100, True),
        ("http_req_duration{name:orders}", "avg<51", 50.5, True),
        ("service_time{name:orders}", "p(95)<50", 47.5, True),
        ("http_req_failed", "rate<0.01", 0.05, False),
        ("http_req_failed", "rate<=5%", 5, True),
        ("http_req_failed", "count<5", 10, False),
        ("http_req_failed{name:orders}", "rate==0", 0, True),
        ("http_reqs", "count==200", 200, True),
        ("http_reqs{name:orders}", "count>100", 100, False),
        ("http_reqs", "rate>25", 20, False),
        ("achieved", "rate>0.99", 210 / 220, False),
        ("achieved", "rate>=95%", 100 * 210 / 220, True),
        ("dropped", "count==0", 5, False),
        ("dropped_iterations", "rate<1", 0.5, True),
        ("http_req_connecting", "p(95)<5", 3, True),
        ("http_req_tls_handshaking", "p(95)<5", 8, False),
        ("pacing_error", "p(99)<250us", 20, True),
        ("pacing_error", "max<0.25", 0.9, False),
    ],
)
def test_what_a_threshold_looks_at(metric, text, value, passed):
    result = outcome(metric, text, *RUN)
    assert result.value == pytest.approx(value, rel=0.008)
    assert result.passed is passed
    assert (result.metric, result.expression) == (metric, text)


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("http_req_duration", "p(95)<200"),
        ("http_req_duration", "p(95)>0"),
        ("http_req_failed", "rate<0.01"),
        ("achieved", "rate>0.5"),
        ("http_req_connecting", "max<100"),
        ("pacing_error", "max!=3"),
    ],
)
def test_no_sample_fails(metric, text):
    result = outcome(metric, text, window(0))
    assert (result.value, result.passed) == (None, False)
    assert "no samples" in message(result)


def test_an_endpoint_that_was_never_requested_fails():
    assert not outcome("http_req_duration{name:orders}", "p(95)<200", RUN[2]).passed


def test_only_failures_are_no_sample_of_a_response_time():
    failing = window(0, failures={(0, "timeout"): [MS] * 5})
    assert outcome("http_req_duration", "p(95)<200", failing).value is None
    assert outcome("http_req_failed", "rate<0.01", failing).value == 1


class TestWindows:
    """A threshold that must hold in every stretch."""

    def test_is_judged_by_the_worst(self):
        run = [window(i, {0: [(200 if i == 13 else 5) * MS] * 20}) for i in range(30)]
        whole = outcome("http_req_duration", "p(95)<100", *run, seconds=30)
        stretches = outcome("http_req_duration", "p(95)<100", *run, seconds=30, window="5s")
        assert whole.passed
        assert not stretches.passed
        assert stretches.value == pytest.approx(200, rel=0.004)
        assert stretches.window_s == 5

    @pytest.mark.parametrize(
        ("metric", "text", "value"),
        [
            ("achieved", "rate>0.9", 0.5),
            ("http_reqs", "rate>10", 4),
            ("dropped", "count<5", 6),
            ("http_reqs", "count!=8", 8),
        ],
    )
    def test_worst_is_what_is_furthest_from_holding(self, metric, text, value):
        run = [
            window(0, {0: [MS] * 20}, due=20, started=20),
            window(1, {0: [MS] * 20}, due=20, started=20),
            window(2, {0: [MS] * 4}, due=10, started=5, dropped=6),
            window(3, {0: [MS] * 4}, due=10, started=5),
        ]
        result = outcome(metric, text, *run, seconds=4, window="2s")
        assert (result.value, result.passed) == (value, False)

    def test_with_a_stretch_without_a_response_fails(self):
        run = [window(i, {0: [MS]}) for i in range(4)] + [window(4, due=5), window(5, due=5)]
        result = outcome("http_req_duration", "p(95)<100", *run, seconds=6, window="2s")
        assert (result.value, result.passed) == (None, False)

    def test_passes_over_a_pause_of_the_load(self):
        run = [window(0, {0: [MS]}), window(1), window(2), window(3, {0: [MS]})]
        assert outcome("http_req_duration", "p(95)<100", *run, seconds=4, window="1s").passed

    def test_of_a_long_run_is_exact(self):
        run = [window(i, {0: [(900 if i == 777 else 5) * MS]}) for i in range(2_000)]
        result = outcome("http_req_duration", "max<500", *run, seconds=2_000, window="10s")
        assert result.value == pytest.approx(900, rel=0.008)

    def test_counts_what_ended_after_the_measured_part(self):
        run = [window(i, {0: [MS]}) for i in range(4)] + [window(4, {0: [999 * MS]}, due=0)]
        assert not outcome("http_req_duration", "max<500", *run, seconds=4, window="2s").passed


class TestEarly:
    """Thresholds that end a run."""

    def early(self, metric, text, *windows, elapsed=5, **given):
        given = {"abort_on_fail": True, **given}
        threshold = parse(metric, text, given=judged(text, **given))
        return recorded(*windows, asked=[threshold]).early(elapsed * SECOND)

    def test_end_it_as_soon_as_they_fail(self):
        (result,) = self.early("http_req_failed", "rate<0.01", *RUN)
        assert result.aborted
        assert result.value == 0.05

    @pytest.mark.parametrize(
        ("metric", "text", "given"),
        [
            ("http_req_failed", "rate<0.5", {}),
            ("http_req_failed", "rate<0.01", {"abort_on_fail": False}),
            ("http_req_failed", "rate<0.01", {"delay": "6s"}),
            ("http_reqs", "count>1000", {}),
            ("http_reqs", "count>=1000", {}),
            ("http_reqs", "count==1000", {}),
            ("http_reqs", "count!=200", {}),
            ("http_req_duration", "max<100", {"window": "5s"}),
        ],
    )
    def test_go_on_while_they_hold_wait_or_may_yet_be_reached(self, metric, text, given):
        assert self.early(metric, text, *RUN, **given) == []

    @pytest.mark.parametrize("text", ["count<200", "count<=100", "count==100"])
    def test_end_it_when_a_count_is_exceeded(self, text):
        assert self.early("http_reqs", text, *RUN)

    def test_do_not_end_a_run_that_has_no_sample_yet(self):
        assert self.early("http_req_duration", "p(95)<1") == []

    def test_with_a_window_end_it_after_the_first_that_fails(self):
        run = [window(i, {0: [200 * MS]}) for i in range(3)]
        assert self.early("http_req_duration", "p(95)<100", *run, window="2s")

    @pytest.mark.parametrize(
        ("metric", "text"), [("http_reqs", "rate>95"), ("http_reqs", "rate<105")]
    )
    def test_look_only_at_seconds_that_all_workers_have_told_of(self, metric, text):
        asked = [parse(metric, text, given=judged(text, abort_on_fail=True))]
        recording = Recording(NAMES, 2, 10 * SECOND)
        judge = Judge(asked, recording)
        for second in range(5):
            for worker in range(2):
                recording.add(worker, window(second, {0: [MS] * 50}))
                elapsed = (second + 1.2) * SECOND
                assert judge.early(int(elapsed)) == []

    def test_stay_failed_when_what_follows_would_have_mended_them(self):
        asked = [parse("http_req_failed", "rate<0.5", given=judged("rate<0.5", abort_on_fail=True))]
        recording = Recording(NAMES, 1, 10 * SECOND)
        judge = Judge(asked, recording)
        recording.add(0, window(0, failures={(0, "http 503"): [MS] * 10}))
        assert judge.early(SECOND)
        recording.add(0, window(1, {0: [MS] * 100}))
        (result,) = judge.finish(2 * SECOND)
        assert (result.passed, result.value, result.aborted) == (False, 1, True)

    def test_are_marked_at_the_end(self):
        threshold = parse(
            "http_req_failed", "rate<0.01", given=judged("rate<0.01", abort_on_fail=True)
        )
        judge = recorded(*RUN, asked=[threshold, parse("dropped", "count<9")])
        judge.early(2 * SECOND)
        assert [(r.aborted, r.passed) for r in judge.finish(2 * SECOND)] == [
            (True, False),
            (False, True),
        ]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            {"metric": "http_req_duration", "expression": "p(95)<200", "value": 312.5},
            "http_req_duration: p(95)<200: failed with 312.5 ms",
        ),
        (
            {"metric": "http_req_duration{name:a}", "expression": "p(95)<0.2s", "value": 0.1},
            "http_req_duration{name:a}: p(95)<0.2s: holds with 0.1 s",
        ),
        (
            {"metric": "http_req_failed", "expression": "rate<1%", "value": 7.25},
            "http_req_failed: rate<1%: failed with 7.25%",
        ),
        (
            {"metric": "dropped", "expression": "count==0", "value": 12, "aborted": True},
            "dropped: count==0: failed with 12, ended the run",
        ),
        (
            {"metric": "service_time", "expression": "max<9", "value": 10, "window_s": 10},
            "service_time: max<9 in every 10 s: failed with 10 ms at worst",
        ),
        (
            {"metric": "service_time", "expression": "max<9", "value": None},
            "service_time: max<9: no samples, so nothing shows that it holds",
        ),
    ],
)
def test_the_line_for_people(result, expected):
    passed = result["value"] is not None and result["value"] < 1
    assert message(ThresholdResult(passed=passed, **result)) == expected


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("<", [True, False, False]),
        ("<=", [True, True, False]),
        (">", [False, False, True]),
        (">=", [False, True, True]),
        ("==", [False, True, False]),
        ("===", [False, True, False]),
        ("!=", [True, False, True]),
    ],
)
def test_operators(operator, holds):
    threshold: Threshold = replace(parse("http_reqs", "count<5"), operator=operator)
    assert [threshold.holds(value) for value in (4, 5, 6)] == holds
