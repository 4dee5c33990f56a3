"""The rows that the formats for people share: endpoints, errors, thresholds, and facts."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from senior_backend.load.formats import units
from senior_backend.load.result import EndpointResult, PacingError, Result, ThresholdResult
from senior_backend.load.target import is_loopback

COLUMNS: Final = ("p50", "p90", "p95", "p99", "p99.9", "max")

TOTAL: Final = "all"
"""The name of the row that sums up."""

RESPONSE: Final = "from the moment a request was due: what a user waits"
SERVICE: Final = "from the moment it was sent: what the target took"


FEWEST: Final = {"p50": 20, "p90": 100, "p95": 200, "p99": 1_000, "p99.9": 10_000, "max": 1_000}
"""Requests that must have succeeded on either side for a difference to say anything: ten beyond the
percentile. A maximum is one request, whatever their number."""


def doubt(result: Result) -> str:
    """What follows every number that an INVALID run measured; empty if the run is valid."""
    return "" if result.valid else " ?"


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint, or all of them."""

    name: str
    now: EndpointResult
    before: EndpointResult | None
    """The same endpoint in the baseline."""
    total: bool = False


def endpoints(result: Result, baseline: Result | None, most: int | None = None) -> list[Row]:
    """In the order of the scenario, all of them last.

    Above ``most``, only the slowest (by p99) and those that failed; the formats say so.
    """
    old = baseline.endpoints if baseline else {}
    rows = [Row(name, now, old.get(name)) for name, now in result.endpoints.items()]
    if most is not None and len(rows) > most:
        rows.sort(key=lambda row: (-row.now.failed, -row.now.response_time_ms.get("p99", 0.0)))
        rows = rows[:most]
    total = Row(TOTAL, result.total, baseline.total if baseline else None, total=True)
    return [*rows, total] if len(result.endpoints) != 1 else rows


def change(
    now: EndpointResult, before: EndpointResult | None, column: str, *, service: bool = False
) -> str:
    """The difference to the baseline; a dash where too few samples carry it.

    Empty where one of the two was not measured.
    """
    if before is None:
        return ""
    of = "service_time_ms" if service else "response_time_ms"
    difference = units.delta(getattr(now, of).get(column), getattr(before, of).get(column))
    enough = all(each.count - each.failed >= FEWEST[column] for each in (now, before))
    return units.NOTHING if difference and not enough else difference


def left_out(result: Result, most: int) -> str:
    """A sentence about the endpoints that a short table does not show; empty if it shows all."""
    if len(result.endpoints) <= most:
        return ""
    return (
        f"{most} of {len(result.endpoints)} endpoints: those with most failures, then the slowest; "
        "the formats json and csv have all"
    )


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """How many requests failed of one cause, and where most of them did."""

    cause: str
    count: int
    share: float | None
    """Of all requests that ended."""
    endpoints: tuple[tuple[str, int], ...]
    """Most failures first."""


def errors(result: Result) -> list[ErrorRow]:
    """By cause, the most frequent first."""
    rows = []
    for cause, count in sorted(result.total.errors.items(), key=lambda item: -item[1]):
        where = [(n, e.errors[cause]) for n, e in result.endpoints.items() if cause in e.errors]
        where.sort(key=lambda item: -item[1])
        rows.append(ErrorRow(cause, count, units.of(count, result.total.count), tuple(where)))
    return rows


def where(row: ErrorRow, most: int = 3) -> str:
    """The endpoints of an error: ``orders 12, items 3 and 4 more``."""
    shown = ", ".join(f"{name} {units.count(count)}" for name, count in row.endpoints[:most])
    more = len(row.endpoints) - most
    return f"{shown} and {more} more" if more > 0 else shown


_LIMIT: Final = re.compile(
    r"[<>=]\s*(?P<limit>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?P<unit>[^\W\d_]*|%)\s*$",
    re.IGNORECASE,
)
_TIME: Final = re.compile(r"\s*(?:p\s*\(|avg|min|med|max)")
_MOST_DIGITS: Final = 12


def threshold_value(threshold: ThresholdResult) -> str:
    """What was measured, in the unit of the expression, with as many digits as tell it apart.

    200.04 against ``p(95)<200`` is not shown as 200.
    """
    value = threshold.value
    if value is None or not math.isfinite(value):
        return "no samples"
    unit = "ms" if _TIME.match(threshold.expression) else ""
    digits = 3
    if written := _LIMIT.search(threshold.expression):
        unit = written["unit"] or unit
        limit = float(written["limit"])
        while digits < _MOST_DIGITS and value != limit and _read(value, digits) == limit:
            digits += 1
    return f"{units.significant(value, digits)} {unit}".rstrip()


def _read(value: float, digits: int) -> float:
    return float(units.significant(value, digits).replace(",", ""))


def broken(threshold: ThresholdResult) -> str:
    """A threshold that does not hold, as a sentence."""
    value = threshold_value(threshold)
    measured = "there were no samples" if threshold.value is None else f"it was {value}"
    notes = threshold_notes(threshold)
    named = f"{threshold.metric}: {threshold.expression}"
    return f"{named}, but {measured}" + (f" ({notes})" if notes else "")


def threshold_notes(threshold: ThresholdResult) -> str:
    """How it was judged, where that is not the plain way."""
    notes = []
    if threshold.window_s is not None:
        notes.append(f"worst of every {units.span(threshold.window_s)}")
    if threshold.aborted:
        notes.append("ended the run")
    if threshold.default:
        notes.append("default")
    return ", ".join(notes)


