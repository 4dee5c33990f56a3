"""Whose a connection is: by its local port, as Linux tells which process has it. No NAT, no socket.

The server tells the port that a session's client has. Where it sees our own connection by the port
that it has here, a session with the port of a process below us is the command's, and no other is.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TABLES: Final = (_PROC / "net" / "tcp", _PROC / "net" / "tcp6")


def own_end(descriptor: int) -> tuple[str, int] | None:
    """Address and port of this side of a connection; ``None`` for what is not TCP."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        host, port = connection.getsockname()[:2]
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address), port


def ports_below(pid: int) -> frozenset[int]:
    """Local TCP ports of the processes below one, not its own; empty where there is no /proc."""
    sockets: set[str] = set()
    for child in _below(pid):
        with suppress(OSError):  # it has ended, or it is not ours to look into
            for descriptor in (_PROC / str(child) / "fd").iterdir():
                with suppress(OSError):
                    target = descriptor.readlink().name
                    if target.startswith("socket:["):
                        sockets.add(target[len("socket:[") : -1])
    return frozenset(port for inode, port in _connections() if inode in sockets)


def _below(pid: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    with suppress(OSError):
        for entry in _PROC.iterdir():
            if entry.name.isdecimal():
                with suppress(OSError, ValueError, IndexError):
                    # The name, in brackets, may hold anything.
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
    pending = list(children.get(pid, ()))
    while pending:
        found = pending.pop()
        yield found
        pending += children.get(found, ())


def _connections() -> Iterator[tuple[str, int]]:
    """Inode and local port of every TCP socket, as proc(5) has them."""
    for table in _TABLES:
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                yield fields[9], int(fields[1].rpartition(":")[2], 16)
