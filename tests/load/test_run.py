"""A run and its processes: signals, lost workers, data and tokens made before, an early end."""

import contextlib
import json
import os
import pty
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from senior_backend.load.run.conduct import peak_rate, workers_of
from senior_backend.load.run.interrupts import NOTHING_MEASURED
from senior_backend.load.scenario.model import Scenario
from tests.load.cli import GENEROUS, Here, alive, command, lines, started, until, workers
from tests.load.service import Service, service

LONG = ("--rps", 50, "--duration", "60s", *GENEROUS)


@pytest.fixture
def target() -> Iterator[Service]:
    with service() as running:
        yield running


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


def ended(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error; no traceback in either."""
    out, err = run.communicate(timeout=90)
    assert "Traceback" not in out + err
    return run.returncode, out, err


def result(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def scenario(folder: Path, target: Service, text: str) -> Path:
    path = folder / "load.yml"
    path.write_text(f"target: {target.url}\n{text}")
    return path


# How many processes


@pytest.mark.parametrize(
    ("load", "generator", "connections", "cores", "expected"),
    [
        ({"rate": 500, "duration": "1s"}, {}, 500, 8, 1),
        ({"rate": 20_000, "duration": "1s"}, {}, 500, 8, 1),
        ({"rate": 20_001, "duration": "1s"}, {}, 500, 8, 2),
        ({"rate": 100_000, "duration": "1s"}, {}, 500, 2, 2),
        ({"rate": 100_000, "duration": "1s"}, {}, 3, 8, 3),
        ({"rate": 1, "duration": "1s"}, {"workers": 4}, 500, 2, 4),
        ({"rate": 1, "duration": "1s"}, {"workers": 4}, 1, 2, 1),
        (
            {"stages": [{"rate": 1, "duration": "1s"}, {"spike_to": 50_000, "duration": "1s"}]},
            {},
            500,
            8,
            3,
        ),
    ],
)
def test_there_are_as_many_workers_as_the_highest_rate_asks_for(
    load: dict[str, Any], generator: dict[str, Any], connections: int, cores: int, expected: int
) -> None:
    asked = Scenario.model_validate(
        {
            "load": load,
            "generator": generator,
            "connections": {"max": connections},
            "endpoints": [{"path": "/"}],
        }
    )
    assert workers_of(asked, cores) == expected


def test_the_highest_rate_is_that_of_any_stage() -> None:
    stages = [
        {"ramp_to": 7, "duration": "1s"},
        {"step_to": 9, "by": 1, "every": "1s"},
        {"rate": 8, "duration": "1s"},
    ]
    asked = Scenario.model_validate({"load": {"stages": stages}, "endpoints": [{"path": "/"}]})
    assert peak_rate(asked) == 9


def test_two_workers_send_each_request_once(here: Here, target: Service, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    done = here("load", "run", "--target", f"{target.url}/ok", "--rps", 101, "--duration", "1s",
                "--workers", 2, "--warm-up", "500ms", *GENEROUS, "-o", file)  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = result(file)
    assert document["generator"]["workers"] == 2
    assert (document["due"], document["sent"], document["completed"]) == (101, 101, 101)
    assert document["warm_up_s"] == 0.5
    assert target.count("/ok") == 101 + 50


# Signals


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.verify)]
)
def test_a_signal_stops_the_run_and_reports_what_was_measured(
    target: Service, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "r.json"
    run = started("load", "run", "--target", f"{target.url}/ok", *LONG, "-o", file)
    until(lambda: len(target.seen) > 20)
    run.send_signal(number)
    code, out, err = ended(run)
    assert code == 130
    document = result(file)
    assert document["interrupted"]
    assert document["completed"] == document["sent"] == target.count("/ok")
    assert 0 < document["duration_s"] < 60
    assert "GET /ok" in out
    assert err.startswith("interrupted: measured ")
    assert err.endswith(" of 60 s\n")


@pytest.mark.verify
def test_a_signal_in_the_warm_up_says_that_nothing_was_measured_and_writes_nothing(
    target: Service, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    before = '{"version": 1, "achieved_rate": 1, "endpoints": {}}'
    file.write_text(before)
    run = started("load", "run", "--target", target.url, *LONG, "--warm-up", "60s", "-o", file)
    until(lambda: len(target.seen) > 5)
    run.send_signal(signal.SIGINT)
    code, _, err = ended(run)
    assert (code, err) == (130, f"{NOTHING_MEASURED}\n")
    assert file.read_text() == before


@pytest.mark.verify
def test_a_target_that_goes_away_is_a_failed_run(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    with service() as target:
        run = started("load", "run", "--target", target.url, "--rps", 50, "--duration", "4s",
                      *GENEROUS, "-o", file)  # fmt: skip
        until(lambda: len(target.seen) > 20)
    code, _, err = ended(run)
    assert code == 1
    assert err.startswith("thresholds: ")
    assert "http_req_failed: rate<0.01" in err
    document = result(file)
    assert document["total"]["failed"] > 0
    assert "connect refused" in document["total"]["errors"]
    assert (
        "connections could not be opened during the run: Connection refused" in document["warnings"]
    )
    assert document["total"]["statuses"]["200"] == len(target.seen)


@pytest.mark.verify
def test_ctrl_c_at_a_terminal_reaches_the_workers_and_changes_nothing(
    target: Service, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    run = started(
        "load", "run", "--target", f"{target.url}/ok", *LONG, "--workers", 2, "-o", file,
        start_new_session=True,
    )  # fmt: skip
    until(lambda: len(target.seen) > 20)
    os.killpg(run.pid, signal.SIGINT)
    code, _, err = ended(run)
    assert (code, len(lines(err))) == (130, 1)
    assert result(file)["completed"] == target.count("/ok")
    assert result(file)["invalid_reasons"] == []


@pytest.mark.verify
def test_a_second_signal_ends_at_once_and_still_reports(target: Service, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    run = started("load", "run", "--target", f"{target.url}/hang", *LONG,
                  "--timeout", "50s", "-o", file)  # fmt: skip
    until(lambda: len(target.seen) > 5)
    before = time.monotonic()
    run.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert run.poll() is None, "one signal waits for responses"
    run.send_signal(signal.SIGINT)
    code, out, _ = ended(run)
    assert code == 130
    assert time.monotonic() - before < 30
    assert result(file)["total"]["errors"] == {"unfinished": len(target.seen)}
    assert "unfinished" in out


@pytest.mark.verify
def test_a_signal_before_the_start_leaves_nothing_behind(target: Service, tmp_path: Path) -> None:
    path = scenario(
        tmp_path,
        target,
        "load: {rate: 1, duration: 1s}\nendpoints: [{path: /ok}]\n"
        "auth: {bearer: {command: \"sh -c 'touch asked; exec sleep 60'\"}}\n",
    )
    run = started("load", "run", path, "-q", "-o", "r.json", cwd=tmp_path)
    until((tmp_path / "asked").exists)
    run.send_signal(signal.SIGINT)
    code, out, err = ended(run)
    assert (code, out, err) == (130, "", f"{NOTHING_MEASURED}\n")
    assert not (tmp_path / "r.json").exists()
    assert target.seen == []


def test_ctrl_c_while_data_are_made_waits_for_no_response(target: Service, tmp_path: Path) -> None:
    path = scenario(
        tmp_path,
        target,
        "load: {rate: 1, duration: 1s}\nendpoints: [{path: '/x/${things.id}'}]\n"
        "data: {things: {count: 9, requests: [{path: /hang, timeout: 10m, capture: {id: {json: "
        "id}}}]}}\n",
    )
    run = started("load", "run", path, "-q")
    until(lambda: target.count("/hang") == 8)
    run.send_signal(signal.SIGINT)
    assert ended(run) == (130, "", f"{NOTHING_MEASURED}\n")
    assert target.count("/hang") == 8


# Workers


@pytest.mark.verify
def test_a_worker_that_stood_still_makes_the_run_invalid_whatever_was_free(
    target: Service, tmp_path: Path
) -> None:
    """More requests came due than connections were free: their lateness is not the target's."""
    file = tmp_path / "r.json"
    run = started("load", "run", "--target", f"{target.url}/ok", "--rps", 50, "--duration", "5s",
                  "--max-pacing-error", "400ms", "-o", file)  # fmt: skip
    (worker,) = workers(run.pid)
    until(lambda: len(target.seen) > 20)
    os.kill(worker, signal.SIGSTOP)
    time.sleep(1.5)
    os.kill(worker, signal.SIGCONT)
    code, _, err = ended(run)
    assert code == 3
    assert "its own delay is in the response times" in err
    assert result(file)["pacing_error_us"]["max"] > 1e6


def test_a_worker_that_is_killed_makes_the_run_invalid_and_loses_nothing_else(
    target: Service, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    run = started("load", "run", "--target", f"{target.url}/ok", *LONG, "--workers", 2, "-o", file)
    first, second = workers(run.pid, 2)
    until(lambda: len(target.seen) > 110)  # more than two seconds: something was reported
    os.kill(second, signal.SIGKILL)
    code, out, err = ended(run)
    assert code == 3
    assert "INVALID" in out
    assert "was killed (SIGKILL" in err
    assert err.startswith("INVALID: worker ")
    document = result(file)
    assert not document["valid"]
    assert 20 < document["completed"] <= target.count("/ok")
    assert not alive(first)


@pytest.mark.verify
def test_a_worker_that_hangs_is_given_up(target: Service, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    run = started("load", "run", "--target", f"{target.url}/ok", *LONG, "-o", file)
    (worker,) = workers(run.pid)
    until(lambda: len(target.seen) > 100)
    os.kill(worker, signal.SIGSTOP)
    code, _, err = ended(run)
    assert code == 3
    assert "did not answer for 20 s" in err
    assert result(file)["completed"] > 0
    assert not alive(worker)


@pytest.mark.verify
def test_no_worker_outlives_its_parent(target: Service) -> None:
    run = started("load", "run", "--target", f"{target.url}/ok", *LONG, "--workers", 2)
    pids = workers(run.pid, 2)
    until(lambda: target.seen)
    run.kill()
    run.communicate()
    until(lambda: not any(alive(pid) for pid in pids))


def test_more_connections_than_files_may_be_open_is_one_line(target: Service) -> None:
    run = started(
        "load", "run", "--target", target.url, *LONG, "--connections", 500, "-q",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )  # fmt: skip
    code, out, err = ended(run)
    assert (code, out) == (3, "")
    assert err == (
        "senior-backend: 500 connections need 564 open files, and the limit is 256: raise it "
        "(ulimit -n 564), or lower connections.max\n"
    )
    assert target.seen == []


def test_a_worker_that_breaks_before_the_start_is_one_line_with_its_last(
    here: Here, target: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'senior_backend.load.worker' in sys.orig_argv:\n"
        "    os.write(2, b'Traceback:\\nMemoryError: too much\\n')\n"
        "    os._exit(1)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = here("load", "run", "--target", target.url, *LONG, "-q")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "senior-backend: before the start, worker 0 ended with code 1: MemoryError: too much\n"
    )


# The live view


@pytest.mark.verify
def test_a_terminal_shows_the_run_while_it_goes_on_and_the_report_at_its_end(
    target: Service,
) -> None:
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        command("load", "run", "--target", f"{target.url}/ok", *LONG),
        stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""

    def has(text: bytes) -> bool:
        nonlocal shown
        shown += os.read(ours, 65_536)
        return text in shown

    until(lambda: has(b"asked 50/s"))
    for text in (b"warm-up", b"Traceback"):
        assert text not in shown
    for text in (b"50 rps for 60 s to 127.0.0.1", b"achieved", b"in flight", b"of 60 s"):
        assert text in shown
    run.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # Linux says EIO when the other end is closed
        until(lambda: has(b"exit code"))
    assert run.wait(60) == 130
    os.close(ours)
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l"), "the cursor is back"
    report = shown[shown.rindex(b"\x1b[?25h") :]
    assert b"INTERRUPTED" in report
    assert b"interrupted: measured" not in report, "the headline says it already"
    assert report.rstrip().endswith(b"exit code 130, for the reason above")
    assert b"in flight" not in report


# An early end


def test_a_threshold_can_end_the_run(here: Here, target: Service, tmp_path: Path) -> None:
    path = scenario(
        tmp_path,
        target,
        "load: {rate: 50, duration: 60s}\nendpoints: [{path: /status/503}]\n"
        "thresholds: {http_req_failed: [{threshold: rate<0.5, abort_on_fail: true}]}\n",
    )
    file = tmp_path / "r.json"
    done = here("load", "run", path, *GENEROUS, "-o", file)
    assert done.returncode == 1
    assert re.fullmatch(r"every request failed: http 503 \d+\n", done.stderr)
    document = result(file)
    assert document["interrupted"]
    assert document["duration_s"] < 30
    assert [t["aborted"] for t in document["thresholds"]].count(True) == 1


# Data and tokens


ROWS = """
load: {rate: 50, duration: 500ms}
data:
  things:
    count: 9
    requests:
      - {method: POST, path: /items, json: {n: "${arrival}"}, capture: {id: {json: id}}}
endpoints:
  - name: read
    path: /items/${things.id}
    expect: {status: 200}
"""


def test_data_are_made_by_requests_before_the_run(
    here: Here, target: Service, tmp_path: Path
) -> None:
    done = here("load", "run", scenario(tmp_path, target, ROWS), *GENEROUS)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(item["n"] for item in target.items.values()) == list(range(9))
    read = [seen.path for seen in target.seen if seen.method == "GET"]
    assert len(read) == 25
    assert set(read) == {f"/items/{number}" for number in target.items}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            "{path: /status/422?key=secret, capture: {id: {json: id}}}",
            'data things, row 1: GET /status/422 answered 422: {"title": "status 422"}',
        ),
        (
            "{path: /ok, capture: {id: {json: id}}}",
            'data things, row 1: GET /ok answered 200, but capture id missing: {"ok": true}',
        ),
        (
            "{path: /hang, timeout: 300ms, capture: {id: {json: id}}}",
            "data things, row 1: GET /hang: no response within 0.3 s",
        ),
    ],
)
def test_data_that_cannot_be_made_are_told_with_the_answer(
    here: Here, target: Service, tmp_path: Path, request_: str, message: str
) -> None:
    text = (
        "load: {rate: 50, duration: 500ms}\nendpoints: [{path: '/x/${things.id}'}]\n"
        f"data: {{things: {{count: 1, requests: [{request_}]}}}}\n"
    )
    done = here("load", "run", scenario(tmp_path, target, text), "-q")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"senior-backend: {message}\n"


