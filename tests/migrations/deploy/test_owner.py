"""Whose a connection is: what decides whether a session may be cancelled."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from senior_backend.migrations.deploy.owner import own_end, ports_below

CLIENT = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sys.stdin.read()
"""


def test_the_near_end_of_a_connection():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert own_end(client.fileno()) == client.getsockname()
    near, far = socket.socketpair()
    with near, far:
        assert own_end(near.fileno()) is None


def test_the_ports_of_the_processes_below_us_and_not_our_own():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        # Below a shell, as a migrate command is.
        process = subprocess.Popen(
            ["sh", "-c", '"$@"; :', "sh", sys.executable, "-Ic", CLIENT, port],
            stdin=subprocess.PIPE,
        )
        with socket.create_connection(("127.0.0.1", int(port))) as own:
            ports = {server.accept()[1][1], server.accept()[1][1]}
            (theirs,) = ports - {own.getsockname()[1]}
            below = ports_below(os.getpid())
            # Where there is no /proc nobody is told apart, and nobody is cancelled.
            assert (theirs in below) == Path("/proc/net/tcp").exists()
            assert own.getsockname()[1] not in below
        process.communicate(timeout=60)
        assert theirs not in ports_below(os.getpid())
