"""The benchmark of the load generator: what its tables say, and that it runs."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmarks import load_engine
from benchmarks.load import freeze, growth, memory, pacing, page, rate, throughput
from benchmarks.load.bench import Sample, turns
from benchmarks.load.goals import judged
from benchmarks.load.job import FULL, PLAIN, Job, Reported
from benchmarks.load.peers.k6 import K6
from benchmarks.load.peers.ours import Ours
from benchmarks.load.peers.wrk import Wrk
from benchmarks.load.process import run
from benchmarks.load.target import counted, find_nginx, serve
from benchmarks.load.witness import unevenness_us
from senior_backend.errors import NotRunError

ROOT = Path(__file__).resolve().parents[2]


def sample(tool: str = "senior-backend", **changes: object) -> Sample:
    reported = Reported(1_000, 0, {"p50": 0.1, "p95": 500.0, "p99": 900.0, "max": 999.0})
    values: dict[str, object] = {
        "requests": 1_000,
        "cpu_s": 0.5,
        "wall_s": 1.0,
        "peak_bytes": 50 << 20,
        "others": 0.1,
        "reported": reported,
        "exit_code": 0,
    }
    return Sample(tool, **(values | changes))  # type: ignore[arg-type]


def cells(text: str) -> list[list[str]]:
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


# ---------------------------------------------------------------- numbers


def test_the_start_is_taken_off_both_requests_and_processor_time():
    start = sample(requests=64, cpu_s=0.4)
    ran = sample(requests=100_064, cpu_s=1.4)
    assert throughput.per_cpu_second(ran, start) == pytest.approx(100_000)


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (sample(requests=64, cpu_s=0.4), "0 requests in 0.00 s"),
        (sample(requests=1_000, cpu_s=2.0, reported=Reported(1_000, 2, {})), "2 of 1,000"),
    ],
)
def test_a_run_that_failed_has_no_number(spoilt: Sample, why: str):
    with pytest.raises(NotRunError, match=why):
        throughput.per_cpu_second(spoilt, sample(requests=64, cpu_s=0.4))


def test_each_round_begins_with_another_contender():
    assert [tuple(order) for _, order in turns(4, 3)] == [
        (0, 1, 2),
        (1, 2, 0),
        (2, 0, 1),
        (0, 1, 2),
    ]


@pytest.mark.parametrize(
    ("lengths", "p95", "p99", "longest"),
    [
        ([1.0, 1.0, 1.0], 500.0, 900.0, 1_000.0),
        ([1.1, 1.1, 1.1], 600.0, 1_000.0, 1_100.0),
        ([], 0.0, 0.0, 0.0),
    ],
)
def test_the_truth_of_a_freeze_is_that_of_evenly_spread_waits(
    lengths: list[float], p95: float, p99: float, longest: float
):
    exact = freeze.truth_ms(lengths, 1_000, 30)
    assert exact["p50"] == 0
    assert (exact["p95"], exact["p99"]) == pytest.approx((p95, p99), abs=1.1)
    assert exact["max"] == longest


TRUTH = {"p50": 0.0, "p95": 500.0, "p99": 900.0, "max": 1_000.0}


@pytest.mark.parametrize(
    ("latency", "requests", "said"),
    [
        ({"p50": 0.1, "p95": 508.0, "p99": 904.0}, 30_000, "right"),
        ({"p50": 0.1, "p99": 904.0}, 30_000, "right"),
        (
            {"p50": 0.1, "p95": 6.0, "p99": 920.0},
            27_000,
            "**wrong**: p95 83 times, 10% of the load",
        ),
        ({"p50": 330.0, "p95": 500.0, "p99": 900.0}, 33_000, "**wrong**: p50, 10% more sent"),
        ({"p50": 0.1, "p95": 520.0, "p99": 900.0}, 30_000, "**wrong**: p95 by 4.0%"),
    ],
)
def test_a_freeze_is_told_rightly_within_3_percent(
    latency: dict[str, float], requests: int, said: str
):
    ran = sample(requests=requests, reported=Reported(requests, 0, latency))
    assert freeze.verdict(freeze.Frozen("x", ran, TRUTH, 30_000)).startswith(said)


def test_a_tool_without_a_rate_is_not_judged():
    frozen = freeze.Frozen("wrk", sample(), TRUTH, 30_000, keeps_a_rate=False)
    assert freeze.verdict(frozen).startswith("not judged")


def test_even_arrivals_are_even_and_late_ones_late():
    even = [n * 1_000_000 for n in range(1_000)]
    assert unevenness_us(even, 1_000) == {"p50": 0, "p99": 0, "max": 0}
    late = [moment + (5_000_000 if n % 20 == 10 else 0) for n, moment in enumerate(even)]
    assert unevenness_us(late, 1_000) == {"p50": 0, "p99": 5_000, "max": 5_000}
    slow = [n * 1_100_000 for n in range(1_000)]
    assert unevenness_us(slow, 1_000)["max"] > 90_000


@pytest.mark.parametrize("limit", [4_000, 5_000, 12_000, 63_000, 80_000, 250_000])
def test_the_highest_rate_is_found_to_the_step(limit: int):
    asked = []

    def holds(wanted: int) -> bool:
        asked.append(wanted)
        return wanted <= limit

    found = rate.highest(holds, 5_000, 5_000, 160_000)
    assert found == min(160_000, limit // 5_000 * 5_000)
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    ("ran", "why"),
    [
        (sample(requests=5_000, wall_s=5.5), ""),
        (sample(requests=4_900, wall_s=5.5), "98% of the requests were sent"),
        (sample(requests=5_000, wall_s=9.0), "it took 9 s for 5 s of load"),
        (sample(requests=5_000, wall_s=5.5, exit_code=1), "exit code 1"),
        (
            sample(requests=5_000, reported=Reported(5_000, 0, {}, valid=False, notes=("late",))),
            "late",
        ),
        (
            sample(requests=5_000, reported=Reported(5_000, 0, {}, {"p50": 9.0, "p99": 1_500.0})),
            "p99 of its lateness is 1,500 us",
        ),
    ],
)
def test_a_rate_is_held_only_in_time_and_without_failures(ran: Sample, why: str):
    assert rate.why_not(ran, 1_000, 5) == why


@pytest.mark.parametrize(
    ("value", "limits", "text"),
    [
        (0.61, {"at_least": 0.6}, ">= 0.6: met"),
        (0.59, {"at_least": 0.6}, ">= 0.6: **missed**"),
        (99.0, {"at_most": 100.0, "unit": " us"}, "<= 100 us: met"),
        (float("nan"), {"at_most": 1.1}, "<= 1.1: **missed**"),
        (float("inf"), {"at_least": 1.0}, ">= 1: **missed**"),
    ],
)
def test_a_goal_is_met_or_missed(value: float, limits: dict[str, float], text: str):
    assert judged(value, **limits) == text  # type: ignore[arg-type]


# ---------------------------------------------------------------- tables


def a_job() -> Job:
    return Job(FULL, "http://127.0.0.1:1", Path("c.pem"), 64, 4)


def test_the_table_has_ratios_by_round_goals_and_what_was_not_measured():
    ours, wrk, k6 = (
        throughput.Contender(one.name, one, a_job()) for one in (Ours(Path("x")), Wrk(), K6())
    )
    case = throughput.Case(
        FULL,
        "http",
        (
            throughput.Row(ours, (120.0, 60.0, None), rates=(1.0, 1.0), others=(0.1, 0.3)),
            throughput.Row(wrk, (200.0, 100.0, 1.0), rates=(1.0, 1.0, 1.0), others=(0.1, 0.1, 0.1)),
            throughput.Row(k6, (None, None, None), ("it broke",)),
        ),
    )
    rows = cells(throughput.report([case]))[2:]
    assert [row[:4] for row in rows] == [
        ["senior-backend", "90 (60 to 120)", "", ""],
        ["wrk", "100 (1 to 200)", "**0.60x** (0.60 to 0.60)", ">= 0.6: met"],
        ["k6", "not measured: it broke", "", ""],
    ]
    assert rows[0][5] == "20%"
    assert {len(row) for row in rows} == {7}


def test_the_other_tables_say_what_was_not_measured_too():
    paced = pacing.Paced(
        "senior-backend",
        (sample(reported=Reported(1, 0, {"p50": 0.1}, {"p50": 40.0, "p99": 260.0, "max": 300.0})),),
        ({"p50": 5.0, "p99": 80.0, "max": 90.0},),
    )
    rows = cells(pacing.report([paced, pacing.Paced("k6", (), (), "it broke")]))[2:]
    assert rows[0][2:7] == ["40 / 260", "<= 250 us: **missed**", "5 / 80", "0.1", "not told"]
    assert rows[1][1] == "not measured: it broke"

    frozen = [
        freeze.Frozen("senior-backend", sample(requests=30_000), TRUTH, 30_000),
        freeze.Frozen("k6", None, {}, 30_000, "it broke"),
    ]
    rows = cells(freeze.report(frozen))[2:]
    assert rows[0][:5] == ["*exact*", "30,000", "at once", "500", "900"]
    assert rows[1] == ["senior-backend", "30,000", "0.10", "500", "900", "999", "right"]
    assert rows[2][6] == "not measured: it broke"

    held = [
        rate.Held("senior-backend", PLAIN, 90_000, sample(), "95,000/s: late"),
        rate.Held("k6", PLAIN, 0, None, "5,000/s: dropped"),
    ]
    rows = cells(rate.report(held))[2:]
    assert rows[0][2] == "**90,000**"
    assert [rows[1][2], rows[1][6]] == ["none", "5,000/s: dropped"]

    sizes = [memory.Size(10, sample()), memory.Size(20, sample(peak_bytes=60 << 20))]
    rows = cells(memory.report([*sizes, memory.Size(30, None, "it broke")]))[2:]
    assert [row[2:] for row in rows[:2]] == [["1", ""], ["1.20", "<= 1.1: **missed**"]]
    assert rows[2][1] == "not measured: it broke"

    points = [
        growth.Point("endpoints", 1, (5.0, 7.0), (10.0, 20.0)),
        growth.Point("endpoints", 1_000, (12.0,), (10.0,)),
        growth.Point("connections", 64, (8.0,), (10.0,)),
        growth.Point("connections", 10_000, (), (), "at most 4,096 files may be open here"),
    ]
    rows = cells(growth.report(points))[2:]
    assert [row[3] for row in rows] == ["1.00", "2.00", "1.00", ""]
    assert rows[3][2] == "not measured: at most 4,096 files may be open here"


def test_the_page_names_the_machine_the_versions_and_what_is_missing():
    settings = {"rounds": 3, "seconds": 4, "connections": 64, "first": False}
    sections = {
        name: page.section(name, f"table of {name}", settings) for name in load_engine.SECTIONS
    }
    text = page.page(sections, {"wrk": "4.1.0"}, {"oha": "cargo is missing"})
    assert "| wrk | 4.1.0 |" in text
    assert "| oha | not measured: cargo is missing |" in text
    assert "medians of 3 rounds of 4 s" in text
    assert "cores" in text
    assert all(f"table of {name}" in text for name in sections)


def test_sections_that_are_not_measured_stay_as_they_are():
    settings = {"rounds": 3, "seconds": 4, "connections": 64, "first": True}
    old, new = (
        {name: page.section(name, f"{age} {name}", settings) for name in load_engine.SECTIONS}
        for age in ("old", "new")
    )
    earlier = page.page(old, {"wrk": "1"}, {})
    text = page.page({"rate": new["rate"]}, {"wrk": "2"}, {}, earlier)
    assert "new rate" in text
    assert "old rate" not in text
    assert all(f"old {name}" in text for name in load_engine.SECTIONS if name != "rate")
    assert page.page({}, {"wrk": "1"}, {}, earlier) == earlier


# ---------------------------------------------------------------- programs


def test_the_number_of_requests_is_read_from_the_page_of_nginx():
    text = "Active connections: 1 \nserver accepts handled requests\n 7 7 4321 \nReading: 0\n"
    assert counted(text) == 4321
    with pytest.raises(NotRunError):
        counted("404 Not Found")


def test_a_program_is_measured_with_its_children(tmp_path: Path):
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\nprint('x')"
    ended = run([sys.executable, "-c", parent], core=None, directory=tmp_path, timeout_s=60)
    assert (ended.exit_code, ended.stdout) == (0, "x\n")
    assert 0.3 <= ended.cpu_s < 3


def test_a_program_that_does_not_end_is_ended(tmp_path: Path):
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with pytest.raises(NotRunError, match="did not end within 1 s"):
        run(sleep, core=None, directory=tmp_path, timeout_s=1)


def test_a_program_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(NotRunError, match="nowhere"):
        run([str(tmp_path / "nowhere")], core=None, directory=tmp_path, timeout_s=9)


def nginx() -> str:
    try:
        return find_nginx()
    except NotRunError as error:
        pytest.skip(str(error))


def test_the_target_counts_what_it_answers(tmp_path: Path):
    with serve(nginx(), tmp_path, None) as target:
        before = target.requests()
        trusting = ssl.create_default_context(cafile=str(target.certificate))
        for path in ("/item", "/v1/orders?limit=20", "/v1/orders/17", "/health", "/many/3"):
            for url in (target.plain, target.secure):
                with urllib.request.urlopen(url + path, timeout=30, context=trusting) as answer:
                    assert answer.status == 200
                    assert json.load(answer)
        assert target.requests() - before - 1 == 10


def benchmark(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/load_engine.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.mark.verify
def test_a_quick_run_compares_ours_with_wrk(tmp_path: Path):
    nginx()
    if shutil.which("wrk") is None:
        pytest.skip("wrk is missing")
    runs, written = tmp_path / "runs.json", tmp_path / "docs" / "page.md"
    done = benchmark(
        "--quick",
        "--only",
        "throughput,pacing",
        "--peers",
        "wrk",
        "--json",
        runs,
        "--write",
        written,
    )
    assert done.returncode == 0, done.stderr
    assert "not measured" not in done.stdout, done.stdout
    rows = [row for row in cells(done.stdout) if row[0] == "wrk"]
    assert len(rows) == 2
    for row in rows:
        ratio = float(row[2].split("x")[0].strip("*"))
        assert 0.05 < ratio < 5  # a broken clock or a broken count would not pass
    text = written.read_text(encoding="utf-8")
    assert "## Requests for each second of processor time" in text
    assert "| wrk | " in text
    for one in json.loads(runs.read_text()):
        assert one["cpu_s"] > 0
        assert one["reported"]["failed"] == 0


def test_without_nginx_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmarks.load.target.DIRECTORIES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotRunError, match="nginx is missing: install it"):
        find_nginx()


def test_a_tool_that_cannot_be_had_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    peers, missing = load_engine.obtain(["wrk", "vegeta", "oha", "autocannon"])
    assert peers == []
    assert list(missing) == ["wrk", "vegeta", "oha", "autocannon"]
    assert missing["vegeta"] == "go is missing: install Go to measure vegeta"


@pytest.mark.parametrize(
    "arguments", [["--only", "speed"], ["--peers", "wrk,hey"], ["--rounds", "0"], ["--fast"]]
)
def test_bad_usage_is_exit_code_2(arguments: list[str]):
    done = benchmark(*arguments, environment={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 2
    assert arguments[0] in done.stderr
