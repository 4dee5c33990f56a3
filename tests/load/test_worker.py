"""The worker as a process: what it is told, what it says, and that it never outlives its use."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from senior_backend.errors import NotRunError
from senior_backend.load import causes, worker
from senior_backend.load.engine.messages import Decoder, Done, Job, Message, Ready, encode
from senior_backend.load.engine.settings import EngineSettings, Tls
from senior_backend.load.recording import Window
from senior_backend.load.scenario.model import Scenario
from senior_backend.load.target import Target
from tests.load.engine.driver import arrivals
from tests.load.engine.servers import OK, Peer, Server, always, serve

LIMIT_S = 60
"""A busy machine may take long to start an interpreter; no test waits for longer."""


class Worker:
    """A worker process, and this end of its line."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair()
        self.line.settimeout(LIMIT_S)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "senior_backend.load.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
            )
        self._decoder = Decoder()
        self._heard: list[Message] = []

    def say(self, *message: Any) -> None:
        self.line.sendall(encode(*message))

    def hear(self) -> Message | None:
        """The next message; None: it has closed its end."""
        while not self._heard:
            data = self.line.recv(1 << 16)
            if not data:
                return None
            self._heard = self._decoder.feed(data)
        return self._heard.pop(0)

    def start(self, job: Job, *, in_s: float = 0.1) -> Ready:
        self.say("job", job)
        message = self.hear()
        assert message is not None
        assert message[0] == "ready", message
        self.say("start", time.perf_counter_ns() + int(in_s * 1e9))
        ready: Ready = message[1]
        return ready

    def report(self) -> tuple[list[Window], Done]:
        """All windows, and the last word."""
        windows: list[Window] = []
        while (message := self.hear()) is not None:
            if message[0] == "done":
                return windows, message[1]
            assert message[0] == "window"
            windows.append(message[1])
        raise AssertionError("it closed the line without a last word")

    def ended(self) -> int:
        return self.process.wait(LIMIT_S)


@contextlib.contextmanager
def started() -> Iterator[Worker]:
    process = Worker()
    try:
        yield process
    finally:
        process.line.close()
        process.process.kill()
        process.process.communicate()


def job(server: Server, count: int = 20, seconds: float = 0.2, **changes: Any) -> Job:
    settings = EngineSettings(
        addresses=((server.family, server.address),), max_connections=10, warm_connections=2
    )
    given: dict[str, Any] = {
        "scenario": Scenario.model_validate(
            {
                "name": "test",
                "load": {"rate": 1, "duration": "1s"},
                "endpoints": [{"name": "root", "path": "/"}],
            }
        ),
        "target": Target(
            scheme="http",
            host="127.0.0.1",
            port=server.port,
            prefix="",
            server_name="127.0.0.1",
            addresses=((server.family, server.address),),
        ),
        "schedule": arrivals(count, seconds),
        "settings": settings,
        "worker": 0,
        "workers": 1,
        "nonce": 1,
    }
    return Job(**(given | changes))


def ended(windows: list[Window]) -> dict[str, int]:
    """Statuses and causes, counted."""
    found: dict[str, int] = {}
    for window in windows:
        for counts in window.endpoints.values():
            for status, number in counts.statuses.items():
                found[str(status)] = found.get(str(status), 0) + number
            for cause, times in counts.failures.items():
                if not cause.startswith("http "):
                    found[cause] = found.get(cause, 0) + sum(times.values())
    return found


def test_a_job_from_its_beginning_to_its_end() -> None:
    requests: list[bytes] = []

    def note(peer: Peer) -> None:
        while request := peer.request():
            requests.append(request)
            peer.send(OK)

    with serve(note) as server, started() as process:
        ready = process.start(job(server))
        assert ready == Ready(open_connections=2)
        windows, done = process.report()
        assert process.ended() == 0
    assert ended(windows) == {"200": 20}
    assert len(requests) == 20
    assert requests[0].startswith(b"GET / HTTP/1.1\r\n")
    assert done.cpu_s > 0
    assert done.max_rss_bytes > 1_000_000
    assert done.opened >= 2


