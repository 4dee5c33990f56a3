"""A run: start the workers, add up what they count, stop in time, judge.

This process sends nothing, so that it may do everything else: only a worker's loop has no time.
"""

import math
import os
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from senior_backend.errors import NotRunError, SeniorBackendError
from senior_backend.load.arrivals import Schedule
from senior_backend.load.engine.messages import Done, Job, Message, Ready
from senior_backend.load.engine.settings import EngineSettings
from senior_backend.load.live import Pulse, View
from senior_backend.load.result import Result
from senior_backend.load.run.crew import Crew, Lost
from senior_backend.load.run.interrupts import Interrupts
from senior_backend.load.run.preparation import Prepared
from senior_backend.load.scenario import auth
from senior_backend.load.scenario.model import Scenario
from senior_backend.load.summary import Facts, summarise
from senior_backend.load.target import is_loopback
from senior_backend.load.thresholds import Judge
from senior_backend.load.totals import Recording

_SECOND: Final = 1_000_000_000
_RATE_OF_A_WORKER: Final = 20_000
"""Arrivals a second that one worker takes with ease."""
_WARM_S: Final = 0.02
"""Connections are opened for a rate times this response time before the start, if not told."""
_WARM_MOST: Final = 200
_START_IN_NS: Final = 100_000_000
"""From the common start's announcement to the start: all workers must have heard it."""
_READY_S: Final = 60.0
"""For a worker to load its data, beside what its connections may take."""
_SILENCE_S: Final = 20.0
"""A worker tells of each second; one that is silent for so long hangs."""
_MARGIN_S: Final = 5.0
"""Beyond the time when a worker must have ended, or say its last word."""
_DRAWN_S: Final = 0.25


def workers_of(scenario: Scenario, cores: int) -> int:
    """How many processes send: as many as the highest rate asks for, at most one a core."""
    told = scenario.generator.workers
    needed = min(cores, math.ceil(peak_rate(scenario) / _RATE_OF_A_WORKER))
    return max(1, min(needed if told == "auto" else told, scenario.connections.max))


def peak_rate(scenario: Scenario) -> float:
    """The highest rate of all stages, in arrivals a second."""
    names = ("rate", "ramp_to", "step_to", "spike_to")
    return max(
        float(getattr(stage, name))
        for stage in scenario.load.shape
        for name in names
        if hasattr(stage, name)
    )


