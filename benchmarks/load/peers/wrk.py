"""wrk: C, one thread, a closed loop; the yardstick of what a core can send."""

import re
import subprocess
from pathlib import Path

from benchmarks.load.job import Job, Reported
from benchmarks.load.peer import milliseconds, needed
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

_REQUESTS = re.compile(r"^\s*(\d+) requests in", re.MULTILINE)
_PERCENTILE = re.compile(r"^\s+(50|75|90|99)%\s+(\S+)$", re.MULTILINE)
_LATENCY = re.compile(r"^\s+Latency\s+\S+\s+\S+\s+(\S+)", re.MULTILINE)
_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_NOT_2XX = re.compile(r"Non-2xx or 3xx responses: (\d+)")


class Wrk:
    """Always one static GET: with a Lua script it would be another, slower tool."""

    name = "wrk"
    keeps_a_rate = False
    features = "none: one static GET, no checks"

    def obtain(self) -> None:
        """Find it; raises ``NotRunError``."""
        self.program = needed("wrk", "install it (Debian and Ubuntu: apt-get install wrk)")

    def version(self) -> str:
        """Its first word of `-v`, which ends with 1."""
        done = subprocess.run([self.program, "-v"], capture_output=True, text=True, check=False)
        return done.stdout.split()[1]

    def command(self, job: Job, directory: Path) -> list[str]:
        """One thread; a minimal run asks a port that never answers."""
        _ = directory
        url = (job.idle if job.minimal else job.url) + job.shape.endpoints[0].path
        seconds = 1 if job.minimal else job.seconds
        command = [self.program, "--threads", "1", "--connections", str(job.connections)]
        return [*command, "--duration", f"{seconds}s", "--timeout", "30s", "--latency", url]

    def report(self, finished: Finished, directory: Path) -> Reported:
        """Of its text."""
        _ = directory
        text = finished.stdout
        requests = _REQUESTS.search(text)
        if finished.exit_code or requests is None:
            raise NotRunError(finished.complaint())
        latency = {f"p{one}": milliseconds(value) for one, value in _PERCENTILE.findall(text)}
        slowest = _LATENCY.search(text)
        if slowest is not None:
            latency["max"] = milliseconds(slowest[1])
        errors = _ERRORS.search(text)
        failed = sum(map(int, errors.groups())) if errors else 0
        unexpected = _NOT_2XX.search(text)
        failed += int(unexpected[1]) if unexpected else 0
        return Reported(int(requests[1]), failed, latency)
