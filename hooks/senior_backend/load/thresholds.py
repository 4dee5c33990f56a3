"""What must hold: k6's grammar, judged on what was counted.

``http_req_duration{name:orders}: p(95)<200`` is a metric, a selector (an endpoint), an aggregation,
an operator and a number. Numbers may have a unit; without one, times are milliseconds and shares
are 0 to 1, as in k6. Other than in k6, a threshold that no sample speaks for fails, durations begin
when a request was due, and a threshold can be asked to hold in every stretch of the run.

============================  ==============  =====================================================
metric                        aggregations    what
============================  ==============  =====================================================
``http_req_duration``         a trend's       response time of requests that succeeded, from the
                                              intended send
``service_time``              a trend's       of the same, from the actual send
``http_req_failed``           rate count      requests that failed; rate: as a share
``http_reqs``                 count rate      requests that ended; rate: a second
``achieved``                  rate            arrivals sent in the measured part, as a share of
                                              those due
``dropped``                   count rate      arrivals given up; rate: a second. Also
                                              ``dropped_iterations``
``http_req_connecting``       a trend's       TCP connects
``http_req_tls_handshaking``  a trend's       TLS handshakes
``pacing_error``              a trend's       the generator's own lateness
============================  ==============  =====================================================

A trend has avg, min, med, max and p(N). The first four take a selector.
"""

import difflib
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from senior_backend.errors import InputError
from senior_backend.load.arrivals import stretches_of
from senior_backend.load.histogram import Histogram, bounds
from senior_backend.load.recording import Counts, EndpointCounts
from senior_backend.load.result import ThresholdResult
from senior_backend.load.scenario import compile as compiling
from senior_backend.load.scenario.errors import ScenarioError
from senior_backend.load.scenario.model import Judged, Request, Scenario
from senior_backend.load.scenario.source import Path
from senior_backend.load.totals import SECOND, Recording, Totals, add_endpoint, failed

_TREND: Final = ("avg", "min", "med", "max", "p(N)")


@dataclass(frozen=True, slots=True)
class _Metric:
    name: str
    aggregations: tuple[str, ...]
    by_endpoint: bool
    counted: bool = False
    """``rate`` is a second, not a share."""

    @property
    def trend(self) -> bool:
        return self.aggregations is _TREND


_METRICS: Final = {
    metric.name: metric
    for metric in (
        _Metric("http_req_duration", _TREND, by_endpoint=True),
        _Metric("service_time", _TREND, by_endpoint=True),
        _Metric("http_req_failed", ("rate", "count"), by_endpoint=True),
        _Metric("http_reqs", ("count", "rate"), by_endpoint=True, counted=True),
        _Metric("achieved", ("rate",), by_endpoint=False),
        _Metric("dropped", ("count", "rate"), by_endpoint=False, counted=True),
        _Metric("dropped_iterations", ("count", "rate"), by_endpoint=False, counted=True),
        _Metric("http_req_connecting", _TREND, by_endpoint=False),
        _Metric("http_req_tls_handshaking", _TREND, by_endpoint=False),
        _Metric("pacing_error", _TREND, by_endpoint=False),
    )
}
_SAME: Final = {"dropped_iterations": "dropped"}

_ELSEWHERE: Final = {
    "http_req_waiting": "service_time is nearest: from the send to the last byte",
    "http_req_sending": "service_time is nearest: from the send to the last byte",
    "http_req_receiving": "service_time is nearest: from the send to the last byte",
    "http_req_blocked": "the wait for a connection is in http_req_duration",
    "iteration_duration": "judge the requests of a flow with http_req_duration{name:STEP}",
    "iterations": "judge achieved, the share of arrivals that were sent",
    "checks": "a response that does not pass a check is a failed request: http_req_failed",
    "vus": "there are no virtual users here, arrivals are sent when they are due",
    "vus_max": "there are no virtual users here, arrivals are sent when they are due",
    "response_time": "it is called http_req_duration",
}
"""Metrics of others -> what to judge instead."""

_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "===": operator.eq,
    "!=": operator.ne,
}
_UPPER: Final = ("<", "<=")
_LOWER: Final = (">", ">=")

_TIMES: Final = {"": 1e6, "ms": 1e6, "s": 1e9, "us": 1e3, "µs": 1e3}
"""Unit -> nanoseconds."""
_SHARES: Final = {"": 1.0, "%": 0.01}

