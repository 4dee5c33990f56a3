"""One measured run, and what all parts of the benchmark share."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.load.job import Job, Reported, Shape
from benchmarks.load.peer import Peer
from benchmarks.load.peers.ours import Ours
from benchmarks.load.process import run
from benchmarks.load.target import Target
from benchmarks.machine import busy_seconds
from benchmarks.overhead.processor_time import processor_seconds

# Beside the time of the run itself: starting, waiting for late answers, writing the result.
GRACE_S = 60


@dataclass(frozen=True)
class Sample:
    """One run. `requests` are those that the target answered, whoever sent them.

    `cpu_s` is user and system time of the tool's process tree; `others` the share (0 to 1) of the
    machine's processor time that neither the tool nor the target used.
    """

    tool: str
    requests: int
    cpu_s: float
    wall_s: float
    peak_bytes: int
    others: float
    reported: Reported
    exit_code: int


@dataclass
class Bench:
    """The target, the tools that are there, and where the client runs."""

    target: Target
    directory: Path
    client_core: int | None
    ours: Ours
    ours_precise: Ours
    peers: Sequence[Peer]
    missing: dict[str, str]
    """Why a tool is not measured, by its name."""
    first: bool
    """Target and clients run before everything else on the machine."""
    quick: bool
    rounds: int
    seconds: int
    connections: int
    say: Callable[[str], None]
    samples: list[Sample] = field(default_factory=list)
    """All that were measured, in their order."""

    def peer(self, name: str) -> Peer | None:
        """A tool by its name, if it is there."""
        return next((one for one in self.peers if one.name == name), None)

    def job(
        self,
        shape: Shape,
        scheme: str = "http",
        *,
        seconds: int | None = None,
        rate: int | None = None,
        connections: int | None = None,
        workers: int = 1,
    ) -> Job:
        """A job against the target."""
        return Job(
            shape=shape,
            url=self.target.url(scheme),
            certificate=self.target.certificate,
            connections=connections or self.connections,
            seconds=seconds or self.seconds,
            rate=rate,
            idle=self.target.idle,
            workers=workers,
        )

    def measure(
        self,
        peer: Peer,
        job: Job,
        *,
        meanwhile: contextlib.AbstractContextManager[object] | None = None,
        core: int | None = -1,
        watch_memory: bool = False,
    ) -> Sample:
        """Run a tool once; raises ``NotRunError`` when it fails.

        `core` is where the client runs: -1 on its usual core, None on all.
        """
        with (
            tempfile.TemporaryDirectory(dir=self.directory) as name,
            contextlib.ExitStack() as stack,
        ):
            directory = Path(name)
            command = peer.command(job, directory)
            answered = self.target.requests()
            busy = busy_seconds()
            served = processor_seconds(self.target.worker)
            if meanwhile is not None:
                stack.enter_context(meanwhile)
            finished = run(
                command,
                core=self.client_core if core == -1 else core,
                first=self.first,
                directory=directory,
                timeout_s=(1 if job.minimal else job.seconds) + GRACE_S,
                watch_memory=watch_memory,
            )
            stack.close()
            served = processor_seconds(self.target.worker) - served
            busy = busy_seconds() - busy
            reported = peer.report(finished, directory)
        answered = self.target.requests() - answered - 1  # the question itself
        others = busy - served - finished.cpu_s
        sample = Sample(
            tool=peer.name,
            requests=answered,
            cpu_s=finished.cpu_s,
            wall_s=finished.wall_s,
            peak_bytes=finished.peak_bytes,
            others=max(0.0, others / (finished.wall_s * (os.cpu_count() or 1))),
            reported=reported,
            exit_code=finished.exit_code,
        )
        self.samples.append(sample)
        return sample

    def start_up(self, peer: Peer, job: Job) -> Sample:
        """What a tool costs that does next to nothing: to be taken from its other runs."""
        return self.measure(peer, replace(job, minimal=True))


def turns(rounds: int, contenders: int) -> Iterator[tuple[int, Sequence[int]]]:
    """Round by round the order of the contenders, so that none always follows the same other."""
    for number in range(rounds):
        first = number % contenders
        yield number, [*range(first, contenders), *range(first)]
