"""A tour in one command: scaffold a service, run it, call it, stop it, clean up.

Everything shown is real: the commands are the ones a person types, the responses come from the
running service. ``--svg FILE`` also writes what was shown as a picture.
"""

import argparse
import json
import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape

ROOT = Path(__file__).resolve().parent.parent
SHOWN_HEADERS = ("location", "etag", "idempotency-replayed", "www-authenticate", "retry-after")


class Tour:
    """Types commands and sends requests, and shows both."""

    def __init__(self, console: Console, directory: Path) -> None:
        self.console = console
        self.directory = directory
        self.environment = {
            **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "VIRTUAL_ENV")},
            "PORT": str(free_port()),
            "METRICS_PORT": str(free_port()),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def say(self, text: str) -> None:
        """A sentence between two steps."""
        self.console.print(f"\n[bold cyan]# {escape(text)}[/]")

    def show_command(self, command: str) -> None:
        """A command line as it is typed."""
        self.console.print(f"[bold green]$[/] [bold]{escape(command)}[/]")

    def type(self, command: str, shown_lines: int = 0) -> str:
        """Run ``command``; its standard output. Ends the tour when it fails."""
        self.show_command(command)
        started = time.monotonic()
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.directory,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            self.console.print(escape(done.stdout + done.stderr))
            sys.exit(f"demo: `{command}` ended with {done.returncode}; its output is above")
        for line in (done.stdout + done.stderr).strip().splitlines()[:shown_lines]:
            self.console.print(f"  {escape(line)}")
        self.console.print(f"  [dim]{time.monotonic() - started:.1f} s[/]")
        return done.stdout

    @contextmanager
    def serve(self, command: str) -> Iterator[str]:
        """Run the server until the block ends; then SIGTERM, and show how it stopped."""
        self.show_command(f"{command} &")
        url = f"http://127.0.0.1:{self.environment['PORT']}"
        started = time.monotonic()
        log = self.directory / "demo.log"
        with log.open("w") as output:
            server = subprocess.Popen(
                shlex.split(command),  # no shell between us, which would not wait for the server
                cwd=self.directory,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            while not ready(url):
                if server.poll() is not None or time.monotonic() - started > 60:
                    self.console.print(escape(log.read_text()))
                    sys.exit(f"demo: `{command}` did not become ready; its output is above")
                time.sleep(0.1)
            self.console.print(f"  [dim]ready after {time.monotonic() - started:.1f} s[/]")
            yield url
        finally:
            stop(server)
        last = log.read_text().strip().splitlines()[-1]
        self.console.print(f"  {escape(shorten(last))}")
        if json.loads(last)["event"] != "stopped":
            sys.exit("demo: the service did not stop in an orderly way; its last words are above")

    def request(
        self, expected: int, client: httpx.Client, method: str, path: str, **more: object
    ) -> httpx.Response:
        """Send one request and show it and the response's essence; another status ends the tour."""
        response = client.request(method, path, **more)  # type: ignore[arg-type]
        sent = [f"{n}: {v}" for n, v in dict(more.get("headers", {})).items()]  # type: ignore[call-overload]
        self.console.print(f"[bold green]>[/] [bold]{method} {path}[/] {escape(' | '.join(sent))}")
        if "json" in more:
            self.console.print(f"  {escape(json.dumps(more['json']))}")
        colour = "green" if response.is_success else "yellow"
        shown = [f"{n}: {response.headers[n]}" for n in SHOWN_HEADERS if n in response.headers]
        self.console.print(
            f"[bold {colour}]< {response.status_code} {response.reason_phrase}[/] "
            + escape(" | ".join(shown))
        )
        self.console.print(f"  {escape(shorten(response.text))}")
        if response.status_code != expected:
            sys.exit(f"demo: expected {expected} {httpx.codes(expected).name}")
        return response


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ready(url: str) -> bool:
    """Whether the service takes traffic."""
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def stop(server: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the whole process group, then wait until the service has drained."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
    server.wait(60)


def shorten(text: str, limit: int = 230) -> str:
    """``text`` on one line, cut after ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[:limit] + " ..."


def tour(console: Console, directory: Path) -> None:
    """The whole tour, in an empty ``directory``."""
    guide = Tour(console, directory)
    guide.say("A new service from the template; Copier runs no code of it")
    guide.type("senior-backend new payments-api --framework fastapi --defaults")
    guide.directory = directory / "payments-api"
    guide.say("Its locked dependencies; no Docker, no database needed")
    guide.type("make setup")
    guide.say("PostgreSQL starts, migrations run, the service answers")
    try:
        show_service(guide, console)
    finally:
        guide.type("senior-backend postgres down --remove")


def show_service(guide: Tour, console: Console) -> None:
    """Start the service, use it, stop it."""
    with guide.serve("make dev") as url:
        token = guide.type("make -s token").strip().splitlines()[-1]
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
            use_orders(guide, url, client)
        guide.say("Metrics per route template, on a port of their own")
        metrics = httpx.get(f"http://127.0.0.1:{guide.environment['METRICS_PORT']}/metrics").text
        lines = [m for m in metrics.splitlines() if "_count{" in m and "/v1/orders" in m]
        console.print("  " + escape("\n  ".join(lines)))
        guide.say("Stop: readiness turns 503, requests drain, connections close")


def use_orders(guide: Tour, url: str, client: httpx.Client) -> None:
    """What the service guarantees, seen from outside."""
    guide.say("Without a token: a problem document (RFC 9457), not a stack trace")
    with httpx.Client(base_url=url) as anonymous:
        guide.request(401, anonymous, "GET", "/v1/orders")
    guide.say("With one: a customer, and an order whose total the server computes")
    person = {"email": "ada@example.com", "name": "Ada"}
    key = {"Idempotency-Key": secrets.token_hex(4)}
    customer = guide.request(201, client, "POST", "/v1/customers", headers=key, json=person).json()
    order = {
        "customerId": customer["id"],
        "currency": "EUR",
        "items": [{"sku": "book", "quantity": 2, "unitPriceMinor": 1250}],
    }
    key = {"Idempotency-Key": secrets.token_hex(4)}
    first = guide.request(201, client, "POST", "/v1/orders", headers=key, json=order)
    guide.say("The client retries after a lost reply: same key, same order, nothing ordered twice")
    guide.request(201, client, "POST", "/v1/orders", headers=key, json=order)
    guide.say("Two people change one order: the second is told, not overwritten")
    path, match = f"/v1/orders/{first.json()['id']}", {"If-Match": first.headers["etag"]}
    guide.request(200, client, "PATCH", path, headers=match, json={"status": "confirmed"})
    guide.request(412, client, "PATCH", path, headers=match, json={"status": "cancelled"})


def main() -> None:
    """Run the tour in a temporary directory that is gone afterwards."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--svg", type=Path, help="also write what was shown as a picture")
    arguments = parser.parse_args()
    console = Console(record=arguments.svg is not None, width=120, highlight=False)
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="senior-backend-demo-") as directory:
            tour(console, Path(directory))
    except KeyboardInterrupt:
        sys.exit("demo: interrupted; nothing is left behind")
    console.print(f"\n[bold]Done in {time.monotonic() - started:.0f} s; nothing is left behind.[/]")
    if arguments.svg:
        # Without its web fonts: a picture in a README must not call other hosts.
        picture = re.sub(
            r"@font-face \{.*?\}", "", console.export_svg(title="make demo"), flags=re.DOTALL
        )
        arguments.svg.write_text(picture)


if __name__ == "__main__":
    main()
