"""What the generated FastAPI service costs, beside a bare handler that answers the same requests.

Measured: processor time of the server's process tree divided by answered requests, and latency of
a closed loop. All servers run in this machine in the same run, and take turns; the client (wrk) and
PostgreSQL share its processors, so look at the ratios. Exit code 0 whatever the ratios are: this
measures, it does not judge. 3 when it could not measure, which includes any answer that is not 2xx.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `python benchmarks/service_overhead.py` puts only benchmarks/ there

from benchmarks.overhead.layers import EVERY_LAYER, LAYERS  # noqa: E402
from benchmarks.overhead.measure import KINDS, Load, Run, measure  # noqa: E402
from benchmarks.overhead.seed import TENANT, seed  # noqa: E402
from benchmarks.overhead.service import POOL, Service, generate, install_psycopg  # noqa: E402
from benchmarks.overhead.subjects import Running, Subject, get, inherited, serve  # noqa: E402
from benchmarks.overhead.table import comparison, layer_costs, verdict  # noqa: E402
from benchmarks.overhead.wrk import Requests, find_wrk  # noqa: E402
from senior_backend.errors import InputError, NotRunError, SeniorBackendError  # noqa: E402
from senior_backend.postgres import start  # noqa: E402
from senior_backend.postgres.process import free_port  # noqa: E402

BARE = "bare FastAPI handler"
SERVICE = "generated service"
SYNC = "sync handler, ORM session"

LAYER_KINDS = ("get", "post")
FULL = {"rounds": 5, "seconds": 5, "warm_up_seconds": 2}
QUICK = {"rounds": 2, "seconds": 1, "warm_up_seconds": 1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; its exit code."""
    options = parse(arguments)
    try:
        measured = run(options)
    except SeniorBackendError as error:
        print(f"service_overhead: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        options.json.write_text(json.dumps(measured, indent=2) + "\n")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ends the process with 2 when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="service_overhead.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="does it run: seconds, not minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs there too")
    parser.add_argument("--rounds", type=positive, help="of each subject (5; quick: 2)")
    parser.add_argument("--seconds", type=positive, help="of each run (5; quick: 1)")
    parser.add_argument(
        "--connections", type=positive, default=8, help="that wrk keeps busy (default: %(default)s)"
    )
    parser.add_argument("--no-layers", action="store_true", help="leave the layers' costs out")
    parser.add_argument(
        "--service", type=Path, metavar="DIR", help="a generated service that is installed already"
    )
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """An argument that counts something."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure, print the tables, and return all there is to know."""
    wrk = find_wrk()
    if not Path("/proc/self/stat").exists():
        raise NotRunError("processor time is read from /proc: run this on Linux")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="service-overhead-") as directory, start() as server:
        service = prepare(options.service, Path(directory))
        say("database: migrating, and making orders")
        url = server.create_database()
        service.migrate(url)
        seeded = seed(url)
        requests = Requests(service.token(url), seeded.customer_id, seeded.order_ids)
        lengths = (QUICK if options.quick else FULL) | {
            name: value
            for name in ("rounds", "seconds")
            if (value := getattr(options, name)) is not None
        }
        load = Load(wrk=wrk, requests=requests, connections=options.connections, **lengths)

        compared = measure_together(load, peers(service, url, Path(directory)), tuple(KINDS))
        layered: list[Run] = []
        if not options.no_layers:
            layered = measure_together(load, variants(service, url, Path(directory)), LAYER_KINDS)
        with server.session() as session:
            ((postgres,),) = session.execute("show server_version")
        surroundings = describe(service, postgres)
    print(report(load, surroundings, compared, layered))
    say(f"took {time.monotonic() - began:.0f} s")
    return {
        "version": 1,
        "surroundings": surroundings,
        "load": {"connections": load.connections, **lengths},
        "comparison": [asdict(one) for one in compared],
        "layers": [asdict(one) for one in layered],
    }


def prepare(given: Path | None, directory: Path) -> Service:
    """The service to measure: a given one, or a new one from this checkout."""
    if given is None:
        say("service: generating it from this checkout, installing its lock")
        return generate(directory)
    if not (given / ".venv/bin/python").exists():
        raise InputError(f"{given} has no .venv: run `make setup` there, or leave --service out")
    install_psycopg(given)
    return Service(given.resolve())


