"""``${…}``: every value is a function of the arrival, and none breaks out of where it stands."""

import json
import re
import string
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senior_backend.errors import InputError
from senior_backend.load.scenario import template
from senior_backend.load.scenario.template import Expression, Scope
from tests.load.scenario.scenarios import PROPERTY, body, head, plan, request, sent

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def made(
    source: str, arrival: int = 0, *, seed: int = 1, nonce: int = 1, place: str = "here"
) -> str:
    scope = Scope(seed, nonce, {"NAME": "value"}, captured=("id",))
    text = template.text(source, scope, (), place, template.plain)
    return text if isinstance(text, str) else text(arrival, {"id": "captured"})


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${arrival}", "7"),
        ("a ${arrival} b ${arrival}", "a 7 b 7"),
        ("${ arrival }", "7"),
        ("$${arrival}", r"\$\{arrival\}"),
        ("$$${arrival}", r"\$\$\{arrival\}"),
        ("costs $5, {a}", r"costs \$5, \{a\}"),
        ("${env.NAME}", "value"),
        ("${id}", "captured"),
        ("${uuid}", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("${int(3, 5)}", "[345]"),
        ("${int(-2, -2)}", "-2"),
        ("${choice(a, b)}", "[ab]"),
        ("${choice('a, }', \"a, }\")}", "a, }"),
        ("${string(20)}", "[b-df-hj-np-t]{20}"),
        ("${now}", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    ],
)
def test_what_placeholders_become(source: str, pattern: str) -> None:
    assert re.fullmatch(pattern, made(source, 7))


def test_now_is_now() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert before <= datetime.fromisoformat(made("${now}")) <= datetime.now(UTC)


@PROPERTY
@given(st.integers(0, 2**40), st.integers(0, 2**32), st.text(string.ascii_letters))
def test_values_depend_on_seed_arrival_and_place_alone(arrival: int, seed: int, place: str) -> None:
    source = "${int(0, 1000000000)} ${string(12)} ${choice(1, 2, 3, 4, 5, 6, 7)} ${uuid}"
    once = made(source, arrival, seed=seed, place=place)
    assert made(source, arrival, seed=seed, place=place) == once
    assert made(source, arrival + 1, seed=seed, place=place) != once
    assert made(source, arrival, seed=seed + 1, place=place) != once
    assert made(source, arrival, seed=seed, place=f"{place}.") != once


def test_the_same_placeholder_twice_is_two_values() -> None:
    first, second = made("${uuid} ${uuid}").split()
    assert first != second


def test_uuids_never_repeat_in_a_run_nor_from_run_to_run() -> None:
    seen = set()
    for nonce in (1, 2):
        uuid = template.text("${uuid}", Scope(1, nonce, {}), (), "here", template.plain)
        assert not isinstance(uuid, str)
        seen |= {uuid(arrival, {}) for arrival in range(20_000)}
    assert len(seen) == 40_000


def test_other_values_repeat_from_run_to_run() -> None:
    source = "${int(0, 1000000000)} ${string(12)}"
    assert made(source, nonce=1) == made(source, nonce=2)


def test_integers_are_even_and_reach_both_ends() -> None:
    counts = dict.fromkeys(range(1, 11), 0)
    for arrival in range(10_000):
        counts[int(made_int(arrival))] += 1
    # 1,000 expected of each, standard deviation 30
    assert min(counts.values()) > 850
    assert max(counts.values()) < 1150


SCOPE = Scope(1, 1, {})
_INT = template.text("${int(1, 10)}", SCOPE, (), "p", template.plain)


def made_int(arrival: int) -> str:
    assert not isinstance(_INT, str)
    return _INT(arrival, {})


# -- escaping -------------------------------------------------------------------------------------


def captured(endpoint: dict[str, object], value: object) -> bytes:
    """The request of a step after one that captured ``x``."""
    first = {"name": "first", "path": "/", "capture": {"x": {"json": "x"}}}
    second = {"name": "second", **endpoint}
    step = plan(flows=[{"name": "f", "steps": [first, second]}]).first[0].next
    assert step is not None
    return sent(step, x=value)


