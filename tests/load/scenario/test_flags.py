"""The flags of ``load run``: a test of one URL, or over a scenario file."""

from pathlib import Path
from typing import Any

import pytest

from senior_backend.errors import InputError
from senior_backend.load import target
from senior_backend.load.scenario.compile import compile as compile_plan
from senior_backend.load.scenario.flags import Flags, Loaded, read
from senior_backend.load.scenario.model import Constant, Ramp, Scenario, Spike
from tests.load.scenario.scenarios import body, head, sent

URL = "https://staging.example.com/api/v1"
ONE: dict[str, Any] = {"target": URL, "rate": "500", "duration": "60s"}


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scenario(**flags: Any) -> Scenario:
    return read(Flags(**flags)).scenario


def request(**flags: Any) -> bytes:
    found = scenario(**{**ONE, **flags})
    to = target.parse(found.target or "")
    return sent(compile_plan(found, to, nonce=1, token=None, rows={}).first[0])


def test_a_url_a_rate_and_a_time_are_a_whole_test() -> None:
    found = scenario(**ONE)
    assert found.target == URL
    assert found.load.shape == (Constant(rate=500, duration_ns="60s"),)
    assert [endpoint.name for endpoint in found.endpoints] == ["GET /api/v1"]
    assert head(request())[0] == "GET /api/v1 HTTP/1.1"


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://h", "GET / HTTP/1.1"),
        ("http://h/a/", "GET /a/ HTTP/1.1"),
        ("http://h/a?b=c", "GET /a?b=c HTTP/1.1"),
    ],
)
def test_the_url_is_asked_for_as_it_was_given(url: str, line: str) -> None:
    assert head(request(target=url))[0] == line


def test_flags_of_the_request() -> None:
    Path("order.json").write_text('{"a": "${arrival}"}')
    Path("order.bin").write_bytes(b"\x00${arrival}")
    common = {"method": "POST", "headers": ("X-A: 1", "x-b:2: 3")}
    for given, content, content_type in (
        ({"json_body": '{"a": 1}'}, b'{"a":1}', "application/json"),
        ({"json_body": "@order.json"}, b'{"a":0}', "application/json"),
        ({"body": "n ${arrival}"}, b"n 0", "text/plain; charset=utf-8"),
        ({"body": "@order.bin"}, b"\x00${arrival}", "application/octet-stream"),
    ):
        data = request(**common, **given)
        line, fields = head(data)
        assert line == "POST /api/v1 HTTP/1.1"
        assert body(data) == content
        assert (fields["content-type"], fields["x-a"], fields["x-b"]) == (content_type, "1", "2: 3")


@pytest.mark.parametrize("given", [{"json_body": "{}"}, {"body": "a"}])
def test_a_body_is_posted_as_with_curl(given: dict[str, str]) -> None:
    (posted,) = scenario(**ONE, **given).endpoints
    assert posted.name == "POST /api/v1"
    assert head(request(**given))[0].startswith("POST ")
    (put,) = scenario(**ONE, **given, method="PUT").endpoints
    assert put.name == "PUT /api/v1"
    assert head(request(**given, method="PUT"))[0].startswith("PUT ")


def test_flags_of_the_run() -> None:
    found = scenario(
        **ONE,
        warm_up="5s",
        arrivals="poisson",
        seed="7",
        connections="50",
        timeout="2s",
        thresholds=(
            "http_req_duration: p(95)<200",
            "http_req_duration: p(99)<500",
            "dropped:count==0",
        ),
        cacert="ca.pem",
        cert=Path("/etc/c.pem"),
        key="k.pem",
        insecure=True,
        proxy="http://127.0.0.1:3128",
        workers="2",
        precise=True,
        max_pacing_error="5ms",
    )
    assert (found.load.warm_up_ns, found.load.arrivals, found.load.seed) == (
        5 * 10**9,
        "poisson",
        7,
    )
    assert (found.connections.max, found.timeouts.response_ns) == (50, 2 * 10**9)
    listed = {metric: [t.threshold for t in each] for metric, each in found.thresholds.items()}
    assert listed == {"http_req_duration": ["p(95)<200", "p(99)<500"], "dropped": ["count==0"]}
    assert (found.tls.ca, found.tls.cert) == (Path.cwd() / "ca.pem", Path("/etc/c.pem"))
    assert (found.tls.key, found.tls.verify) == (Path.cwd() / "k.pem", False)
    assert found.proxy == "http://127.0.0.1:3128"
    generator = found.generator
    assert (generator.workers, generator.precise, generator.max_pacing_error_ns) == (
        2,
        True,
        5 * 10**6,
    )