def run_facts(result: Result) -> list[tuple[str, str]]:
    """How the run was made."""
    length = units.span(result.duration_s)
    if result.interrupted:
        length += f" of {units.span(result.planned_duration_s)}"
    if result.warm_up_s:
        length += f" after {units.span(result.warm_up_s)} of warm-up"
    return [
        ("scenario", result.scenario),
        ("target", result.target),
        ("started", result.started_at),
        ("measured", length),
        ("arrivals", f"{result.arrivals}, seed {result.seed}"),
    ]


def load_facts(result: Result) -> list[tuple[str, str, str]]:
    """Name, number, and what it is of: what was asked and what became of it."""
    failed = result.total.failed
    achieved = result.achieved_rate / result.requested_rate if result.requested_rate else None
    arrivals = f"{units.count(result.due)} arrivals"
    if highest := _highest_rate(result):
        arrivals += f", up to {units.rate(highest)}"
    return [
        ("asked", units.rate(result.requested_rate), arrivals),
        ("achieved", units.rate(result.achieved_rate), f"{units.share(achieved)} of asked"),
        ("sent", units.count(result.sent), f"requests, {units.count(result.completed)} ended"),
        (
            "failed",
            units.count(failed),
            f"{units.share(units.of(failed, result.total.count))} of ended",
        ),
        (
            "dropped",
            units.count(result.dropped),
            f"{units.share(units.of(result.dropped, result.due))} of arrivals",
        ),
    ]


def _highest_rate(result: Result) -> float | None:
    """Of stages, whose mean is ``requested_rate``; None where the rate was the same all the time.

    One arrival more or less in a stretch, and the chance of random arrivals, are no other rate.
    """
    if result.arrivals != "constant":
        return None
    return max(
        (
            window.requested_rate
            for window in result.series
            if window.due - 1 > 1.1 * result.requested_rate * window.length_s
        ),
        default=None,
    )


def connection_facts(result: Result) -> list[tuple[str, str]]:
    """What it took to reach the target."""
    made = result.connections
    facts = [
        ("connections", f"{units.count(made.opened)} opened, at most {units.count(made.max_open)}"),
        ("connect", _times(made.connect_time_ms)),
    ]
    if made.tls_time_ms:
        facts.append(("TLS handshake", _times(made.tls_time_ms)))
    facts.append(
        ("addresses", f"{', '.join(made.addresses)} ({units.duration(made.resolve_time_ms)})")
    )
    facts += [
        (f"not opened: {cause}", units.count(count))
        for cause, count in sorted(made.failed.items(), key=lambda item: -item[1])
    ]
    return facts


def generator_facts(result: Result) -> list[tuple[str, str]]:
    """How the load generator fared: what the numbers may be trusted with."""
    generator, pacing = result.generator, result.pacing_error_us
    late = {"p50": pacing.p50 / 1e3, "p99": pacing.p99 / 1e3, "max": pacing.max / 1e3}
    return [
        ("workers", f"{generator.workers}, the busiest {units.share(generator.busy)} busy"),
        ("sent late by", _times(late) + _limit_of(pacing)),
        ("processor", f"{units.span(generator.cpu_s)}, {_per_cpu_second(result)}"),
        ("memory", f"{units.size(generator.max_rss_bytes)} a worker at most"),
    ]


def _limit_of(pacing: PacingError) -> str:
    """As somebody would write it: ``10 ms``, not ``10.0 ms``."""
    if pacing.limit is None:
        return ""
    return f" (limit {float(f'{pacing.limit / 1e3:.3g}'):,g} ms)"


def _per_cpu_second(result: Result) -> str:
    if not result.generator.cpu_s:
        return f"{units.NOTHING} requests a second of it"
    each = result.completed / result.generator.cpu_s
    return f"{units.significant(each)} requests a second of it"


def environment_facts(result: Result) -> list[tuple[str, str]]:
    """Where it ran."""
    where_ = result.environment
    return [
        ("host", f"{where_.host}, {where_.cores} core{'s' * (where_.cores != 1)}"),
        ("platform", where_.platform),
        ("Python", where_.python),
        ("senior-backend", where_.senior_backend),
    ]


def _times(times: dict[str, float]) -> str:
    shown = [f"{name} {units.duration(times.get(name))}" for name in ("p50", "p99", "max")]
    return ", ".join(shown) if times else units.NOTHING


def _place(target: str) -> str:
    """A target without the port of this machine: what a test starts has another each time."""
    parts = urlsplit(target)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{parts.path}" if is_loopback(host) else target


def comparable(result: Result, baseline: Result) -> Sequence[str]:
    """Why differences to the baseline mean less than they seem; empty if nothing speaks against."""
    notes = []
    if not baseline.valid:
        notes.append("the baseline is INVALID: differences to it mean nothing")
    if baseline.scenario != result.scenario:
        notes.append(f"the baseline is of another scenario: {baseline.scenario}")
    if _place(baseline.target) != _place(result.target):
        notes.append(f"the baseline is of another target: {baseline.target}")
    if abs(baseline.requested_rate - result.requested_rate) > 0.01 * result.requested_rate:
        notes.append(f"the baseline was asked for {units.rate(baseline.requested_rate)}")
    if gone := [name for name in baseline.endpoints if name not in result.endpoints]:
        more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
        notes.append(f"only in the baseline: {', '.join(gone[:3])}{more}")
    if (here := result.environment.host) != baseline.environment.host:
        notes.append(
            f"the baseline was measured from {baseline.environment.host}, this from {here}"
        )
    return notes