def test_workers_share_the_arrivals() -> None:
    with serve(always(OK)) as server, started() as one, started() as two:
        for number, process in enumerate((one, two)):
            process.start(job(server, count=31, worker=number, workers=2))
        counted = [ended(process.report()[0]) for process in (one, two)]
    assert counted == [{"200": 16}, {"200": 15}]


def test_stop_drains() -> None:
    def slow(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.3)
            peer.send(OK)

    with serve(slow) as server, started() as process:
        process.start(job(server, count=600, seconds=60))
        time.sleep(0.6)
        process.say("stop")
        windows, _done = process.report()
        assert process.ended() == 0
    assert set(ended(windows)) == {"200"}
    assert sum(window.due for window in windows) < 600


def test_end_reports_at_once() -> None:
    def silent(peer: Peer) -> None:
        while peer.request():
            pass

    with serve(silent) as server, started() as process:
        process.start(job(server, count=6000, seconds=60))
        while (message := process.hear()) is not None and message[1].index < 0:
            pass
        process.say("end")
        windows, _done = process.report()
        assert process.ended() == 0
    assert ended(windows) == {causes.UNRESOLVED: 10}


def test_stop_before_the_start_is_the_end() -> None:
    with serve(always(OK)) as server, started() as process:
        process.say("job", job(server))
        assert process.hear() == ("ready", Ready(open_connections=2))
        process.say("stop")
        windows, done = process.report()
        assert windows == []
        assert done.cpu_s == 0
        assert process.ended() == 0


@pytest.mark.parametrize("moment", ["before the job", "before the start", "during the run"])
def test_a_worker_ends_when_nobody_listens_any_more(moment: str) -> None:
    with serve(always(OK)) as server, started() as process:
        if moment != "before the job":
            process.say("job", job(server, count=6000, seconds=60))
            process.hear()
        if moment == "during the run":
            process.say("start", time.perf_counter_ns())
            process.hear()
        process.line.close()
        assert process.ended() == 0


def test_a_signal_of_the_terminal_does_not_end_a_worker() -> None:
    with serve(always(OK)) as server, started() as process:
        process.start(job(server, count=30, seconds=0.3))
        os.kill(process.process.pid, signal.SIGINT)
        windows, _done = process.report()
        assert process.ended() == 0
    assert ended(windows) == {"200": 30}


@pytest.mark.verify
def test_a_parent_that_does_not_read_does_not_hold_up_the_load() -> None:
    """Windows wait in the worker, not the requests."""
    with serve(always(OK)) as server, started() as process:
        process.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        process.start(job(server, count=600, seconds=2))
        time.sleep(2.5)
        windows, _done = process.report()
    assert ended(windows) == {"200": 600}


def test_a_target_that_cannot_be_reached_is_said_with_the_systems_words() -> None:
    with serve(always(OK)) as server:
        pass
    with started() as process:
        ready = process.start(job(server, count=5, seconds=0.1))
        assert ready.open_connections == 0
        assert ready.failed == {causes.CONNECT_REFUSED: 2}
        assert ready.reason == "Connection refused"
        windows, done = process.report()
    assert ended(windows) == {causes.CONNECT_REFUSED: 5}
    assert done.connection_reason == "Connection refused"


def test_what_the_user_can_mend_is_the_last_word() -> None:
    with serve(always(OK)) as server, started() as process:
        given = job(server)
        tls = Tls("localhost", ca="/does/not/exist.pem")
        process.say("job", replace(given, settings=replace(given.settings, tls=tls)))
        message = process.hear()
        assert message is not None
        assert message[0] == "failed"
        assert "/does/not/exist.pem: not a file of certificates" in message[1]
        assert process.ended() == 0


def test_too_low_a_limit_of_open_files_is_said_with_the_remedy() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system has no limit of open files")
    with pytest.raises(NotRunError) as error:
        worker.raise_descriptor_limit(hard)
    told = f"{hard} connections need {hard + 64} open files, and the limit is {hard}: raise it "
    assert str(error.value) == f"{told}(ulimit -n {hard + 64}), or lower connections.max"


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be() -> None:
    code = (
        "import resource; from senior_backend.load import worker;"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard));"
        "worker.raise_descriptor_limit(500);"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    assert found.stdout == "564\n"
