"""The client: wrk, a closed loop. Each connection sends its next request when it has its answer."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from senior_backend.errors import NotRunError

GRACE_SECONDS = 30


@dataclass(frozen=True)
class Requests:
    """What is asked of every subject, as the same tenant."""

    token: str
    customer_id: str
    order_ids: Sequence[str]


@dataclass(frozen=True)
class Answers:
    """What one run of wrk saw; latencies are those of a closed loop at fixed connections.

    `unexpected` counts answers that are not 2xx, or that tell of an error in GraphQL's way;
    `unexpected_status` is the status of one of them.
    """

    requests: int
    seconds: float
    unexpected: int
    unexpected_status: int
    socket_errors: int
    p50_ms: float
    p99_ms: float


def find_wrk() -> str:
    """The wrk program. Raises ``NotRunError`` when there is none."""
    program = shutil.which("wrk")
    if program is None:
        raise NotRunError("wrk is missing: install it (Debian and Ubuntu: apt-get install wrk)")
    return program


def send(
    wrk: str,
    script: Path,
    url: str,
    kind: str,
    requests: Requests,
    *,
    seconds: int,
    connections: int,
) -> Answers:
    """Send requests of one kind, as `script` writes it, to `url` for `seconds`.

    Raises ``NotRunError`` when an answer was not 2xx or a connection failed: such a run measures
    something else.
    """
    nonce = secrets.token_hex(8)  # so that no Idempotency-Key is ever used twice
    command = [wrk, "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s", "--script", str(script), url, "--"]
    command += [kind, requests.token, requests.customer_id, nonce]
    command += requests.order_ids
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False
    )
    lines = run.stdout.strip().splitlines()
    if run.returncode or not lines or not lines[-1].startswith("{"):
        reason = (run.stderr or run.stdout).strip().splitlines()
        raise NotRunError(f"wrk failed on {url}: {reason[-1] if reason else 'no output'}")
    answers = Answers(**json.loads(lines[-1]))
    if answers.unexpected:
        raise NotRunError(
            f"{answers.unexpected} of {answers.requests} answers were not as expected "
            f"(such as {answers.unexpected_status})"
        )
    if answers.socket_errors or not answers.requests:
        raise NotRunError(
            f"{answers.requests} answers, {answers.socket_errors} failed connections or time-outs"
        )
    return answers
