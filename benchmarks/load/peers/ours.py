"""This package's own command, run as its users run it."""

import json
import sys
from pathlib import Path

import yaml

from benchmarks.load.job import Endpoint, Job, Reported, Shape
from benchmarks.load.peer import output
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

SATURATING = 250_000
"""More requests a second than one core can send, so that there is always one waiting."""
MAX_WAIT = "10s"
"""All of them are sent in the end; where the machine is busy that would take minutes."""

_SCENARIO, _RESULT = "scenario.yml", "result.json"
# 1: a threshold failed, and 3: the run is invalid: both are so when it is asked for too much.
_RAN = (0, 1, 3)


class Ours:
    """`senior-backend load run scenario.yml`."""

    keeps_a_rate = True
    features = (
        "scenario: weights, templated body, checks of status and body, histograms of two clocks "
        "for each endpoint, timeouts"
    )

    def __init__(self, program: Path | None = None, *, precise: bool = False) -> None:
        self.program = program or Path(sys.executable).with_name("senior-backend")
        self.precise = precise
        self.name = "senior-backend, precise" if precise else "senior-backend"

    def obtain(self) -> None:
        """Find it; raises ``NotRunError``."""
        if not self.program.exists():
            raise NotRunError(
                f"{self.program} is missing: run `make setup`, or name it by --program"
            )

    def version(self) -> str:
        """The last word of `--version`."""
        return output([str(self.program), "--version"]).split()[-1]

    def command(self, job: Job, directory: Path) -> list[str]:
        """A minimal run opens the same connections and sends one request."""
        text = yaml.safe_dump(scenario(job, precise=self.precise), sort_keys=False)
        (directory / _SCENARIO).write_text(text, encoding="utf-8")
        return [str(self.program), "load", "run", _SCENARIO, "--output", _RESULT]

    def report(self, finished: Finished, directory: Path) -> Reported:
        """Of the result it has written."""
        path = directory / _RESULT
        if finished.exit_code not in _RAN or not path.exists():
            raise NotRunError(finished.complaint())
        return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Reported:
    """The result document."""
    told = json.loads(text)
    pacing = told["pacing_error_us"]
    return Reported(
        told["completed"],
        told["total"]["failed"],
        told["total"]["response_time_ms"],
        {name: pacing[name] for name in ("p50", "p99", "max")},
        told["valid"],
        tuple(told["invalid_reasons"]),
    )


def scenario(job: Job, *, precise: bool) -> dict[str, object]:
    """The scenario as data."""
    rate = job.rate or SATURATING
    load = {"rate": 1 if job.minimal else rate, "duration": f"{1 if job.minimal else job.seconds}s"}
    document: dict[str, object] = {
        "name": "benchmark",
        "target": job.url,
        "load": load,
        "connections": {"max": job.connections, "max_wait": MAX_WAIT},
        "timeouts": {"response": "30s"},
        "generator": {"workers": job.workers, "precise": precise},
    }
    if job.url.startswith("https"):
        document["tls"] = {"ca": str(job.certificate)}
    return {**document, "endpoints": [_endpoint(one, job.shape) for one in job.shape.endpoints]}


def _endpoint(one: Endpoint, shape: Shape) -> dict[str, object]:
    endpoint: dict[str, object] = {
        "name": one.name,
        "weight": one.weight,
        "method": one.method,
        "path": one.path,
    }
    if one.fields:
        endpoint["json"] = {"email": "${uuid}@example.com", "name": "customer ${arrival}"}
    if shape.checks:
        endpoint["expect"] = {"status": [one.status], "body_contains": one.contains}
    return endpoint
