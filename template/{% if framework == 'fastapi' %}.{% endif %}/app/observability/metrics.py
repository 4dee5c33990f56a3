"""Prometheus metrics: rate, errors and duration for each route, and the state of the pool."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from app.database.engine import Database
from app.observability.context import RequestContext

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNKNOWN_ROUTE = "unmatched"
DURATION_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the end of its reply, by route template.",
            ("method", "route", "status"),
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        )
        self._requests = Counter(
            "http_requests",
            "Requests answered, by route template.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.rate_limited = Counter(
            "rate_limited_requests",
            "Requests refused by the rate limit.",
            ("by",),
            registry=self.registry,
        )
        self.limiter_failures = Counter(
            "rate_limiter_failures",
            "Requests let through since the rate limiter itself did not answer.",
            registry=self.registry,
        )
        self.idempotent_replays = Counter(
            "idempotent_replays",
            "Writes answered with the reply stored for their Idempotency-Key.",
            registry=self.registry,
        )
        # Children by the tuple of their labels: `labels()` locks and hashes strings every time.
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe_database(self, database: Database) -> None:
        """Show the pool's gauges whenever the metrics are read."""
        self.registry.register(_PoolCollector(database))

    def observe_request(self, request: RequestContext, duration_s: float) -> None:
        """Count a request that has been answered."""
        key = (request.method, request.route or UNKNOWN_ROUTE, request.status)
        series = self._series.get(key)
        if series is None:
            method, route, status = key
            labels = (method if method in _METHODS else "other", route, str(status))
            series = self._requests.labels(*labels), self._durations.labels(*labels)
            if method in _METHODS:  # a client may invent methods without end
                self._series[key] = series
        requests, durations = series
        requests.inc()
        durations.observe(duration_s)

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)


class _PoolCollector(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        pool = self._database.pool
        connections = GaugeMetricFamily(
            "database_pool_connections", "Open connections of the pool.", labels=("state",)
        )
        connections.add_metric(("in_use",), pool.checkedout())
        connections.add_metric(("idle",), pool.checkedin())
        yield connections
        yield GaugeMetricFamily(
            "database_pool_max_connections",
            "Most connections that the pool may open (DATABASE_POOL_MAX).",
            value=self._database.settings.max_connections,
        )
