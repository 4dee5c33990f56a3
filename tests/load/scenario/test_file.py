"""A scenario file is read whole, or refused with the place of what is wrong and its mend."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senior_backend.errors import InputError
from senior_backend.load.scenario import file
from senior_backend.load.scenario.model import Constant, Ramp, Spike, Steps

RECORDED = Path(__file__).with_name("bad_files.txt").read_text(encoding="utf-8")
"""Files, each followed by what is said about it."""

GOOD = "load: {rate: 5, duration: 3s}\nendpoints: [{path: /}]\n"


def blocks() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    lines: list[str] = []
    for line in RECORDED.split("\n"):
        if line.startswith("--> "):
            found.append(("\n".join(lines) + "\n", line[4:]))
            lines = []
        elif line or lines:
            lines.append(line)
    return found


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(data: str | bytes) -> str:
    Path("s.yml").write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(InputError) as caught:
        file.read("s.yml")
    return str(caught.value)


@pytest.mark.parametrize(("text", "message"), blocks())
def test_what_is_wrong_is_said_with_its_place_and_its_mend(text: str, message: str) -> None:
    assert refused(text) == message


def test_every_message_is_one_line_with_file_line_and_column() -> None:
    for _, message in blocks():
        name, line, column, what = message.split(":", 3)
        assert (name, what[0]) == ("s.yml", " ")
        assert int(line) > 0
        assert int(column) > 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "s.yml:1:1: the file is empty; write a scenario into it"),
        (b"name: \xff\n", "s.yml:1:7: not UTF-8; save the file as UTF-8"),
        (GOOD.encode("utf-16"), "s.yml:1:1: not UTF-8; save the file as UTF-8"),
        (b"name: a\x07b\n", "s.yml:1:8: not YAML: U+0007 in it; take it out"),
        (b"a: &a [*a]\n", "s.yml:1:8: *a would contain itself; take it out"),
        (b"a: " + b"[" * 10_000, "s.yml:1:68: nested deeper than 64 levels; make it flatter"),
        (
            b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 10))
                for name in b"bcdefghi"
            ),
            "s.yml:6:8: more than 200,000 values, aliases included",
        ),
        (
            GOOD.replace("path: /", "path: '/${nope}'").replace("\n", "\r\n").encode(),
            (
                "s.yml:2:22: unknown name 'nope'; there are: uuid, arrival, now, int(a, b), "
                "choice(a, b), string(n), env.NAME"
            ),
        ),
    ],
)
def test_bytes_that_are_no_scenario_are_refused(data: bytes, message: str) -> None:
    assert refused(data) == message


def test_a_file_that_cannot_be_opened_is_named() -> None:
    Path("folder").mkdir()
    for name, reason in (("nope.yml", "no such file or directory"), ("folder", "is a directory")):
        with pytest.raises(InputError) as caught:
            file.read(name)
        assert str(caught.value) == f"{name}: cannot be read: {reason}; check the name"


def test_a_file_in_another_folder_is_named_as_the_user_named_it() -> None:
    Path("load").mkdir()
    Path("load/s.yml").write_text(GOOD + "vus: 5\n")
    with pytest.raises(InputError, match=r"^load/s\.yml:3:1: unknown key 'vus'"):
        file.read("load/s.yml")


TOKENS = ["${", "}", "{", "[", "]", ": ", "- ", "null", "true", "5", "'", '"', "&a", "*a", "<<: *a"]
TOKENS += [
    "!!x",
    "|",
    "\n",
    "  ",
    "\t",
    "#",
    "${uuid}",
    "${a.b}",
    "@",
    "é",
    "\u2028",
    "[]",
    "{}",
    ".inf",
]


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.data())
def test_any_change_of_a_good_file_is_read_or_refused_with_a_place(data: st.DataObject) -> None:
    _write_files()
    text = WHOLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 8))
        text = text[:start] + data.draw(st.sampled_from(["", *TOKENS])) + text[end:]
    Path("s.yml").write_text(text)
    try:
        file.read("s.yml")
    except InputError as error:
        assert re.match(r"s\.yml:\d+:\d+: ", str(error))
        assert "\n" not in str(error)


def _write_files() -> None:
    Path("users.csv").write_text("email\na@example.com\n")
    Path("items.jsonl").write_text('{"sku": "A-1"}\n')
    Path("orders.graphql").write_text("query Orders { orders { id } }")


def read(text: str) -> file.Scenario:
    Path("s.yml").write_text(text)
    return file.read("s.yml")


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    Path("s.yml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert file.read("s.yml").name == "s"


def test_the_whole_format_is_read() -> None:
    _write_files()
    scenario = read(WHOLE)
    assert scenario.name == "orders"
    assert scenario.load.shape == (
        Constant(rate=50, duration_ns="30s"),
        Ramp(ramp_to=500, duration_ns="1m"),
        Steps(step_to=800, by=100, every_ns="30s"),
        Spike(spike_to=2000, duration_ns="10s"),
    )
    assert scenario.load.warm_up_ns == 5_000_000_000
    assert scenario.limits.headers_bytes == 65_536
    assert scenario.generator.max_pacing_error_ns == 2_000_000
    assert scenario.tls.ca == Path.cwd() / "ca.pem"
    assert scenario.endpoints[0].expect.status == frozenset({200, 304})
    assert scenario.endpoints[0].timeout_ns == 5_000_000_000
    assert scenario.flows[0].steps[1].pause_ns == 100_000_000
    first, second = scenario.thresholds["http_req_duration"]
    assert (first.threshold, first.abort_on_fail) == ("p(95)<200", False)
    assert (second.abort_on_fail, second.delay_ns) == (True, 10_000_000_000)


def test_rate_and_duration_are_one_constant_stage() -> None:
    assert read(GOOD).load.shape == (Constant(rate=5, duration_ns="3s"),)


def test_files_are_named_from_the_folder_of_the_scenario() -> None:
    Path("load").mkdir()
    Path("load/body.bin").write_bytes(b"x")
    Path("load/s.yml").write_text(
        "load: {rate: 5, duration: 3s}\nendpoints: [{path: /, method: PUT, body_file: body.bin}]\n"
    )
    assert file.read("load/s.yml").endpoints[0].body_file == Path.cwd() / "load/body.bin"


def test_anchors_and_merges_spare_repetition() -> None:
    scenario = read(
        "x-common: &common {timeout: 3s, headers: {A: b}}\n"
        "x-other: &other {timeout: 9s, method: PUT}\n"
        "load: {rate: 5, duration: 3s}\n"
        "endpoints:\n"
        "  - {<<: *common, name: a, path: /a, headers: {C: d}}\n"
        "  - {<<: [*common, *other], name: b, path: /b}\n"
    )
    first, second = scenario.endpoints
    assert (first.timeout_ns, first.headers) == (3_000_000_000, {"C": "d"})
    assert (second.timeout_ns, second.method) == (3_000_000_000, "PUT")


def test_what_is_wrong_in_a_merged_mapping_is_placed_where_it_stands() -> None:
    message = refused(
        "x-common: &c {path: '/${nope}'}\nload: {rate: 5, duration: 3s}\nendpoints: [{<<: *c}]\n"
    )
    assert message.startswith("s.yml:1:23: unknown name 'nope'")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("007", "007"),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("'1'", "1"),
        ("! 1", "1"),
        ("!!str 1", "1"),
        ("~", None),
        ("", None),
        ("true", True),
        ("False", False),
        ("-7", -7),
        ("12345678901234567890", 12345678901234567890),
        ("1.5", 1.5),
        ("1e3", 1000.0),
    ],
)
def test_scalars_mean_what_json_users_expect(written: str, meant: object) -> None:
    found = read(f"load: {{rate: 5, duration: 3s}}\nendpoints:\n  - path: /\n    json: {written}\n")
    value = found.endpoints[0].json_body
    assert (value, type(value)) == (meant, type(meant))


def test_numbers_may_stand_where_texts_are_meant() -> None:
    found = read(GOOD + "name: 7\nheaders: {X-Version: 2}\nthresholds: {http_reqs: count>0}\n")
    assert (found.name, found.headers) == ("7", {"X-Version": "2"})
    assert found.thresholds["http_reqs"][0].threshold == "count>0"


def test_what_else_is_checked_has_a_place_too() -> None:
    Path("s.yml").write_text(GOOD + "thresholds:\n  http_req_duration: [p(95)<2, bad]\n")
    document = file.load("s.yml")
    with pytest.raises(InputError, match=r"^s\.yml:4:32: no threshold$"):
        document.scenario(lambda _: [(("thresholds", "http_req_duration", 1), "no threshold")])
    assert document.place(("load", "rate")) == "s.yml:1:14"


WHOLE = """\
name: orders
target: http://127.0.0.1:8000
load:
  warm_up: 5s
  arrivals: poisson
  seed: 1
  stages:
    - {rate: 50, duration: 30s}
    - {ramp_to: 500, duration: 1m}
    - {step_to: 800, by: 100, every: 30s}
    - {spike_to: 2000, duration: 10s}
