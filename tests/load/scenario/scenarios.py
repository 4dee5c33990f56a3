"""Scenarios as short as a test can have them, and what they become."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import settings

from senior_backend.load import target
from senior_backend.load.plan import Plan, Step
from senior_backend.load.scenario.compile import compile as compile_plan
from senior_backend.load.scenario.model import Scenario

PROPERTY = settings(max_examples=60, deadline=None)
"""For tests with any values; a busy machine has no deadline."""

LOAD = {"rate": 10, "duration": "1s"}
NO_ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {}


def scenario(*endpoints: dict[str, Any], **rest: Any) -> Scenario:
    """With these endpoints; ``rest`` is what else the file says."""
    data = {"load": LOAD, **rest}
    if endpoints:
        data["endpoints"] = list(endpoints)
    return Scenario.model_validate(data)


def plan(
    *endpoints: dict[str, Any],
    url: str = "http://127.0.0.1:8000",
    nonce: int = 1,
    token: str | None = None,
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = NO_ROWS,
    env: Mapping[str, str] | None = None,
    **rest: Any,
) -> Plan:
    """What the engine is given."""
    return compile_plan(
        scenario(*endpoints, **rest),
        target.parse(url),
        nonce=nonce,
        token=token,
        rows=rows,
        env=env or {},
    )


def sent(step: Step, arrival: int = 0, **variables: Any) -> bytes:
    """The bytes of a request."""
    if step.static is not None:
        assert step.render is None
        return step.static
    assert step.render is not None
    return step.render(arrival, variables)


def request(endpoint: dict[str, Any], arrival: int = 0, **rest: Any) -> bytes:
    """The bytes of a scenario's only request."""
    return sent(plan(endpoint, **rest).first[0], arrival)


def head(data: bytes) -> tuple[str, dict[str, str]]:
    """Request line, and header fields by lower-case name."""
    line, *fields = data.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = [field.partition(": ")[::2] for field in fields]
    assert len({name.lower() for name, _ in pairs}) == len(pairs), "a field stands twice"
    return line, {name.lower(): value for name, value in pairs}


def body(data: bytes) -> bytes:
    """What stands after the head."""
    return data.partition(b"\r\n\r\n")[2]
