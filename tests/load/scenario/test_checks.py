"""What makes a response good, and what a step takes from it."""

import gzip
import json
import zlib

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.load.plan import Response, Step
from senior_backend.load.scenario.checks import jmespath_of, same
from tests.load.scenario.scenarios import PROPERTY, plan

ORDER = {
    "id": "o-1",
    "total": 1250,
    "paid": True,
    "items": [{"sku": "a"}, {"sku": "b"}],
    "no": None,
}
HEADERS = [(b"content-type", b"application/json; charset=utf-8"), (b"ETag", b' "v1" ')]


def judged(
    step: Step, content: object = ORDER, variables: dict[str, object] | None = None
) -> str | None:
    assert step.judge is not None
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return step.judge(0, Response(200, HEADERS, data), {} if variables is None else variables)


def step(expect: dict[str, object], **rest: object) -> Step:
    return plan({"path": "/", "expect": expect, **rest}).first[0]


def test_statuses_are_left_to_the_engine() -> None:
    for expect, expected in (
        ({}, set(range(200, 400))),
        ({"status": 201}, {201}),
        ({"status": [200, 404]}, {200, 404}),
        ({"status": "2xx"}, set(range(200, 300))),
        ({"status": ["2xx", 409]}, {*range(200, 300), 409}),
    ):
        made = step(expect)
        assert made.expected == expected
        assert (made.judge, made.wants_headers, made.wants_body) == (None, False, False)


@pytest.mark.parametrize(
    ("expect", "cause"),
    [
        ({"headers": {"Content-Type": "application/json"}}, None),
        ({"headers": {"content-type": "application/json; charset=utf-8"}}, None),
        (
            {"headers": {"Content-Type": "application/json; charset=ascii"}},
            "check header Content-Type",
        ),
        ({"headers": {"Content-Type": "application"}}, "check header Content-Type"),
        ({"headers": {"ETag": '"v1"'}}, None),
        ({"headers": {"ETag": "*"}}, None),
        ({"headers": {"X-None": "*"}}, "check header X-None"),
        ({"body_contains": '"id": "o-1"'}, None),
        ({"body_contains": "nowhere"}, "check body contains nowhere"),
        ({"body_contains": "x" * 60}, f"check body contains {'x' * 39}…"),
        ({"json": {"id": "o-1", "total": 1250, "paid": True}}, None),
        ({"json": {"id": "o-2"}}, "check json id"),
        ({"json": {"total": True}}, "check json total"),
        ({"json": {"paid": 1}}, "check json paid"),
        ({"json": {"no": None, "missing": None, "id.deeper": None}}, None),
        ({"json": {"items[0].sku": "a", "items[-1].sku": "b", "items[2].sku": None}}, None),
        ({"json": {"length(items)": 2, "length(id)": 3}}, None),
        ({"json": {"length(items)": 3}}, "check json length(items)"),
        ({"json": {"length(total)": None}}, None),
        ({"json": {"items[?sku == 'b'] | length(@)": 1, "items[*].sku": ["a", "b"]}}, None),
        ({"json": {"items": [{"sku": "a"}, {"sku": "b"}]}}, None),
        ({"json": {"total > `1000`": True}}, None),
        ({"json": {"@": ORDER}}, None),
    ],
)
def test_checks_of_headers_text_and_json(expect: dict[str, object], cause: str | None) -> None:
    assert judged(step(expect)) == cause


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_fails(content: bytes) -> None:
    assert judged(step({"json": {"id": 1}}), content) == "check body is JSON"


def test_only_what_is_looked_at_is_asked_for() -> None:
    for expect, headers, body in (
        ({"headers": {"ETag": "*"}}, True, False),
        ({"body_contains": "a"}, False, True),
        ({"json": {"a": 1}}, False, True),
        ({"json": {"a": 1}, "headers": {"ETag": "*"}}, True, True),
    ):
        made = step(expect)
        assert (made.wants_headers, made.wants_body) == (headers, body)


def test_what_is_expected_may_have_placeholders() -> None:
    first = {"path": "/a", "name": "a", "capture": {"id": {"json": "id"}}}
    second = {
        "path": "/b",
        "name": "b",
        "expect": {
            "json": {"id": "${id}"},
            "body_contains": "${id}",
            "headers": {"ETag": '"${id}"'},
        },
    }
    made = plan(flows=[{"name": "f", "steps": [first, second]}]).first[0].next
    assert made is not None
    assert made.judge is not None
    response = Response(200, [(b"ETag", b'"7"')], b'{"id": 7}')
    assert made.judge(0, response, {"id": 7}) is None
    assert made.judge(0, response, {"id": 8}) == "check header ETag"


