"""A target that notes when each request came: how evenly a tool sends, without asking the tool.

Run as a program, it answers GET requests until it is terminated, and then writes the moments in
nanoseconds. It looks without a pause, so that a moment is noted within a few microseconds; where it
goes first of all on the machine it may sleep, since it is woken at once.
"""

import contextlib
import select
import signal
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from benchmarks.load.process import placed
from senior_backend.errors import NotRunError

_ROOT = Path(__file__).resolve().parents[2]
# Linux keeps a process that goes first of all from taking a whole core, by stopping it for 50 ms of
# each second.
_SLEEP_S = 0.1
_ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id": 17}'
)


@contextlib.contextmanager
def witness(directory: Path, core: int | None, *, first: bool) -> Iterator[tuple[str, Path]]:
    """Run it as a process of its own: its address, and the file that is there afterwards."""
    moments = directory / "moments"
    process = subprocess.Popen(
        [
            *placed(core, first=first),
            sys.executable,
            "-m",
            __name__,
            str(moments),
            str(_SLEEP_S if first else 0.0),
        ],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise NotRunError("the target that notes when requests come did not start")
        yield f"http://127.0.0.1:{port}", moments
    finally:
        process.terminate()
        process.wait()


def read(moments: Path) -> "array[int]":
    """What the witness has written: nanoseconds, in rising order."""
    noted: array[int] = array("q")
    noted.frombytes(moments.read_bytes())
    return noted


def unevenness_us(moments: Sequence[int], rate: int) -> dict[str, float]:
    """How late requests came, in microseconds, against an even schedule: `p50`, `p99`, `max`.

    Nobody knows when the schedule began, so it begins where all but the earliest hundredth are
    late: a constant delay of a tool is not seen here, its unsteadiness is. A tool that sends less
    than it should falls behind further and further, and that is seen.
    """
    interval = 1e9 / rate
    off = sorted(moment - moments[0] - number * interval for number, moment in enumerate(moments))
    zero = off[len(off) // 100]

    def at(share: float) -> float:
        return (off[min(len(off) - 1, int(share * len(off)))] - zero) / 1e3

    return {"p50": at(0.50), "p99": at(0.99), "max": at(1.0)}


def main(path: str, wait_s: float) -> None:
    """Answer and note until SIGTERM."""
    moments: array[int] = array("q")
    done = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal done
        done = True

    signal.signal(signal.SIGTERM, stop)
    now = time.perf_counter_ns
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server, select.epoll() as poll:
        server.setblocking(False)
        poll.register(server, select.EPOLLIN)
        connections: dict[int, socket.socket] = {}
        unfinished: dict[int, bytes] = {}
        print(server.getsockname()[1], flush=True)
        while not done:
            for file, _ in poll.poll(wait_s):
                if file == server.fileno():
                    connection, _ = server.accept()
                    connection.setblocking(False)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[connection.fileno()] = connection
                    poll.register(connection, select.EPOLLIN)
                    continue
                try:
                    data = connections[file].recv(65_536)
                except ConnectionError:
                    data = b""
                if not data:
                    poll.unregister(file)
                    connections.pop(file).close()
                    unfinished.pop(file, None)
                    continue
                moment = now()
                *whole, rest = (unfinished.pop(file, b"") + data).split(b"\r\n\r\n")
                if rest:
                    unfinished[file] = rest
                moments.extend([moment] * len(whole))
                with contextlib.suppress(ConnectionError):
                    connections[file].sendall(_ANSWER * len(whole))
        for connection in connections.values():
            connection.close()
    Path(path).write_bytes(moments.tobytes())


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
