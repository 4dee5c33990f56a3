"""What was measured, as Markdown."""

from collections.abc import Callable, Iterable, Sequence

from benchmarks.overhead.layers import EVERY_LAYER, LAYERS
from benchmarks.overhead.measure import KINDS, Run, Spread, differences, ratios, values

GOAL = 1.4


def comparison(runs: Sequence[Run], subjects: Sequence[str], baseline: str) -> str:
    """Each request's cost for each subject, and as a multiple of the baseline's."""
    rows = []
    for kind, request in KINDS.items():
        for subject in subjects:
            cpu = _spread(runs, subject, kind, lambda run: run.cpu_us)
            ratio = ratios(runs, subject, baseline, kind, lambda run: run.cpu_us)
            tail = ratios(runs, subject, baseline, kind, lambda run: run.p99_ms)
            p50 = _spread(runs, subject, kind, lambda run: run.p50_ms)
            p99 = _spread(runs, subject, kind, lambda run: run.p99_ms)
            is_baseline = subject == baseline
            rows.append(
                (
                    f"`{request}`",
                    subject,
                    f"{cpu.median:.0f}",
                    "1" if is_baseline else _times(ratio),
                    f"{p50.median:.1f}",
                    f"{p99.median:.1f}",
                    "1" if is_baseline else _times(tail),
                )
            )
    header = (
        "request",
        "server",
        "CPU a request, µs",
        "× bare",
        "p50, ms",
        "p99, ms",
        "p99 × bare",
    )
    return _markdown(header, rows, numbers_from=2)


def layer_costs(runs: Sequence[Run], service: str, kinds: Iterable[str]) -> str:
    """What each layer adds: the service's cost less that of the service without the layer."""
    kinds = tuple(kinds)
    rows = []
    for name in (*LAYERS.values(), EVERY_LAYER):
        costs = []
        for kind in kinds:
            cost = differences(runs, service, name, kind, lambda run: run.cpu_us)
            whole = _spread(runs, service, kind, lambda run: run.cpu_us)
            costs.append(
                f"{cost.median:.0f} ({cost.low:.0f} to {cost.high:.0f}), "
                f"{cost.median / whole.median:.0%}"
            )
        rows.append((name, *costs))
    header = ("layer", *(f"`{KINDS[kind]}`, µs" for kind in kinds))
    return _markdown(header, rows, numbers_from=1)


def verdict(runs: Sequence[Run], service: str, baseline: str) -> str:
    """One line: the goal, and what came of it."""
    parts = []
    for kind, request in KINDS.items():
        ratio = ratios(runs, service, baseline, kind, lambda run: run.cpu_us).median
        parts.append(f"{request} {ratio:.2f}x ({'met' if ratio <= GOAL else 'not met'})")
    return f"Goal: at most {GOAL}x the bare handler's CPU per request. {'; '.join(parts)}."


def _spread(runs: Sequence[Run], subject: str, kind: str, value: Callable[[Run], float]) -> Spread:
    return Spread.of(values(runs, subject, kind, value))


def _times(ratio: Spread) -> str:
    return f"**{ratio.median:.2f}** ({ratio.low:.2f}-{ratio.high:.2f})"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int) -> str:
    rule = ["---" if column < numbers_from else "--:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))
