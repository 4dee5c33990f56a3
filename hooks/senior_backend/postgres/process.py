"""A server process seen from outside: its pid file, its port, what it wrote when it failed."""

import contextlib
import os
import random
import re
import socket
import subprocess
from pathlib import Path

from senior_backend.errors import NotRunError

LOOPBACK = "127.0.0.1"
# sun_path holds 104 bytes on macOS, 108 on Linux, the final zero included.
_SOCKET_PATH_LIMIT = 103
# Linux gives from 32768 on, macOS from 49152 on, and Kubernetes takes 30000 to 32767.
_PORTS = range(20000, 30000)


def free_port() -> int:
    """A port of the loopback interface that nobody has now.

    It lies below the ranges from which systems give ports to outgoing connections, so that it is
    likely still free when a server that was stopped comes back to it.
    """
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise NotRunError(f"no free port from {_PORTS.start} to {_PORTS.stop - 1}: end some servers")


def socket_directory(home: Path) -> Path | None:
    """Where the Unix socket of a server goes; ``None`` where its path would be too long."""
    longest = home / "socket" / ".s.PGSQL.65535"
    return longest.parent if len(os.fsencode(longest)) <= _SOCKET_PATH_LIMIT else None


def server_of(data: Path) -> int | None:
    """The process id of the server that runs on the data directory, or ``None``.

    A pid file outlives a crash or a reboot, and its number may then be another program's: it
    counts only if that process really works in this directory.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 0 and works_in(pid, data) else None


def listening(data: Path) -> int:
    """The port of the server that runs on the data directory, from its pid file."""
    return int((data / "postmaster.pid").read_text().splitlines()[3])


def works_in(pid: int, data: Path) -> bool:
    """Whether a process is the server of a data directory; one that has ended is not."""
    if Path("/proc/self/cwd").exists():  # a slim image has no `ps`
        try:
            return Path(f"/proc/{pid}/cwd").samefile(data)
        except OSError:
            return False
    listing = subprocess.run(
        ["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
    )
    return "postgres" in listing.stdout and str(data) in listing.stdout


def port_is_taken(log: str) -> bool:
    """Whether a server ended because another program has its port."""
    return "could not create any TCP/IP sockets" in log


def backends_remain(log: str) -> bool:
    """Whether a server ended because backends of a crashed one still use its memory."""
    return "pre-existing shared memory block" in log


def reason_in(log: str) -> str:
    """The line of a server's log that says why it ended."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"\b(FATAL|PANIC):", line)] or lines[-1:]
    return re.sub(r"^.*?\b(?:FATAL|PANIC):\s*", "", telling[-1]) if telling else "no message"
