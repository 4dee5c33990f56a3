"""How often ``load compare`` raises a false alarm, and how often it finds a planted slowdown.

    python -m tests.load.comparison_power [PAIRS]

prints the table of docs/load.md (minutes); a test marked verify measures a part of it again.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from senior_backend.load.compare import compare
from tests.load.simulated_server import Server, run

SLOWDOWNS = (1.0, 1.02, 1.1, 1.3)


@dataclass(frozen=True)
class Setting:
    """Pairs of sides of ``runs`` runs; the new side's service times are ``factor`` as long."""

    server: Server
    runs: int
    factor: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """Of one pair."""

    exit_code: int
    verdicts: tuple[str, ...]


def outcomes(setting: Setting, pairs: int) -> Iterator[Outcome]:
    """Of independent pairs, always the same for the same setting."""
    for pair in range(pairs):
        first = setting.seed + 2 * pair * setting.runs
        base = [run(setting.server, first + i) for i in range(setting.runs)]
        slower = setting.server.slower(setting.factor)
        new = [run(slower, first + setting.runs + i) for i in range(setting.runs)]
        found = compare(base, new)
        yield Outcome(found.exit_code, tuple(e.verdict for e in found.endpoints.values()))


def counts(setting: Setting, pairs: int) -> Counter[str]:
    """Pairs that failed, and pairs with any verdict of slower or faster."""
    found = Counter[str]()
    for outcome in outcomes(setting, pairs):
        found["failed"] += outcome.exit_code == 1
        found["slower"] += "slower" in outcome.verdicts
        found["faster"] += "faster" in outcome.verdicts
    return found


def _part(setting: Setting) -> Counter[str]:
    return counts(setting, 10)


def table(pairs: int, server: Server) -> Iterator[str]:
    """The rows of the table for one server."""
    with ProcessPoolExecutor(2) as pool:
        for runs in (1, 3, 5):
            cells = []
            for number, factor in enumerate(SLOWDOWNS):
                parts = [
                    Setting(server, runs, factor, (number + 1) * 10_000_000 + i * 1000)
                    for i in range(pairs // 10)
                ]
                found: Counter[str] = sum(pool.map(_part, parts), Counter())
                cell = f"{found['failed'] / pairs:.1%}"
                if factor == 1:
                    cell += f" ({(found['slower'] + found['faster']) / pairs:.1%})"
                cells.append(cell.replace("%", " %"))
            yield f"| {server.rate}/s, {runs} and {runs} | {' | '.join(cells)} |"


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    for rate, workers in ((200, 4), (500, 10)):
        for spread in (0.01, 0.02) if len(sys.argv) > 2 else (0.01,):
            print(f"between runs {spread}", flush=True)
            for line in table(many, Server(rate=rate, workers=workers, between_runs=spread)):
                print(line, flush=True)
