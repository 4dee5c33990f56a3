"""The service under test: started with the contract's environment, or running already.

Everything is done as an operator would: environment, ports, signals, exit code, lines of log.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 30.0

# What an operator may set. A developer's own values of these must not reach the service.
CONTRACT_VARIABLES = re.compile(
    r"(PORT|METRICS_PORT|APP_ENV|LOG_LEVEL|(TEST_)?DATABASE_\w+|REQUEST_TIMEOUT_MS|SHUTDOWN_\w+|"
    r"BODY_LIMIT_BYTES|RATE_LIMIT_PER_MINUTE|REDIS_\w+|CACHE_TTL_MS|OIDC_\w+|TENANT_CLAIM|SCOPE_CLAIM|"
    r"CORS_ALLOWED_ORIGINS|TRUST_PROXY_HOPS|OTEL_\w+|GRAPHQL_\w+)"
)

# Without the certificates of the whole world: to load them costs more than a request.
PLAIN = httpx.Client(trust_env=False, verify=False, timeout=5)


@dataclass(frozen=True)
class Commands:
    """How one tree is run: its folder, its server, its migrations."""

    directory: Path
    serve: list[str]
    migrate: list[str]

    @classmethod
    def parse(cls, directory: str, serve: str, migrate: str) -> "Commands":
        """From command lines; no shell is involved."""
        return cls(Path(directory).resolve(), shlex.split(serve), shlex.split(migrate))


@dataclass
class Service:
    """A running service: where it listens, and where its metrics are (None: not told)."""

    url: str
    metrics_url: str | None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the service for a raw socket."""
        url = httpx.URL(self.url)
        return url.host, url.port or 80


@dataclass
class StartedService(Service):
    """A service whose process is ours."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    def output(self) -> str:
        """Everything it has printed so far, standard error included."""
        return self.log.read_text(errors="replace")

    def log_size(self) -> int:
        """The present length of its output, to read on from."""
        return self.log.stat().st_size

    def log_lines(self, since: int = 0) -> list[dict[str, Any]]:
        """The lines of its log; one that is not JSON comes as {"unstructured": it}."""
        with self.log.open("rb") as file:
            file.seek(since)
            text = file.read().decode(errors="replace")
        return [parse_line(line) for line in text.splitlines() if line.strip()]

    def terminate(self) -> float:
        """SIGTERM; returns the moment it was sent."""
        self.process.send_signal(signal.SIGTERM)
        return time.monotonic()

    def wait(self, seconds: float) -> int:
        """Its exit code; TimeoutExpired when it is still there after `seconds`."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it and all it has started, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until /readyz says 200."""
        wait_until(lambda: self._ready(), seconds, lambda: self._not_ready(seconds))

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise ServiceDidNotStartError(self._not_ready(0))
        try:
            return PLAIN.get(self.url + "/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _not_ready(self, seconds: float) -> str:
        tail = "\n".join(self.output().splitlines()[-30:])
        code = self.process.poll()
        state = f"still running after {seconds} s" if code is None else f"exit code {code}"
        return f"the service did not become ready ({state}); its last lines:\n{tail}"


class ServiceDidNotStartError(AssertionError):
    """The process ended, or /readyz never became 200."""


def parse_line(line: str) -> dict[str, Any]:
    """One line of a JSON log."""
    try:
        parsed = json.loads(line)
    except ValueError:
        return {"unstructured": line}
    return parsed if isinstance(parsed, dict) else {"unstructured": line}


def wait_until(condition: Any, seconds: float, message: Any, interval: float = 0.05) -> None:
    """Poll `condition` until it is true; AssertionError with `message()` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(message())
        time.sleep(interval)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """This process's environment without anything the contract gives a meaning to."""
    return {k: v for k, v in os.environ.items() if not CONTRACT_VARIABLES.fullmatch(k)}


def run_migrations(commands: Commands, environment: Mapping[str, str]) -> None:
    """Bring a database to the service's schema with the service's own command."""
    finished = subprocess.run(
        commands.migrate,
        cwd=commands.directory,
        env={**clean_environment(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, (
        f"{shlex.join(commands.migrate)} exited {finished.returncode}:\n"
        f"{finished.stdout[-4000:]}\n{finished.stderr[-4000:]}"
    )


def start_process(
    commands: Commands, environment: Mapping[str, str | None], log: Path
) -> StartedService:
    """Start the server and return at once; a variable that is None is not set.

    PORT and METRICS_PORT are chosen here unless given.
    """
    settings = {"PORT": str(free_port()), "METRICS_PORT": str(free_port()), **environment}
    given = {name: value for name, value in settings.items() if value is not None}
    with log.open("wb") as output:
        process = subprocess.Popen(
            commands.serve,
            cwd=commands.directory,
            env={**clean_environment(), **given},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return StartedService(
        url=f"http://127.0.0.1:{given.get('PORT')}",
        metrics_url=f"http://127.0.0.1:{given.get('METRICS_PORT')}/metrics",
        environment=given,
        log=log,
        process=process,
    )
