"""A comparison as a versioned JSON document. Keys are added, never renamed.

The schema is ``schemas/load-comparison.json``.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Metric = Literal["p50", "p90", "p95", "p99", "mean"]
"""Of the response time."""

METRICS: tuple[Metric, ...] = ("p50", "p90", "p95", "p99", "mean")

Verdict = Literal["faster", "slower", "no difference", "not comparable"]
Method = Literal["runs", "blocks"]
"""Where the noise is measured: from run to run, or from block to block within a run."""
Change = Literal["fewer", "more", "no difference", "not comparable"]

PASSED, FAILED, NOT_COMPARED = 0, 1, 3
"""Exit codes."""


class Part(BaseModel):
    """A part of the document."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Rates(Part):
    """How often something failed (requests of an endpoint) or was given up (arrivals)."""

    verdict: Change
    base: int
    """How many failed, in all runs of the base."""
    base_of: int
    new: int
    new_of: int
    p_value: float | None
    """Of equal rates, before the correction for the number of endpoints."""

    @property
    def base_rate(self) -> float:
        """The share of the base, 0 to 1."""
        return self.base / self.base_of if self.base_of else 0.0

    @property
    def new_rate(self) -> float:
        """The share of the new side, 0 to 1."""
        return self.new / self.new_of if self.new_of else 0.0


class EndpointComparison(Part):
    """One endpoint."""

    verdict: Verdict
    reason: str = ""
    """Why it is not comparable, or why what looks like a difference is none."""
    base_ms: float | None = None
    new_ms: float | None = None
    """As in the results; of several runs the geometric mean."""
    ratio: float | None = None
    """New to base: 1.1 is 10 % slower."""
    interval: tuple[float, float] | None = None
    """Of the ratio, as wide as ``confidence`` over all endpoints makes it for this one."""
    p_value: float | None = None
    """Of no difference, before the correction for the number of endpoints."""
    noise_floor: float | None = None
    """What the base differs from itself, as a ratio: 1.02 is 2 % either way."""
    beyond_tolerance: bool = False
    """Slower, and by more than the tolerance."""
    slowdown_excluded: bool = False
    """The interval ends within the tolerance."""
    failures: Rates


class Side(Part):
    """The base, or what is compared with it."""

    files: list[str]
    runs: int
    target: str
    scenario: str
    requested_rate: float


class Comparison(Part):
    """All endpoints of two sides."""

    version: Literal[1] = 1
    metric: Metric
    tolerance: float
    confidence: float
    """That no endpoint gets a verdict of faster or slower by chance."""
    method: Method
    base: Side
    new: Side
    warnings: list[str]
    not_comparable: list[str]
    """Why no endpoint can be compared; empty if some can."""
    endpoints: dict[str, EndpointComparison]
    """In the order of the new side; those that only the base has come last."""
    dropped: Rates
    """Arrivals that were never sent."""
    passed: bool | None
    """None: nothing could be compared."""

    @property
    def exit_code(self) -> int:
        """0 passed, 1 slower beyond the tolerance or failing more often, 3 nothing compared."""
        if self.passed is None:
            return NOT_COMPARED
        return PASSED if self.passed else FAILED


def schema() -> dict[str, Any]:
    """The published schema (``schemas/load-comparison.json``)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Comparison.model_json_schema(mode="serialization"),
        "title": "Comparison of load tests by senior-backend, version 1",
    }
