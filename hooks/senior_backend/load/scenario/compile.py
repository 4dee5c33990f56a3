"""A scenario -> the engine's ``Plan``. Each worker does it for itself, with the same outcome."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Final

from senior_backend.load.plan import Plan, Step, Variables
from senior_backend.load.scenario import checks, data, graphql, random_values
from senior_backend.load.scenario import request as requests
from senior_backend.load.scenario.errors import ScenarioError
from senior_backend.load.scenario.model import Feeder, FlowStep, Request, Scenario
from senior_backend.load.scenario.request import Secret, Surroundings, Target
from senior_backend.load.scenario.source import Path
from senior_backend.load.scenario.template import Scope

LONGEST: Final = 10_000
"""Arrivals after which the order of endpoints and flows begins again."""


def compile(  # noqa: A001 - `scenario.compile.compile` is what it does
    scenario: Scenario,
    target: Target,
    *,
    nonce: int,
    token: str | None,
    rows: data.Rows,
    env: Mapping[str, str] = os.environ,
) -> Plan:
    """All that a worker needs to send.

    ``nonce`` is of this run, ``token`` what ``auth.secret`` gave, ``rows`` those of data that
    requests have made.

    Raises:
        ScenarioError: with the way to what is wrong; ``file.read`` has refused such a scenario.
    """
    around = Surroundings.of(scenario, target, Secret(token or ""))
    *_, (_, scope) = data.scopes(scenario, nonce=nonce, env=env, rows=rows)
    return _plan(scenario, around, scope)


def _plan(scenario: Scenario, around: Surroundings, scope: Scope) -> Plan:
    named = list(_named(scenario))
    by_path = {each.path: index for index, each in enumerate(named)}
    starts: list[tuple[Step, float, Path]] = []
    for index, endpoint in enumerate(scenario.endpoints):
        path: Path = ("endpoints", index)
        chain = _chain(scenario, [endpoint], [path], by_path, around, scope)
        starts.append((chain, endpoint.weight, path))
    for index, flow in enumerate(scenario.flows):
        paths: list[Path] = [("flows", index, "steps", each) for each in range(len(flow.steps))]
        chain = _chain(scenario, flow.steps, paths, by_path, around, scope)
        starts.append((chain, flow.weight, ("flows", index)))
    return Plan(
        endpoints=tuple(each.name for each in named),
        first=_order(starts, scenario.load.seed),
        refresh=around.secret.renew,
    )


def compile_requests(
    scenario: Scenario,
    feeder: str,
    target: Target,
    *,
    nonce: int,
    token: str | None,
    rows: data.Rows,
    env: Mapping[str, str] = os.environ,
) -> Step:
    """The first of the steps that make one row of ``feeder``; the others follow it (``next``).

    To be executed ``count`` times, as arrivals 0, 1, ... with empty variables each; ``row`` makes
    a row of the variables. ``rows``: those of the feeders above it.
    """
    around = Surroundings.of(scenario, target, Secret(token or ""))
    for name, scope in data.scopes(scenario, nonce=nonce, env=env, rows=rows):
        if name == feeder:
            return _making(scenario, feeder, around, scope)
    raise AssertionError(f"no data {feeder}")


def _making(scenario: Scenario, feeder: str, around: Surroundings, scope: Scope) -> Step:
    made = scenario.data[feeder].requests or ()
    paths: list[Path] = [("data", feeder, "requests", index) for index in range(len(made))]
    by_path = {path: index for index, path in enumerate(paths)}
    return _chain(scenario, made, paths, by_path, around, scope)


def row(feeder: Feeder, variables: Variables) -> dict[str, Any]:
    """The columns of what the requests of a feeder have captured."""
    return {name: variables[name] for step in feeder.requests or () for name in step.capture}


@dataclass(frozen=True, slots=True)
class _AnyTarget:
    scheme: str = "http"
    authority: str = "localhost"
    prefix: str = ""
    path: str = "/"


def check(scenario: Scenario, *, env: Mapping[str, str] = os.environ) -> None:
    """Judge all that the model alone cannot: names, templates, files, weights.

    Raises:
        ScenarioError: with the way to what is wrong.
        InputError: a data file is wrong; with its line.
    """
    secret = Secret("x")
    around = Surroundings.of(scenario, _AnyTarget(), secret)
    for name, scope in data.scopes(scenario, nonce=0, env=env, rows={}):
        if name is None:
            _plan(scenario, around, scope)
        elif scenario.data[name].requests is not None:
            _making(scenario, name, around, scope)


def names(scenario: Scenario) -> tuple[str, ...]:
    """What requests are called in results: endpoints, then steps of flows."""
    return tuple(each.name for each in _named(scenario))


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    path: Path
    request: Request


def _named(scenario: Scenario) -> Iterator[_Named]:
    """All requests that count, in the order of the scenario: endpoints, then steps of flows."""
    seen: dict[str, Path] = {}
    everything: list[tuple[Path, Request]] = [
        (("endpoints", index), endpoint) for index, endpoint in enumerate(scenario.endpoints)
    ]
    for index, flow in enumerate(scenario.flows):
        everything += [(("flows", index, "steps", n), step) for n, step in enumerate(flow.steps)]
    for path, request in everything:
        name = _name(request, path)
        if name in seen:
            where = (*path, "name") if request.name is not None else path
            raise ScenarioError(where, f"two requests are called '{name}'; give one another name")
        seen[name] = path
        yield _Named(name, path, request)


def _name(request: Request, path: Path) -> str:
    if request.name is not None:
        return request.name
    if request.graphql is not None:
        document, where = requests.document_of(request, path)
        if name := graphql.operation(request.graphql, document, where).name:
            return name
    shown = graphql.PATH if request.path is None else request.path.partition("?")[0]
    return f"{requests.method_of(request, path)} {shown or '/'}"


# -- steps ----------------------------------------------------------------------------------------


def _chain(
    scenario: Scenario,
    made: Sequence[Request],
    paths: Sequence[Path],
    by_path: Mapping[Path, int],
    around: Surroundings,
    scope: Scope,
) -> Step:
    """The steps of one arrival, each with the next."""
    first: Step | None = None
    before: Step | None = None
    coming = {name for each in made if isinstance(each, FlowStep) for name in each.capture}
    scope = replace(scope, coming=frozenset(coming))
    for request, path in zip(made, paths, strict=True):
        step = _step(scenario, request, path, by_path[path], around, scope)
        if isinstance(request, FlowStep):
            scope = replace(scope, captured=(*scope.captured, *request.capture))
            if before is not None:
                before.pause_ns = request.pause_ns
        if before is not None:
            before.next = step
        first, before = first or step, step
    if first is None:
        raise AssertionError("no requests")
    return first


def _step(
    scenario: Scenario,
    request: Request,
    path: Path,
    index: int,
    around: Surroundings,
    scope: Scope,
) -> Step:
    # By name where there is one, so that another endpoint above changes no random values.
    place = f"{'.'.join(str(part) for part in path[:-1])}.{request.name or path[-1]}"
    head = requests.method_of(request, path) == "HEAD"
    judgement = checks.compile_judge(
        request.expect,
        request.capture if isinstance(request, FlowStep) else {},
        scope,
        path,
        place,
        graphql=request.graphql is not None,
        encoded=_accepts_codings(scenario, request, path),
    )
    if head and judgement.wants_body:
        raise ScenarioError(path, "a response to HEAD has no body to judge; use GET")
    step = Step(
        endpoint=index,
        static=None,
        render=None,
        head=head,
        expected=request.expect.status,
        timeout_ns=request.timeout_ns or scenario.timeouts.response_ns,
        wants_headers=judgement.wants_headers,
        wants_body=judgement.wants_body,
        judge=judgement.judge,
    )
    requests.fill(step, request, around, scope, path, place)
    return step


def _accepts_codings(scenario: Scenario, request: Request, path: Path) -> bool:
    """Whether the user asks for compressed responses; what is judged must then be understood."""
    given = {name.lower(): value for name, value in scenario.headers.items()}
    given |= {name.lower(): value for name, value in request.headers.items()}
    accepted = (given.get("accept-encoding") or "").lower()
    codings = {coding.partition(";")[0].strip() for coding in accepted.split(",")} - {
        "",
        "identity",
    }
    looks = (
        request.graphql is not None
        or request.expect.json_values
        or request.expect.body_contains is not None
        or (
            isinstance(request, FlowStep)
            and any(capture.header is None for capture in request.capture.values())
        )
    )
    if looks and codings - {"gzip", "deflate"}:
        raise ScenarioError(
            path, "its body is judged, so it may accept gzip and deflate only (Accept-Encoding)"
        )
    return bool(looks and codings)


# -- the order ------------------------------------------------------------------------------------


def _order(starts: Sequence[tuple[Step, float, Path]], seed: int) -> tuple[Step, ...]:
    """Exact proportions in every round, each round in another order.

    Rounds that were all alike would always give the same rows of data to the same endpoint.
    """
    shares = [Fraction(repr(weight)) for _, weight, _ in starts]
    scale = lcm(*(share.denominator for share in shares))
    counts = [int(share * scale) for share in shares]
    common = gcd(*counts)
    round_ = (
        [step for (step, _, _), n in zip(starts, counts, strict=True) for _ in range(n // common)]
        if sum(counts) // common <= LONGEST
        else []
    )
    if not round_:
        total = sum(counts) // common
        raise ScenarioError(
            (*starts[-1][2], "weight"),
            f"weights in these proportions need rounds of {total:,}, above {LONGEST:,}; "
            "use simpler ones",
        )
    if len(starts) == 1:
        return (starts[0][0],)
    order: list[Step] = []
    for number in range(LONGEST // len(round_)):
        mixed = list(round_)
        random_values.shuffle(mixed, random_values.key(seed, "order", number))
        order += mixed
    return tuple(order)
