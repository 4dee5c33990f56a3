"""What the generated FastAPI service costs, beside a bare handler that answers the same requests.

Measured: processor time of the server's process tree divided by answered requests, and latency in a
closed loop. All servers stand on this machine in the same run and take turns; the client (wrk) and
PostgreSQL share its processors, so look at the ratios. Exit code 0 whatever they are: this measures
and does not judge. 2: bad usage. 3: it could not measure, for which one answer that is not 2xx is
enough.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

# `python benchmarks/service_overhead.py` finds only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.overhead.cores import leave_one_free
from benchmarks.overhead.lineup import BARE, SERVICE, SYNC, TUNED, peers, variants
from benchmarks.overhead.measure import KINDS, Lengths, Load, Run, measure
from benchmarks.overhead.seed import seed
from benchmarks.overhead.service import (
    POOL,
    Service,
    generate,
    install_psycopg,
)
from benchmarks.overhead.subjects import Running, Subject, get, serve
from benchmarks.overhead.table import comparison, layer_costs, verdict
from benchmarks.overhead.wrk import Requests, find_wrk
from senior_backend.errors import InputError, NotRunError, SeniorBackendError
from senior_backend.postgres import start


@dataclass(frozen=True)
class Plan:
    """How long both parts take, and for which requests the layers' costs are told."""

    comparison: Lengths
    layers: Lengths
    layer_kinds: tuple[str, ...]


# Above this part of the time without a core, what is measured is also the neighbours.
QUIET = 0.05