connections: {max: 500, warm: auto, max_wait: 60s}
timeouts: {connect: 5s, tls: 5s, response: 30s}
tls: {ca: ca.pem, cert: client.pem, key: client.key, verify: true, server_name: api.internal}
proxy: http://127.0.0.1:3128
limits: {headers: 64KiB, body: 16MiB}
generator: {workers: auto, precise: false, max_pacing_error: 2ms}
headers: {Accept: application/json}
auth:
  bearer: {command: "make -s token", refresh: 10m}
data:
  users: {csv: users.csv, pick: random}
  items: {jsonl: items.jsonl}
  people: {generate: {name: "user-${uuid}", age: "${int(18, 90)}"}}
  orders:
    count: 200
    requests:
      - method: POST
        path: /v1/orders
        json: {buyer: "${users.email}", sku: "${items.sku}", for: "${people.name}"}
        capture: {order_id: {json: id}, etag: {header: ETag}}
endpoints:
  - name: list_orders
    weight: 6
    method: GET
    path: /v1/orders?limit=20
    headers: {X-Trace: "${uuid}"}
    timeout: 5s
    expect:
      status: [200, 304]
      headers: {Content-Type: application/json}
      json: {"length(items)": 20}
      body_contains: ok
    thresholds: {http_req_duration: ["p(95)<200"]}
  - name: create_customer
    method: POST
    path: /v1/customers
    json: {email: "${uuid}@example.com", name: "n ${arrival}", order: "${orders.order_id}"}
  - {name: text, method: POST, path: /v1/text, body: "at ${now}"}
  - graphql: {query: "query Hello { hello }", variables: {first: 10}}
  - graphql: {query_file: orders.graphql}
flows:
  - name: buy
    weight: 1
    steps:
      - name: create_order
        method: POST
        path: /v1/orders
        json: {sku: "${items.sku}"}
        capture: {order_id: {json: id}}
      - {name: read_order, path: "/v1/orders/${order_id}", pause: 100ms}
thresholds:
  http_req_duration: ["p(95)<200", {threshold: "p(99)<500", abort_on_fail: true, delay: 10s}]
  "http_req_duration{name:create_order}": ["p(99)<800"]
  http_req_failed: ["rate<0.01"]
  achieved: ["rate>0.99"]
  dropped: ["count==0"]
  service_time: [{threshold: "p(99)<100", window: 10s}]
"""
