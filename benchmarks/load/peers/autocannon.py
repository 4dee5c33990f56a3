"""autocannon: Node, a closed loop with a limit on the rate."""

import json
from pathlib import Path

from benchmarks.load.job import Job, Reported, Shape
from benchmarks.load.peer import build, cache, needed, output
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

VERSION = "9.0.0"

SCRIPT = """\
const autocannon = require({module});
let number = 0;
let wrong = 0;
const requests = {requests};
autocannon({{ ...{options}, requests }}, (error, result) => {{
  if (error) {{ console.error(String(error)); process.exit(2); }}
  result.wrong = wrong;
  console.log(JSON.stringify(result));
}});
"""


class Autocannon:
    """A short script over its interface: its command line has no list of requests."""

    name = "autocannon"
    keeps_a_rate = True
    features = (
        "list of requests in the ratio of the weights, `setupRequest` for the body, `onResponse` "
        "with checks of status and body"
    )

    def obtain(self) -> None:
        """Install it in a folder of its own; raises ``NotRunError``."""
        self.node = needed("node", "install Node to measure autocannon")
        place = cache() / f"autocannon-{VERSION}"
        self.module = place / "node_modules" / "autocannon"
        if not self.module.exists():
            npm = needed("npm", "install Node with npm to measure autocannon")
            place.mkdir(parents=True, exist_ok=True)
            install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            build([*install, "--prefix", str(place), f"autocannon@{VERSION}"])

    def version(self) -> str:
        """Of the package."""
        return f"{VERSION} (Node {output([self.node, '--version']).removeprefix('v')})"

    def command(self, job: Job, directory: Path) -> list[str]:
        """A minimal run sends one request on each connection."""
        (directory / "cannon.js").write_text(self.script(job), encoding="utf-8")
        return [self.node, "cannon.js"]

    def script(self, job: Job) -> str:
        """The whole script."""
        options: dict[str, object] = {
            "url": job.url,
            "connections": job.connections,
            "timeout": 30,
        }
        if job.minimal:
            options["amount"] = job.connections
        else:
            options["duration"] = job.seconds
            if job.rate is not None:
                options["overallRate"] = job.rate
        return SCRIPT.format(
            module=json.dumps(str(self.module)),
            requests=_requests(job.shape),
            options=json.dumps(options),
        )

    def report(self, finished: Finished, directory: Path) -> Reported:
        """Of the result that the script printed."""
        _ = directory
        if finished.exit_code:
            raise NotRunError(finished.complaint())
        return parse(finished.stdout)


def parse(text: str) -> Reported:
    """autocannon's result; its latencies are whole milliseconds, and it has no 95th percentile."""
    told = json.loads(text)
    names = {"p50": "p50", "p90": "p90", "p97_5": "p97.5", "p99": "p99", "max": "max"}
    latency = {ours: float(told["latency"][theirs]) for theirs, ours in names.items()}
    failed = told["errors"] + told["timeouts"] + told["non2xx"] + told.get("wrong", 0)
    return Reported(told["requests"]["total"], failed, latency)


def _requests(shape: Shape) -> str:
    requests = []
    for one in shape.turns():
        parts = [f"method: '{one.method}'", f"path: '{one.path}'"]
        if one.fields:
            parts.append(
                "setupRequest: (request) => ({ ...request, headers: { ...request.headers, "
                "'content-type': 'application/json' }, body: JSON.stringify({ email: "
                "`user${++number}@example.com`, name: `customer ${number}` }) })"
            )
        if shape.checks:
            parts.append(
                f"onResponse: (status, body) => {{ if (status !== {one.status} || "
                f"!body.includes({json.dumps(one.contains)})) wrong++; }}"
            )
        requests.append("{ " + ", ".join(parts) + " }")
    return "[\n  " + ",\n  ".join(requests) + ",\n]"
