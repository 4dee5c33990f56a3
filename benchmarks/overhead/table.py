"""What was measured, as Markdown."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from benchmarks.overhead.layers import EVERY_LAYER, LAYERS
from benchmarks.overhead.measure import Run, Spread, differences, ratios, values


def comparison(
    runs: Sequence[Run], kinds: Mapping[str, str], subjects: Sequence[str], baseline: str
) -> str:
    """Each request's cost for each subject, and as a multiple of the baseline's."""
    rows = []
    for kind, request in kinds.items():
        for subject in subjects:
            used = _spread(runs, subject, kind, cpu)
            ratio = Spread.of(ratios(runs, subject, baseline, kind, cpu))
            tail = Spread.of(ratios(runs, subject, baseline, kind, p99))
            half = _spread(runs, subject, kind, p50)
            slowest = _spread(runs, subject, kind, p99)
            is_baseline = subject == baseline
            rows.append(
                (
                    f"`{request}`",
                    subject,
                    f"{used.median:.0f}",
                    "1" if is_baseline else _times(ratio),
                    f"{half.median:.1f}",
                    f"{slowest.median:.1f}",
                    "1" if is_baseline else _times(tail),
                )
            )
    header = (
        "request",
        "server",
        "CPU a request, µs",
        "CPU, bare = 1",
        "p50, ms",
        "p99, ms",
        "p99, bare = 1",
    )
    return _markdown(header, rows, numbers_from=2)


def layer_costs(runs: Sequence[Run], service: str, kinds: Mapping[str, str]) -> str:
    """What each layer adds: the service's cost less that of the service without the layer.

    Differences of a few microseconds drown in what else a machine does, so: many short rounds, the
    median, and the middle half of the values.
    """
    rows = []
    for name in (*LAYERS.values(), EVERY_LAYER):
        costs = []
        for kind in kinds:
            cost = Spread.of_middle_half(differences(runs, service, name, kind, cpu))
            whole = _spread(runs, service, kind, cpu)
            costs.append(
                f"{cost.median:.0f} ({cost.low:.0f} to {cost.high:.0f}), "
                f"{cost.median / whole.median:.0%}"
            )
        rows.append((name, *costs))
    header = ("layer", *(f"`{request}`, µs" for request in kinds.values()))
    return _markdown(header, rows, numbers_from=1)


def verdict(
    runs: Sequence[Run],
    kinds: Mapping[str, str],
    service: str,
    baselines: Sequence[str],
    goal: float,
) -> str:
    """The goal, and what came of it: a line for each baseline."""
    lines = [f"Goal: at most {goal:g}x a bare handler's CPU per request."]
    for baseline in baselines:
        parts = []
        for kind, request in kinds.items():
            ratio = median(ratios(runs, service, baseline, kind, cpu))
            parts.append(f"{request} {ratio:.2f}x ({'met' if ratio <= goal else 'not met'})")
        lines.append(f"- To the {baseline}: {'; '.join(parts)}.")
    return "\n".join([lines[0], "", *lines[1:]])


def cpu(run: Run) -> float:
    """Microseconds of processor time a request."""
    return run.cpu_us


def p50(run: Run) -> float:
    """Milliseconds."""
    return run.p50_ms


def p99(run: Run) -> float:
    """Milliseconds."""
    return run.p99_ms


def _spread(runs: Sequence[Run], subject: str, kind: str, value: Callable[[Run], float]) -> Spread:
    return Spread.of(values(runs, subject, kind, value))


def _times(ratio: Spread) -> str:
    return f"**{ratio.median:.2f}** ({ratio.low:.2f}-{ratio.high:.2f})"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int) -> str:
    rule = ["---" if column < numbers_from else "--:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))
