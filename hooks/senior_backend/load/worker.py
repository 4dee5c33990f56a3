"""The worker process: ``python -m senior_backend.load.worker FD``.

FD is its end of a socket pair, over which it gets its job, says what it counts, and learns by the
end of the stream that nobody listens any more. It is started once for each core.
"""

import gc
import resource
import signal
import socket
import sys
from typing import Final

from senior_backend.errors import NotRunError, SeniorBackendError
from senior_backend.load.engine import poller as polling
from senior_backend.load.engine.channel import Channel, ParentGoneError
from senior_backend.load.engine.loop import Loop
from senior_backend.load.engine.messages import Job
from senior_backend.load.scenario.compile import compile as compile_plan

_OTHER_FILES: Final = 64
"""Descriptors that are no connections: the interpreter's, data files', the channel."""


def main(descriptor: int) -> None:
    """Do one job, from the first message to the last."""
    # Ctrl-C goes to the whole group; the process that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as sock:
        poller = polling.make()
        channel = Channel(sock, poller)
        try:
            work(poller, channel)
            channel.flush()
        except ParentGoneError:
            return


def work(poller: polling.Poller, channel: Channel) -> None:
    """Wait for the job and do it. What the user can mend is the last message."""
    job = _receive_job(poller, channel)
    if job is None:
        return
    try:
        raise_descriptor_limit(job.settings.max_connections)
        plan = compile_plan(
            job.scenario, job.target, nonce=job.nonce, token=job.token, rows=job.rows
        )
        loop = Loop(
            plan,
            job.schedule,
            job.settings,
            poller,
            channel,
            worker=job.worker,
            workers=job.workers,
        )
    except SeniorBackendError as error:
        channel.send("failed", str(error))
        return
    ready = loop.prepare()
    # Collecting would pause the loop for as long as the data is large. The run makes no cycles.
    gc.collect()
    gc.freeze()
    gc.disable()
    channel.send("ready", ready)
    begin = loop.wait_for_start()
    channel.send("done", loop.report() if begin is None else loop.run(begin))


def _receive_job(poller: polling.Poller, channel: Channel) -> Job | None:
    while True:
        for fd, _event in poller.wait(1_000_000_000):
            if fd != channel.fd:
                continue
            for message in channel.ready():
                if message[0] == "job":
                    job: Job = message[1]
                    return job
                if message[0] in ("stop", "end"):
                    return None


def raise_descriptor_limit(connections: int) -> None:
    """Let this process open that many connections. Raises NotRunError if it may not."""
    needed = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise NotRunError(
            f"{connections} connections need {needed} open files, and the limit is {hard}: "
            f"raise it (ulimit -n {needed}), or lower connections.max"
        )
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (OSError, ValueError) as error:
        raise NotRunError(
            f"{connections} connections need {needed} open files, and the limit of {soft} cannot "
            f"be raised ({error}): raise it (ulimit -n {needed}), or lower connections.max"
        ) from None


if __name__ == "__main__":
    main(int(sys.argv[1]))
