"""The result of a run: a versioned JSON document, and its own input for reports and comparisons.

Keys are added, never renamed. Times are milliseconds unless a name says otherwise; histograms hold
nanoseconds (``histogram``). The schema is ``schemas/load-result.json``.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Percentiles = dict[str, float]
"""``p50``, ``p90``, ``p95``, ``p99``, ``p99.9``, ``max``, ``mean``; empty if nothing succeeded."""

_LAST_BUCKET: Final = 8191
"""Of a duration of 292 years, in nanoseconds: more than 63 bits are no duration."""

Buckets = list[tuple[Annotated[int, Field(ge=0, le=_LAST_BUCKET)], Annotated[int, Field(ge=0)]]]
"""(bucket, count) of a histogram, in rising order; ``histogram.bounds`` gives a bucket's values."""


class Document(BaseModel):
    """A part of the result; keys of newer versions are kept aside, not refused."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True, allow_inf_nan=False)


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


class Histograms(Document):
    """Exact to merge: results of many runs or machines add up bucket by bucket."""

    unit: Literal["ns"] = "ns"
    precision_bits: Literal[7] = 7
    response_time: Buckets = Field(default_factory=list)
    service_time: Buckets = Field(default_factory=list)
    failures: dict[str, Buckets] = Field(default_factory=dict)
    """Cause -> response time of the requests that failed of it."""


class EndpointResult(Document):
    """One endpoint, or all of them (``total``)."""

    count: int
    """Requests that ended, failed ones included."""
    failed: int
    errors: dict[str, int]
    """Cause -> count; adds up to ``failed``."""
    statuses: dict[str, int]
    bytes_received: int
    response_time_ms: Percentiles
    """From the intended send, of the requests that succeeded: what a user waits."""
    service_time_ms: Percentiles
    """From the actual send, of the same requests."""
    failed_time_ms: Percentiles
    """Response time of the requests that failed."""
    histograms: Histograms


class WindowNumbers(Document):
    """One endpoint, or all of them, in one stretch of the series."""

    count: int
    failed: int
    response_time_ms: Percentiles
    """``p50``, ``p95``, ``p99``, ``max`` only."""


class SeriesWindow(Document):
    """One stretch of the measured part. Long runs have longer stretches, never more than 600."""

    start_s: float
    """Seconds since the start of the measured part."""
    length_s: float
    due: int
    sent: int
    dropped: int
    backlog: int
    """At the end of the stretch."""
    in_flight: int
    open_connections: int
    requested_rate: float
    """Arrivals due a second in this stretch."""
    started: int = 0
    """Arrivals of which the first request was sent in it."""
    errors: dict[str, int] = Field(default_factory=dict)
    """Cause -> requests that failed of it in this stretch; adds up to ``total.failed``."""
    total: WindowNumbers
    endpoints: dict[str, WindowNumbers]


class Block(Document):
    """A longer stretch (about a thirtieth of the run) with its histograms, for ``load compare``."""

    start_s: float
    length_s: float
    endpoints: dict[str, Buckets]
    """Response time of the requests that succeeded, by endpoint."""


class ThresholdResult(Document):
    """One threshold and how it came out."""

    metric: str
    """As written: ``http_req_duration{name:orders}``."""
    expression: str
    """As written: ``p(95)<200``."""
    value: float | None
    """What was measured, in the unit of the expression; None: no samples, which fails."""
    passed: bool
    window_s: float | None = None
    """Judged in each stretch of this length; ``value`` is then the worst."""
    aborted: bool = False
    """It ended the run."""
    default: bool = False
    """Not asked for; the tool's own."""


class Connections(Document):
    """What it took to reach the target."""

    opened: int
    max_open: int
    failed: dict[str, int]
    """Cause -> connections that could not be opened."""
    connect_time_ms: Percentiles
    tls_time_ms: Percentiles
    addresses: list[str]
    """What the host name was resolved to, once, before the start; every connection goes there."""
    resolve_time_ms: float


class PacingError(Document):
    """Lateness of the sends that had a connection to go out on, and of those that came due while
    the generator stood still: its own error."""

    p50: float
    p99: float
    max: float
    limit: float | None = None
    """The p99 above which this run is INVALID; None: the result is of an older version."""


class Generator(Document):
    """How the load generator itself fared."""

    workers: int
    busy: float
    """Share (0 to 1) of the time in which the busiest worker's loop was not idle."""
    cpu_s: float
    """Processor seconds of all workers in the run."""
    max_rss_bytes: int
    """Of the largest worker."""


class Environment(Document):
    """Where it ran, for whoever compares."""

    senior_backend: str
    python: str
    platform: str
    cores: int
    host: str


class Result(Document):
    """A run."""

    version: Literal[1] = 1
    valid: bool
    invalid_reasons: list[str]
    """Why the numbers must not be used; each names the remedy."""
    warnings: list[str]
    """What the numbers are to be read with."""
    interrupted: bool
    """Ended before its time: by a signal, or by a threshold."""
    target: str
    """Scheme, host, port and path prefix; never a password."""
    scenario: str
    """Its name."""
    started_at: Annotated[str, AfterValidator(_moment)]
    """RFC 3339, UTC."""
    seed: int
    arrivals: Literal["constant", "poisson"]
    requested_rate: float
    """Arrivals due a second, on average over the measured part."""
    achieved_rate: float
    """Arrivals that were sent, or ended, within it, a second."""
    due: int
    """Arrivals of the measured part."""
    sent: int
    """Requests, later steps of flows included."""
    completed: int
    """Requests that ended, failed ones included."""
    dropped: int
    """Arrivals that were never sent: each waited longer than the backlog's limit."""
    duration_s: float
    """Of the measured part, as it went."""
    planned_duration_s: float
    warm_up_s: float
    pacing_error_us: PacingError
    generator: Generator
    connections: Connections
    endpoints: dict[str, EndpointResult]
    total: EndpointResult
    thresholds: list[ThresholdResult]
    environment: Environment
    series: Annotated[list[SeriesWindow], Field(max_length=600)]
    blocks: list[Block]


def schema() -> dict[str, Any]:
    """The published schema: what every result of version 1 is, those of newer versions included."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Result.model_json_schema(),
        "title": "Result of a load test by senior-backend, version 1",
    }
