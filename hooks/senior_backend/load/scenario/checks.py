"""How a response is judged, and what a flow's step takes from it. Compiled once, run per response.

Judges cost time in the generator: statuses alone cost nothing (the engine looks at them), a header
or a text well under a microsecond, JSON some microseconds. What is compared is compiled beforehand;
plain paths (``id``, ``items[0].id``, ``length(items)``) do not go through the JMESPath interpreter.
"""

import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import jmespath
import jmespath.exceptions

from senior_backend.load import causes
from senior_backend.load.plan import Judge, Response, Variables
from senior_backend.load.scenario import template
from senior_backend.load.scenario.errors import ScenarioError
from senior_backend.load.scenario.model import Capture, Expect
from senior_backend.load.scenario.source import Path
from senior_backend.load.scenario.template import BUILT_IN, NAME, Expression, Scope

Check = Callable[[int, Response, Variables], str | None]
"""On the response as it came."""
JsonCheck = Callable[[int, Any, Variables], str | None]
"""On its body, parsed."""

_decode: Final = json.JSONDecoder().decode
_INFLATED: Final = 64 * 1024 * 1024
"""Of a compressed body, at most."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge, and what it looks at."""

    judge: Judge | None
    wants_headers: bool
    wants_body: bool


def compile_judge(
    expect: Expect,
    captures: Mapping[str, Capture],
    scope: Scope,
    path: Path,
    place: str,
    *,
    graphql: bool = False,
    encoded: bool = False,
) -> Judgement:
    """What must hold of a response with an expected status.

    ``encoded``: the request accepts gzip or deflate, so that bodies may come compressed.
    """
    checks: list[Check] = []
    on_json: list[JsonCheck] = []
    at = (*path, "expect")
    wants_headers = bool(expect.headers)
    for name, wanted in expect.headers.items():
        where = (*at, "headers", name)
        expected = template.value(wanted, scope, where, f"{place}.expect.headers.{name}")
        checks.append(_header(name, expected))
    if expect.body_contains is not None:
        where = (*at, "body_contains")
        expected = template.value(expect.body_contains, scope, where, f"{place}.expect.body")
        checks.append(_contains(expect.body_contains, expected))
    for source, wanted in expect.json_values.items():
        where = (*at, "json", source)
        expected = template.value(wanted, scope, where, f"{place}.expect.json.{source}")
        on_json.append(_equals(source, jmespath_of(source, where), expected))
    reads_body = expect.body_contains is not None
    for name, capture in captures.items():
        where = (*path, "capture", name)
        _judge_capture_name(name, scope, where)
        if capture.json_path is not None:
            find = jmespath_of(capture.json_path, (*where, "json"))
            on_json.append(_captured(name, find))
        elif capture.header is not None:
            wants_headers = True
            checks.append(_captured_header(name, capture.header))
        elif capture.regex is not None:
            reads_body = True
            checks.append(_captured_match(name, capture.regex, (*where, "regex")))
    wants_body = graphql or reads_body or bool(on_json)
    judge = _combined(checks, on_json, graphql=graphql)
    if judge is None:
        return Judgement(None, wants_headers=False, wants_body=False)
    if encoded and wants_body:
        return Judgement(_after_decoding(judge), wants_headers=True, wants_body=True)
    return Judgement(judge, wants_headers, wants_body)


def _judge_capture_name(name: str, scope: Scope, path: Path) -> None:
    if name in BUILT_IN:
        raise ScenarioError(path, f"'{name}' has a meaning already; choose another name")
    if not NAME.fullmatch(name):
        raise ScenarioError(path, f"'{name}' is no name; use letters, digits, - and _")
    if name in scope.data:
        raise ScenarioError(path, f"'{name}' is the name of data; choose another")


def _combined(checks: list[Check], on_json: list[JsonCheck], *, graphql: bool) -> Judge | None:
    if not on_json and not graphql:
        if len(checks) <= 1:
            return checks[0] if checks else None

        def plain(k: int, response: Response, variables: Variables) -> str | None:
            for check in checks:
                if cause := check(k, response, variables):
                    return cause
            return None

        return plain

    def judge(k: int, response: Response, variables: Variables) -> str | None:
        if graphql and (cause := _graphql(response.body)):
            return cause
        for check in checks:
            if cause := check(k, response, variables):
                return cause
        if on_json:
            try:
                document = _decode(str(response.body, "utf-8"))
            except (ValueError, RecursionError):
                return _NOT_JSON
            for each in on_json:
                if cause := each(k, document, variables):
                    return cause
        return None

    return judge


_NOT_JSON: Final = causes.check_failed("body is JSON")


def _graphql(body: bytes) -> str | None:
    """``errors`` are a failure, whatever the status. Most responses do not have the word at all."""
    if b'"errors"' not in body and b'"data"' in body:
        return None
    try:
        document = _decode(str(body, "utf-8"))
    except (ValueError, RecursionError):
        return _NOT_JSON
    if not isinstance(document, dict) or document.get("errors") or "data" not in document:
        return causes.GRAPHQL_ERRORS
    return None


def _after_decoding(judge: Judge) -> Judge:
    """Bodies that came compressed are judged as what they hold."""

    def decoded(k: int, response: Response, variables: Variables) -> str | None:
        coding = (_header_value(response.headers, b"content-encoding") or b"").strip().lower()
        if coding and coding != b"identity":
            try:
                inflating = zlib.decompressobj(47)  # gzip or zlib, as the data say
                body = inflating.decompress(response.body, _INFLATED)
                complete = inflating.eof
            except zlib.error:
                complete = False
            if not complete:
                return causes.check_failed("body can be decoded")
            response = Response(response.status, response.headers, body)
        return judge(k, response, variables)

    return decoded


