"""One id a request: taken or made, echoed, in every line of the log; and the caller's trace."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .client import REQUEST_ID, Caller, Guarded, assert_problem, new_key
from .raw import exchange, request_bytes
from .service import Service, StartedService, wait_until

LOG_SECONDS = 5.0


@pytest.mark.parametrize(
    "id_", ["a", "A-b_c.9", "0", "..", "x" * 128, "01980000-0000-7000-8000-000000000000"]
)
def test_a_well_formed_request_id_is_echoed(api: Caller, guarded: Guarded, id_: str):
    assert api.get(guarded.path, headers={"X-Request-Id": id_}).headers["x-request-id"] == id_
    problem = assert_problem(api.get("/v1/nothing", headers={"X-Request-Id": id_}), "not-found")
    assert problem["requestId"] == id_


@pytest.mark.parametrize(
    "id_",
    ["", "x" * 129, "a b", "a/b", "a,b", "a:b", 'a"b', "<a>", "${a}", "a\tb", "caf\u00e9", "a;b"],
    ids=ascii,
)  # fmt: skip
def test_another_request_id_is_replaced(service: Service, guarded: Guarded, id_: str):
    headers = {"X-Request-Id": id_, "Connection": "close"}
    answer = exchange(service, request_bytes("GET", guarded.path, headers))
    assert answer.status == 401
    made = answer.header("x-request-id")
    assert made is not None
    assert REQUEST_ID.fullmatch(made)
    assert made != id_


def test_generated_ids_are_all_different(nobody: Caller):
    ids = {nobody.get("/livez").headers["x-request-id"] for _ in range(50)}
    assert len(ids) == 50


def test_every_answer_carries_the_id(api: Caller, nobody: Caller, guarded: Guarded):
    for response in [
        api.get(guarded.path),
        api.head(guarded.path),
        nobody.get(guarded.path),
        nobody.get("/livez"),
        nobody.get("/readyz"),
        nobody.get(guarded.description),
        nobody.request("DELETE", guarded.path),
    ]:
        assert REQUEST_ID.fullmatch(response.headers["x-request-id"])


# The log.


def lines_of(service: StartedService, since: int, id_: str) -> list[dict]:
    """The lines that hold `id_`, once there is one."""

    def found() -> list[dict]:
        return [line for line in service.log_lines(since) if id_ in json.dumps(line)]

    wait_until(found, LOG_SECONDS, lambda: f"no line of the log holds {id_}")
    return found()


def test_the_log_is_json_one_object_a_line(started: StartedService, nobody: Caller):
    nobody.get("/v1/nothing")
    lines = started.log_lines()
    assert lines
    assert [line for line in lines if "unstructured" in line] == []


@pytest.mark.parametrize("outcome", [200, 401, 403, 404, 405])
def test_every_line_of_a_request_holds_its_id(
    started: StartedService, api: Caller, nobody: Caller, guarded: Guarded, mint, outcome: int
):
    before, last = started.log_size(), new_key()
    nobody.get(guarded.path, headers={"X-Request-Id": last})
    lines_of(started, before, last)  # and so those of all requests before it
    id_, since = new_key(), started.log_size()
    headers = {"X-Request-Id": id_}
    response = {
        200: lambda: api.get(guarded.path, headers=headers),
        401: lambda: nobody.get(guarded.path, headers=headers),
        403: lambda: api.as_bearer(mint(scope="a:b")).get(guarded.path, headers=headers),
        404: lambda: nobody.get("/v1/nothing-here", headers=headers),
        405: lambda: nobody.request("DELETE", guarded.path, headers=headers),
    }[outcome]()
    assert response.status_code == outcome
    lines = lines_of(started, since, id_)
    assert any(str(outcome) in json.dumps(line) for line in lines)
    # Nothing else was asked meanwhile, so a line about a path is a line about this request.
    path = "/v1/nothing-here" if outcome == 404 else guarded.route
    about = [line for line in started.log_lines(since) if path in json.dumps(line)]
    assert [line for line in about if id_ not in json.dumps(line)] == []


def test_neither_tokens_nor_bodies_reach_the_log(
    started: StartedService, api: Caller, guarded: Guarded
):
    id_, since = new_key(), started.log_size()
    assert api.token
    secret = f"secret-{new_key()}"
    api.get(guarded.path, headers={"X-Request-Id": id_, "Cookie": f"session={secret}"})
    api.as_bearer(api.token[:-4] + "AAAA").get(guarded.path)
    api.as_bearer(secret).get(guarded.path)
    last = new_key()
    api.get(guarded.path, headers={"X-Request-Id": last})
    lines_of(started, since, last)
    text = json.dumps(started.log_lines(since))
    assert api.token.rpartition(".")[2][:20] not in text
    assert api.token not in text
    assert secret not in text


@pytest.mark.orders
def test_personal_data_does_not_reach_the_log(started: StartedService, api: Caller):
    since = started.log_size()
    email, name = f"{new_key()}@example.com", f"Ada {new_key()}"
    api.customer(email=email, name=name)
    assert_problem(api.create_customer(email=email, name=name), "conflict")
    assert_problem(api.create_customer(email=email + "@", name=name), "validation")
    last = new_key()
    api.get("/v1/customers", headers={"X-Request-Id": last})
    lines_of(started, since, last)
    text = json.dumps(started.log_lines(since))
    assert email not in text
    assert name not in text


def test_a_line_feed_in_what_is_logged_starts_no_new_line(
    started: StartedService, service: Service
):
    id_, since = new_key(), started.log_size()
    target = '/v1/%0a{"level":"forged"}%0d%0aforged'
    headers = {"X-Request-Id": id_, "User-Agent": "a\tb", "Connection": "close"}
    exchange(service, request_bytes("GET", target, headers))
    lines_of(started, since, id_)
    for line in started.log_lines(since):
        assert "unstructured" not in line, line
        assert line.get("level") != "forged"


# Traces.

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def traceparent(trace_id: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}


def test_the_callers_trace_is_in_the_log(started: StartedService, api: Caller, guarded: Guarded):
    id_, trace_id, since = new_key(), new_key(), started.log_size()
    api.get(guarded.path, headers={"X-Request-Id": id_, **traceparent(trace_id)})
    lines = lines_of(started, since, id_)
    assert [line for line in lines if trace_id not in json.dumps(line)] == []


@pytest.mark.parametrize(
    "value",
    [
        "garbage",
        f"00-{TRACE_ID}",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID.upper()}-00f067aa0ba902b7-01",
        f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID[:-1]}-00f067aa0ba902b7-01",
    ],
)
def test_a_malformed_traceparent_is_ignored(
    started: StartedService, api: Caller, guarded: Guarded, value: str
):
    id_, since = new_key(), started.log_size()
    response = api.get(guarded.path, headers={"X-Request-Id": id_, "traceparent": value})
    assert response.status_code == 200
    for line in lines_of(started, since, id_):
        assert TRACE_ID not in json.dumps(line).lower()


def body_of(request: BaseHTTPRequestHandler) -> bytes:
    """The body of a request, in one piece or in chunks (RFC 9112 section 7.1)."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers["Content-Length"]))
    body = b""
    while size := int(request.rfile.readline().partition(b";")[0], 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def test_the_callers_trace_reaches_the_collector(launch, calling, guarded: Guarded):
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(body_of(self))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with (
            launch(
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
                OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
                OTEL_EXPORTER_OTLP_COMPRESSION="none",
                OTEL_BSP_SCHEDULE_DELAY="100",
                OTEL_TRACES_SAMPLER="parentbased_always_on",
            ) as service,
            calling(service) as api,
        ):
            trace_id = new_key()
            assert api.get(guarded.path, headers=traceparent(trace_id)).status_code == 200
            wait_until(
                lambda: any(bytes.fromhex(trace_id) in body for body in received),
                15,
                lambda: f"no span of the trace came; {len(received)} exports did",
            )
        server.shutdown()


def test_a_collector_that_is_away_disturbs_nobody(launch, calling, guarded: Guarded):
    with (
        launch(
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY="100"
        ) as service,
        calling(service) as api,
    ):
        answers = [api.get(guarded.path, headers=traceparent(TRACE_ID)) for _ in range(5)]
        assert {a.status_code for a in answers} == {200}
        service.terminate()
        assert service.wait(10) == 0
