"""Input of every broken kind: a clear 4xx, never a 500, and the next request works."""

import json

import pytest

from .client import JSON, Caller, Guarded, assert_problem, customer_body
from .raw import RawAnswer, connect, exchange, request_bytes, send_and_read
from .service import Service

DEEP = 100_000

# What is not JSON at all, or not in UTF-8 (RFC 8259 section 8.1).
NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t ",
    "an open object": b"{",
    "an open list": b"[1,",
    "an open string": b'{"name": "Ada',
    "a closed nothing": b"}",
    "two documents": b"{}{}",
    "trailing garbage": b"{}garbage",
    "a trailing comma": b'{"name": "Ada",}',
    "single quotes": b"{'name': 'Ada'}",
    "bare names": b'{name: "Ada"}',
    "a comment": b'{"name": "Ada" /* sic */}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": Infinity}',
    "-Infinity": b'{"name": -Infinity}',
    "a plus sign": b'{"name": +1}',
    "leading zeros": b'{"name": 007}',
    "hexadecimal": b'{"name": 0x10}',
    "a lone minus": b'{"name": -}',
    "a lone point": b'{"name": 1.}',
    "an unknown literal": b'{"name": None}',
    "capital True": b'{"name": True}',
    "a bad escape": b'{"name": "\\x41"}',
    "half an escape": b'{"name": "\\u00"}',
    "a raw NUL in a string": b'{"name": "A\x00"}',
    "a raw line feed in a string": b'{"name": "A\nB"}',
    "a NUL after the document": b"{}\x00",
    "only NULs": b"\x00" * 16,
    "Latin-1": '{"name": "Zo\u00eb"}'.encode("latin-1"),
    "UTF-16": '{"name": "Ada"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"name": "Ada"}'.encode("utf-16-be"),
    "UTF-32": '{"name": "Ada"}'.encode("utf-32"),
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "cut UTF-8": b'{"name": "\xe2\x82"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "bytes beyond Unicode": b'{"name": "\xf5\x80\x80\x80"}',
    "a form": b"name=Ada&email=a%40example.com",
    "XML": b"<customer/>",
    "gzip": bytes.fromhex("1f8b08000000000000ffabae05000043bfa6a302000000"),
    "random bytes": bytes(range(128, 256)),
    "deep open lists": b"[" * DEEP,
    "deep open objects": b'{"a":' * DEEP,
}

# JSON, but nothing a customer could be.
NOT_A_CUSTOMER: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a string": b'"Ada"',
    "a list": b"[]",
    "a list of objects": b"[{}]",
    "an empty object": b"{}",
    "an empty name": b'{"": 1}',
    "deep lists": b"[" * 5_000 + b"]" * 5_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a deep name": b'{"email": "a@example.com", "name": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "a huge integer": b'{"email": "a@example.com", "name": ' + b"9" * 10_000 + b"}",
    "a huge exponent": b'{"email": "a@example.com", "name": 1e999999}',
    "a tiny exponent": b'{"email": "a@example.com", "name": 1e-999999}',
    "a prototype": b'{"__proto__": {"admin": true}, "email": "a@example.com", "name": "Ada"}',
    "a constructor": b'{"constructor": {}, "email": "a@example.com", "name": "Ada"}',
    "an escaped NUL": b'{"email": "a@example.com", "name": "A\\u0000"}',
    "an escaped NUL in a name": b'{"\\u0000": 1, "email": "a@example.com", "name": "A"}',
    "many members": json.dumps({f"m{n}": n for n in range(3_000)}).encode(),
}

# Correct JSON that readers differ on: either refused or taken, and if taken still readable after.
ODD_CUSTOMERS: dict[str, bytes] = {
    "a lone high surrogate": b'{"email": "%s", "name": "A\\ud800"}',
    "a lone low surrogate": b'{"email": "%s", "name": "\\udfffA"}',
    "swapped surrogates": b'{"email": "%s", "name": "\\udc00\\ud800"}',
    "a noncharacter": b'{"email": "%s", "name": "\\uffff\\ufdd0"}',
    "a byte order mark": b'\xef\xbb\xbf{"email": "%s", "name": "Ada"}',
    "a name twice": b'{"email": "%s", "name": "Ada", "name": "Bob"}',
    "control characters": b'{"email": "%s", "name": "\\u0001\\u001f\\u007f\\u0085"}',
    "direction marks": b'{"email": "%s", "name": "\\u202e\\u2066"}',
    "only white space": b'{"email": "%s", "name": " \\t\\n"}',
}


