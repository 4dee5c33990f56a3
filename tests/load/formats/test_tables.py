"""What the formats for people have in common."""

from dataclasses import replace

import pytest

from senior_backend.load.formats import tables, units
from senior_backend.load.result import ThresholdResult
from tests.load.formats import results


@pytest.mark.parametrize(
    ("expression", "value", "text"),
    [
        ("p(95)<200", 17.2, "17.2 ms"),
        ("p(95)<200", 200.04, "200.04 ms"),
        ("p(95)<200", 200, "200 ms"),
        ("p(95)<0.5", 0.04, "0.0400 ms"),
        ("p(95)<2s", 1.2345, "1.23 s"),
        ("p(95) < 300us", 123.4, "123 us"),
        ("avg<1e3", 999.9999, "999.9999 ms"),
        ("rate<0.01", 0.0253, "0.0253"),
        ("rate<0.01", 0.010001, "0.010001"),
        ("rate<1%", 2.53, "2.53 %"),
        ("rate>0.99", 1.0, "1.00"),
        ("count==0", 0, "0"),
        ("count==0", 1234, "1,234"),
        ("p(95)<200", None, "no samples"),
        ("of a future version", 12.34, "12.3"),
    ],
)
def test_a_value_is_in_the_unit_of_its_threshold_and_never_rounded_onto_it(expression, value, text):
    threshold = ThresholdResult(metric="m", expression=expression, value=value, passed=False)
    assert tables.threshold_value(threshold) == text


def test_a_broken_threshold_is_a_sentence():
    threshold = ThresholdResult(
        metric="service_time",
        expression="p(99)<100",
        value=120,
        passed=False,
        window_s=10,
        aborted=True,
    )
    text = "service_time: p(99)<100, but it was 120 ms (worst of every 10 s, ended the run)"
    assert tables.broken(threshold) == text
    empty = ThresholdResult(metric="dropped", expression="max<1", value=None, passed=False)
    assert tables.broken(empty) == "dropped: max<1, but there were no samples"


def test_all_endpoints_are_summed_up_where_there_are_several():
    several = [row.name for row in tables.endpoints(results.result(), None)]
    assert several == ["list_orders", "create_order", "read_order", "all"]
    alone = results.result(results.Traffic({"only": 2.0}, seconds=2))
    assert [row.name for row in tables.endpoints(alone, None)] == ["only"]


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (19, 10_000, set()),
        (199, 199, {"p50", "p90"}),
        (200, 200, {"p50", "p90", "p95"}),
        (1_000, 999, {"p50", "p90", "p95"}),
        (1_000, 1_000, {"p50", "p90", "p95", "p99", "max"}),
        (10_000, 10_000, set(tables.COLUMNS)),
    ],
)
def test_a_difference_to_the_baseline_needs_samples_that_carry_it(now, before, told):
    made = results.result(results.Traffic({"only": 2.0}, seconds=2)).total
    row, old = (made.model_copy(update={"count": n + 5, "failed": 5}) for n in (now, before))
    changes = {column: tables.change(row, old, column) for column in tables.COLUMNS}
    assert {column for column, text in changes.items() if text != units.NOTHING} == told
    assert all("%" in changes[column] for column in told)
    assert tables.change(row, None, "p50") == ""


def test_the_limit_of_the_lateness_is_beside_it():
    made = results.result(results.Traffic(seconds=2))
    assert dict(tables.generator_facts(made))["sent late by"].endswith("(limit 10 ms)")
    old = made.pacing_error_us.model_copy(update={"limit": None})
    before = made.model_copy(update={"pacing_error_us": old})
    assert "limit" not in dict(tables.generator_facts(before))["sent late by"]


def test_a_short_table_keeps_what_failed_and_what_is_slow():
    medians = {f"e{number}": float(number + 1) for number in range(20)}
    made = results.result(results.Traffic(medians, seconds=10))
    made.endpoints["e0"].failed = 1
    shown = [row.name for row in tables.endpoints(made, None, most=5)]
    assert (shown[0], len(shown), shown[-1]) == ("e0", 6, "all")
    assert all(int(name[1:]) > 8 for name in shown[1:-1])
    assert tables.left_out(made, 5).startswith("5 of 20 endpoints")
    assert tables.left_out(made, 20) == ""


def test_a_baseline_that_is_not_of_the_same_says_so():
    made, short = results.result(), replace(results.PASSED, seconds=2)
    assert tables.comparable(made, made) == []
    other = results.result(replace(short, rate=100, endpoints={"gone": 1.0}), name="items")
    other = other.model_copy(
        update={
            "valid": False,
            "target": "http://other",
            "environment": other.environment.model_copy(update={"host": "laptop"}),
        }
    )
    assert tables.comparable(made, other) == [
        "the baseline is INVALID: differences to it mean nothing",
        "the baseline is of another scenario: items",
        "the baseline is of another target: http://other",
        "the baseline was asked for 100/s",
        "only in the baseline: gone",
        "the baseline was measured from laptop, this from runner",
    ]


def test_the_rate_of_stages_is_a_mean_and_its_highest_is_named():
    made = results.result(replace(results.PASSED, seconds=3))
    assert tables.load_facts(made)[0] == ("asked", "200/s", "600 arrivals")
    made.series[1] = made.series[1].model_copy(update={"requested_rate": 450, "due": 450})
    assert tables.load_facts(made)[0] == ("asked", "200/s", "600 arrivals, up to 450/s")
    made.series[1] = made.series[1].model_copy(update={"due": 1, "length_s": 0.005})
    assert tables.load_facts(made)[0] == ("asked", "200/s", "600 arrivals")