@PROPERTY
@given(st.text())
def test_a_value_in_a_path_is_one_segment(value: str) -> None:
    data = captured({"path": "/a/${x}/b?q=${x}&r=1"}, value)
    line, fields = head(data)
    method, url, version = line.split(" ")
    assert (method, version, len(fields)) == ("GET", "HTTP/1.1", 3)
    parts = urlsplit(f"http://h{url}")
    assert re.fullmatch(r"/a/[A-Za-z0-9._~%-]*/b", parts.path)
    expected = value.encode("utf-8", "replace").decode()
    assert unquote(parts.path.split("/")[2]) == expected
    assert dict(parse_qsl(parts.query, keep_blank_values=True)) == {"q": expected, "r": "1"}


@PROPERTY
@given(ANY_JSON)
def test_a_value_alone_in_json_keeps_its_type(value: object) -> None:
    data = captured({"path": "/", "method": "POST", "json": {"a": "${x}", "b": ["${x}"]}}, value)
    assert json.loads(body(data)) == {"a": value, "b": [value]}


@PROPERTY
@given(st.text())
def test_a_value_within_a_json_string_stays_within_it(value: str) -> None:
    data = captured({"path": "/", "method": "POST", "json": {"k ${x}": "a ${x} z"}}, value)
    assert json.loads(body(data)) == {f"k {value}": f"a {value} z"}
    assert head(data)[1]["content-length"] == str(len(body(data)))


@PROPERTY
@given(st.text() | st.text("\r\n\0\t :"))
def test_a_value_in_a_header_is_one_line_of_one_field(value: str) -> None:
    data = captured({"path": "/", "headers": {"X-Value": "<${x}>"}}, value)
    lines = data.split(b"\r\n")
    assert len(lines) == 7
    assert lines[4].startswith(b"X-Value: <")
    assert lines[4].endswith(b">")
    assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", lines[4])


@PROPERTY
@given(st.text())
def test_a_value_in_a_text_body_is_itself(value: str) -> None:
    data = captured({"path": "/", "method": "POST", "body": "<${x}>"}, value)
    assert body(data) == f"<{value}>".encode("utf-8", "replace")
    assert head(data)[1]["content-length"] == str(len(body(data)))


@PROPERTY
@given(
    st.recursive(st.text("${}\\\"'%é\n{x"), lambda inner: st.lists(inner, max_size=2), max_leaves=3)
)
def test_json_without_placeholders_is_sent_as_it_means(value: object) -> None:
    escaped = json.loads(json.dumps(value).replace("${", "$${"))
    data = request({"method": "POST", "path": "/", "json": escaped})
    assert json.loads(body(data)) == value


def test_types_of_values_alone_in_json() -> None:
    endpoint = {
        "method": "POST",
        "path": "/",
        "json": {
            "arrival": "${arrival}",
            "text": "n ${arrival}",
            "int": "${int(5, 5)}",
            "choice": "${choice(true)}",
            "quoted": "${choice('true')}",
            "uuid": "${uuid}",
            "nothing": None,
        },
    }
    found = json.loads(body(request(endpoint, 3)))
    assert re.fullmatch("[0-9a-f-]{36}", found.pop("uuid"))
    assert found == {
        "arrival": 3,
        "text": "n 3",
        "int": 5,
        "choice": True,
        "quoted": "true",
        "nothing": None,
    }


def test_an_expression_that_never_varies_leaves_the_request_whole() -> None:
    first = plan({"path": "/${env.A}", "headers": {"X": "${env.A}"}}, env={"A": "a b"}).first[0]
    assert first.render is None
    assert b"GET /a%20b HTTP/1.1\r\n" in sent(first)
    assert b"\r\nX: a b\r\n" in sent(first)


@PROPERTY
@given(st.text(max_size=30))
def test_any_text_is_compiled_or_refused(source: str) -> None:
    try:
        text = template.text(source, SCOPE, (), "p", template.plain)
    except InputError as error:
        assert "\n" not in str(error) or "\n" in source
        return
    result = text if isinstance(text, str) else text(0, {})
    if "${" not in source:
        assert result == source


def test_a_constant_expression_is_its_value() -> None:
    assert template.value("${env.A}", Scope(1, 1, {"A": "x"}), (), "p") == Expression(constant="x")
    assert template.value([1, {"a": None}], SCOPE, (), "p") == Expression(constant=[1, {"a": None}])