_METRIC: Final = re.compile(r"\s*(?P<name>[^{}\s]+)\s*(?:\{(?P<tags>.*)\}\s*)?")
_TAG: Final = re.compile(r"""\s*(?P<tag>\w+)\s*:\s*(?:"(?P<quoted>[^"]*)"|(?P<value>.*?))\s*""")
_EXPRESSION: Final = re.compile(
    r"""\s*(?P<aggregation>[a-z]+)\s*(?:\(\s*(?P<percent>[^()]*?)\s*\))?
        \s*(?P<operator>===|==|!=|<=|>=|<|>)
        \s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)
        \s*(?P<unit>[^\W\d_]*|%)\s*""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One thing that must hold."""

    metric: str
    """As written: ``http_req_duration{name:orders}``."""
    expression: str
    """As written: ``p(95)<200``."""
    name: str
    """The metric alone."""
    endpoint: str | None
    """Whose requests it is about; None: all."""
    aggregation: str
    percent: float
    """Of ``p(N)`` and ``med``."""
    operator: str
    limit: float
    """In the unit of the expression."""
    unit: str
    """As written; empty: ms for times."""
    scale: float
    """Nanoseconds, or share, in one of that unit."""
    window_s: int | None = None
    """Must hold in every stretch of that many seconds."""
    abort: bool = False
    """The run ends as soon as it does not hold."""
    delay_ns: int = 0
    """But not before so long."""
    default: bool = False
    """Not asked for."""

    def holds(self, value: float | None) -> bool:
        """Whether a value, in the unit of the expression, is right; none never is."""
        return value is not None and _OPERATORS[self.operator](value, self.limit)


def parse(metric: str, text: str, *, given: Judged | None = None) -> Threshold:
    """A threshold from its two texts; ``given`` has its window and what to do when it fails.

    Errors name the metric and the text, not the file; whether there is such an endpoint is not
    asked here.
    """
    found, endpoint = _metric(metric)
    threshold = _expression(found, metric, text)
    window_s = None
    if given is not None and given.window_ns is not None:
        window_s, rest = divmod(given.window_ns, SECOND)
        if rest or not window_s:
            raise InputError(f"{metric}: {text}: a window is whole seconds, like 10s")
    return replace(
        threshold,
        endpoint=endpoint,
        window_s=window_s,
        abort=given is not None and given.abort_on_fail,
        delay_ns=(given.delay_ns or 0) if given is not None else 0,
    )


def defaults() -> list[Threshold]:
    """What holds unless the user judges that metric."""
    return [
        replace(parse(metric, text), default=True)
        for metric, text in (
            ("http_req_failed", "rate<0.01"),
            ("achieved", "rate>0.99"),
            ("dropped", "count==0"),
        )
    ]


def complete(asked: Sequence[Threshold]) -> list[Threshold]:
    """What was asked for, with the defaults for metrics that nothing was said about."""
    judged = {_SAME.get(threshold.name, threshold.name) for threshold in asked}
    return [*asked, *(extra for extra in defaults() if extra.name not in judged)]


def of_scenario(scenario: Scenario) -> list[Threshold]:
    """All thresholds of a scenario, those of endpoints and steps included, and the defaults.

    Raises:
        ScenarioError: with the way to what is wrong.
    """
    names = compiling.names(scenario)
    length_ns = sum(stretch.length_ns for stretch in stretches_of(scenario.load))
    asked = []
    for path, metric, judged in _written(scenario, names):
        try:
            threshold = parse(metric, judged.threshold, given=judged)
            _check_endpoint(threshold, names)
            _check_times(judged, length_ns, path)
        except ScenarioError:
            raise
        except InputError as error:
            raise ScenarioError(path, str(error)) from None
        asked.append(threshold)
    return complete(asked)


def _written(scenario: Scenario, names: Sequence[str]) -> Iterator[tuple[Path, str, Judged]]:
    """Where, metric and threshold; those of one endpoint as ``metric{name:endpoint}``."""
    requests: list[tuple[Path, Request]] = [
        (("endpoints", number), endpoint) for number, endpoint in enumerate(scenario.endpoints)
    ]
    for number, flow in enumerate(scenario.flows):
        requests += [(("flows", number, "steps", i), step) for i, step in enumerate(flow.steps)]
    for metric, several in scenario.thresholds.items():
        for number, judged in enumerate(several):
            yield ("thresholds", metric, number), metric, judged
    for name, (place, request) in zip(names, requests, strict=True):
        for metric, several in request.thresholds.items():
            path = (*place, "thresholds", metric)
            if "{" in metric:
                only = metric.partition("{")[0]
                raise ScenarioError(path, f"this is about {name} alone; write {only}")
            for number, judged in enumerate(several):
                yield (*path, number), f"{metric}{{name:{name}}}", judged


def problems(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """The first thing that is wrong with the thresholds, with the way to it in the file."""
    try:
        of_scenario(scenario)
    except ScenarioError as error:
        yield error.path, error.message


def _check_times(judged: Judged, length_ns: int, path: Path) -> None:
    """What would never be judged within the measured part."""
    for key, ns in (("window", judged.window_ns), ("delay", judged.delay_ns)):
        if ns is not None and ns > length_ns:
            raise ScenarioError(
                (*path, key),
                f"a {key} of {ns / SECOND:g} s is longer than the measured part of "
                f"{length_ns / SECOND:g} s; write a shorter one",
            )


def _check_endpoint(threshold: Threshold, names: Sequence[str]) -> None:
    if threshold.endpoint is not None and threshold.endpoint not in names:
        raise InputError(
            f"{threshold.metric}: no endpoint is called {threshold.endpoint}"
            + _near(threshold.endpoint, names)
        )


def _metric(text: str) -> tuple[_Metric, str | None]:
    """``http_req_duration{name:orders}`` -> the metric and the endpoint."""
    found = _METRIC.fullmatch(text)
    if not found:
        raise InputError(
            f"'{text}' is no metric; write it like http_req_duration or "
            "http_req_duration{name:ENDPOINT}"
        )
    name = found["name"]
    if name not in _METRICS:
        if name in _ELSEWHERE:
            raise InputError(f"{name} is not measured; {_ELSEWHERE[name]}")
        raise InputError(f"no metric is called {name}" + _near(name, list(_METRICS)))
    metric = _METRICS[name]
    endpoint = None
    for part in _tags(found["tags"]):
        tag = _TAG.fullmatch(part)
        if not tag:
            raise InputError(f"{text}: '{part.strip()}' is no tag; write name:ENDPOINT")
        value = tag["quoted"] if tag["quoted"] is not None else tag["value"]
        if tag["tag"] == "expected_response" and value == "true":
            continue  # response times are those of requests that succeeded, anyway
        if tag["tag"] != "name":
            raise InputError(f"{text}: no tag is called {tag['tag']}; there is name, an endpoint")
        if not metric.by_endpoint:
            raise InputError(f"{text}: {name} is not counted by endpoint; leave out {{name:…}}")
        if endpoint is not None:
            raise InputError(f"{text}: one name only; write a threshold for each")
        endpoint = value
    return metric, endpoint


def _tags(text: str | None) -> list[str]:
    """Split at commas, but for those in quotes, and those of a name: no tag follows them."""
    tags: list[str] = []
    for part in re.findall(r'(?:"[^"]*"|[^,"])+', text or ""):
        if tags and not _TAG.fullmatch(part):
            tags[-1] += f",{part}"
        elif part.strip():
            tags.append(part)
    return tags


def _expression(metric: _Metric, written: str, text: str) -> Threshold:
    where = f"{written}: {text}"
    found = _EXPRESSION.fullmatch(text)
    if not found:
        raise InputError(f"{where}: not understood; {_mend(text, metric)}")
    aggregation = found["aggregation"].lower()
    known = "p(N)" if aggregation == "p" else aggregation
    if known not in metric.aggregations:
        several = ", ".join(metric.aggregations)
        raise InputError(f"{where}: {metric.name} has no {known}; it has {several}")
    percent = _percent(found["percent"], aggregation, where)
    unit = found["unit"]
    scale = _scale(metric, aggregation, unit, where)
    limit = float(found["number"])
    _possible(metric, aggregation, found["operator"], limit * scale, where)
    return Threshold(
        metric=written,
        expression=text,
        name=metric.name,
        endpoint=None,
        aggregation=aggregation,
        percent=percent,
        operator=found["operator"],
        limit=limit,
        unit=unit,
        scale=scale,
    )


def _mend(text: str, metric: _Metric) -> str:
    example = {True: "p(95)<200", False: "count==0" if metric.counted else "rate<0.01"}
    if re.match(r"\s*p\d", text):
        return f"percentiles are written p(N): {example[True]}"
    if re.search(r"[^=<>!]=[^=]", text):
        return "equality is written =="
    return f"write aggregation, operator and number, like {example[metric.trend]}"


def _percent(text: str | None, aggregation: str, where: str) -> float:
    if aggregation != "p":
        if text is not None:
            raise InputError(f"{where}: {aggregation} has no number in parentheses")
        return 50.0
    try:
        percent = float(text or "")
    except ValueError:
        raise InputError(f"{where}: which percentile? write it like p(95)") from None
    if not 0 < percent <= 100:
        raise InputError(f"{where}: there is no p({text}); percentiles are above 0 and up to 100")
    return percent


def _scale(metric: _Metric, aggregation: str, unit: str, where: str) -> float:
    if metric.trend:
        if unit not in _TIMES:
            raise InputError(f"{where}: a time is in ms or s, not in {unit}")
        return _TIMES[unit]
    if aggregation == "rate" and not metric.counted:
        if unit not in _SHARES:
            raise InputError(f"{where}: a share is 0 to 1, or a number with %, not in {unit}")
        return _SHARES[unit]
    if unit:
        what = "a rate here is a number a second" if aggregation == "rate" else "a count"
        raise InputError(f"{where}: {what}, it has no unit; leave out {unit}")
    return 1.0


def _possible(metric: _Metric, aggregation: str, sign: str, limit: float, where: str) -> None:
    """Refuse what can never fail, or never hold."""
    if limit < 0:
        raise InputError(f"{where}: nothing here is below 0")
    if sign == "<" and not limit:
        raise InputError(f"{where}: nothing is below 0; write ==0")
    if aggregation == "rate" and not metric.counted:
        if limit > 1:
            raise InputError(f"{where}: a share is 0 to 1; a percentage is written like 1%")
        if sign == ">" and limit == 1:
            raise InputError(f"{where}: a share is never above 1; write >0.99 or ==1")


def _near(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    several = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
    return f"; there is {several}"


class Judge:
    """Judges thresholds while a run goes on, and at its end."""

    def __init__(self, thresholds: Sequence[Threshold], recording: Recording) -> None:
        """Before the first window, because windowed thresholds look at each as it comes."""
        self.thresholds = tuple(thresholds)
        self._recording = recording
        self._numbers = {name: index for index, name in enumerate(recording.endpoints)}
        self._worst: dict[int, float | None] = {}
        """Number of a windowed threshold -> its worst value so far."""
        self._aborted: dict[int, float] = {}
        """Number of a threshold that ended the run -> what it was then."""
        self._past = Totals()
        """The seconds that all workers have told of: part of one has too few requests for it."""
        self._past_s = 0.0
        if any(t.abort and t.window_s is None for t in self.thresholds):
            recording.watch(1, self._passed)
        for length in sorted({t.window_s for t in self.thresholds if t.window_s is not None}):
            recording.watch(length, self._windowed(length))

    def early(self, elapsed_ns: int) -> list[ThresholdResult]:
        """The thresholds for which the run is to end now, ``elapsed_ns`` into its measured part."""
        failing = []
        for number, threshold in enumerate(self.thresholds):
            if not threshold.abort or elapsed_ns < threshold.delay_ns:
                continue
            if threshold.window_s is not None:
                value = self._worst.get(number)
            else:
                value = measured(threshold, self._past, self._numbers, self._past_s)
            if value is None or threshold.holds(value) or not _final(threshold, value):
                continue
            self._aborted[number] = value
            failing.append(self._result(number, value))
        return failing

    def _passed(self, totals: Totals, seconds: float) -> None:
        self._past.merge(totals)
        self._past_s += seconds

    def finish(self, duration_ns: int) -> list[ThresholdResult]:
        """How each came out, the measured part having lasted ``duration_ns``.

        Ends the recording as well: its last stretches are judged here.
        """
        self._recording.finish(duration_ns)
        return [
            self._result(number, self._value(number, duration_ns))
            for number in range(len(self.thresholds))
        ]

    def _value(self, number: int, duration_ns: int) -> float | None:
        """At the end; what ended the run stays as it was then, whatever came after it."""
        threshold = self.thresholds[number]
        if number in self._aborted:
            return self._aborted[number]
        if threshold.window_s is not None:
            return self._worst.get(number)
        return measured(threshold, self._recording.total, self._numbers, duration_ns / SECOND)

    def _result(self, number: int, value: float | None) -> ThresholdResult:
        threshold = self.thresholds[number]
        return ThresholdResult(
            metric=threshold.metric,
            expression=threshold.expression,
            value=None if value is None else round(value, 6),
            passed=threshold.holds(value),
            window_s=threshold.window_s,
            aborted=number in self._aborted,
            default=threshold.default,
        )

    def _windowed(self, length_s: int) -> Callable[[Totals, float], None]:
        def told(totals: Totals, seconds: float) -> None:
            if not totals.numbers.due and not totals.endpoints:
                return  # a pause of the load
            for number, threshold in enumerate(self.thresholds):
                if threshold.window_s == length_s:
                    value = measured(threshold, totals, self._numbers, seconds)
                    if number not in self._worst:
                        self._worst[number] = value
                    else:
                        self._worst[number] = _worse(threshold, self._worst[number], value)

        return told


def measured(
    threshold: Threshold, totals: Totals, numbers: Mapping[str, int], seconds: float
) -> float | None:
    """What a threshold looks at, in the unit of its expression; None if there is no sample."""
    value = _measured(threshold, totals, numbers, seconds)
    return None if value is None else value / threshold.scale


def _measured(
    threshold: Threshold, totals: Totals, numbers: Mapping[str, int], seconds: float
) -> float | None:
    counted = totals.numbers
    match threshold.name:
        case "achieved":
            return counted.started / counted.due if counted.due else None
        case "dropped" | "dropped_iterations":
            return _counted(threshold, counted.dropped, seconds)
        case "http_req_connecting":
            return _trend(threshold, totals.connect)
        case "http_req_tls_handshaking":
            return _trend(threshold, totals.tls)
        case "pacing_error":
            return _trend(threshold, totals.pacing)
    if threshold.name in ("http_req_duration", "service_time"):
        return _trend(threshold, _times(threshold, totals, numbers))
    chosen = _endpoints(threshold, totals, numbers)
    failures = sum(failed(counts) for counts in chosen)
    ended = failures + sum(sum(counts.response.values()) for counts in chosen)
    if threshold.name == "http_reqs":
        return _counted(threshold, ended, seconds)
    if not ended:
        return None
    return failures / ended if threshold.aggregation == "rate" else float(failures)


def _counted(threshold: Threshold, count: int, seconds: float) -> float | None:
    if threshold.aggregation == "count":
        return float(count)
    return count / seconds if seconds > 0 else None


def _endpoints(
    threshold: Threshold, totals: Totals, numbers: Mapping[str, int]
) -> list[EndpointCounts]:
    if threshold.endpoint is None:
        return list(totals.endpoints.values())
    counts = totals.endpoints.get(numbers[threshold.endpoint])
    return [] if counts is None else [counts]


def _times(threshold: Threshold, totals: Totals, numbers: Mapping[str, int]) -> Counts:
    chosen = _endpoints(threshold, totals, numbers)
    every = EndpointCounts()
    for counts in chosen:
        add_endpoint(every, counts)
    return every.response if threshold.name == "http_req_duration" else every.service


def _trend(threshold: Threshold, counts: Counts) -> float | None:
    if not counts:
        return None
    histogram = Histogram(counts)
    match threshold.aggregation:
        case "avg":
            return histogram.mean
        case "min":
            return float(bounds(min(counts))[0])
        case "max":
            return histogram.percentile(100)
    return histogram.percentile(threshold.percent)


def _worse(threshold: Threshold, one: float | None, other: float | None) -> float | None:
    """The value that is further from holding; no sample is worst."""
    if one is None or other is None:
        return None
    if threshold.operator in _UPPER:
        return max(one, other)
    if threshold.operator in _LOWER:
        return min(one, other)
    return one if not threshold.holds(one) else other


def _final(threshold: Threshold, value: float) -> bool:
    """Whether a failure stays one: a count that must be reached may still be."""
    if threshold.aggregation != "count" or threshold.window_s is not None:
        return True
    if threshold.operator in _LOWER or threshold.operator == "!=":
        return False
    return value > threshold.limit or threshold.operator == "<"


def message(result: ThresholdResult) -> str:
    """One line for people: what was asked, and what was measured."""
    written = _EXPRESSION.fullmatch(result.expression)
    unit = written["unit"] if written else ""
    if not unit and _METRICS[result.metric.partition("{")[0].strip()].trend:
        unit = "ms"
    space = "" if unit in ("", "%") else " "
    wanted = f"{result.metric}: {result.expression}"
    if result.window_s is not None:
        wanted += f" in every {result.window_s:g} s"
    if result.value is None:
        return f"{wanted}: no samples, so nothing shows that it holds"
    verb = "holds" if result.passed else "failed"
    value = f"{result.value:.6g}{space}{unit}"
    worst = " at worst" if result.window_s is not None else ""
    return f"{wanted}: {verb} with {value}{worst}" + (", ended the run" if result.aborted else "")