FULL = Plan(Lengths(9, 2, 1), Lengths(13, 1, 1), ("get", "post"))
QUICK = Plan(Lengths(2, 1, 0), Lengths(1, 1, 0), ("post",))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; its exit code."""
    options = parse(arguments)
    try:
        measured = run(options)
        if options.json:
            write_json(options.json, measured)
    except SeniorBackendError as error:
        print(f"service_overhead: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ends the process with 2 when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="service_overhead.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="does it run? Under a minute, and rough"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there too")
    parser.add_argument("--rounds", type=positive, metavar="N", help="of the comparison")
    parser.add_argument("--seconds", type=positive, metavar="N", help="of each of its runs")
    parser.add_argument(
        "--connections",
        type=positive,
        metavar="N",
        default=8,
        help="that wrk keeps busy (%(default)s)",
    )
    parser.add_argument("--no-layers", action="store_true", help="leave the layers' costs out")
    parser.add_argument(
        "--service", type=Path, metavar="DIR", help="measure a generated, installed service"
    )
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """An argument that counts something."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure, print the tables, and return every run."""
    began = time.monotonic()
    plan = plan_of(options)
    wrk = find_wrk()
    if not Path("/proc/self/stat").exists():
        raise NotRunError("processor time is read from /proc: run this on Linux")
    core = leave_one_free()
    with tempfile.TemporaryDirectory(prefix="service-overhead-") as directory, start() as server:
        logs = Path(directory)
        service = prepare(options.service, logs)
        say("database: migrating, making orders")
        url = server.create_database()
        service.migrate(url)
        seeded = seed(url)
        requests = Requests(service.token(url), seeded.customer_id, seeded.order_ids)
        load = Load(wrk, requests, options.connections, core)

        compared = take_turns(load, peers(service, url, logs), tuple(KINDS), plan.comparison)
        layered = []
        if not options.no_layers:
            layered = take_turns(load, variants(service, url, logs), plan.layer_kinds, plan.layers)
        with server.session() as session:
            ((postgres,),) = session.execute("show server_version")
        surroundings = describe(service, postgres)
    print(report(load, plan, surroundings, compared, layered))
    waited = median(one.waited for one in compared if one.subject == SERVICE)
    if waited > QUIET:
        say(
            f"warning: other work had the server's core for {waited:.0%} of the time, which takes "
            "its caches too: repeat this on a quiet machine before you quote it"
        )
    say(f"took {time.monotonic() - began:.0f} s")
    return {
        "version": 1,
        "surroundings": surroundings,
        "connections": load.connections,
        "plan": asdict(plan),
        "comparison": [asdict(one) for one in compared],
        "layers": [asdict(one) for one in layered],
    }


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that the options ask for."""
    plan = QUICK if options.quick else FULL
    given = {name: getattr(options, name) for name in ("rounds", "seconds")}
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(plan, comparison=replace(plan.comparison, **changes))


def prepare(given: Path | None, directory: Path) -> Service:
    """The service to measure: a given one, or a new one from this checkout."""
    if given is None:
        say("service: generating it from this checkout, installing its lock")
        return generate(directory)
    if not (given / ".venv/bin/python").exists():
        raise InputError(f"{given} has no .venv: run `make setup` there, or leave out --service")
    service = Service(given.resolve())
    install_psycopg(service.directory)
    return service


def take_turns(
    load: Load, subjects: Sequence[Subject], kinds: Sequence[str], lengths: Lengths
) -> list[Run]:
    """Serve all subjects at once, see that they answer alike, and measure them in turn."""
    with serve(subjects, load.requests.token, load.core) as running:
        check_same_documents(running, load.requests)
        return list(measure(load, running, kinds, lengths, say))


def check_same_documents(subjects: Sequence[Running], requests: Requests) -> None:
    """Raise ``NotRunError`` unless all subjects answer with the same order and the same page."""
    for path in (f"/v1/orders/{requests.order_ids[0]}", "/v1/orders?limit=20"):
        documents = [json.loads(get(subject.url + path, requests.token)) for subject in subjects]
        for subject, document in zip(subjects, documents, strict=True):
            document.pop("nextCursor", None)  # opaque, and each has its own form
            if document != documents[0]:
                raise NotRunError(f"{path}: {subject.name} answers otherwise than the first")


def describe(service: Service, postgres: str) -> dict[str, str]:
    """Where and with what it was measured."""
    return {
        **service.versions(),
        "PostgreSQL": postgres,
        "processor": f"{processor_model()} ({os.cpu_count()} cores)",
        "system": f"{platform.system()} {platform.release()}",
    }


def processor_model() -> str:
    """As the kernel names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def report(
    load: Load,
    plan: Plan,
    surroundings: dict[str, str],
    compared: Sequence[Run],
    layered: Sequence[Run],
) -> str:
    """The Markdown for the README."""
    how = (
        f"Medians of {plan.comparison.rounds} rounds of {plan.comparison.seconds} s in turn "
        "(lowest to highest). CPU is that of the server's processes; client and database are not "
        f"counted. Latency is that of a closed loop, wrk with {load.connections} connections as "
        "fast as it goes, so p99 is one of a server at its limit. Every server: one process, "
        "uvloop, httptools, the same requests. Service and bare handler: the same statements on "
        f"the same pool of {POOL} connections (asyncpg). The service does all it does in "
        "production, its access log into a file included; the others check no token, log nothing. "
        "The service also collects garbage rarely and numbers parameters once: that is tuning and "
        "no layer, so the second bare handler has it too, and the layers' cost is the ratio to it."
    )
    paragraphs = [
        comparison(compared, (BARE, TUNED, SERVICE, SYNC), BARE),
        verdict(compared, SERVICE, (BARE, TUNED)),
        how,
    ]
    if layered:
        how = (
            "CPU a request of the service less that of the service without the layer, in turn: "
            f"median of {plan.layers.rounds} rounds of {plan.layers.seconds} s (middle half)."
        )
        paragraphs += [layer_costs(layered, SERVICE, plan.layer_kinds), how]
    versions = ", ".join(f"{name} {version}" for name, version in surroundings.items())
    return "\n\n".join([*paragraphs, f"{versions}."])


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


def write_json(path: Path, measured: dict[str, object]) -> None:
    """Raise ``InputError`` when the file cannot be written."""
    try:
        path.write_text(json.dumps(measured, indent=2) + "\n")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): name another file"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
