"""What a load test says of a target that stands still, or is too slow, and of itself.

Tools that wait for a reply before they send again leave out the requests that were not sent in the
meantime (coordinated omission), and are wrong by a factor of a hundred here.
"""

import json
import os
import signal
from pathlib import Path

import pytest

from senior_backend.load.histogram import Histogram
from tests.load.cli import GENEROUS, cli, started, until, workers
from tests.load.frozen_server import frozen, truth
from tests.load.service import service


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("seconds", "rps", "connections", "pauses", "percents"),
    [
        pytest.param(4, 200, 64, [(0.5, 2.0)], (75, 90, 95, 99), id="half of the time"),
        pytest.param(
            20,
            200,
            64,
            [(5.0, 2.0)],
            (95, 99, 99.9),
            id="for a tenth of the time",
            marks=pytest.mark.verify,
        ),
        pytest.param(
            8,
            100,
            64,
            [(1.0, 6.0)],
            (50, 90, 95, 99),
            id="most of the time",
            marks=pytest.mark.verify,
        ),
    ],
)
def test_the_wait_for_a_target_that_stood_still_is_in_the_percentiles(
    tmp_path, seconds, rps, connections, pauses, percents
):
    """Within 3 % of the exact value, also with few connections; and nothing is left out."""
    with frozen() as server:
        run = started("load", "run", "--target", f"http://127.0.0.1:{server.port}/",
                      "--rps", rps, "--duration", f"{seconds}s", "--connections", connections,
                      "--threshold", "achieved: rate>0.5", "--output", tmp_path / "r.json",
                      *GENEROUS)  # fmt: skip
        server.freeze(pauses)
        out, err = run.communicate(timeout=120)
        gaps = server.gaps()
    assert run.returncode == 0, out + err
    result = read(tmp_path / "r.json")
    assert result["valid"]
    assert result["due"] == result["sent"] == result["completed"] == rps * seconds
    assert result["dropped"] == result["total"]["failed"] == 0
    buckets = result["total"]["histograms"]["response_time"]
    measured = {p: Histogram(buckets).percentile(p) / 1e9 for p in percents}
    expected = {p: truth(p, gaps, seconds) for p in percents}
    assert measured == pytest.approx(expected, rel=0.03)


def test_the_exact_value_is_what_arithmetic_says():
    """A second in ten: a twentieth of the requests waits 0.5 s or longer, a hundredth 0.9 s."""
    exact = {percent: truth(percent, [1.0] * 3, 30) for percent in (95, 99, 100)}
    assert exact == pytest.approx({95: 0.5, 99: 0.9, 100: 1.0})
    assert truth(50, [1.0] * 3, 30) == pytest.approx(0, abs=1e-9)


SATURATED = """
name: saturated
load: {rate: 200, duration: 2s}
connections: {max: 10, max_wait: 1s}
endpoints:
  - {name: slow, path: /slow/0.2}
"""


def test_a_target_that_does_not_keep_up_fails_and_is_not_the_generators_fault(tmp_path):
    """Ten connections of 0.2 s each take 50 requests a second; 200 are asked for."""
    (tmp_path / "scenario.yml").write_text(SATURATED)
    with service() as target:
        done = cli("load", "run", tmp_path / "scenario.yml", "--target", target.url,
                   "--output", tmp_path / "r.json", *GENEROUS)  # fmt: skip
    result = read(tmp_path / "r.json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert (result["valid"], result["invalid_reasons"]) == (True, [])
    assert result["generator"]["busy"] < 0.9
    (told,) = [each for each in result["warnings"] if "the target did not keep up" in each]
    assert "all connections were waiting for responses" in told
    assert "arrivals were given up" in told
    assert result["due"] == 400
    assert 0 < result["achieved_rate"] < 100
    assert result["sent"] + result["dropped"] == 400
    assert result["completed"] == result["sent"]
    failed = {each["metric"] for each in result["thresholds"] if not each["passed"]}
    assert failed == {"achieved", "dropped"}
    # The wait for a connection is in the response time, not in the service time.
    assert result["total"]["response_time_ms"]["p99"] > 800
    assert result["total"]["service_time_ms"]["p50"] < 500


def test_a_run_that_lost_a_worker_is_invalid_and_its_results_are_kept(tmp_path):
    with service() as target:
        run = started("load", "run", "--target", f"{target.url}/ok", "--rps", 100,
                      "--duration", "60s", "--workers", 2, "--output", tmp_path / "r.json",
                      *GENEROUS)  # fmt: skip
        crew = workers(run.pid, 2)
        assert target.first.wait(60)
        until(lambda: target.count("/ok") > 150)  # so that both have told of a second
        os.kill(crew[0], signal.SIGKILL)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 3, out + err
    result = read(tmp_path / "r.json")
    assert not result["valid"]
    assert len(result["invalid_reasons"]) == 1
    assert "was killed" in result["invalid_reasons"][0]
    assert "INVALID" in err
    assert result["total"]["count"] > 50
    assert result["duration_s"] < 60
