"""``load run`` and its sisters from the outside: what is printed where, and the exit codes."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from tests.load.certificates import Authority
from tests.load.cli import GENEROUS, Here, cli, lines
from tests.load.service import Service, service

SHORT = ("--rps", 100, "--duration", "500ms", *GENEROUS)
"""50 requests."""
FORMATS = ("terminal", "json", "html", "markdown", "junit", "csv", "prometheus", "github")


@pytest.fixture(scope="module")
def target() -> Iterator[Service]:
    with service() as running:
        yield running


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


@dataclass
class Run:
    done: subprocess.CompletedProcess[str]
    result: Path
    html: Path
    requests: int
    """That the target has seen."""


@pytest.fixture(scope="module")
def run(target: Service, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run that is fine."""
    folder = tmp_path_factory.mktemp("run") / "results"
    before = target.count("/run?x=1")
    result, html = folder / "load-test.json", folder / "load-test.html"
    done = cli("load", "run", "--target", f"{target.url}/run?x=1", *SHORT,
               "--output", result, "--html", html)  # fmt: skip
    return Run(done, result, html, target.count("/run?x=1") - before)


def test_in_a_pipe_there_is_one_line_at_the_start_and_the_report(run: Run, target: Service) -> None:
    assert (run.done.returncode, run.done.stderr) == (0, "")
    first, second, *_ = lines(run.done.stdout)
    assert first == f"100 rps for 500 ms to 127.0.0.1:{target.port}"
    assert second == "PASSED: all 3 thresholds hold"
    assert "\x1b" not in run.done.stdout


def test_every_request_of_the_schedule_is_sent_and_none_more(run: Run) -> None:
    assert run.requests == 50
    document = json.loads(run.result.read_text())
    assert (document["due"], document["sent"], document["completed"]) == (50, 50, 50)
    assert document["scenario"] == "GET /run"


def test_the_result_is_what_the_schema_says(here: Here, run: Run) -> None:
    schema = json.loads(here("load", "schema", "result").stdout)
    jsonschema.validate(json.loads(run.result.read_text()), schema)


def test_the_schema_of_scenarios_is_printed(here: Here) -> None:
    assert "endpoints" in json.loads(here("load", "schema", "scenario").stdout)["properties"]


def test_the_result_is_shown_again_in_every_format(here: Here, run: Run, tmp_path: Path) -> None:
    for name in FORMATS:
        done = here("load", "report", run.result, "--format", name)
        assert (done.returncode, done.stderr) == (0, ""), name
        file = tmp_path / "new" / name
        assert here("load", "report", run.result, "--format", name, "-o", file).stdout == ""
        assert file.read_text().rstrip("\n") == done.stdout.rstrip("\n")
    assert json.loads((tmp_path / "new" / "json").read_text()) == json.loads(run.result.read_text())
    assert (tmp_path / "new" / "html").read_text() == run.html.read_text()


def test_one_document_is_not_two(here: Here, run: Run) -> None:
    done = here("load", "report", run.result, run.result, "--format", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "senior-backend: --format json is one document: name one RESULT, or use terminal, "
        "markdown, github\n"
    )
    both = here("load", "report", run.result, run.result).stdout
    assert both.count("PASSED: all 3 thresholds hold") == 2


