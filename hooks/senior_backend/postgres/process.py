"""A server process seen from outside: its pid file, its port, what it wrote when it failed."""

import contextlib
import os
import random
import re
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from senior_backend.errors import NotRunError
from senior_backend.postgres.address import LOOPBACK

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
    counts only if that process really works in this directory. Raises ``NotRunError`` when that
    cannot be told (see ``works_in``).
    """
    pid = _noted_pid(data)
    return pid if pid is not None and works_in(pid, data) else None


def listening(data: Path) -> int:
    """The port of the server that runs on the data directory, from its pid file."""
    return int((data / "postmaster.pid").read_bytes().split(b"\n")[3])


def works_in(pid: int, data: Path) -> bool:
    """Whether a process is the server of a data directory; one that has ended is not.

    Raises ``NotRunError`` when it cannot be told: nothing of that server may be touched then.
    """
    if Path("/proc/self/cwd").exists():  # a slim image has no `ps`
        answer = _works_in_by_proc(pid, data)
    else:
        listing = subprocess.run(
            ["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
        )
        answer = "postgres" in listing.stdout and f" -D {data} " in listing.stdout
    if answer is None:
        raise NotRunError(
            f"it cannot be told whether process {pid} is the server of {data}: end that process, "
            "or run this where it may be looked into (in a container: capability SYS_PTRACE)"
        )
    return answer


def _works_in_by_proc(pid: int, data: Path) -> bool | None:
    process = Path("/proc", str(pid))
    try:
        directory = (process / "cwd").stat()
    except PermissionError:
        # Containers keep root from looking into another user's processes; command lines are for
        # everybody.
        pass
    except OSError:
        return None if not process.exists() and _is_hidden(pid) else False
    else:
        try:
            return os.path.samestat(directory, data.stat())
        except FileNotFoundError:
            return False
        except OSError:
            return None
    try:
        arguments = (process / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    except OSError:
        return None
    return serves(pid, [os.fsdecode(argument) for argument in arguments], data)


def _is_hidden(pid: int) -> bool:
    """Whether a process that /proc does not show (``hidepid``) could be a server of ours."""
    try:
        os.kill(pid, 0)
    except OSError:  # ended, or another user's: ours, and for root all, may be signalled
        return False
    return True


def serves(pid: int, arguments: Sequence[str], data: Path) -> bool | None:
    """Whether a command line is that of the server of ``data``; ``None``: it does not tell."""
    if Path(arguments[0]).name != "postgres":
        return False  # also a process that has ended: it has no command line any more
    if "-D" not in arguments[:-1]:
        return None
    named = Path(arguments[arguments.index("-D") + 1])
    try:
        if named.is_absolute() and named.samefile(data):
            return True
    except OSError:
        return None
    # A server whose directory was moved away meanwhile still names the old place.
    return False if _noted_pid(named) == pid else None


def _noted_pid(data: Path) -> int | None:
    """The number in a pid file, which may be anybody's."""
    try:
        pid = int((data / "postmaster.pid").read_bytes().split(b"\n")[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise NotRunError(f"{error.filename} cannot be read: {error.strerror}") from None
    return pid if pid > 0 else None


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
