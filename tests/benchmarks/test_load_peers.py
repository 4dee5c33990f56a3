"""What each tool says of its run is read as it is meant; outputs are recorded from real runs.

Each is a run of one second at 100 requests a second (wrk: as fast as it goes) over 4 connections.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from benchmarks.load.job import FULL, PLAIN, Job, Reported, Shape
from benchmarks.load.peers import autocannon, k6, locust, oha, ours, vegeta, wrk
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

RECORDED = Path(__file__).with_name("recorded")


def recorded(name: str) -> str:
    return (RECORDED / name).read_text(encoding="utf-8")


def finished(stdout: str, exit_code: int = 0, stderr: str = "") -> Finished:
    return Finished(("wrk",), exit_code, stdout, stderr, 1.0, 0.5)


def read_wrk(text: str) -> Reported:
    return wrk.Wrk().report(finished(text), RECORDED)


READERS: dict[str, tuple[Callable[[str], Reported], str, int, int, dict[str, float]]] = {
    "wrk": (read_wrk, "wrk.txt", 45_717, 0, {"p50": 0.036, "p90": 3.18, "p99": 6.67, "max": 12.07}),
    "wrk, all failed": (read_wrk, "wrk-404.txt", 43_600, 43_600, {"p50": 0.056, "p99": 4.38}),
    "vegeta": (vegeta.parse, "vegeta.json", 100, 0, {"p50": 0.23932, "p99": 3.096177}),
    "k6": (k6.parse, "k6.json", 101, 0, {"p50": 0.225354, "p95": 1.350223, "max": 3.383398}),
    "oha": (oha.parse, "oha.json", 101, 0, {"p50": 0.187929, "max": 3.270871}),
    "Locust": (locust.parse, "locust.json", 84, 0, {"p50": 1.0, "p95": 1.0, "p99": 7.0}),
    "autocannon": (autocannon.parse, "autocannon.json", 101, 0, {"p50": 0.0, "p99": 9.0}),
}


@pytest.mark.parametrize(
    ("read", "file", "requests", "failed", "latency"), READERS.values(), ids=READERS
)
def test_an_output_is_read_as_requests_failures_and_milliseconds(
    read: Callable[[str], Reported],
    file: str,
    requests: int,
    failed: int,
    latency: dict[str, float],
):
    told = read(recorded(file))
    assert (told.requests, told.failed) == (requests, failed)
    assert {name: told.latency_ms[name] for name in latency} == pytest.approx(latency)


def test_a_percentile_that_a_tool_does_not_tell_is_missing():
    assert "p95" not in read_wrk(recorded("wrk.txt")).latency_ms
    assert "p95" not in autocannon.parse(recorded("autocannon.json")).latency_ms


def changed(file: str, change: Callable[[dict[str, object]], None]) -> str:
    told = json.loads(recorded(file))
    change(told)
    return json.dumps(told)


def test_failures_are_not_overlooked():
    vegeta_text = changed("vegeta.json", lambda told: told.update(success=0.9))
    assert vegeta.parse(vegeta_text).failed == 10
    cannon_text = changed("autocannon.json", lambda told: told.update(wrong=3, non2xx=2))
    assert autocannon.parse(cannon_text).failed == 5
    oha_text = changed(
        "oha.json",
        lambda told: told.update(
            statusCodeDistribution={"200": 90, "503": 4}, errorDistribution={"refused": 6}
        ),
    )
    assert (oha.parse(oha_text).requests, oha.parse(oha_text).failed) == (100, 10)

    def drop(told: dict[str, object]) -> None:
        metrics = told["metrics"]
        assert isinstance(metrics, dict)
        metrics["dropped_iterations"] = {"count": 937}
        metrics["http_req_failed"]["passes"] = 7

    k6_told = k6.parse(changed("k6.json", drop))
    assert (k6_told.failed, k6_told.notes) == (7, ("937 iterations dropped",))


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_run_of_wrk_without_its_numbers_is_none(exit_code: int):
    with pytest.raises(NotRunError, match="unable to connect"):
        wrk.Wrk().report(finished("", exit_code, "unable to connect\n"), RECORDED)


def job(shape: Shape, **changes: object) -> Job:
    values: dict[str, object] = {"url": "http://127.0.0.1:1", "connections": 8, "seconds": 2}
    return Job(shape, certificate=Path("c.pem"), **(values | changes))  # type: ignore[arg-type]


def test_turns_hold_each_endpoint_as_often_as_its_weight_and_spread_it():
    names = [one.name for one in FULL.turns()]
    assert {one.name: names.count(one.name) for one in FULL.endpoints} == {
        one.name: one.weight for one in FULL.endpoints
    }
    assert all(first != second for first, second in pairwise(names))


def test_our_scenario_has_the_checks_and_one_that_saturates_a_rate_beyond_reach():
    scenario = ours.scenario(job(FULL), precise=False)
    assert yaml.safe_load(yaml.safe_dump(scenario)) == scenario
    assert scenario["load"] == {"rate": ours.SATURATING, "duration": "2s"}
    endpoints = scenario["endpoints"]
    assert isinstance(endpoints, list)
    assert all({"status", "body_contains"} <= set(one["expect"]) for one in endpoints)
    assert [one["method"] for one in endpoints if "json" in one] == ["POST"]
    plain = ours.scenario(job(PLAIN, url="https://127.0.0.1:1", rate=100), precise=True)
    assert plain["tls"] == {"ca": "c.pem"}
    assert plain["load"] == {"rate": 100, "duration": "2s"}
    assert plain["generator"] == {"workers": 1, "precise": True}


def test_a_script_of_k6_checks_and_weighs_or_does_neither():
    full = k6.script(job(FULL, rate=50), users=100)
    assert '"executor": "constant-arrival-rate"' in full
    assert '"maxVUs": 100' in full
    assert "if (chance < 10) return health();" in full
    assert full.count("check(") == len(FULL.endpoints)
    plain = k6.script(job(PLAIN))
    assert '"discardResponseBodies": true' in plain
    assert "check(" not in plain


def test_a_file_for_locust_is_python_with_weights_and_checks():
    text = locust.locustfile(job(FULL, rate=80))
    compile(text, "locustfile.py", "exec")
    assert "constant_throughput(10.0)" in text
    assert [text.count(f"@task({weight})") for weight in (4, 3, 2, 1)] == [1, 1, 1, 1]
    assert text.count("catch_response=True") == 4


def test_targets_for_vegeta_have_a_body_of_their_own_each():
    lines = [json.loads(one) for one in vegeta.targets(job(FULL)).splitlines()]
    bodies = [one["body"] for one in lines if "body" in one]
    assert len(lines) == vegeta.BODIES * 10
    assert len(set(bodies)) == vegeta.BODIES
    assert len(vegeta.targets(job(PLAIN)).splitlines()) == 1
