"""What must be there before the first request: addresses, a handshake, a token, data.

Everything that can be wrong is found here, in the order in which it costs least to find.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from senior_backend.load.arrivals import Schedule
from senior_backend.load.engine.connection import tls_context
from senior_backend.load.engine.settings import EngineSettings, Proxy, Tls
from senior_backend.load.run import rows as made_rows
from senior_backend.load.scenario import auth
from senior_backend.load.scenario.compile import compile_requests, names, row
from senior_backend.load.scenario.model import Request, Scenario
from senior_backend.load.target import Target, preflight, resolve
from senior_backend.load.thresholds import Threshold, of_scenario

_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that may start."""

    scenario: Scenario
    target: Target
    """With the addresses that answer; the proxy's where there is one."""
    schedule: Schedule
    settings: EngineSettings
    """For all workers together."""
    endpoints: Sequence[str]
    thresholds: Sequence[Threshold]
    nonce: int
    token: str | None
    rows: dict[str, list[dict[str, Any]]]
    remarks: Sequence[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to send, and by what means; nothing was looked up yet."""

    target: Target
    proxy: Target | None
    tls: Tls | None
    context: ssl.SSLContext | None


def place_of(scenario: Scenario, target: Target, proxy: Target | None) -> Place:
    """Read the files of TLS. Raises ``InputError`` for those that cannot be used."""
    tls = _tls(scenario, target)
    if tls is None:
        return Place(target, proxy, None, None)
    return Place(replace(target, server_name=tls.server_name), proxy, tls, tls_context(tls))


def prepare(scenario: Scenario, schedule: Schedule, place: Place, nonce: int) -> Prepared:
    """Resolve, shake hands, get the token, make the data. Nothing else is sent."""
    target, proxy, tls, context = place.target, place.proxy, place.tls, place.context
    if proxy is None:
        target = resolve(target)
    else:
        proxy = resolve(proxy)
    target, remarks = preflight(
        target,
        context=context,
        proxy=proxy,
        connect_s=scenario.timeouts.connect_ns / _SECOND,
        tls_s=scenario.timeouts.tls_ns / _SECOND,
    )
    settings = EngineSettings(
        addresses=target.addresses,
        tls=tls,
        proxy=Proxy(target.addresses, target.endpoint) if proxy else None,
        max_connections=scenario.connections.max,
        connect_timeout_ns=scenario.timeouts.connect_ns,
        tls_timeout_ns=scenario.timeouts.tls_ns,
        max_wait_ns=scenario.connections.max_wait_ns,
        drain_ns=longest_ns(scenario),
        header_limit=scenario.limits.headers_bytes,
        body_limit=scenario.limits.body_bytes,
        precise=scenario.generator.precise,
    )
    token = auth.secret(scenario)
    rows = _rows(scenario, target, proxy, context, settings, nonce=nonce, token=token)
    return Prepared(
        scenario=scenario,
        target=target,
        schedule=schedule,
        settings=settings,
        endpoints=names(scenario),
        thresholds=of_scenario(scenario),
        nonce=nonce,
        token=token,
        rows=rows,
        remarks=remarks,
    )


def _tls(scenario: Scenario, target: Target) -> Tls | None:
    if not target.tls:
        return None
    given = scenario.tls
    return Tls(
        server_name=given.server_name or target.server_name,
        verify=given.verify,
        ca=str(given.ca) if given.ca else None,
        cert=str(given.cert) if given.cert else None,
        key=str(given.key) if given.key else None,
    )


def longest_ns(scenario: Scenario) -> int:
    """How long what was sent at the last moment may take: a request, or the rest of a flow."""

    def took(request: Request) -> int:
        return request.timeout_ns or scenario.timeouts.response_ns

    endpoints = [took(endpoint) for endpoint in scenario.endpoints]
    flows = [max(took(step) for step in flow.steps) for flow in scenario.flows]
    pauses = [sum(step.pause_ns for step in flow.steps) for flow in scenario.flows]
    return max([*endpoints, *flows]) + max(pauses, default=0)


def _rows(
    scenario: Scenario,
    target: Target,
    proxy: Target | None,
    context: ssl.SSLContext | None,
    settings: EngineSettings,
    *,
    nonce: int,
    token: str | None,
) -> dict[str, list[dict[str, Any]]]:
    """The data that requests make, in the order of the scenario: later ones may use earlier."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, feeder in scenario.data.items():
        if feeder.requests is None or feeder.count is None:
            continue
        first = compile_requests(scenario, name, target, nonce=nonce, token=token, rows=rows)
        made = made_rows.make(
            name,
            first,
            feeder.count,
            lambda place: made_rows.Line(target, proxy, context, settings, place),
        )
        rows[name] = [row(feeder, variables) for variables in made]
    return rows
