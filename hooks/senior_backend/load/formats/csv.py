"""For spreadsheets and scripts: a row for each endpoint and one for all. Columns are only added."""

import csv
import math
from collections.abc import Iterator
from io import StringIO
from typing import Final

from senior_backend.load.result import EndpointResult, Percentiles, Result

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With one of these first, spreadsheets take a text for a formula, which may run programs."""

_TIMES: Final = ("mean", "p50", "p90", "p95", "p99", "p99.9", "max")

COLUMNS: Final = (
    "scenario",
    "target",
    "started_at",
    "valid",
    "interrupted",
    "duration_s",
    "requested_rate",
    "achieved_rate",
    "row",
    "endpoint",
    "count",
    "failed",
    "bytes_received",
    *(f"response_{name}_ms" for name in _TIMES),
    *(f"service_{name}_ms" for name in _TIMES),
)
"""``row`` is ``endpoint`` or ``total``; rates are those of the whole run. Empty: not measured."""


def render(result: Result, baseline: Result | None = None) -> str:
    """As RFC 4180 has it, but with plain line feeds."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(result))
    return out.getvalue().removesuffix("\n")


def _rows(result: Result) -> Iterator[list[str]]:
    run = [
        _text(result.scenario),
        _text(result.target),
        result.started_at,
        str(result.valid).lower(),
        str(result.interrupted).lower(),
        _number(result.duration_s),
        _number(result.requested_rate),
        _number(result.achieved_rate),
    ]
    for name, endpoint in result.endpoints.items():
        yield [*run, "endpoint", _text(name), *_numbers(endpoint)]
    yield [*run, "total", "", *_numbers(result.total)]


def _numbers(endpoint: EndpointResult) -> list[str]:
    return [
        str(endpoint.count),
        str(endpoint.failed),
        str(endpoint.bytes_received),
        *_times(endpoint.response_time_ms),
        *_times(endpoint.service_time_ms),
    ]


def _text(name: str) -> str:
    """With an apostrophe before what would be a formula: spreadsheets do not show that one."""
    return f"'{name}" if name.startswith(_FORMULA) else name


def _times(times: Percentiles) -> list[str]:
    return [_number(times[name]) if name in times else "" for name in _TIMES]


def _number(value: float) -> str:
    """Milliseconds to the nanosecond, without an exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if math.isfinite(value) else ""