def test_stages_on_the_command_line() -> None:
    found = scenario(target=URL, stages=("50:30s", "30/m:1m", "ramp:500:1m", "spike:2000:10s"))
    assert found.load.shape == (
        Constant(rate=50, duration_ns="30s"),
        Constant(rate=0.5, duration_ns="1m"),
        Ramp(ramp_to=500, duration_ns="1m"),
        Spike(spike_to=2000, duration_ns="10s"),
    )


FILE = """\
target: http://127.0.0.1:8000
load: {rate: 5, duration: 3s, warm_up: 1s}
connections: {max: 100, warm: 80}
headers: {Accept: a, X-Other: b}
thresholds: {http_req_duration: p(95)<1, dropped: count==0}
endpoints:
  - {name: a, path: /a}
  - {name: b, path: /b}
"""


def over(text: str = FILE, **flags: Any) -> Loaded:
    Path("s.yml").write_text(text)
    return read(Flags(scenario=Path("s.yml"), **flags))


def test_flags_go_before_the_file() -> None:
    found = over(
        target=URL,
        rate="50",
        warm_up="0",
        connections=10,
        headers=("accept: c",),
        thresholds=("http_req_duration: p(99)<9",),
    ).scenario
    assert found.target == URL
    assert found.load.shape == (Constant(rate=50, duration_ns="3s"),)
    assert found.load.warm_up_ns == 0
    assert (found.connections.max, found.connections.warm) == (10, 10)
    assert found.headers == {"X-Other": "b", "accept": "c"}
    assert [t.threshold for t in found.thresholds["http_req_duration"]] == ["p(99)<9"]
    assert [t.threshold for t in found.thresholds["dropped"]] == ["count==0"]
    assert [endpoint.path for endpoint in found.endpoints] == ["/a", "/b"]


def test_without_flags_the_file_is_what_it_is() -> None:
    assert over().scenario.load.shape == (Constant(rate=5, duration_ns="3s"),)


STAGED = "load: {stages: [{rate: 5, duration: 3s}]}\nendpoints: [{path: /}]\n"


def test_rate_and_duration_replace_stages_and_stages_replace_them() -> None:
    constant = (Constant(rate=9, duration_ns="9s"),)
    assert over(STAGED, rate="9", duration="9s").scenario.load.shape == constant
    assert over(stages=("9:9s",)).scenario.load.shape == constant
    assert over(STAGED, stages=("9:9s",)).scenario.load.shape == constant


def test_a_file_may_leave_the_load_to_flags() -> None:
    found = over("endpoints: [{path: /}]\n", rate="9", duration="9s").scenario
    assert found.load.shape == (Constant(rate=9, duration_ns="9s"),)


