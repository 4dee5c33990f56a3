"""vegeta: Go, an open model with as many workers as it takes."""

import json
import subprocess
from base64 import b64encode
from pathlib import Path

from benchmarks.load.job import Endpoint, Job, Reported
from benchmarks.load.peer import go_install
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

MODULE = "github.com/tsenart/vegeta/v12"
VERSION = "12.13.0"
BODIES = 1000
_RESULTS = "results.gob"


class Vegeta:
    """`vegeta attack`; what `vegeta report` costs afterwards is not counted."""

    name = "vegeta"
    keeps_a_rate = True
    features = (
        f"targets file in the ratio of the weights, {BODIES} bodies made beforehand; counts "
        "statuses, looks at no body; histograms made afterwards, not counted"
    )

    def obtain(self) -> None:
        """Build it; raises ``NotRunError``."""
        self.program = str(go_install("vegeta", MODULE, VERSION))

    def version(self) -> str:
        """Of the module it was built from: a build with `go install` does not know it."""
        return VERSION

    def command(self, job: Job, directory: Path) -> list[str]:
        """Without a rate: as fast as as many workers as connections can."""
        (directory / "targets.json").write_text(targets(job), encoding="utf-8")
        command = [self.program, "attack", "-format=json", "-targets=targets.json"]
        command += [f"-root-certs={job.certificate}"] if job.url.startswith("https") else []
        command += [f"-output={_RESULTS}", f"-connections={job.connections}", "-timeout=30s"]
        if job.minimal:
            return [*command, "-rate=1", "-duration=1s"]
        command += [f"-duration={job.seconds}s"]
        if job.rate is not None:
            # Overwhelmed, it would add workers until the machine gives up.
            return [*command, f"-rate={job.rate}", "-max-workers=5000"]
        return [
            *command,
            "-rate=0",
            f"-workers={job.connections}",
            f"-max-workers={job.connections}",
        ]

    def report(self, finished: Finished, directory: Path) -> Reported:
        """Of `vegeta report`."""
        if finished.exit_code:
            raise NotRunError(finished.complaint())
        done = subprocess.run(
            [self.program, "report", "-type=json", _RESULTS],
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
        (directory / _RESULTS).unlink(missing_ok=True)
        if done.returncode:
            raise NotRunError(f"vegeta report failed: {done.stderr.strip()}")
        return parse(done.stdout)


def parse(text: str) -> Reported:
    """The JSON of `vegeta report`, whose latencies are nanoseconds."""
    told = json.loads(text)
    names = {"50th": "p50", "90th": "p90", "95th": "p95", "99th": "p99", "max": "max"}
    latency = {ours: told["latencies"][theirs] / 1e6 for theirs, ours in names.items()}
    failed = told["requests"] - round(told["success"] * told["requests"])
    return Reported(told["requests"], failed, latency)


def targets(job: Job) -> str:
    """The targets in JSON lines: vegeta goes round them."""
    turns = job.shape.turns()
    varying = any(one.fields for one in turns)
    lines = []
    for number in range(BODIES if varying else 1):
        lines += [_target(one, job.url, number) for one in turns]
    return "\n".join(lines) + "\n"


def _target(endpoint: Endpoint, url: str, number: int) -> str:
    target: dict[str, object] = {"method": endpoint.method, "url": url + endpoint.path}
    if endpoint.fields:
        body = json.dumps({"email": f"user{number}@example.com", "name": f"customer {number}"})
        target["body"] = b64encode(body.encode()).decode()
        target["header"] = {"Content-Type": ["application/json"]}
    return json.dumps(target)