def cores() -> int:
    """What this process may really use, as in a container."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def jobs_of(prepared: Prepared, workers: int) -> list[Job]:
    """The work divided: arrivals by number, connections evenly."""
    scenario = prepared.scenario
    most = scenario.connections.max
    told = scenario.connections.warm
    needed = min(math.ceil(peak_rate(scenario) * _WARM_S), _WARM_MOST)
    warm = min(most, max(workers, needed)) if told == "auto" else told
    return [
        Job(
            scenario=scenario,
            target=prepared.target,
            schedule=prepared.schedule,
            settings=replace(
                prepared.settings,
                max_connections=_share(most, worker, workers),
                warm_connections=_share(warm, worker, workers),
            ),
            worker=worker,
            workers=workers,
            nonce=prepared.nonce,
            token=prepared.token,
            rows=prepared.rows,
        )
        for worker in range(workers)
    ]


def _share(whole: int, worker: int, workers: int) -> int:
    return whole // workers + (worker < whole % workers)


def run(prepared: Prepared, interrupts: Interrupts, *, live: bool = False) -> Result:
    """Measure, and say what was measured however the run ends."""
    workers = workers_of(prepared.scenario, cores())
    schedule = prepared.schedule
    recording = Recording(prepared.endpoints, workers, schedule.duration_ns)
    judge = Judge(prepared.thresholds, recording)
    jobs = jobs_of(prepared, workers)
    with Crew(jobs, wake=interrupts.channel) as crew:
        remarks = _await_ready(crew, prepared.settings)
        interrupts.arm()
        started_at = datetime.now(UTC)
        course = _Course(crew, recording, judge, prepared, interrupts)
        if live:
            course.show(workers)
        course.follow()
    duration_ns = course.duration_ns
    facts = Facts(
        scenario=prepared.scenario.name,
        target=prepared.target.url,
        addresses=[str(address[0]) for _, address in prepared.target.addresses],
        resolve_ms=prepared.target.resolve_ms,
        local=all(is_loopback(str(address[0])) for _, address in prepared.target.addresses),
        started_at=started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        schedule=schedule,
        duration_ns=duration_ns,
        interrupted=interrupts.count > 0 or course.aborted,
        done=course.done,
        lost=course.lost,
        max_connections=prepared.scenario.connections.max,
        max_pacing_error_ns=prepared.scenario.generator.max_pacing_error_ns,
        precise=prepared.scenario.generator.precise,
        remarks=[*prepared.remarks, *remarks, *course.remarks, *_reasons(course.done, remarks)],
    )
    return summarise(recording, facts, judge.finish(duration_ns))


def _await_ready(crew: Crew, settings: EngineSettings) -> list[str]:
    """Until every worker has its data and its connections; remarks on what could not be opened."""
    opening = (settings.connect_timeout_ns + settings.tls_timeout_ns) / _SECOND
    deadline = time.monotonic() + _READY_S + opening
    waiting = set(crew.working)
    failed = 0
    reason: str | None = None
    while waiting:
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotRunError(
                f"worker {min(waiting)} was not ready within {_READY_S + opening:.0f} s; "
                "is this machine busy, or the data very large?"
            )
        for number, message in crew.listen(left):
            if isinstance(message, Lost):
                raise NotRunError(f"before the start, worker {number} {message.reason}")
            if message[0] == "failed":
                raise NotRunError(message[1])
            if message[0] == "ready":
                ready: Ready = message[1]
                waiting.discard(number)
                failed += sum(ready.failed.values())
                reason = reason or ready.reason
    if not failed:
        return []
    return [f"{failed} connections could not be opened before the start: {reason}"]


def _reasons(done: dict[int, Done], known: list[str]) -> list[str]:
    """The system's words for what a cause alone does not tell: whose limit it was, say."""
    reasons = {each.connection_reason for each in done.values() if each.connection_reason}
    return [
        f"connections could not be opened during the run: {reason}"
        for reason in sorted(reasons)
        if not any(remark.endswith(f": {reason}") for remark in known)
    ]