def test_a_value_is_placed_in_the_file_or_by_its_flag() -> None:
    loaded = over(rate="50")
    assert loaded.place(("target",)) == "s.yml:1:9"
    assert loaded.place(("thresholds", "dropped", 0)) == "s.yml:5:51"
    assert loaded.place(("load", "rate")) == "--rps"
    assert read(Flags(**ONE)).place(("target",)) == "--target"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({}, "what is to be loaded? name a --target, or a scenario file"),
        ({"target": URL}, "how much load? add --rps, like --rps 500 --duration 60s"),
        ({"target": URL, "rate": "5"}, "how long? add --duration, like --duration 60s"),
        (
            {**ONE, "rate": "fast"},
            "--rps: 'fast' is no rate; write arrivals a second like 500, or 30/m",
        ),
        ({**ONE, "rate": "0"}, "--rps: nothing would be sent: the rate must be above 0"),
        ({**ONE, "duration": "60"}, "--duration: a time has a unit: write 60s or 60ms"),
        (
            {**ONE, "duration": "0s"},
            "--duration: a stage lasts longer than 0; write a time like 30s",
        ),
        (
            {**ONE, "warm_up": "x"},
            "--warm-up: 'x' is no time; write it like 250ms, 60s, 5m or 1h30m",
        ),
        ({**ONE, "stages": ("5:3s",)}, "--rps and --stage exclude each other; keep one"),
        (
            {"target": URL, "stages": ("1m:500",)},
            "--stage 1m:500: write RATE:TIME like 50:30s, ramp:500:1m or spike:2000:10s",
        ),
        (
            {"target": URL, "stages": ("jump:5:1m",)},
            "--stage jump:5:1m: write RATE:TIME like 50:30s, ramp:500:1m or spike:2000:10s",
        ),
        ({"target": URL, "stages": ("ramp:5:1",)}, "--stage: a time has a unit: write 1s or 1ms"),
        ({**ONE, "seed": "x"}, "--seed: a whole number is needed here, not 'x'"),
        ({**ONE, "connections": "0"}, "--connections: must be 1 or more, not 0"),
        ({**ONE, "workers": "many"}, "--workers: auto or 1 to 256 is needed here, not 'many'"),
        ({**ONE, "timeout": "0"}, "--timeout: a timeout must be above 0; write a time like 5s"),
        (
            {**ONE, "method": "G T"},
            "--method: 'G T' cannot be sent; write a method like GET or POST",
        ),
        ({**ONE, "headers": ("X",)}, '--header X: write it as "Name: value"'),
        (
            {**ONE, "headers": ("Content-Length: 5",)},
            "--header Content-Length: 'Content-Length' cannot be set: it is computed; leave it out",
        ),
        ({**ONE, "body": "a", "json_body": "1"}, "--body and --json exclude each other; keep one"),
        (
            {**ONE, "json_body": '{"a": }'},
            "--json:1:7: not JSON: Expecting value; mend it, or use --body",
        ),
        (
            {**ONE, "json_body": "@nope"},
            "--json @nope: cannot be read: no such file or directory; check the name",
        ),
        ({**ONE, "json_body": '"${uid}"'}, "--json: unknown name 'uid'; did you mean 'uuid'?"),
        (
            {**ONE, "body": "@nope"},
            "--body: nope cannot be read: no such file or directory; check the name",
        ),
        ({**ONE, "body": "${uid}"}, "--body: unknown name 'uid'; did you mean 'uuid'?"),
        (
            {**ONE, "thresholds": ("p(9)<2",)},
            '--threshold p(9)<2: write "METRIC: EXPRESSION", like "http_req_duration: p(95)<200"',
        ),
        ({**ONE, "key": "a.pem"}, "--key: 'key' needs 'cert', the certificate it belongs to"),
        (
            {"scenario": Path("nope.yml")},
            "nope.yml: cannot be read: no such file or directory; check the name",
        ),
    ],
)
def test_what_is_wrong_is_said_by_the_flag(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(Flags(**flags))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        (FILE, {"method": "GET"}, "--method is for a single URL; s.yml names the requests"),
        (FILE, {"json_body": "1"}, "--json is for a single URL; s.yml names the requests"),
        (
            STAGED,
            {"rate": "5"},
            "--rps: s.yml has stages, which give both; add --duration to replace them",
        ),
        (
            STAGED,
            {"duration": "5s"},
            "--duration: s.yml has stages, which give both; add --rps to replace them",
        ),
        (
            "load: 5\nendpoints: [{path: /}]\n",
            {"rate": "5"},
            "s.yml:1:7: a mapping is needed here, not 5; write key: value",
        ),
    ],
)
def test_conflicts_of_flags_and_file(text: str, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        over(text, **flags)
    assert str(caught.value) == message


def test_what_else_is_wrong_is_placed_by_its_flag() -> None:
    flags = Flags(**ONE, thresholds=("http_req_duration: bad",))
    with pytest.raises(InputError, match=r"^--threshold http_req_duration: no threshold$"):
        read(flags, lambda _: [(("thresholds", "http_req_duration", 0), "no threshold")])