def test_a_machines_format_has_standard_output_for_itself(here: Here, target: Service) -> None:
    done = here("load", "run", "--target", target.url, *SHORT, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["version"] == 1


def test_quiet_leaves_the_report_alone(here: Here, target: Service) -> None:
    done = here("load", "run", "--target", target.url, *SHORT, "-q")
    assert done.returncode == 0
    assert lines(done.stdout)[0] == "PASSED: all 3 thresholds hold"


def test_a_method_headers_and_a_body_are_sent(here: Here, target: Service) -> None:
    before = len(target.items)
    done = here("load", "run", "--target", f"{target.url}/items", *SHORT, "-X", "POST",
               "--json", '{"sku": "A-1"}', "-H", "X-Test: 7")  # fmt: skip
    assert done.returncode == 0
    assert list(target.items.values())[before:] == [{"sku": "A-1"}] * 50
    last = target.seen[-1]
    assert (last.headers["X-Test"], last.headers["Content-Type"]) == ("7", "application/json")


# Failures


def test_a_threshold_that_does_not_hold_is_exit_1_and_named_last(
    here: Here, target: Service
) -> None:
    done = here("load", "run", "--target", target.url, *SHORT,
               "--threshold", "http_req_duration: p(95)<0.001ms")  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "thresholds: 1 of 4 failed: http_req_duration: p(95)<0.001ms\n"


def test_a_target_that_fails_every_request_is_a_failed_run(here: Here, target: Service) -> None:
    done = here("load", "run", "--target", f"{target.url}/status/503", *SHORT)
    assert done.returncode == 1
    assert done.stderr == "every request failed: http 503 50\n"
    assert "http 503" in done.stdout


def test_no_threshold_makes_a_run_without_a_success_a_good_one(here: Here, target: Service) -> None:
    done = here("load", "run", "--target", f"{target.url}/status/503", *SHORT,
               "--threshold", "http_req_failed: rate<=1")  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "every request failed: http 503 50\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--target", "http://no-such-host.invalid"),
            r"no-such-host\.invalid: unknown host.*",
        ),
        (
            ("--target", "http://127.0.0.1:{closed}"),
            r"127\.0\.0\.1:\d+: connection refused; is the service running, and on this port\?",
        ),
        (
            ("--target", "https://127.0.0.1:{open}"),
            r"127\.0\.0\.1:\d+: it does not speak TLS; write http:// instead, or .*",
        ),
        (
            ("--target", "http://127.0.0.1:{open}", "--proxy", "http://127.0.0.1:{closed}"),
            r"proxy 127\.0\.0\.1:\d+: connection refused.*",
        ),
    ],
)
def test_what_cannot_be_reached_is_one_line_and_exit_3(
    here: Here, target: Service, arguments: tuple[str, ...], message: str
) -> None:
    ports = {"closed": closed_port(), "open": target.port}
    done = here("load", "run", *(part.format(**ports) for part in arguments), *SHORT, "-q")
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(f"senior-backend: {message}\n", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "what is to be loaded? name a --target, or a scenario file"),
        (
            ("--target", "http://127.0.0.1:1"),
            "how much load? add --rps, like --rps 500 --duration 60s",
        ),
        (
            ("--target", "staging.example.com", *SHORT),
            "--target staging.example.com: write http:// or https:// and a host",
        ),
        (
            ("--target", "http://me:secret@h", *SHORT),
            "--target http://…@h: a URL with a user or password ends up in logs; send it as *",
        ),
        (("--target", "http://127.0.0.1:1", *SHORT, "--rps", "x"), "--rps: 'x' is no rate; *"),
        (
            ("http://127.0.0.1:8000/x", *SHORT),
            (
                "http://127.0.0.1:8000/x: that is a URL, not a scenario file: "
                "--target http://127.0.0.1:8000/x"
            ),
        ),
        (
            ("https://me:secret@h/x?key=secret", *SHORT),
            "https://…@h/x?…: that is a URL, not a scenario file: --target https://…@h/x?…",
        ),
        *(
            (
                ("--target", "http://127.0.0.1:1", *SHORT, *given),
                (
                    f"{given[0]} is for https://, and the target is http://127.0.0.1:1; write "
                    f"https://, or leave {given[0]} out"
                ),
            )
            for given in (
                ("--cacert", "ca.pem"),
                ("--cert", "c.pem"),
                ("--cert", "c.pem", "--key", "k.pem"),
                ("--insecure",),
            )
        ),
        (
            ("--target", "http://127.0.0.1:1", *SHORT, "-X", "PSOT"),
            "--method: no method 'PSOT'; did you mean POST?",
        ),
        (
            (
                "--target",
                "http://127.0.0.1:1",
                "--rps",
                "1000000",
                "--duration",
                "100h",
                "--arrivals",
                "poisson",
                "--check",
            ),
            (
                "--rps: more than 1,000,000,000 poisson arrivals, warm-up included; write a lower "
                "rate or a shorter duration"
            ),
        ),
        (("no-such.yml",), "no-such.yml: cannot be read: no such file or directory; *"),
        (
            ("--target", "http://127.0.0.1:1", *SHORT, "--tolerance", "0.1"),
            "--tolerance is how much slower than --baseline FILE: name one",
        ),
        (
            ("--target", "http://127.0.0.1:1", *SHORT, "--baseline", "no-such.json"),
            "no-such.json: No such file or directory",
        ),
        (
            (
                *("--target", "http://127.0.0.1:1", *SHORT),
                *("--baseline", "no-such.json", "--tolerance", "nan"),
            ),
            "--tolerance nan: write a share such as 0.1",
        ),
        (
            ("--target", "http://me:secret@[::1", *SHORT),
            "--target http://…@[::1: no host and port can be read in it",
        ),
        (
            ("--target", "http://127.0.0.1:1", *SHORT, "--threshold", "http_req_duration: p95<1"),
            "--threshold http_req_duration: *percentiles are written p(N)*",
        ),
        (
            ("--target", "http://127.0.0.1:1", *SHORT, "--tolerance", "10"),
            "Invalid value for '--tolerance': 10.0 is not in the range 0<=x<10*",
        ),
        (
            ("--target", "https://127.0.0.1:1", *SHORT, "--cacert", "no-such.pem"),
            "*no-such.pem: not a file of certificates to trust*",
        ),
        (
            ("--target", "http://127.0.0.1:1", *SHORT, "--connections", "many"),
            "--connections: a whole number is needed here, not 'many'",
        ),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(
    here: Here,
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = here("load", "run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    pattern = re.escape(message).replace(r"\*", ".*")
    assert re.fullmatch(f"senior-backend: {pattern}\n", done.stderr), done.stderr


# TLS and proxies


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(authority: Authority) -> Iterator[Service]:
    """Wants a certificate from its clients."""
    signed = authority.sign("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.cert, signed.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.cert)
    with service(context) as running:
        yield running


def test_a_run_over_tls_with_a_certificate_of_our_own(
    here: Here, secure: Service, authority: Authority, tmp_path: Path
) -> None:
    client = authority.sign("client")
    file = tmp_path / "r.json"
    done = here(
        "load", "run", "--target", f"https://127.0.0.1:{secure.port}/ok", *SHORT, "-o", file,
        "--cacert", authority.cert, "--cert", client.cert, "--key", client.key,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(file.read_text())
    assert document["completed"] == secure.count("/ok") == 50
    assert document["connections"]["tls_time_ms"]["p50"] > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "its certificate is from an authority that this machine does not know"),
        (("--insecure",), "it refuses the handshake, as servers do that want another client"),
    ],
)
def test_a_handshake_that_fails_is_one_line_and_exit_3(
    here: Here, secure: Service, given: tuple[str, ...], message: str
) -> None:
    done = here("load", "run", "--target", f"https://127.0.0.1:{secure.port}", *SHORT, *given)
    assert done.returncode == 3
    assert done.stderr.startswith(f"senior-backend: 127.0.0.1:{secure.port}: {message}")
    assert len(lines(done.stderr)) == 1


def test_a_proxy_sees_the_load_and_the_target_is_not_looked_up(
    here: Here, target: Service, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    url = "http://inside.invalid/through?x=1"
    done = here("load", "run", "--target", url, "--proxy", target.url, *SHORT, "-o", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert target.count(url) == 50
    assert target.seen[-1].headers["Host"] == "inside.invalid"
    document = json.loads(file.read_text())
    assert document["target"] == "http://inside.invalid/through"
    assert document["connections"]["addresses"] == ["127.0.0.1"]


# Scenarios


def scenario(folder: Path, text: str) -> Path:
    path = folder / "load.yml"
    path.write_text(text)
    return path


def test_a_scenario_cannot_send_load_to_another_machine(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = scenario(
        tmp_path,
        "target: https://staging.example.com/api\n"
        "load: {rate: 1, duration: 1s}\nendpoints: [{path: /}]\n",
    )
    done = here("load", "run", path.name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "senior-backend: load.yml:1:9: target: a file may only name this machine; to load "
        "staging.example.com say so: --target https://staging.example.com/api\n"
    )


@pytest.mark.parametrize("check", [(), ("--check",)])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target: 127.0.0.1", "1:9: target 127.0.0.1: write http:// or https:// and a host"),
        ("target: http://h", "1:9: target: a file may only name this machine; to load h say so: *"),
        (
            "target: http://127.0.0.1:1\nproxy: https://127.0.0.1:2",
            "2:8: proxy https://127.0.0.1:2: write http://",
        ),
        (
            "target: http://127.0.0.1:1\nproxy: http://p:2",
            "2:8: proxy: a file may only name this machine; to send the load through p say so: *",
        ),
        (
            "thresholds:\n  http_reqs: [{threshold: rate>1, window: 2s}]",
            "2:43: a window of 2 s is longer than the measured part of 1 s; write a shorter one",
        ),
        (
            "thresholds:\n  http_reqs: {threshold: rate>1, abort_on_fail: true, delay: 1001ms}",
            "2:62: a delay of 1.001 s is longer than the measured part of 1 s; *",
        ),
    ],
)
def test_what_a_scenario_says_is_refused_with_its_place(
    here: Here,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: tuple[str, ...],
    text: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    rest = "load: {rate: 1, duration: 1s}\nendpoints: [{path: /}]\n"
    path = scenario(tmp_path, f"{text}\n{rest}")
    done = here("load", "run", path.name, *check)
    assert (done.returncode, done.stdout) == (2, "")
    pattern = re.escape(message).replace(r"\*", ".*")
    assert re.fullmatch(f"senior-backend: load.yml:{pattern}\n", done.stderr), done.stderr


def test_a_malformed_scenario_is_named_by_line_and_column(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = scenario(tmp_path, "load: {rate: 1, duration: 1s}\nendpoints:\n  - {pth: /}\n")
    done = here("load", "run", path.name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("senior-backend: load.yml:3:")
    assert len(lines(done.stderr)) == 1


def test_check_sends_nothing_and_makes_no_file(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    port = closed_port()  # to look whether anybody is there would fail
    path = scenario(
        tmp_path,
        f"target: http://127.0.0.1:{port}\nload: {{rate: 20, duration: 90s}}\n"
        "endpoints: [{path: /a}, {path: /b}]\n",
    )
    done = here("load", "run", path.name, "--check", "-o", "results/x.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "load.yml: 2 endpoints, 1,800 arrivals in 90 s; nothing was sent\n"
    assert [item.name for item in tmp_path.iterdir()] == ["load.yml"]


# Files


def test_a_file_in_the_way_is_refused_before_anything_is_sent(
    here: Here, target: Service, tmp_path: Path
) -> None:
    (tmp_path / "notes.json").write_text("{}")
    before = len(target.seen)
    for option in ("--output", "--html"):
        done = here("load", "run", "--target", target.url, *SHORT, option, tmp_path / "notes.json")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"senior-backend: {option} {tmp_path}/notes.json: a file is")
    assert (tmp_path / "notes.json").read_text() == "{}"
    assert len(target.seen) == before


def test_a_full_disk_costs_the_exit_code_and_not_the_result(
    here: Here, target: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # nothing is left, however it ends
    done = here("load", "run", "--target", target.url, *SHORT, "--output", "/dev/full")
    assert done.returncode == 3
    assert "PASSED" in done.stdout
    found = re.fullmatch(
        r"senior-backend: --output /dev/full could not be written: No space left on device; "
        r"it is in (.+)\n",
        done.stderr,
    )
    assert found, done.stderr
    rescued = Path(found[1])
    assert json.loads(rescued.read_text())["completed"] == 50


# Baselines


def test_a_baseline_is_shown_and_with_a_tolerance_it_decides(
    here: Here, run: Run, target: Service, tmp_path: Path
) -> None:
    arguments = ("load", "run", "--target", f"{target.url}/run?x=1", *SHORT)
    shown = here(*arguments, "--baseline", run.result)
    assert (shown.returncode, shown.stderr) == (0, "")
    judged = here(*arguments, "--baseline", run.result, "--tolerance", "0.5")
    assert judged.returncode == 3, "50 requests are too few to compare"
    assert judged.stderr.startswith("baseline: NOT COMPARABLE: ")
    assert len(lines(judged.stderr)) == 1
    invalid = tmp_path / "invalid.json"
    document = json.loads(run.result.read_text())
    invalid.write_text(json.dumps({**document, "valid": False, "invalid_reasons": ["because"]}))
    before = len(target.seen)
    refused = here(*arguments, "--baseline", invalid, "--tolerance", "0.1")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"senior-backend: --baseline {invalid}: that run is INVALID; name a valid one\n"
    )
    assert len(target.seen) == before


def test_compare_takes_results_and_folders(here: Here, run: Run) -> None:
    copy = run.result.with_name("copy.json")
    copy.write_text(run.result.read_text())
    done = here("load", "compare", run.result, copy)
    assert done.returncode in (0, 3)
    assert "GET /run" in done.stdout
    same = here("load", "compare", run.result, run.result)
    assert (same.returncode, same.stdout) == (2, "")


# Installation


def test_a_missing_package_is_one_line_that_names_the_extra() -> None:
    for name in ("pydantic", "httptools"):
        code = (
            f"import sys; sys.modules[{name!r}] = None\n"
            "from senior_backend.cli import main\n"
            "main(['load', 'run', '--target', 'http://127.0.0.1:1', '--rps', '1', "
            "'--duration', '1s'])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr == (
            f"senior-backend: load tests need {name}, which is not installed: "
            'pip install "senior-backend[load] @ git+https://github.com/org/senior-backend"\n'
        )


def test_the_help_needs_none_of_the_packages() -> None:
    code = "import senior_backend.load.command, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"rich", "yaml", "pydantic", "httptools", "jmespath", "jinja2", "ssl", "asyncio"}
    assert not heavy & set(done.stdout.split())


def test_a_reader_that_stops_reading_gets_no_traceback(run: Run) -> None:
    command = f"{sys.executable} -m senior_backend load report {run.result} | true"
    done = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
