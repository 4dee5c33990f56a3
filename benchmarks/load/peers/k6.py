"""k6: Go with scripts in JavaScript; closed virtual users, or an open model of iterations."""

import json
from pathlib import Path

from benchmarks.load.job import Job, Reported, Shape
from benchmarks.load.peer import go_install, output
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

MODULE = "go.k6.io/k6"
VERSION = "1.8.1"
_SUMMARY = "summary.json"

SCRIPT = """\
import http from 'k6/http';
import {{ check }} from 'k6';

export const options = {options};
const url = '{url}';

{functions}

export default function () {{
{choice}
}}
"""


class K6:
    """`k6 run` with its thresholds off and its summary as JSON."""

    name = "k6"
    keeps_a_rate = True
    features = "script: weighted choice, templated body, `check` of status and body, `name` tags"

    def __init__(self, users: int | None = None) -> None:
        self.users = users
        """With a rate: how many virtual users it may make; None: as many as connections."""
        if users is not None:
            self.name = f"k6, up to {users:,} users"

    def obtain(self) -> None:
        """Build it; raises ``NotRunError``."""
        self.program = str(go_install("k6", MODULE, VERSION))

    def version(self) -> str:
        """The second word of `k6 version`."""
        return output([self.program, "version"]).split()[1].removeprefix("v")

    def command(self, job: Job, directory: Path) -> list[str]:
        """A minimal run makes as many virtual users and has each send one request."""
        (directory / "script.js").write_text(script(job, self.users), encoding="utf-8")
        command = [self.program, "run", "--quiet", "--no-usage-report", "--address", ""]
        return [*command, f"--summary-export={_SUMMARY}", "script.js"]

    def report(self, finished: Finished, directory: Path) -> Reported:
        """Of the exported summary."""
        if finished.exit_code:
            raise NotRunError(finished.complaint())
        return parse((directory / _SUMMARY).read_text(encoding="utf-8"))


def parse(text: str) -> Reported:
    """The file of `--summary-export`."""
    metrics = json.loads(text)["metrics"]
    duration = metrics["http_req_duration"]
    names = {"med": "p50", "p(90)": "p90", "p(95)": "p95", "p(99)": "p99", "max": "max"}
    latency = {ours: duration[theirs] for theirs, ours in names.items()}
    # A rate metric: `passes` are the requests for which "failed" is true.
    failed = metrics["http_req_failed"]["passes"]
    failed = max(failed, metrics.get("checks", {}).get("fails", 0))
    dropped = metrics.get("dropped_iterations", {}).get("count", 0)
    notes = (f"{dropped:,} iterations dropped",) if dropped else ()
    return Reported(metrics["http_reqs"]["count"], failed, latency, notes=notes)


def script(job: Job, users: int | None = None) -> str:
    """The whole script."""
    options: dict[str, object] = {
        "discardResponseBodies": not job.shape.checks,
        "insecureSkipTLSVerify": True,
        "summaryTrendStats": ["med", "p(90)", "p(95)", "p(99)", "max"],
        "scenarios": {"main": _scenario(job, users)},
    }
    return SCRIPT.format(
        options=json.dumps(options, indent=2),
        url=job.url,
        functions=_functions(job.shape),
        choice=_choice(job.shape),
    )


def _scenario(job: Job, users: int | None) -> dict[str, object]:
    if job.minimal:
        return {
            "executor": "per-vu-iterations",
            "vus": job.connections,
            "iterations": 1,
        }
    if job.rate is None:
        return {
            "executor": "constant-vus",
            "vus": job.connections,
            "duration": f"{job.seconds}s",
        }
    return {
        "executor": "constant-arrival-rate",
        "rate": job.rate,
        "timeUnit": "1s",
        "duration": f"{job.seconds}s",
        "preAllocatedVUs": job.connections,
        "maxVUs": users or job.connections,
    }


def _functions(shape: Shape) -> str:
    functions = []
    for one in shape.endpoints:
        parameters = {"tags": {"name": one.name}} if shape.checks else {}
        if one.fields:
            body = (
                "JSON.stringify({email: `${__VU}-${__ITER}@example.com`, "
                "name: `customer ${__ITER}`})"
            )
            parameters = {**parameters, "headers": {"Content-Type": "application/json"}}
        else:
            body = "null"
        call = f"http.request('{one.method}', url + '{one.path}', {body}, {json.dumps(parameters)})"
        if shape.checks:
            call = (
                f"check({call}, {{\n"
                f"    '{one.name} status': (r) => r.status === {one.status},\n"
                f"    '{one.name} body': (r) => r.body.includes({json.dumps(one.contains)}),\n"
                "  })"
            )
        functions.append(f"function {one.name}() {{\n  {call};\n}}")
    return "\n".join(functions)


def _choice(shape: Shape) -> str:
    if len(shape.endpoints) == 1:
        return f"  {shape.endpoints[0].name}();"
    total = sum(one.weight for one in shape.endpoints)
    lines, below = [f"  const chance = Math.random() * {total};"], 0
    for one in shape.endpoints:
        below += one.weight
        lines.append(f"  if (chance < {below}) return {one.name}();")
    return "\n".join(lines)
