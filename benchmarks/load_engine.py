"""The load generator beside others: what a request costs, and whether the numbers are true.

The target is nginx with one worker on one core; the client has another. Tools that are not there
are fetched or built into a cache ($XDG_CACHE_HOME/senior-backend/bench): vegeta and k6 with Go, oha
with cargo, autocannon with npm, Locust with pip; wrk is that of the system. One that cannot be had
is listed with the reason. Exit code 0 whatever the results are: this measures and does not judge.
2: bad usage. 3: it could not measure.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

# `python benchmarks/load_engine.py` finds only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.load import freeze, growth, memory, pacing, page, rate, throughput
from benchmarks.load.bench import Bench
from benchmarks.load.peer import Peer
from benchmarks.load.peers.autocannon import Autocannon
from benchmarks.load.peers.k6 import K6
from benchmarks.load.peers.locust import Locust
from benchmarks.load.peers.oha import Oha
from benchmarks.load.peers.ours import Ours
from benchmarks.load.peers.vegeta import Vegeta
from benchmarks.load.peers.wrk import Wrk
from benchmarks.load.target import find_nginx, serve
from senior_backend.errors import InputError, NotRunError, SeniorBackendError

SECTIONS: dict[str, tuple[Callable[[Bench], Any], Callable[[Any], str]]] = {
    "throughput": (throughput.measure, throughput.report),
    "pacing": (pacing.measure, pacing.report),
    "freeze": (freeze.measure, freeze.report),
    "rate": (rate.measure, rate.report),
    "memory": (memory.measure, memory.report),
    "growth": (growth.measure, growth.report),
}
PEERS: dict[str, Callable[[], Peer]] = {
    "wrk": Wrk,
    "autocannon": Autocannon,
    "vegeta": Vegeta,
    "k6": K6,
    "oha": Oha,
    "locust": Locust,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; its exit code."""
    options = parse(arguments)
    # As Ctrl-C does: the servers that were started are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(options)
    except SeniorBackendError as error:
        print(f"load_engine: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ends the process with 2 when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="load_engine.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        type=chosen(SECTIONS),
        metavar="SECTION,...",
        default=tuple(SECTIONS),
        help=f"of {', '.join(SECTIONS)}; all of them by default",
    )
    parser.add_argument(
        "--peers",
        type=chosen(PEERS),
        metavar="TOOL,...",
        default=tuple(PEERS),
        help=f"of {', '.join(PEERS)}; all of them by default",
    )
    parser.add_argument("--program", type=Path, metavar="FILE", help="our command, to measure")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="also write a page; sections that are not measured stay as they are in it",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there too")
    parser.add_argument("--rounds", type=positive, metavar="N", help="(default: 5)")
    parser.add_argument("--seconds", type=positive, metavar="N", help="of a round (default: 4)")
    parser.add_argument(
        "--connections", type=positive, metavar="N", default=64, help="(%(default)s)"
    )
    parser.add_argument(
        "--first",
        action="store_true",
        help="target and clients run before all else on the machine (as root, on a busy one)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="does it run? Under a minute a section, and rough"
    )
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 4)
    return options


def chosen(names: Sequence[str] | dict[str, Any]) -> Callable[[str], tuple[str, ...]]:
    """A reader of arguments that name some of ``names``."""

    def read(text: str) -> tuple[str, ...]:
        for one in text.split(","):
            if one not in names:
                raise argparse.ArgumentTypeError(f"no {one!r}: choose from {', '.join(names)}")
        return tuple(text.split(","))

    return read


def positive(text: str) -> int:
    """An argument that counts something."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def run(options: argparse.Namespace) -> None:
    """Measure and print the tables; write what is to be written."""
    began = time.monotonic()
    nginx = find_nginx()
    if not Path("/proc/self/stat").exists():
        raise NotRunError("processor time is read from /proc: run this on Linux")
    target_core, client_core = cores()
    ours, precise = Ours(options.program), Ours(options.program, precise=True)
    ours.obtain()
    peers, missing = obtain(options.peers)
    with (
        tempfile.TemporaryDirectory(prefix="load-engine-") as directory,
        serve(nginx, Path(directory), target_core, first=options.first) as target,
    ):
        bench = Bench(
            target=target,
            directory=Path(directory),
            client_core=client_core,
            ours=ours,
            ours_precise=precise,
            peers=peers,
            missing=missing,
            first=options.first,
            quick=options.quick,
            rounds=options.rounds,
            seconds=options.seconds,
            connections=options.connections,
            say=say,
        )
        settings = {
            "rounds": options.rounds,
            "seconds": options.seconds,
            "connections": options.connections,
            "first": options.first,
        }
        sections = {}
        try:
            for name in options.only:
                measure, report = SECTIONS[name]
                started = time.monotonic()
                text = report(measure(bench))
                sections[name] = page.section(name, text, settings)
                print(f"{sections[name]}\n", flush=True)
                say(f"{name} took {time.monotonic() - started:.0f} s")
        finally:
            if options.json:
                samples = [asdict(one) for one in bench.samples]
                write(options.json, json.dumps(samples, indent=1) + "\n")
    print(page.machine(), flush=True)
    if options.write:
        tools = {ours.name: ours.version(), **{one.name: one.version() for one in peers}}
        earlier = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        write(options.write, page.page(sections, tools, missing, earlier))
    say(f"took {time.monotonic() - began:.0f} s")


def cores() -> tuple[int | None, int | None]:
    """Where the target runs, and where the client does: not pinned if there is only one core."""
    first, *others = sorted(os.sched_getaffinity(0))
    return (first, others[0]) if others else (None, None)


def obtain(names: Sequence[str]) -> tuple[list[Peer], dict[str, str]]:
    """The tools that are there or can be had, and why the others cannot."""
    peers, missing = [], {}
    for name in names:
        peer = PEERS[name]()
        try:
            peer.obtain()
        except NotRunError as error:
            missing[peer.name] = str(error)
            say(f"{peer.name} is not measured: {error}")
        else:
            peers.append(peer)
    return peers, missing


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


def write(path: Path, text: str) -> None:
    """Raise ``InputError`` when the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): name another file"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