def measure_together(load: Load, subjects: Sequence[Subject], kinds: Sequence[str]) -> list[Run]:
    """Serve all subjects at once and measure them in turn."""
    with ExitStack() as stack:
        running = [stack.enter_context(serve(subject, load.requests.token)) for subject in subjects]
        check_same_documents(running, load.requests)
        return list(measure(load, running, kinds, say))


def check_same_documents(subjects: Sequence[Running], requests: Requests) -> None:
    """Raise ``NotRunError`` unless all subjects answer a request with the same document."""
    path = f"/v1/orders/{requests.order_ids[0]}"
    documents = [json.loads(get(subject.url + path, requests.token)) for subject in subjects]
    pages = [
        json.loads(get(f"{subject.url}/v1/orders?limit=20", requests.token))["items"]
        for subject in subjects
    ]
    for subject, document, page in zip(subjects, documents, pages, strict=True):
        if document != documents[0] or page != pages[0]:
            raise NotRunError(f"{subject.name} answers otherwise than {subjects[0].name}")


def peers(service: Service, url: str, logs: Path) -> list[Subject]:
    """The service and those it is compared with; the peers log nothing."""

    def peer(name: str, file: str) -> Subject:
        return Subject(
            name=name,
            command=(service.python, str(ROOT / "benchmarks/bare" / file)),
            directory=service.directory,
            environment=inherited()
            | {
                "DATABASE_URL": url,
                "DATABASE_POOL_MAX": str(POOL),
                "TENANT": TENANT,
                "PORT": str(free_port()),
            },
            log=logs / f"{file}.log",
        )

    return [
        peer(BARE, "fastapi_bare.py"),
        served(service, url, logs, SERVICE, ("-m", "app")),
        peer(SYNC, "fastapi_sync.py"),
    ]


def variants(service: Service, url: str, logs: Path) -> list[Subject]:
    """The service whole, and with one layer less each; its name is then that of the layer."""
    launcher = str(ROOT / "benchmarks/overhead/without_layer.py")
    lacking = {name: [key] for key, name in LAYERS.items()} | {EVERY_LAYER: list(LAYERS)}
    return [
        served(service, url, logs, SERVICE, ("-m", "app")),
        *(
            served(service, url, logs, name, (launcher, ",".join(keys), TENANT))
            for name, keys in lacking.items()
        ),
    ]


def served(
    service: Service, url: str, logs: Path, name: str, arguments: tuple[str, ...]
) -> Subject:
    """The service under a name, started with the arguments of its interpreter."""
    port = free_port()
    return Subject(
        name=name,
        command=(service.python, *arguments),
        directory=service.directory,
        environment=service.environment(url)
        | {"PORT": str(port), "METRICS_PORT": str(free_port())},
        log=logs / f"service-{port}.log",
    )


def describe(service: Service, postgres: str) -> dict[str, str]:
    """Where and with what it was measured."""
    return {
        **service.versions(),
        "PostgreSQL": postgres,
        "processor": f"{processor_model()}, {os.cpu_count()} cores",
        "system": platform.platform(terse=True),
    }


def processor_model() -> str:
    """As the kernel names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def report(
    load: Load,
    surroundings: dict[str, str],
    compared: Sequence[Run],
    layered: Sequence[Run],
) -> str:
    """The Markdown for the README."""
    versions = ", ".join(f"{name} {version}" for name, version in surroundings.items())
    parts = [
        comparison(compared, (BARE, SERVICE, SYNC), BARE),
        f"Medians of {load.rounds} rounds of {load.seconds} s in turn (lowest-highest). CPU: of the "
        "server's processes, without client and database. Latency: of a closed loop (wrk, "
        f"{load.connections} connections, as fast as it goes), so p99 is one of a full server. All "
        f"servers: one process, uvloop, httptools; the two asynchronous ones with the same "
        f"statements and the same pool of {POOL}. The service does all it does in production, "
        "access log to a file included; the other two check no token and log nothing.",
        verdict(compared, SERVICE, BARE),
    ]
    if layered:
        parts += [
            layer_costs(layered, SERVICE, LAYER_KINDS),
            "CPU of the service less that of the service without the layer.",
        ]
    return "\n\n".join([*parts, f"{versions}."])


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
