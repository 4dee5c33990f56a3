"""What every tool is asked to do, and what it says it has done."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Endpoint:
    """One kind of request, and what a right answer to it is."""

    name: str
    method: str
    path: str
    weight: int
    status: int
    contains: str
    """Text of the body of a right answer."""
    fields: tuple[str, ...] = ()
    """Of a JSON body that differs from request to request: `email` and `name`."""


@dataclass(frozen=True)
class Shape:
    """Which requests a run is made of.

    Without `checks` a tool sends as fast as it can and looks at no answer more than it does anyway.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    checks: bool

    def turns(self) -> tuple[Endpoint, ...]:
        """Each endpoint as often as its weight, spread evenly: for tools that go round a list."""
        total = sum(one.weight for one in self.endpoints)
        turns: list[Endpoint] = []
        credit = dict.fromkeys(self.endpoints, 0)
        for _ in range(total):
            for one in self.endpoints:
                credit[one] += one.weight
            chosen = max(self.endpoints, key=lambda one: credit[one])
            credit[chosen] -= total
            turns.append(chosen)
        return tuple(turns)


PLAIN = Shape(
    "one static GET",
    (Endpoint("item", "GET", "/item", 1, 200, '"id"'),),
    checks=False,
)

FULL = Shape(
    "full features",
    (
        Endpoint("list_orders", "GET", "/v1/orders?limit=20", 4, 200, '"items"'),
        Endpoint("read_order", "GET", "/v1/orders/17", 3, 200, '"total"'),
        Endpoint("create_customer", "POST", "/v1/customers", 2, 201, '"id"', ("email", "name")),
        Endpoint("health", "GET", "/health", 1, 200, "ok"),
    ),
    checks=True,
)


@dataclass(frozen=True)
class Job:
    """One run of one tool.

    `rate` is requests a second; None: as fast as `connections` allow. A `minimal` run does as
    little as the tool can: what it costs is the tool's start and end. It may use `idle`, an address
    that takes connections and never answers.
    """

    shape: Shape
    url: str
    """Scheme, host and port."""
    certificate: Path
    """What to trust, where the scheme is https."""
    connections: int
    seconds: int
    rate: int | None = None
    minimal: bool = False
    idle: str = ""
    workers: int = 1


@dataclass(frozen=True)
class Reported:
    """What a tool says of its run; latencies in milliseconds by `p50`, `p95`, `p99`, `max`.

    A percentile that a tool does not tell is missing. `pacing_us` is how late it says it sent.
    """

    requests: int
    failed: int
    latency_ms: Mapping[str, float]
    pacing_us: Mapping[str, float] | None = None
    valid: bool = True
    notes: tuple[str, ...] = ()
