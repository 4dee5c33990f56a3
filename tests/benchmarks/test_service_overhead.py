"""The benchmark as a person runs it."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from benchmarks import service_overhead
from benchmarks.overhead.api import REST
from benchmarks.overhead.layers import EVERY_LAYER, LAYERS
from benchmarks.overhead.tree import SERVICE
from benchmarks.overhead.wrk import Requests, find_wrk, send
from senior_backend.errors import NotRunError
from tests.template.trees import TREES, halves, seed

ROOT = Path(__file__).resolve().parents[2]


def benchmark(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/service_overhead.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.fixture
def wrk() -> str:
    try:
        return find_wrk()
    except NotRunError as error:
        pytest.skip(str(error))


def test_every_tree_is_measured():
    assert set(service_overhead.TREES) == set(TREES)


@pytest.mark.verify
@pytest.mark.parametrize("framework", halves(seed())[0])
def test_a_quick_run_measures_every_server_and_layer(wrk: str, framework: str, tmp_path: Path):
    file = tmp_path / "runs.json"
    done = benchmark("--quick", "--rounds", "1", "--framework", framework, "--json", file)
    assert done.returncode == 0, done.stderr

    tree = service_overhead.TREES[framework]
    measured = json.loads(file.read_text())[framework]
    compared = measured["comparison"]
    assert {(run["subject"], run["kind"]) for run in compared} == {
        (subject, kind) for subject in tree.columns for kind in tree.api.kinds
    }
    layers = {SERVICE, *LAYERS.values(), EVERY_LAYER} if tree.variants else set()
    assert {run["subject"] for run in measured["layers"]} == layers
    for run in compared + measured["layers"]:
        assert run["requests"] > 20
        # Less is impossible, more a broken clock.
        assert 10 < run["cpu_us"] < 100_000
        assert 0 < run["p50_ms"] <= run["p99_ms"]
        # On a core of its own, or with one event loop, none can use much more than one core.
        assert run["cpu_us"] * run["requests_per_second"] / 1e6 < 1.6

    cpu = {(run["subject"], run["kind"]): run["cpu_us"] for run in compared}
    for kind, asked in tree.api.kinds.items():
        ratio = cpu[SERVICE, kind] / cpu[tree.bare, kind]
        assert math.isfinite(ratio)
        assert 0.8 < ratio < 5
        assert f"| `{asked}` | generated service |" in done.stdout
    assert f"Goal: at most {tree.goal:g}x" in done.stdout
    assert all(name in done.stdout for name in measured["surroundings"])


def test_without_wrk_one_line_says_how_to_get_it(tmp_path: Path):
    done = benchmark("--quick", environment={**os.environ, "PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "service_overhead: wrk is missing: install it (Debian and Ubuntu: apt-get install wrk)\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [["--rounds", "0"], ["--seconds", "x"], ["--fast"], ["--framework", "x"], ["--service", "."]],
)
def test_bad_usage_is_exit_code_2(arguments: list[str]):
    done = benchmark(*arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr


@contextmanager
def answering(statuses: list[int]) -> Iterator[str]:
    """A server whose answers have these statuses, in turn and over again."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        count = 0

        def do_GET(self) -> None:
            Handler.count += 1
            self.send_response(statuses[Handler.count % len(statuses)])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("odd", [304, 401, 429, 500])
def test_one_kind_of_answer_that_is_not_2xx_spoils_the_run(wrk: str, odd: int):
    requests = Requests(token="t", customer_id="c", order_ids=["o"])
    with (
        answering([200] * 49 + [odd]) as url,
        pytest.raises(NotRunError, match=rf"were not as expected .such as {odd}"),
    ):
        send(wrk, REST.script, url, "get", requests, seconds=1, connections=2)


def test_a_server_that_is_not_there_spoils_the_run(wrk: str):
    with answering([200]) as url:
        pass
    requests = Requests(token="t", customer_id="c", order_ids=["o"])
    with pytest.raises(NotRunError):
        send(wrk, REST.script, url, "get", requests, seconds=1, connections=2)


def test_posts_carry_a_new_key_each_and_the_token(wrk: str):
    seen: list[tuple[str | None, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.headers["Authorization"], self.headers["Idempotency-Key"]))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    requests = Requests(token="the-token", customer_id="c", order_ids=[])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for _ in range(2):  # the keys of one run are not those of the next
            send(wrk, REST.script, url, "post", requests, seconds=1, connections=2)
        server.shutdown()
    assert len(seen) > 20
    assert {token for token, _ in seen} == {"Bearer the-token"}
    keys = [key for _, key in seen]
    assert len(set(keys)) == len(keys)