@dataclass(slots=True)
class _Course:
    """From the start to the last word of the last worker."""

    crew: Crew
    recording: Recording
    judge: Judge
    prepared: Prepared
    interrupts: Interrupts
    done: dict[int, Done] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)
    aborted: bool = False
    """A threshold ended the run."""
    remarks: list[str] = field(default_factory=list)
    _begin: int = 0
    """When the warm-up begins."""
    _stopped_at: int | None = None
    _give_up_at: float = math.inf
    """When workers that have not ended are told to."""
    _kill_at: float = math.inf
    _looked_at: float = field(default_factory=time.monotonic)
    _judged_s: int = 0
    _renew_at: float = math.inf
    _renewal: "Future[str | None] | None" = None
    _pulse: Pulse | None = None
    _view: View | None = None

    @property
    def schedule(self) -> Schedule:
        return self.prepared.schedule

    @property
    def _start(self) -> int:
        """When the measured part begins."""
        return self._begin + self.schedule.warm_ns

    @property
    def duration_ns(self) -> int:
        """Of the measured part, as it went."""
        if self._stopped_at is None:
            return self.schedule.duration_ns
        return min(max(self._stopped_at - self._start, 0), self.schedule.duration_ns)

    def show(self, workers: int) -> None:
        """Draw the run on the terminal."""
        self._pulse = Pulse(workers)
        self._view = View(
            f"{self.prepared.scenario.name} \N{RIGHTWARDS ARROW} {self.prepared.target.url}",
            self._pulse,
            warm_s=self.schedule.warm_ns / _SECOND,
            duration_s=self.schedule.duration_ns / _SECOND,
        )

    def follow(self) -> None:
        """Start, and do not return before all workers have ended or were given up."""
        self._begin = time.perf_counter_ns() + _START_IN_NS
        self.crew.send("start", self._begin)
        planned = self.schedule.warm_ns + self.schedule.duration_ns
        self._give_up_at = time.monotonic() + (planned + _START_IN_NS) / _SECOND + self._drain_s
        self._plan_renewal()
        if self._view is not None:
            self._view.start()
        try:
            while self.crew.working:
                for number, message in self.crew.listen(_DRAWN_S):
                    self._hear(number, message)
                self._obey()
                self._look_around()
        finally:
            if self._view is not None:
                self._view.stop()

    @property
    def _drain_s(self) -> float:
        return self.prepared.settings.drain_ns / _SECOND + _MARGIN_S

    def _hear(self, number: int, message: Message | Lost) -> None:
        if isinstance(message, Lost):
            self._lose(number, message.reason)
            return
        match message[0]:
            case "window":
                self.recording.add(number, message[1])
                if self._pulse is not None and message[1].index >= 0:
                    self._pulse.add(number, message[1])
            case "done":
                self.done[number] = message[1]
                self.crew.dismiss(number)
            case "failed":
                self.crew.dismiss(number)
                self._lose(number, f"gave up: {message[1]}")

    def _lose(self, number: int, reason: str) -> None:
        """Its arrivals are missing: what follows would measure another load."""
        self.lost[number] = reason
        self.recording.lose(number)
        self._stop()

    def _stop(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = time.perf_counter_ns()
            self.crew.send("stop")
            self._give_up_at = min(self._give_up_at, time.monotonic() + self._drain_s)

    def _end(self) -> None:
        if self._kill_at == math.inf:
            if self._stopped_at is None:
                self._stopped_at = time.perf_counter_ns()
            self.crew.send("end")
            self._kill_at = time.monotonic() + _MARGIN_S

    def _obey(self) -> None:
        """What signals ask for."""
        self.interrupts.drain()
        if self.interrupts.count >= 1:
            self._stop()
        if self.interrupts.count >= 2:
            self._end()

    def _look_around(self) -> None:
        now = time.monotonic()
        elapsed_ns = time.perf_counter_ns() - self._start
        if now - self._looked_at > _MARGIN_S:  # stopped by Ctrl-Z, and continued
            self.crew.forgive()
        self._looked_at = now
        if now >= self._give_up_at:
            self._end()
        if now >= self._kill_at:
            for number in self.crew.working:
                self._lose(number, self.crew.give_up(number, "did not end when told to").reason)
        for number in self.crew.working:
            if min(self.crew.silent_for(number), elapsed_ns / _SECOND) > _SILENCE_S:
                reason = f"did not answer for {_SILENCE_S:.0f} s"
                self._lose(number, self.crew.give_up(number, reason).reason)
        if elapsed_ns >= (self._judged_s + 1) * _SECOND and self._stopped_at is None:
            self._judged_s = elapsed_ns // _SECOND
            if self.judge.early(min(elapsed_ns, self.schedule.duration_ns)):
                self.aborted = True
                self._stop()
        self._renew(now)
        if self._view is not None:
            self._view.draw((elapsed_ns + self.schedule.warm_ns) / _SECOND, self._state(elapsed_ns))

    def _state(self, elapsed_ns: int) -> str:
        flying = self._pulse.in_flight if self._pulse else 0
        if self._stopped_at is not None:
            return f"stopped, waiting for {flying:,} responses; Ctrl-C ends it at once"
        if elapsed_ns > self.schedule.duration_ns:
            return f"waiting for {flying:,} responses"
        return ""

    def _plan_renewal(self) -> None:
        seconds = auth.refresh_s(self.prepared.scenario)
        if seconds is not None:
            self._renew_at = time.monotonic() + seconds

    def _renew(self, now: float) -> None:
        """A new token when it is time; the old one stays where there is none."""
        if self._renewal is None:
            if now >= self._renew_at and self._stopped_at is None:
                self._renewal = _token_aside(self.prepared.scenario)
            return
        if not self._renewal.done():
            return
        try:
            self.crew.send("token", self._renewal.result())
        except SeniorBackendError as error:
            self.remarks.append(f"the token was not renewed: {error}")
        self._renewal = None
        self._plan_renewal()


def _token_aside(scenario: Scenario) -> "Future[str | None]":
    """Run the command without waiting for it; a run does not wait for it at its end either."""
    future: Future[str | None] = Future()

    def ask() -> None:
        try:
            future.set_result(auth.secret(scenario))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return future
