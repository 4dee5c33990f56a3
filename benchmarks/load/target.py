"""The target: nginx with one worker on one core, answering out of its configuration."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.process import placed
from senior_backend.errors import NotRunError

# One cipher suite, so that no tool is measured with a cheaper one than its neighbour.
CONFIGURATION = """\
worker_processes 1;
worker_rlimit_nofile {files};
daemon off;
pid {directory}/pid;
error_log {directory}/error.log crit;
{user}
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_buffer_size 64k;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    server {{
        listen 127.0.0.1:{plain} backlog=16384;
        listen 127.0.0.1:{secure} ssl backlog=16384;
        location = /item {{ return 200 '{{"id": 17, "name": "item", "tags": ["a", "b"]}}'; }}
        location = /v1/orders {{ return 200 '{orders}'; }}
        location /v1/orders/ {{ return 200 '{{"id": 17, "total": 1999, "currency": "EUR"}}'; }}
        location = /v1/customers {{ return 201 '{{"id": "c17"}}'; }}
        location = /health {{ return 200 '{{"status": "ok"}}'; }}
        location /many/ {{ return 200 '{{"id": 17}}'; }}
    }}
    server {{
        listen 127.0.0.1:{status};
        location = /status {{ stub_status; }}
    }}
}}
"""

ORDERS = '{"items": [' + ", ".join(f'{{"id": {n}, "total": {n * 100}}}' for n in range(20)) + "]}"

DIRECTORIES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


@dataclass(frozen=True)
class Target:
    """A running nginx."""

    plain: str
    secure: str
    idle: str
    """Takes connections and never answers."""
    certificate: Path
    worker: int
    """Process id."""
    core: int | None
    """Where it runs."""
    _status: int

    def url(self, scheme: str) -> str:
        """Scheme, host and port."""
        return {"http": self.plain, "https": self.secure}[scheme]

    def requests(self) -> int:
        """How many requests it has answered, without those for this number."""
        connection = http.client.HTTPConnection("127.0.0.1", self._status, timeout=30)
        try:
            connection.request("GET", "/status")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return counted(text)


def counted(status: str) -> int:
    """The number of requests in the page of nginx's stub_status module, this page's own included.

    That one is the same before and after a run: a difference is off by exactly one.
    """
    found = re.search(r"\n\s*\d+ \d+ (\d+)", status)
    if found is None:
        raise NotRunError(f"nginx tells no requests: {status!r}")
    return int(found[1])


def find_nginx() -> str:
    """The nginx program; raises ``NotRunError`` when there is none."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *DIRECTORIES))
    program = shutil.which("nginx", path=path)
    if program is None:
        raise NotRunError("nginx is missing: install it (Debian and Ubuntu: apt-get install nginx)")
    return program


@contextmanager
def serve(
    nginx: str, directory: Path, core: int | None, *, first: bool = False
) -> Iterator[Target]:
    """Run nginx with its files in ``directory`` until the block ends."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    _certify(certificate, key)
    plain, secure, status = _free_ports(3)
    files = _file_limit()
    (directory / "nginx.conf").write_text(
        CONFIGURATION.format(
            directory=directory,
            certificate=certificate,
            key=key,
            plain=plain,
            secure=secure,
            status=status,
            files=files,
            connections=files - 100,
            orders=ORDERS,
            user="user root;" if os.geteuid() == 0 else "",
        )
    )
    command = [
        *placed(core, first=first),
        nginx,
        "-p",
        str(directory),
        "-c",
        str(directory / "nginx.conf"),
    ]
    command += ["-e", str(directory / "error.log")]
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as idle:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            _wait_for(plain, process, directory)
            yield Target(
                plain=f"http://127.0.0.1:{plain}",
                secure=f"https://127.0.0.1:{secure}",
                idle=f"http://127.0.0.1:{idle.getsockname()[1]}",
                certificate=certificate,
                worker=_worker(process.pid),
                core=core,
                _status=status,
            )
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def freezing(
    pid: int, *, count: int, every_s: float, length_s: float, first_s: float
) -> Iterator[list[float]]:
    """Stop a process ``count`` times for ``length_s``: at ``first_s``, then every ``every_s``.

    Yields a list that fills with the seconds for which it really stood still.
    """
    done = threading.Event()
    lengths: list[float] = []
    start = time.monotonic()

    def freeze() -> None:
        for number in range(count):
            if done.wait(max(0.0, start + first_s + number * every_s - time.monotonic())):
                return
            os.kill(pid, signal.SIGSTOP)
            stopped = time.monotonic()
            try:
                time.sleep(length_s)
            finally:
                os.kill(pid, signal.SIGCONT)
            lengths.append(time.monotonic() - stopped)

    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        yield lengths
    finally:
        done.set()
        thread.join()


def _certify(certificate: Path, key: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", str(key)]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", str(certificate)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotRunError("openssl is missing: install it") from None
    if done.returncode:
        raise NotRunError(f"openssl made no certificate: {done.stderr.strip().splitlines()[-1]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _file_limit() -> int:
    import resource  # not on every system: without it the benchmark has said so before

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)


def _wait_for(port: int, process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    log = directory / "error.log"
    lines = log.read_text().strip().splitlines() if log.exists() else []
    raise NotRunError(f"nginx does not start: {lines[-1] if lines else 'it says nothing'}")


def _worker(master: int) -> int:
    """The one child of nginx's master process."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.02)
    raise NotRunError("nginx has started no worker")
