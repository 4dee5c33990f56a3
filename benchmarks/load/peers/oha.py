"""oha: Rust on tokio; closed workers with a limit on the rate."""

import json
from pathlib import Path

from benchmarks.load.job import Job, Reported
from benchmarks.load.peer import build, cache, needed, output
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

VERSION = "1.16.0"


class Oha:
    """`oha`, its interface off, its result as JSON."""

    name = "oha"
    keeps_a_rate = True
    features = "GETs of four addresses from a file, drawn evenly; no POST among them, no checks"

    def __init__(self, *, correction: bool = False) -> None:
        self.correction = correction
        if correction:
            self.name = "oha --latency-correction"

    def obtain(self) -> None:
        """Build it; raises ``NotRunError``."""
        place = cache() / f"oha-{VERSION}"
        path = place / "bin" / "oha"
        if not path.exists():
            cargo = needed("cargo", "install Rust to measure oha")
            command = [cargo, "install", "--quiet", "--locked", "--jobs", "1"]
            build([*command, "--root", str(place), "--version", VERSION, "oha"])
        self.program = str(path)

    def version(self) -> str:
        """The second word of `--version`."""
        return output([self.program, "--version"]).split()[1]

    def command(self, job: Job, directory: Path) -> list[str]:
        """A minimal run sends one request on each connection."""
        command = [self.program, "--no-tui", "--output-format", "json", "--insecure"]
        command += ["-c", str(job.connections)]
        if job.minimal:
            command += ["-n", str(job.connections)]
        else:
            command += ["-z", f"{job.seconds}s", "--wait-ongoing-requests-after-deadline"]
            if job.rate is not None:
                command += ["-q", str(job.rate)]
                command += ["--latency-correction"] if self.correction else []
        if len(job.shape.endpoints) == 1:
            return [*command, job.url + job.shape.endpoints[0].path]
        # A file is no pattern: a `?` in an address means itself.
        addresses = directory / "urls.txt"
        addresses.write_text("".join(f"{job.url}{one.path}\n" for one in job.shape.endpoints))
        return [*command, "--urls-from-file", str(addresses)]

    def report(self, finished: Finished, directory: Path) -> Reported:
        """Of its JSON."""
        _ = directory
        if finished.exit_code:
            raise NotRunError(finished.complaint())
        return parse(finished.stdout)


def parse(text: str) -> Reported:
    """The JSON of `--output-format json`, whose latencies are seconds."""
    told = json.loads(text)
    percentiles = told["latencyPercentiles"]
    latency = {
        name: percentiles[name] * 1e3
        for name in ("p50", "p90", "p95", "p99")
        if percentiles[name] is not None
    }
    if told["summary"]["slowest"] is not None:
        latency["max"] = told["summary"]["slowest"] * 1e3
    errors = sum(told["errorDistribution"].values())
    statuses = {int(one): count for one, count in told["statusCodeDistribution"].items()}
    failed = errors + sum(count for status, count in statuses.items() if status >= 400)
    return Reported(sum(statuses.values()) + errors, failed, latency)