@pytest.mark.parametrize(
    ("capture", "value"),
    [
        ({"json": "id"}, "o-1"),
        ({"json": "items[1].sku"}, "b"),
        ({"json": "items"}, [{"sku": "a"}, {"sku": "b"}]),
        ({"json": "paid"}, True),
        ({"header": "etag"}, '"v1"'),
        ({"regex": '"total": ([0-9]+)'}, "1250"),
        ({"regex": "o-[0-9]"}, "o-1"),
    ],
)
def test_captures(capture: dict[str, str], value: object) -> None:
    made = plan(flows=[{"name": "f", "steps": [{"path": "/", "capture": {"x": capture}}]}]).first[0]
    variables: dict[str, object] = {}
    assert judged(made, variables=variables) is None
    assert variables == {"x": value}


@pytest.mark.parametrize(
    "capture",
    [
        {"json": "missing"},
        {"json": "no"},
        {"json": "items[9].sku"},
        {"header": "X"},
        {"regex": "(nope)"},
    ],
)
def test_a_capture_that_finds_nothing_fails(capture: dict[str, str]) -> None:
    made = plan(flows=[{"name": "f", "steps": [{"path": "/", "capture": {"x": capture}}]}]).first[0]
    assert judged(made) == "capture x missing"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b'{"data": {"a": 1}}', None),
        (b'{"data": null}', None),
        (b'{"data": {"text": "\\"errors\\""}}', None),
        (b'{"data": {"a": 1}, "errors": []}', None),
        (b'{"data": {"a": 1}, "errors": [{"message": "x"}]}', "graphql errors"),
        (b'{"errors": [{"message": "x"}]}', "graphql errors"),
        (b"{}", "graphql errors"),
        (b"[]", "graphql errors"),
        (b"ok", "check body is JSON"),
    ],
)
def test_errors_of_graphql_are_failures(content: bytes, cause: str | None) -> None:
    made = plan({"graphql": {"query": "{ a }"}}).first[0]
    assert judged(made, content) == cause


@pytest.mark.parametrize(
    ("coding", "content", "cause"),
    [
        (b"gzip", gzip.compress(b'{"id": 1}', mtime=0), None),
        (b"GZIP", gzip.compress(b'{"id": 2}', mtime=0), "check json id"),
        (b"deflate", zlib.compress(b'{"id": 1}'), None),
        (b"identity", b'{"id": 1}', None),
        (b"", b'{"id": 1}', None),
        (b"gzip", gzip.compress(b'{"id": 1}', mtime=0)[:-4], "check body can be decoded"),
        (b"gzip", b'{"id": 1}', "check body can be decoded"),
        (b"br", b"???", "check body can be decoded"),
    ],
)
def test_bodies_that_were_asked_for_compressed_are_judged_as_what_they_hold(
    coding: bytes, content: bytes, cause: str | None
) -> None:
    made = step({"json": {"id": 1}}, headers={"Accept-Encoding": "gzip, deflate;q=0.5"})
    assert made.wants_headers
    assert made.judge is not None
    headers = [(b"Content-Encoding", coding)] if coding else []
    assert made.judge(0, Response(200, headers, content), {}) == cause


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
)


@PROPERTY
@given(
    ANY_JSON,
    st.sampled_from(
        ["a", "a.b", "a[0]", "[1]", "a[-1].b", "length(a)", "length(@)", "@", "a.b.c", '"a"']
    ),
)
def test_plain_paths_find_what_jmespath_finds(document: object, path: str) -> None:
    try:
        expected = jmespath.search(path, document)
    except jmespath.exceptions.JMESPathError:
        expected = None
    assert jmespath_of(path, ())(document) == expected


@PROPERTY
@given(ANY_JSON)
def test_every_value_is_the_same_as_itself(value: object) -> None:
    assert same(value, json.loads(json.dumps(value)))


def test_true_is_not_one() -> None:
    assert not same(True, 1)
    assert not same([{"a": True}], [{"a": 1}])
    assert same({"a": 1}, {"a": 1.0})
