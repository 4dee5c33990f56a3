"""What a generated service costs, beside a bare handler that answers the same requests.

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

from benchmarks.machine import processor_model
from benchmarks.overhead.api import Api
from benchmarks.overhead.cores import leave_one_free
from benchmarks.overhead.express_tree import EXPRESS
from benchmarks.overhead.fastapi_tree import FASTAPI
from benchmarks.overhead.go_tree import GO
from benchmarks.overhead.graphql_tree import GRAPHQL
from benchmarks.overhead.measure import Lengths, Load, Run, measure
from benchmarks.overhead.seed import seed
from benchmarks.overhead.subjects import Running, Subject, serve
from benchmarks.overhead.table import comparison, layer_costs, verdict
from benchmarks.overhead.tree import SERVICE, Service, Tree
from benchmarks.overhead.wrk import Requests, find_wrk
from senior_backend.errors import InputError, NotRunError, SeniorBackendError
from senior_backend.postgres import start


@dataclass(frozen=True)
class Plan:
    """How long both parts take, and for which requests the layers' costs are told."""

    comparison: Lengths
    layers: Lengths
    layer_kinds: tuple[str, ...]


TREES = {"fastapi": FASTAPI, "express": EXPRESS, "graphql": GRAPHQL, "go": GO}

# Where others have the core for a larger part of the time, what is measured is also the neighbours.
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
        "--framework", choices=TREES, help="measure that one (default: one after the other)"
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
    options = parser.parse_args(arguments)
    if options.service and not options.framework:
        parser.error("--service needs --framework")
    return options


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
    frameworks = [options.framework] if options.framework else list(TREES)
    measured = {}
    for framework in frameworks:
        if len(frameworks) > 1:
            print(f"## {framework}\n", flush=True)
        measured[framework] = measure_tree(TREES[framework], options, plan, wrk, core)
    say(f"took {time.monotonic() - began:.0f} s")
    return {"version": 3, "connections": options.connections, "plan": asdict(plan)} | measured


def measure_tree(
    tree: Tree, options: argparse.Namespace, plan: Plan, wrk: str, core: int
) -> dict[str, object]:
    """Measure one framework, print its tables, and return every run."""
    with tempfile.TemporaryDirectory(prefix="service-overhead-") as directory, start() as server:
        logs = Path(directory)
        if options.service is None:
            say("service: generating it from this checkout, installing its lock")
        service = tree.prepare(options.service, logs)
        say("database: migrating, making orders")
        url = server.create_database()
        service.migrate(url)
        seeded = seed(url)
        requests = Requests(service.token(url), seeded.customer_id, seeded.order_ids)
        load = Load(wrk, tree.api, requests, options.connections, core)

        compared = take_turns(
            load, tree.peers(service, url, logs), tuple(tree.api.kinds), plan.comparison
        )
        layered = []
        if tree.variants and not options.no_layers:
            variants = tree.variants(service, url, logs)
            layered = take_turns(load, variants, plan.layer_kinds, plan.layers)
        with server.session() as session:
            ((postgres,),) = session.execute("show server_version")
        surroundings = describe(service, postgres)
    print(report(tree, load, plan, surroundings, compared, layered), flush=True)
    taken = median(one.taken for one in compared if one.subject == SERVICE)
    if taken > QUIET:
        say(
            f"warning: other work had the server's core for {taken:.0%} of the time, which takes "
            "its caches too: repeat this on a quiet machine before you quote it"
        )
    return {
        "surroundings": surroundings,
        "comparison": [asdict(one) for one in compared],
        "layers": [asdict(one) for one in layered],
    }


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that the options ask for."""
    plan = QUICK if options.quick else FULL
    given = {name: getattr(options, name) for name in ("rounds", "seconds")}
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(plan, comparison=replace(plan.comparison, **changes))


def take_turns(
    load: Load, subjects: Sequence[Subject], kinds: Sequence[str], lengths: Lengths
) -> list[Run]:
    """Serve all subjects at once, see that they answer alike, and measure them in turn."""
    with serve(subjects, load.core) as running:
        check_same_documents(load.api, running, load.requests)
        return list(measure(load, running, kinds, lengths, say))


def check_same_documents(api: Api, subjects: Sequence[Running], requests: Requests) -> None:
    """Raise ``NotRunError`` unless all subjects answer with the same order and the same page."""
    answers = []
    for subject in subjects:
        try:
            answers.append(api.documents(subject.url, requests))
        except OSError as error:
            raise NotRunError(f"{subject.name} does not answer as it should: {error}") from None
        if answers[-1] != answers[0]:
            raise NotRunError(f"{subject.name} answers otherwise than {subjects[0].name}")


def describe(service: Service, postgres: str) -> dict[str, str]:
    """Where and with what it was measured."""
    return {
        **service.versions(),
        "PostgreSQL": postgres,
        "processor": f"{processor_model()} ({os.cpu_count()} cores)",
        "system": f"{platform.system()} {platform.release()}",
    }


def report(
    tree: Tree,
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
        "fast as it goes, so p99 is one of a server at its limit. "
    )
    paragraphs = [
        comparison(compared, tree.api.kinds, tree.columns, tree.bare),
        verdict(compared, tree.api.kinds, SERVICE, tree.baselines, tree.goal),
        how + tree.how,
    ]
    if layered:
        how = (
            "CPU a request of the service less that of the service without the layer, in turn: "
            f"median of {plan.layers.rounds} rounds of {plan.layers.seconds} s (middle half)."
        )
        kinds = {kind: tree.api.kinds[kind] for kind in plan.layer_kinds}
        paragraphs += [layer_costs(layered, SERVICE, kinds), how]
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
