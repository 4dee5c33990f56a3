"""The commands, as a shell or an orchestrator sees them: output, signals and exit codes."""

import asyncio
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, ClassVar

import asyncpg
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    def __init__(
        self, process: subprocess.Popen[bytes], output: IO[bytes], port: int, metrics_port: int
    ) -> None:
        self.process = process
        self._output = output
        self.url = f"http://127.0.0.1:{port}"
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"

    def output(self) -> str:
        """What the process has written so far."""
        self._output.seek(0)
        return self._output.read().decode()

    def wait_until_ready(self) -> None:
        for _ in range(200):
            assert self.process.poll() is None, self.output()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            time.sleep(0.05)
        pytest.fail("the service did not become ready")


@contextmanager
def serving(environment: Mapping[str, str], **changes: str) -> Iterator[Service]:
    port, metrics_port = free_port(), free_port()
    settings = {
        "PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        "LOG_LEVEL": "info",
        "SHUTDOWN_DRAIN_MS": "500",
        "SHUTDOWN_GRACE_MS": "5000",
    }
    with TemporaryFile() as output:  # never a pipe: a full one would stop the service
        process = subprocess.Popen(
            [sys.executable, "-m", "app"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment, **settings, **changes},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        service = Service(process, output, port, metrics_port)
        try:
            service.wait_until_ready()
            yield service
        finally:
            process.kill()
            process.wait()


def test_wrong_configuration_is_told_in_lines_and_exit_code_2() -> None:
    done = command(environment={"PORT": "x", "OIDC_AUDIENCE": "shop"})
    assert done.returncode == 2
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == [
        "PORT",
        "DATABASE_URL",
        "OIDC_ISSUER",
    ]
    assert done.stdout == ""


def test_a_port_that_is_taken_is_one_line(environment: Mapping[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        done = command(environment={**environment, "PORT": str(taken.getsockname()[1])})
    assert done.returncode == 1
    assert done.stderr.startswith("PORT: cannot listen on port")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "start",
    [
        b"GET /",
        b"GET /livez HTTP/1.1\r\nA: ",
        b"POST /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
    ],
)
def test_a_head_without_an_end_is_refused(environment: Mapping[str, str], start: bytes) -> None:
    with (
        serving(environment) as service,
        socket.create_connection(("127.0.0.1", int(service.url.rsplit(":", 1)[1]))) as caller,
    ):
        caller.settimeout(5)
        sent = 0
        with suppress(ConnectionError):
            caller.sendall(start)
            while sent < 50_000_000:
                caller.sendall(b"a" * 100_000)
                sent += 100_000
        assert sent < 20_000_000, "what the kernel's buffers hold"
        assert httpx.get(f"{service.url}/livez").status_code == 200


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_head_as_proxies_let_through_is_served(
    environment: Mapping[str, str], pieces: int
) -> None:
    head = b"GET /livez HTTP/1.1\r\nConnection: close\r\nA: " + b"a" * 32_000 + b"\r\n\r\n"
    size = len(head) // pieces + 1
    with (
        serving(environment) as service,
        socket.create_connection(("127.0.0.1", int(service.url.rsplit(":", 1)[1]))) as caller,
    ):
        for start in range(0, len(head), size):
            caller.sendall(head[start : start + size])
            time.sleep(0.05)
        assert caller.recv(100).startswith(b"HTTP/1.1 200 ")


def test_openapi_needs_no_environment() -> None:
    done = command("openapi", environment={})
    assert done.returncode == 0
    assert json.loads(done.stdout)["openapi"] == "3.1.0"
    assert done.stdout.endswith("}\n")


def test_an_unreachable_database_is_one_line() -> None:
    done = command("migrate", environment={"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"})
    assert done.returncode == 1
    assert done.stderr.startswith("migrate: cannot connect to 127.0.0.1:1/nowhere: ")
    assert done.stderr.endswith("; start the server, or mend DATABASE_URL\n")
    assert done.stderr.count("\n") == 1


def test_logs_are_json_from_the_first_line_to_the_last(environment: Mapping[str, str]) -> None:
    with serving(environment) as service:
        httpx.get(f"{service.url}/livez", headers={"x-request-id": "find-me"})
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=10) == 0
        lines = [json.loads(line) for line in service.output().splitlines()]
    events = [line["event"] for line in lines]
    assert events[0] == "listening"
    assert events[-1] == "stopped"
    assert [line["route"] for line in lines if line.get("request_id") == "find-me"] == ["/livez"]


def test_metrics_have_a_port_of_their_own(environment: Mapping[str, str]) -> None:
    with serving({**environment, "DATABASE_POOL_MAX": "7"}) as service:
        httpx.get(f"{service.url}/nowhere")
        text = httpx.get(service.metrics_url).text
        assert httpx.get(f"{service.url}/metrics").status_code == 404
    assert 'http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in text
    assert "database_pool_max_connections 7.0" in text


class Collector(BaseHTTPRequestHandler):
    """An OpenTelemetry collector that keeps what it gets."""

    spans: ClassVar[list[Span]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_request_is_one_span_of_the_callers_trace(environment: Mapping[str, str]) -> None:
    trace_id, parent_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        with serving(environment, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as service:
            headers = {"traceparent": f"00-{trace_id}-{parent_id}-01"}
            httpx.get(f"{service.url}/livez?secret=1", headers=headers)
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(timeout=10) == 0
            lines = [json.loads(line) for line in service.output().splitlines()]
        collector.shutdown()
    (span,) = [span for span in Collector.spans if span.trace_id.hex() == trace_id]
    assert (span.name, span.parent_span_id.hex()) == ("GET /livez", parent_id)
    assert "secret" not in str(span)
    (line,) = [line for line in lines if line.get("trace_id") == trace_id]
    assert line["span_id"] == span.span_id.hex()


def test_sigterm_drains_and_exits_0(environment: Mapping[str, str]) -> None:
    with serving(environment) as service, httpx.Client() as kept_alive:
        assert "connection" not in kept_alive.get(f"{service.url}/livez").headers
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        draining = kept_alive.get(f"{service.url}/livez")
        assert (draining.status_code, draining.headers["connection"]) == (200, "close")
        assert httpx.get(f"{service.url}/readyz").status_code == 503
        assert service.process.wait(timeout=10) == 0


def test_no_request_fails_while_the_service_goes(environment: Mapping[str, str]) -> None:
    """Callers on new and on kept connections; each stops when it is told to, or is not let in."""
    failures: list[str] = []
    connected = threading.Barrier(5)

    def call_on_new_connections(url: str) -> None:
        while True:
            try:
                reply = httpx.get(f"{url}/livez")
            except httpx.ConnectError:
                return
            except httpx.TransportError as error:
                failures.append(repr(error))
                return
            if reply.status_code != 200:
                failures.append(reply.text)

    def call_on_a_kept_connection(url: str) -> None:
        with httpx.Client() as client:
            client.get(f"{url}/livez")
            connected.wait(timeout=30)
            while True:
                try:
                    reply = client.get(f"{url}/livez")
                except httpx.TransportError as error:
                    failures.append(repr(error))
                    return
                if reply.headers.get("connection") == "close":
                    return

    with serving(environment) as service:
        callers = [
            threading.Thread(target=target, args=[service.url])
            for target in [call_on_new_connections] * 2 + [call_on_a_kept_connection] * 4
        ]
        for caller in callers:
            caller.start()
        connected.wait(timeout=30)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=10) == 0
        for caller in callers:
            caller.join(timeout=5)
    assert failures == []


@pytest.fixture
def empty_database(database_url: str) -> Iterator[str]:
    """A database without any table, beside the one of the other tests."""

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute(statement)
        await connection.close()

    name = f"migrations_{os.getpid()}"
    asyncio.run(execute(f"create database {name}"))
    yield database_url.rsplit("/", 1)[0] + f"/{name}"
    asyncio.run(execute(f"drop database {name} with (force)"))


def tables(url: str) -> set[str]:
    async def ask() -> set[str]:
        connection = await asyncpg.connect(url)
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        await connection.close()
        return {row[0] for row in rows}

    return asyncio.run(ask())


def test_migrations_go_up_down_and_up_again(empty_database: str) -> None:
    environment = {"DATABASE_URL": empty_database}
    assert command("migrate", environment=environment).returncode == 0
    up = tables(empty_database)
    assert "idempotency_keys" in up
    assert command("migrate", "--down", "base", environment=environment).returncode == 0
    assert tables(empty_database) == {"alembic_version"}
    assert command("migrate", environment=environment).returncode == 0
    assert tables(empty_database) == up


def test_migrations_of_several_replicas_at_once_run_once(empty_database: str) -> None:
    results: list[int] = []

    def run() -> None:
        done = command("migrate", environment={"DATABASE_URL": empty_database})
        results.append(done.returncode)

    replicas = [threading.Thread(target=run) for _ in range(3)]
    for replica in replicas:
        replica.start()
    for replica in replicas:
        replica.join()
    assert results == [0, 0, 0]
