"""Locust with FastHttpUser: Python on gevent; closed users, each with a pace of its own."""

import json
import sys
import textwrap
from math import ceil
from pathlib import Path

from benchmarks.load.job import Endpoint, Job, Reported
from benchmarks.load.peer import build, cache, output
from benchmarks.load.process import Finished
from senior_backend.errors import NotRunError

VERSION = "2.47.0"

FILE = """\
from itertools import count
from locust import FastHttpUser, constant_throughput, task

numbers = count()


class User(FastHttpUser):
    host = {url!r}
    insecure = True
    network_timeout = 30.0
    wait_time = {wait}

{tasks}
"""


class Locust:
    """One process, without its web page."""

    name = "Locust FastHttpUser"
    keeps_a_rate = True
    features = "tasks with weights, templated body, `catch_response` with checks of status and body"

    def obtain(self) -> None:
        """Install it in an environment of its own; raises ``NotRunError``."""
        place = cache() / f"locust-{VERSION}"
        if not (place / "bin" / "locust").exists():
            build([sys.executable, "-m", "venv", "--clear", str(place)])
            pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            build([*pip, f"locust=={VERSION}"])
        self.program = str(place / "bin" / "locust")

    def version(self) -> str:
        """The second word of `--version`."""
        return output([self.program, "--version"]).split()[1]

    def command(self, job: Job, directory: Path) -> list[str]:
        """A minimal run starts as many users, which send one request each and wait."""
        (directory / "locustfile.py").write_text(locustfile(job), encoding="utf-8")
        users = str(job.connections)
        seconds = 1 if job.minimal else job.seconds
        command = [self.program, "-f", "locustfile.py", "--headless", "--json"]
        command += ["--loglevel", "ERROR", "--skip-log", "--only-summary"]
        return [*command, "-u", users, "-r", users, "-t", f"{seconds}s", "--stop-timeout", "30"]

    def report(self, finished: Finished, directory: Path) -> Reported:
        """Of its JSON. It ends with 1 when any request failed."""
        _ = directory
        if finished.exit_code not in (0, 1):
            raise NotRunError(finished.complaint())
        try:
            return parse(finished.stdout)
        except ValueError:
            raise NotRunError(finished.complaint()) from None


def parse(text: str) -> Reported:
    """What `--json` prints: for each task a histogram of whole milliseconds, two digits kept."""
    tasks = json.loads(text)
    counts: dict[float, int] = {}
    for task in tasks:
        for milliseconds, count in task["response_times"].items():
            counts[float(milliseconds)] = counts.get(float(milliseconds), 0) + count
    latency = {f"p{one}": percentile(counts, one) for one in (50, 90, 95, 99)} if counts else {}
    if tasks:
        latency["max"] = max(task["max_response_time"] or 0.0 for task in tasks)
    requests = sum(task["num_requests"] for task in tasks)
    return Reported(requests, sum(task["num_failures"] for task in tasks), latency)


def percentile(counts: dict[float, int], percent: int) -> float:
    """The nearest rank in a histogram."""
    rank = ceil(percent * sum(counts.values()) / 100)
    for value, count in sorted(counts.items()):
        rank -= count
        if rank <= 0:
            return value
    raise AssertionError("the counts add up to the total")


def locustfile(job: Job) -> str:
    """The whole file."""
    if job.minimal:
        wait = "constant_throughput(0.01)"
    elif job.rate is not None:
        wait = f"constant_throughput({job.rate / job.connections})"
    else:
        wait = "lambda self: 0"
    tasks = "\n\n".join(_task(one, checks=job.shape.checks) for one in job.shape.endpoints)
    return FILE.format(url=job.url, wait=wait, tasks=textwrap.indent(tasks, "    "))


def _task(endpoint: Endpoint, *, checks: bool) -> str:
    arguments = [repr(endpoint.method), repr(endpoint.path)]
    lines = [f"@task({endpoint.weight})", f"def {endpoint.name}(self):"]
    if endpoint.fields:
        lines.append("    number = next(numbers)")
        arguments.append(
            "json={'email': f'user{number}@example.com', 'name': f'customer {number}'}"
        )
    if not checks:
        return "\n".join([*lines, f"    self.client.request({', '.join(arguments)})"])
    arguments += [f"name={endpoint.name!r}", "catch_response=True"]
    lines += [
        f"    with self.client.request({', '.join(arguments)}) as response:",
        f"        if response.status_code != {endpoint.status}:",
        "            response.failure(f'http {response.status_code}')",
        f"        elif {endpoint.contains!r} not in response.text:",
        "            response.failure('body')",
    ]
    return "\n".join(lines)