@pytest.mark.verify
def test_a_token_is_renewed_while_the_run_goes_on(
    here: Here, target: Service, tmp_path: Path
) -> None:
    (tmp_path / "token.sh").write_text('echo x >> asked; echo "token-$(wc -l < asked | tr -d " ")"')
    text = (
        "load: {rate: 50, duration: 3s}\nendpoints: [{path: /ok}]\n"
        f"auth: {{bearer: {{command: \"sh -c 'cd {tmp_path} && sh token.sh'\", refresh: 1s}}}}\n"
    )
    done = here("load", "run", scenario(tmp_path, target, text), *GENEROUS)
    assert done.returncode == 0, done.stderr
    seen = [one.headers["Authorization"] for one in target.seen]
    assert seen[0] == "Bearer token-1"
    assert "Bearer token-2" in seen
    assert "token-" not in done.stdout


@pytest.mark.verify
def test_a_token_that_cannot_be_renewed_is_kept_and_told(
    here: Here, target: Service, tmp_path: Path
) -> None:
    text = (
        "load: {rate: 50, duration: 3s}\nendpoints: [{path: /ok}]\n"
        f"auth: {{bearer: {{command: \"sh -c 'mkdir {tmp_path}/once && echo one'\", "
        "refresh: 1s}}\n"
    )
    done = here("load", "run", scenario(tmp_path, target, text), *GENEROUS)
    assert done.returncode == 0, done.stderr
    assert {one.headers["Authorization"] for one in target.seen} == {"Bearer one"}
    assert "the token was not renewed: auth: the command" in done.stdout


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("false", "auth: the command 'false' failed with exit code 1; run it by hand"),
        ("no-such-program", "auth: the command 'no-such-program' cannot be run: *"),
    ],
)
def test_a_token_that_cannot_be_had_is_one_line(
    here: Here, target: Service, tmp_path: Path, asked: str, message: str
) -> None:
    text = (
        "load: {rate: 50, duration: 1s}\nendpoints: [{path: /ok}]\n"
        f"auth: {{bearer: {{command: '{asked}'}}}}\n"
    )
    done = here("load", "run", scenario(tmp_path, target, text), "-q")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("senior-backend: " + message.removesuffix("*"))
    assert target.seen == []
