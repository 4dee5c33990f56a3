"""How often ``load compare`` raises a false alarm, and how often it finds a planted slowdown.

    python -m tests.load.comparison_power [UNCHANGED SLOWED]

prints the table of docs/load.md from so many pairs (half an hour for the 400 and 100 of the page);
a test marked verify measures a part of it again.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from senior_backend.load.compare import compare
from tests.load.simulated_server import Server, run

SLOWDOWNS = (1.0, 1.02, 1.1, 1.3)
SERVERS = (Server(rate=200, workers=4), Server(rate=500, workers=10))


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
        found["different"] += any(v in ("slower", "faster") for v in outcome.verdicts)
    return found


def settings(server: Server, runs: int, factor: float, pairs: int) -> list[Setting]:
    """Of tens of pairs, so that several processes share them; no two have a run in common."""
    first = 1_000_000 * (1 + SLOWDOWNS.index(factor)) + 100_000 * runs
    return [Setting(server, runs, factor, first + i * 20 * runs) for i in range(pairs // 10)]


def _ten(setting: Setting) -> Counter[str]:
    return counts(setting, 10)


def rows(server: Server, unchanged: int, slowed: int) -> Iterator[str]:
    """The rows of the table for one server, from so many pairs."""
    with ProcessPoolExecutor(2) as pool:
        for runs in (1, 3, 5):
            cells = []
            for factor in SLOWDOWNS:
                pairs = unchanged if factor == 1 else slowed
                parts = pool.map(_ten, settings(server, runs, factor, pairs))
                found = sum(parts, Counter[str]())
                cells.append(f"{100 * found['failed'] / pairs:g} %")
                if factor == 1:
                    cells.append(f"{100 * found['different'] / pairs:g} %")
            yield f"| {server.rate}/s, {runs} and {runs} | {' | '.join(cells)} |"


if __name__ == "__main__":
    unchanged, slowed = (int(n) for n in sys.argv[1:] or (400, 100))
    for server in SERVERS:
        for row in rows(server, unchanged, slowed):
            print(row, flush=True)
