"""What a service's continuous integration does, whichever of the two runs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILES = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml"}


@dataclass(frozen=True)
class Step:
    """Lines for a shell, and the variables that they have beyond those of their job."""

    script: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """Its steps, the images of itself and of the servers beside it, and the addresses of these."""

    preparation: tuple[str, ...]
    """Lines that put packages of the system into the job's image."""
    steps: tuple[Step, ...]
    environment: Mapping[str, str]
    images: tuple[str, ...]
    addresses: frozenset[tuple[str, int]]
    minutes: int

    @property
    def lines(self) -> list[str]:
        """Every command in its order."""
        return [
            line
            for step in (Step("\n".join(self.preparation), {}), *self.steps)
            for line in step.script.splitlines()
            if line and not line.startswith("export ")
        ]


def read(service: Path, kind: str) -> dict[str, Job]:
    """The jobs by name."""
    document = yaml.safe_load((service / FILES[kind]).read_text())
    return _of_github(document) if kind == "github" else _of_gitlab(document)


def _of_github(document: Mapping[str, Any]) -> dict[str, Job]:
    jobs = {}
    for name, job in document["jobs"].items():
        servers = job.get("services", {}).values()
        published = [port for server in servers for port in server["ports"]]
        jobs[name] = Job(
            preparation=(),
            steps=tuple(Step(s["run"], s.get("env", {})) for s in job["steps"] if "run" in s),
            environment=job.get("env", {}),
            images=tuple(server["image"] for server in servers),
            addresses=frozenset(("127.0.0.1", int(port.split(":")[0])) for port in published),
            minutes=job["timeout-minutes"],
        )
    return jobs


PORTS = {"postgres": 5432, "redis": 6379, "docker": 2376}


def _of_gitlab(document: Mapping[str, Any]) -> dict[str, Job]:
    default = document["default"]
    jobs = {}
    for name in document.keys() - {"default", "workflow"}:
        job = document[name]
        # GitLab names the host of a server after its image.
        hosts = [server.split(":")[0] for server in job.get("services", [])]
        timeout = re.fullmatch(r"(\d+) minutes", job.get("timeout", default["timeout"]))
        assert timeout
        jobs[name] = Job(
            preparation=tuple(job.get("before_script", [])),
            steps=tuple(
                Step("\n".join(job[part]), {}) for part in ("script", "after_script") if part in job
            ),
            environment=job.get("variables", {}),
            images=(job["image"], *job.get("services", [])),
            addresses=frozenset((host, PORTS[host]) for host in hosts),
            minutes=int(timeout[1]),
        )
    return jobs