def send(api: Caller, body: bytes, **options):
    return api.post("/v1/customers", content=body, headers={"Content-Type": JSON}, **options)


@pytest.mark.orders
@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_400(api: Caller, name: str):
    # Larger than the shared service's limit is 413 before anything is parsed.
    body = NOT_JSON[name][:60_000]
    assert_problem(send(api, body), "bad-request")
    order = api.order()
    response = api.patch(f"/v1/orders/{order['id']}", content=body, headers={"Content-Type": JSON})
    assert_problem(response, "bad-request")


@pytest.mark.orders
@pytest.mark.parametrize("name", NOT_A_CUSTOMER)
def test_json_that_is_no_customer_is_422(api: Caller, name: str):
    response = send(api, NOT_A_CUSTOMER[name])
    if response.status_code == 400 and name.startswith(("deep", "a deep", "a huge", "a tiny")):
        assert_problem(response, "bad-request")  # beyond what this reader takes: RFC 8259 section 9
    else:
        assert_problem(response, "validation")
    assert api.get("/v1/customers").json()["items"] == []


@pytest.mark.orders
@pytest.mark.parametrize("name", ODD_CUSTOMERS)
def test_odd_json_is_refused_or_kept_but_never_breaks_anything(api: Caller, name: str):
    body = ODD_CUSTOMERS[name] % customer_body()["email"].encode()
    response = send(api, body)
    assert response.status_code in {201, 400, 422}, response.text
    listed = api.get("/v1/customers").json()["items"]
    assert listed == ([response.json()] if response.status_code == 201 else [])


@pytest.mark.orders
@pytest.mark.parametrize(
    "body",
    ['"%s"', "[%s]", '{"sku": %s}', '{"quantity": %s}', '{"items": %s}', '{"customerId": %s}',
     '{"currency": %s}', '{"items": [%s]}', '{"items": [{"sku": %s}]}'],
)  # fmt: skip
@pytest.mark.parametrize("value", ["null", "1e400", "-0", "[[]]", '"\\u0000"', '"\\ud800"', "{}"])
def test_any_value_in_any_place_of_an_order_is_a_client_error(api: Caller, body: str, value: str):
    content = (body % value).encode()
    response = api.post("/v1/orders", content=content, headers={"Content-Type": JSON})
    assert response.status_code in {400, 422}, response.text


@pytest.mark.orders
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "x-unknown", "gzip, gzip"])
def test_a_coded_body_is_refused_or_decoded(api: Caller, encoding: str):
    body = b'{"email": "coded@example.com", "name": "Ada"}'
    response = api.post(
        "/v1/customers",
        content=body,
        headers={"Content-Type": JSON, "Content-Encoding": encoding},
    )
    # RFC 9110 section 15.5.16 says 415; one that ignores the coding has taken what was meant.
    assert response.status_code in {201, 400, 415}


@pytest.mark.orders
@pytest.mark.parametrize(
    "charset", ["utf-16", "latin1", "utf-7", "nonsense", "", '"', "utf-8; charset=utf-16"]
)
def test_another_charset_is_a_client_error_or_ignored(api: Caller, charset: str):
    response = api.post(
        "/v1/customers",
        content=b'{"email": "charset@example.com", "name": "Ada"}',
        headers={"Content-Type": f"{JSON}; charset={charset}"},
    )
    assert response.status_code in {201, 400, 415}


# Targets.

TARGETS = [
    "{path}/%zz", "{path}/%", "{path}/%c0%af", "{path}/%ff", "{path}/%00", "{path}/..%2f..%2fetc",
    "{path}/../../etc/passwd", "/%2e%2e/%2e%2e/etc", "//", "///", "{path}//x", "{path};x=1",
    "{path}/%0d%0aX-Injected:%20yes", "/" + "a" * 4_000, "/%F0%9F%92%A5", "/\\..\\..", "/*", "/?",
    "/{{7*7}}", "/$%7Bjndi:ldap://x%7D",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t[:24])