# -- headers and text -----------------------------------------------------------------------------


def _header_value(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    size = len(name)
    for each, value in headers:
        if len(each) == size and each.lower() == name:
            return value
    return None


def _header(name: str, expected: Expression) -> Check:
    wanted_name = name.lower().encode()
    cause = causes.check_failed(f"header {name}")
    make = expected.itself()
    fixed = template.plain(expected.constant).encode()
    anything = make is None and fixed == b"*"

    def check(k: int, response: Response, variables: Variables) -> str | None:
        value = _header_value(response.headers, wanted_name)
        if value is None:
            return cause
        if anything:
            return None
        wanted = fixed if make is None else template.plain(make(k, variables)).encode()
        value = value.strip()
        if value == wanted or value.partition(b";")[0].rstrip() == wanted:
            return None
        return cause

    return check


def _contains(source: str, expected: Expression) -> Check:
    cause = causes.check_failed(f"body contains {_short(source)}")
    make = expected.itself()
    if make is None:
        fixed = template.plain(expected.constant).encode()

        def contains(_k: int, response: Response, _variables: Variables) -> str | None:
            return None if fixed in response.body else cause

        return contains

    def check(k: int, response: Response, variables: Variables) -> str | None:
        wanted = template.plain(make(k, variables)).encode("utf-8", "replace")
        return None if wanted in response.body else cause

    return check


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def _captured_header(name: str, header: str) -> Check:
    wanted = header.lower().encode()
    missing = causes.capture_missing(name)

    def capture(_k: int, response: Response, variables: Variables) -> str | None:
        value = _header_value(response.headers, wanted)
        if value is None:
            return missing
        variables[name] = str(value.strip(), "latin-1")
        return None

    return capture


def _captured_match(name: str, regex: str, path: Path) -> Check:
    try:
        pattern = re.compile(regex.encode())
    except re.error as error:
        raise ScenarioError(path, f"no regular expression: {error.msg}; mend it") from None
    group = 1 if pattern.groups else 0
    missing = causes.capture_missing(name)

    def capture(_k: int, response: Response, variables: Variables) -> str | None:
        found = pattern.search(response.body)
        if found is None or found[group] is None:
            return missing
        variables[name] = str(found[group], "utf-8", "replace")
        return None

    return capture


# -- JSON -----------------------------------------------------------------------------------------

Find = Callable[[Any], Any]
"""A JSON value -> what is at a path of it; None where there is nothing."""


def _equals(source: str, find: Find, expected: Expression) -> JsonCheck:
    cause = causes.check_failed(f"json {_short(source)}")
    make = expected.itself()
    fixed = expected.constant

    def check(k: int, document: Any, variables: Variables) -> str | None:  # noqa: ANN401
        wanted = fixed if make is None else make(k, variables)
        return None if same(find(document), wanted) else cause

    return check


def same(one: object, other: object) -> bool:
    """Equal as JSON: in Python, true is 1."""
    if one != other:
        return False
    return _alike(one, other)


def _alike(one: object, other: object) -> bool:
    """For equal values: whether no true stands against a 1, also in their parts."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return all(_alike(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool)


def _captured(name: str, find: Find) -> JsonCheck:
    missing = causes.capture_missing(name)

    def capture(_k: int, document: Any, variables: Variables) -> str | None:  # noqa: ANN401
        value = find(document)
        if value is None:
            return missing
        variables[name] = value
        return None

    return capture


def jmespath_of(source: str, path: Path) -> Find:
    """A compiled JMESPath."""
    try:
        compiled = jmespath.compile(source)
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).split("\n", 1)[0].removeprefix("Invalid jmespath expression: ")
        reason = reason.split(": Parse error")[0].rstrip(".:")
        raise ScenarioError(
            path, f"'{source}' is no JMESPath: {reason}; write one like id or items[0].id"
        ) from None
    if find := _direct(cast("dict[str, Any]", compiled.parsed)):
        return find

    def interpreted(document: Any) -> Any:  # noqa: ANN401
        try:
            return compiled.search(document)
        except jmespath.exceptions.JMESPathError:  # such as length(null)
            return None

    return interpreted


def _direct(tree: dict[str, Any]) -> Find | None:
    """A function for paths of keys and indexes, alone or in ``length()``."""
    if tree["type"] == "function_expression" and tree["value"] == "length":
        inner = _direct(tree["children"][0]) if len(tree["children"]) == 1 else None
        if inner is None:
            return None
        find = inner

        def length(document: Any) -> Any:  # noqa: ANN401
            value = find(document)
            return len(value) if isinstance(value, (list, dict, str)) else None

        return length
    steps = _steps(tree)
    if steps is None:
        return None
    if len(steps) == 1 and isinstance(steps[0], str):
        key = steps[0]
        return lambda document: document.get(key) if isinstance(document, dict) else None

    def walk(document: Any) -> Any:  # noqa: ANN401
        for step in steps:
            if isinstance(document, dict) and isinstance(step, str):
                document = document.get(step)
            elif isinstance(document, list) and isinstance(step, int):
                document = document[step] if -len(document) <= step < len(document) else None
            else:
                return None
        return document

    return walk


def _steps(tree: dict[str, Any]) -> list[str | int] | None:
    kind = tree["type"]
    if kind == "field":
        return [tree["value"]]
    if kind == "index":
        return [tree["value"]]
    if kind == "identity":
        return []
    if kind in ("subexpression", "index_expression"):
        parts = [_steps(child) for child in tree["children"]]
        return None if None in parts else [step for part in parts for step in part or ()]
    return None
