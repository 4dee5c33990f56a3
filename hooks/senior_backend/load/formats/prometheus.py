"""For Prometheus (node_exporter's textfile collector, a Pushgateway), and OpenMetrics readers.

The text is valid in both formats: the text exposition format 0.0.4, and OpenMetrics 1.0, whose
``# EOF`` is a comment in the former. An INVALID run exports what tells why, but no latency: a rule
or a dashboard would take it for a number.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from senior_backend.load.formats import tables
from senior_backend.load.histogram import middle
from senior_backend.load.result import Buckets, EndpointResult, Result

_PREFIX: Final = "senior_backend_load"

BOUNDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Seconds; the buckets of the histograms, and +Inf."""

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]
"""Suffix of the name, labels, value."""


def render(result: Result, baseline: Result | None = None) -> str:
    """Gauges of the run, histograms and percentiles of each endpoint, errors by cause."""
    lines: list[str] = []
    run = {"scenario": result.scenario}
    about = {
        "target": result.target,
        "arrivals": result.arrivals,
        "version": result.environment.senior_backend,
    }
    lines += _gauge("run_info", "What was run; always 1.", [("", run | about, 1)])
    for name, text, value in _run(result):
        lines += _gauge(name, text, [("", run, value)])
    lines += _gauge("requests", "Requests that ended, failed ones included.", _counts(result, run))
    lines += _gauge("request_failures", "Requests that failed.", _errors(result, run))
    if result.valid:
        for clock, text in (("response", tables.RESPONSE), ("service", tables.SERVICE)):
            lines += _histograms(result, run, clock, text)
            lines += _percentiles(result, run, clock, text)
    lines += _gauge("threshold_passed", "1: the threshold holds.", _thresholds(result, run))
    return "\n".join([*lines, "# EOF"])


def _run(result: Result) -> Iterator[tuple[str, str, float]]:
    yield "valid", "1: the generator kept up; 0: no number of this run may be used.", result.valid
    yield "interrupted", "1: the run ended before its time.", result.interrupted
    yield "start_timestamp_seconds", "When the measured part began, in Unix time.", _unix(result)
    yield "duration_seconds", "Length of the measured part.", result.duration_s
    yield "requested_rate", "Arrivals due a second.", result.requested_rate
    yield "achieved_rate", "Arrivals sent a second.", result.achieved_rate
    yield "dropped_arrivals", "Arrivals that were never sent.", result.dropped
    yield "connections_opened", "Connections opened.", result.connections.opened
    yield "generator_busy_ratio", "How busy the busiest worker was.", result.generator.busy
    late = result.pacing_error_us.p99 / 1e6
    yield "pacing_error_p99_seconds", "How late sends were that had a connection.", late


def _unix(result: Result) -> float:
    return datetime.fromisoformat(result.started_at).timestamp()


def _endpoints(result: Result) -> Iterator[tuple[Labels, EndpointResult]]:
    for name, endpoint in result.endpoints.items():
        yield {"endpoint": name}, endpoint


def _counts(result: Result, run: Labels) -> Iterator[Sample]:
    for labels, endpoint in _endpoints(result):
        yield "", {**run, **labels}, endpoint.count


def _errors(result: Result, run: Labels) -> Iterator[Sample]:
    for labels, endpoint in _endpoints(result):
        for cause, count in endpoint.errors.items():
            yield "", {**run, **labels, "cause": cause}, count


def _thresholds(result: Result, run: Labels) -> Iterator[Sample]:
    """Not of an INVALID run, in which none was judged; the same may be set in several windows."""
    seen = set()
    for threshold in result.thresholds if result.valid else ():
        labels = {**run, "metric": threshold.metric, "expression": threshold.expression}
        if threshold.window_s is not None:
            labels["window"] = f"{threshold.window_s:g}s"
        if tuple(labels.items()) not in seen:
            seen.add(tuple(labels.items()))
            yield "", labels, threshold.passed


def _percentiles(result: Result, run: Labels, clock: str, text: str) -> list[str]:
    samples = []
    for labels, endpoint in _endpoints(result):
        times = endpoint.response_time_ms if clock == "response" else endpoint.service_time_ms
        samples += [
            ("", {**run, **labels, "percentile": "100" if p == "max" else p[1:]}, times[p] / 1e3)
            for p in tables.COLUMNS
            if p in times
        ]
    return _gauge(f"{clock}_time_percentile_seconds", f"Time {text}.", samples)


def _histograms(result: Result, run: Labels, clock: str, text: str) -> list[str]:
    samples: list[Sample] = []
    for labels, endpoint in _endpoints(result):
        kept = endpoint.histograms
        buckets = kept.response_time if clock == "response" else kept.service_time
        samples += _buckets(buckets, {**run, **labels})
    return _family("histogram", f"{clock}_time_seconds", f"Time {text}.", samples)


def _buckets(buckets: Buckets, labels: Labels) -> Iterator[Sample]:
    """A classic histogram; a bucket of ours counts below a bound where its middle is."""
    values = [(middle(index) / 1e9, count) for index, count in buckets]
    place = below = 0
    for bound in BOUNDS:
        while place < len(values) and values[place][0] <= bound:
            below += values[place][1]
            place += 1
        yield "_bucket", {**labels, "le": repr(bound)}, below
    total = sum(count for _, count in values)
    yield "_bucket", {**labels, "le": "+Inf"}, total
    yield "_sum", labels, sum(value * count for value, count in values)
    yield "_count", labels, total


def _gauge(name: str, text: str, samples: Iterable[Sample]) -> list[str]:
    return _family("gauge", name, text, samples)


def _family(kind: str, name: str, text: str, samples: Iterable[Sample]) -> list[str]:
    """Nothing, where there are no samples."""
    full = f"{_PREFIX}_{name}"
    lines = [
        f"{full}{suffix}{{{_labels(labels)}}} {_value(value)}" for suffix, labels, value in samples
    ]
    return [f"# HELP {full} {text}", f"# TYPE {full} {kind}", *lines] if lines else []


def _labels(labels: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _value(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