def test_a_strange_path_is_not_found(service: Service, api: Caller, guarded: Guarded, target: str):
    target = target.replace("{path}", guarded.route)
    head = {"Authorization": f"Bearer {api.token}", "Connection": "close"}
    answer = exchange(service, request_bytes("GET", target, head))
    # A server may normalise the path, and then redirect to what it understood.
    assert answer.status in {404, 400, 414, 301, 307, 308}, answer
    assert answer.header("x-injected") is None
    assert_next_request_works(api, guarded)


QUERIES = [
    "?", "?&", "?=", "?&&&", "?=&=", "?limit=%zz", "?limit=%", "?limit=%ff", "?limit=%00",
    "?limit=1%00", "?limit[]=1", "?limit[a]=1", "?limit=1&limit=2", "?limit=1;cursor=2",
    "?%00=1", "?%zz=1", "?%ff%fe=1", "?cursor=%ff", "?cursor=%00", "?cursor=%ed%a0%80",
    "?limit=\u0661",
    "?a=" + "b" * 6_000, "?" + "&".join(f"p{n}=1" for n in range(500)), "?status=%ed%a0%80",
    "?customerId=%00", "?createdFrom=%00", "?createdTo=%ff", "?__proto__[x]=1", "?limit",
    "?toString=1", "?constructor=1", "?hasOwnProperty=1",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: ascii(q[:24]))
def test_a_strange_query_is_no_server_error(
    service: Service, api: Caller, guarded: Guarded, query: str
):
    paths = [guarded.path, "/v1/orders"] if guarded.path == "/v1/customers" else [guarded.route]
    for path in paths:
        target = (path + query).encode().decode("latin-1")
        head = {"Authorization": f"Bearer {api.token}", "Connection": "close"}
        answer = exchange(service, request_bytes("GET", target, head))
        assert answer.status in {200, 400, 414}, answer
    assert_next_request_works(api, guarded)


# Bytes that are no HTTP.

HOST = b"Host: service.example.com\r\n"
GET = b"GET /livez HTTP/1.1\r\n" + HOST
POST = b"POST /livez HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GARBAGE: dict[str, bytes] = {
    "nothing but a line end": b"\r\n\r\n\r\n",
    "one word": b"GET\r\n\r\n",
    "no version": b"GET /livez\r\n\r\n",
    "an unknown version": b"GET /livez HTTP/3.7\r\n" + HOST + b"\r\n",
    "an unknown protocol": b"GET /livez FTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "binary": bytes(range(256)) * 4,
    "NULs": b"\x00" * 512,
    "a method of odd bytes": b"G\xc3\x89T /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method nobody knows": b"BREW /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a very long method": b"A" * 10_000 + b" /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target with a space": b"GET /li vez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target with a NUL": b"GET /livez\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target in raw UTF-8": "GET /ключ HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "a target of 100 kB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    "TRACE": b"TRACE /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without a colon": GET + b"nonsense\r\n\r\n",
    "a header without a name": GET + b": x\r\n\r\n",
    "a space before the colon": GET + b"X-A : b\r\n\r\n",
    "a folded header": GET + b"X-A: b\r\n  c\r\n\r\n",
    "a header with a NUL": GET + b"X-A: b\x00c\r\n\r\n",
    "a header with a bare carriage return": GET + b"X-A: b\rc\r\n\r\n",
    "a header name of odd bytes": GET + b"X-\xff\xfe: b\r\n\r\n",
    "a header of 100 kB": GET + b"X-A: " + b"b" * 100_000 + b"\r\n\r\n",
    "5,000 headers": GET + b"X-A: b\r\n" * 5_000 + b"\r\n",
    "two hosts": GET + b"Host: other.example.com\r\n\r\n",
    "an odd host": b"GET /livez HTTP/1.1\r\nHost: a b/c@d\r\n\r\n",
    "a length that is no number": POST + b"Content-Length: x\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length with a sign": POST + b"Content-Length: +0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "an unknown transfer coding": POST + b"Transfer-Encoding: x\r\n\r\n",
    "a chunk size that is no number": CHUNKED + b"zz\r\n",
    "a negative chunk": CHUNKED + b"-1\r\n",
    "an endless chunk size": CHUNKED + b"f" * 64 + b"\r\n",
    "an unknown expectation": GET + b"Expect: the-unexpected\r\n\r\n",
    "an upgrade": GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "an upgrade to h2c": GET + b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABk\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", GARBAGE)
