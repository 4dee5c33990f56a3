"""A scenario made ready for the engine: what to send and how to judge what comes back.

Each worker builds its own plan from the scenario (``scenario.compile``); the engine knows nothing
of YAML, templates or data files. Everything that varies is a function of the arrival's number, so
that a run can be repeated and does not depend on how many workers share it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Variables = dict[str, Any]
"""What the steps of one flow have captured so far, by name."""


@dataclass(slots=True)
class Response:
    """A complete response, as far as the step asked for it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    """As sent, in order; empty unless ``Step.wants_headers``."""
    body: bytes
    """Without chunk framing; empty unless ``Step.wants_body``. Content codings are left as sent."""


Judge = Callable[[int, Response, Variables], str | None]
"""(arrival, response, variables) -> the cause of failure, or None. Adds what the step captures."""


@dataclass(slots=True)
class Step:
    """One request: an endpoint, or one step of a flow."""

    endpoint: int
    """Whose statistics it counts in: an index into ``Plan.endpoints``."""
    static: bytes | None = field(repr=False)  # may hold a token
    """The whole request where nothing in it varies: the fast path."""
    render: Callable[[int, Variables], bytes] | None
    """(arrival, variables) -> the whole request, where something varies."""
    head: bool
    """A HEAD request: its response ends with its headers."""
    expected: frozenset[int]
    """The statuses that are no failure."""
    timeout_ns: int
    """From the actual send to the last byte of the response."""
    wants_headers: bool = False
    wants_body: bool = False
    judge: Judge | None = None
    """Called for responses with an expected status only."""
    next: "Step | None" = None
    """What follows in the flow when this succeeds."""
    pause_ns: int = 0
    """Between the end of this step and the intended send of the next."""


@dataclass(slots=True)
class Plan:
    """All that one worker needs to send."""

    endpoints: tuple[str, ...]
    """Names, in the order of the scenario."""
    first: Sequence[Step]
    """Arrival k begins with ``first[k % len(first)]``: the weights, shuffled with the seed."""
    refresh: Callable[[str], None] = field(default=lambda _token: None)
    """Put a renewed bearer token into the requests."""
