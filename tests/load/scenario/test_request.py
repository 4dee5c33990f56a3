"""Requests as bytes: HTTP/1.1 as RFC 9110 and 9112 have it; what the scenario says goes first."""

from pathlib import Path
from typing import Any

import pytest

from senior_backend import __version__
from tests.load.scenario.scenarios import body, head, plan, request, sent


def test_a_plain_get_is_no_more_than_it_needs() -> None:
    assert request({"path": "/v1/orders?limit=20"}) == (
        b"GET /v1/orders?limit=20 HTTP/1.1\r\n"
        b"Host: 127.0.0.1:8000\r\n"
        b"User-Agent: senior-backend/%b (load test)\r\n"
        b"Accept: */*\r\n"
        b"\r\n" % __version__.encode()
    )


@pytest.mark.parametrize(
    ("url", "path", "line", "host"),
    [
        ("http://h", "/a", "GET /a HTTP/1.1", "h"),
        ("http://h/", "/a", "GET /a HTTP/1.1", "h"),
        ("http://h/api/v1", "/a", "GET /api/v1/a HTTP/1.1", "h"),
        ("http://h/api/v1/", "/a", "GET /api/v1/a HTTP/1.1", "h"),
        ("http://h/api", "?a=b", "GET /api?a=b HTTP/1.1", "h"),
        ("http://h", "?a=b", "GET /?a=b HTTP/1.1", "h"),
        ("http://h/api/v1?a=b", "", "GET /api/v1?a=b HTTP/1.1", "h"),
        ("http://h/api/", "", "GET /api/ HTTP/1.1", "h"),
        ("http://h:8080", "/", "GET / HTTP/1.1", "h:8080"),
        ("https://h:443", "/", "GET / HTTP/1.1", "h"),
        ("http://h:443", "/", "GET / HTTP/1.1", "h:443"),
        ("http://[::1]:8000", "/", "GET / HTTP/1.1", "[::1]:8000"),
        ("http://h", '/a b/é|"<>^`{}', "GET /a%20b/%C3%A9%7C%22%3C%3E%5E%60%7B%7D HTTP/1.1", "h"),
        ("http://h", "/a%2Fb?c=%20&d=[1]", "GET /a%2Fb?c=%20&d=%5B1%5D HTTP/1.1", "h"),
        ("http://h", "/a;b=c/@x:y!$&'()*+,~", "GET /a;b=c/@x:y!$&'()*+,~ HTTP/1.1", "h"),
        ("http://h", "//a", "GET //a HTTP/1.1", "h"),
        ("http://h", "/$${a}", "GET /$%7Ba%7D HTTP/1.1", "h"),
    ],
)
def test_the_path_stands_below_the_target(url: str, path: str, line: str, host: str) -> None:
    found, fields = head(request({"path": path}, url=url))
    assert (found, fields["host"]) == (line, host)


def test_a_plain_proxy_is_asked_for_the_whole_url() -> None:
    proxy = "http://127.0.0.1:3128"
    for url, line in (
        ("http://h:8080/api", "GET http://h:8080/api/a HTTP/1.1"),
        ("https://h/api", "GET /api/a HTTP/1.1"),  # through a tunnel
    ):
        assert head(request({"path": "/a"}, url=url, proxy=proxy))[0] == line
    varying = request({"path": "/${int(1, 1)}"}, url="http://h", proxy=proxy)
    assert head(varying)[0] == "GET http://h/1 HTTP/1.1"


@pytest.mark.parametrize(
    ("method", "sent_as", "length"),
    [
        (None, "GET", None),
        ("get", "GET", None),
        ("DELETE", "DELETE", None),
        ("HEAD", "HEAD", None),
        ("POST", "POST", "0"),
        ("put", "PUT", "0"),
        ("PATCH", "PATCH", "0"),
        ("PURGE", "PURGE", None),
        ("Purge", "Purge", None),
        ("PROPFIND", "PROPFIND", None),
        ("PROPPATCH", "PROPPATCH", None),
        ("REPORT", "REPORT", None),
    ],
)
def test_methods_without_a_body(method: str | None, sent_as: str, length: str | None) -> None:
    step = plan({"path": "/", "method": method}).first[0]
    line, fields = head(sent(step))
    assert line == f"{sent_as} / HTTP/1.1"
    assert fields.get("content-length") == length
    assert step.head == (sent_as == "HEAD")


@pytest.mark.parametrize(
    ("given", "content", "content_type"),
    [
        ({"json": {"a": [1, "é"]}}, rb'{"a":[1,"\u00e9"]}', "application/json"),
        ({"json": None}, b"null", "application/json"),
        ({"body": "é"}, "é".encode(), "text/plain; charset=utf-8"),
        ({"body": ""}, b"", "text/plain; charset=utf-8"),
        ({"body": "x", "headers": {"content-type": "text/csv"}}, b"x", "text/csv"),
        (
            {"json": 1, "headers": {"Content-Type": "application/merge-patch+json"}},
            b"1",
            "application/merge-patch+json",
        ),
        ({"json": 1, "headers": {"Content-Type": None}}, b"1", None),
    ],
)
def test_bodies_come_with_their_length_and_type(
    given: dict[str, object], content: bytes, content_type: str | None
) -> None:
    data = request({"path": "/", "method": "POST", **given})
    fields = head(data)[1]
    assert body(data) == content
    assert fields["content-length"] == str(len(content))
    assert fields.get("content-type") == content_type


@pytest.mark.parametrize("given", [{"json": 1}, {"json": None}, {"body": "a"}, {"body": ""}])
def test_a_body_is_posted_unless_another_method_is_given(given: dict[str, Any]) -> None:
    assert head(request({"path": "/", **given}))[0] == "POST / HTTP/1.1"
    assert head(request({"path": "/", "method": "GET", **given}))[0] == "GET / HTTP/1.1"


def test_a_file_is_posted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    data = request({"path": "/", "body_file": str(tmp_path / "a")})
    assert head(data)[0] == "POST / HTTP/1.1"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.json", "application/json"),
        ("a.bin", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_files_are_sent_as_they_are(tmp_path: Path, name: str, content_type: str) -> None:
    content = b"\x00\xff${uuid}\r\n"
    (tmp_path / name).write_bytes(content)
    data = request({"path": "/", "method": "PUT", "body_file": str(tmp_path / name)})
    assert body(data) == content
    assert head(data)[1]["content-type"] == content_type


def test_headers_of_the_request_go_before_those_of_the_scenario_and_ours() -> None:
    data = request(
        {"path": "/", "headers": {"x-a": "request", "HOST": "other", "User-Agent": None}},
        headers={"X-A": "scenario", "X-B": "scenario", "Accept": "application/json"},
    )
    assert head(data)[1] == {
        "host": "other",
        "accept": "application/json",
        "x-a": "request",
        "x-b": "scenario",
    }


def test_compressed_responses_are_asked_for_by_the_user_alone() -> None:
    assert "accept-encoding" not in head(request({"path": "/"}))[1]
    asked = request({"path": "/", "headers": {"Accept-Encoding": "gzip"}})
    assert head(asked)[1]["accept-encoding"] == "gzip"


def test_headers_may_be_empty_or_beyond_ascii() -> None:
    data = request({"path": "/", "headers": {"X-Empty": "", "X-Name": " Zoë\t"}})
    assert head(data)[1]["x-empty"] == ""
    assert head(data)[1]["x-name"] == "Zoë"