def test_bytes_that_are_no_http_end_their_connection_and_nothing_else(
    service: Service, api: Caller, guarded: Guarded, name: str
):
    answer = exchange(service, GARBAGE[name], finish=True, seconds=1)
    assert_no_server_error(answer)
    assert_next_request_works(api, guarded)


def test_a_request_that_never_ends_its_head_holds_up_nobody(
    service: Service, api: Caller, guarded: Guarded
):
    held = [connect(service) for _ in range(20)]
    try:
        for connection in held:
            connection.sendall(b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Slow: ")
        assert_next_request_works(api, guarded)
    finally:
        for connection in held:
            connection.close()


SMUGGLED = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
SMUGGLING: dict[str, bytes] = {
    "length and chunks": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n",
    "chunks spelled oddly": b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n\r\n",
    "chunks not last": b"Transfer-Encoding: chunked, identity\r\nContent-Length: %d\r\n\r\n",
    "two lengths": b"Content-Length: %d\r\nContent-Length: 0\r\n\r\n",
    "a length in a list": b"Content-Length: %d, 0\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_a_request_whose_length_is_ambiguous_does_not_hide_a_second_one(
    service: Service, api: Caller, guarded: Guarded, name: str
):
    framing = SMUGGLING[name]
    framing = framing % (len(SMUGGLED) + 5) if b"%d" in framing else framing
    answer = exchange(service, b"POST /livez HTTP/1.1\r\n" + HOST + framing + SMUGGLED, seconds=1)
    assert_no_server_error(answer)
    assert 200 not in answer.statuses, answer
    assert_next_request_works(api, guarded)


def test_http_1_0_is_answered_and_closed(service: Service):
    answer = exchange(service, b"GET /livez HTTP/1.0\r\n\r\n", seconds=3)
    assert answer.status == 200
    assert answer.closed


def test_requests_that_were_sent_at_once_are_answered_in_order(
    service: Service, api: Caller, guarded: Guarded
):
    paths = ["/livez", guarded.path, "/v1/nothing", "/livez"]
    with connect(service) as connection:
        answer = send_and_read(
            connection,
            [b"".join(request_bytes("GET", path) for path in paths)],
            finish=False,
            seconds=1,
        )
    assert answer.statuses == [200, 401, 404, 200]


def assert_no_server_error(answer: RawAnswer) -> None:
    """Closed without a word, a client error, or 501 and 505 for what is not implemented."""
    for status in answer.statuses:
        assert status < 500 or status in {501, 505}, answer


def assert_next_request_works(api: Caller, guarded: Guarded) -> None:
    assert api.get(guarded.path).status_code == 200


# Headers that are HTTP but make no sense.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept", 'application/xml'), ("Accept", '*/*;q=0'), ("Accept", ';;;'), ("Accept", ''),
        ("Accept-Encoding", 'gzip;q=nonsense'), ("Accept-Encoding", '*;q=0'),
        ("Accept-Language", '\\'), ("If-None-Match", 'garbage'), ("If-None-Match", '"'),
        ("If-None-Match", ',' * 500), ("If-Modified-Since", 'yesterday'),
        ("If-Unmodified-Since", '0'), ("Range", 'bytes=0-'), ("Range", 'bytes=9-1,-,x'),
        ("If-Range", 'x'), ("Cookie", "=;=;;" * 200), ("Cookie", 'a="\\'),
        ("Forwarded", 'for=;;;'), ("X-Forwarded-For", 'nonsense'), ("X-Forwarded-For", ',' * 100),
        ("X-Forwarded-Proto", 'gopher'), ("X-Forwarded-Host", 'evil.example.com'),
        ("X-Http-Method-Override", 'DELETE'), ("traceparent", 'garbage'),
        ("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"),
        ("traceparent", "ff-" + "a" * 32 + "-" + "b" * 16 + "-01"), ("tracestate", '=,=,'),
        ("baggage", '%zz=%'), ("Origin", 'null'), ("Origin", 'not an origin'), ("Referer", '%'),
        ("User-Agent", ''), ("Prefer", 'x="'), ("Content-Type", 'nonsense'),
        ("Upgrade-Insecure-Requests", '1'), ("TE", 'x'),
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_ignored(
    api: Caller, guarded: Guarded, name: str, value: str
):
    response = api.get(guarded.path, headers={name: value})
    expected = {200, 406} if name == "Accept" else {200}
    assert response.status_code in expected, response.text
