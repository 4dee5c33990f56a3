"""A caller of the service, and what must hold for every answer whatever was asked."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import httpx

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
PROBLEM = "application/problem+json"

ORDER_SCOPES = "customers:read customers:write orders:read orders:write"
UNKNOWN_ID = "01980000-0000-7000-8000-00000000dead"

# Error type (the last part of its path) -> the status it always has.
PROBLEM_STATUS = {
    "bad-request": 400,
    "idempotency-key-missing": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "conflict": 409,
    "invalid-transition": 409,
    "idempotency-in-progress": 409,
    "precondition-failed": 412,
    "precondition-required": 428,
    "payload-too-large": 413,
    "unsupported-media-type": 415,
    "validation": 422,
    "idempotency-key-reused": 422,
    "rate-limited": 429,
    "unavailable": 503,
    "timeout": 504,
    "internal": 500,
}
NEEDS_RETRY_AFTER = {"idempotency-in-progress", "rate-limited", "unavailable"}

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]+"')
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
JSON_POINTER = re.compile(r"(/([^~/]|~[01])*)*")

STEPS_TO = {
    "pending": [],
    "confirmed": ["confirmed"],
    "shipped": ["confirmed", "shipped"],
    "delivered": ["confirmed", "shipped", "delivered"],
    "cancelled": ["cancelled"],
}

# RFC 9457 section 3.1.3: the title of a type does not change from occurrence to occurrence.
_titles: dict[str, str] = {}


@dataclass(frozen=True)
class Guarded:
    """A GET that needs a token: what authentication is tried on in every kind of service."""

    path: str
    scope: str
    description: str = "/openapi.json"
    """Where the service describes itself."""

    @property
    def route(self) -> str:
        """The path without its query: what logs and metrics name."""
        return self.path.partition("?")[0]


class Errors(Protocol):
    """How services of one kind say what went wrong."""

    def is_error(self, response: httpx.Response) -> bool:
        """Whether `response` tells of an error."""

    def assert_shape(self, response: httpx.Response) -> None:
        """The error is complete and says nothing beside."""

    def assert_kind(
        self, response: httpx.Response, kind: str, pointer: str | None, parameter: str | None
    ) -> dict[str, Any]:
        """The error is of that kind and names what is given; returned as it was told."""


class Caller:
    """One principal (or nobody, with `token` None) talking to one service."""

    def __init__(self, http: httpx.Client, token: str | None) -> None:
        self.http = http
        self.token = token

    def as_bearer(self, token: str | None) -> Self:
        """Another principal on the same service."""
        return type(self)(self.http, token)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        checked: bool = True,
        **options: Any,
    ) -> httpx.Response:
        """Send; unless not `checked`, hold the answer against all that is always true."""
        sent = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        response = self.http.request(method, path, headers={**sent, **(headers or {})}, **options)
        if checked:
            assert_always(response)
        return response

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> httpx.Response:
        """HEAD."""
        return self.request("HEAD", path, **options)

    def post(
        self,
        path: str,
        json: Any = None,
        *,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """POST with an Idempotency-Key: a new one by default, none when `key` is None."""
        if key is not None:
            headers = {"Idempotency-Key": key or new_key(), **(headers or {})}
        return self.request("POST", path, json=json, headers=headers, **options)

    def patch(
        self,
        path: str,
        json: Any = None,
        *,
        if_match: str | None = "*",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """PATCH with an If-Match: `*` by default, none when it is None."""
        if if_match is not None:
            headers = {"If-Match": if_match, **(headers or {})}
        return self.request("PATCH", path, json=json, headers=headers, **options)

    # The example's resources, made the way any client makes them.

    def create_customer(self, **changes: Any) -> httpx.Response:
        """POST a customer that is valid unless `changes` make it otherwise."""
        return self.post("/v1/customers", customer_body(**changes))

    def customer(self, **changes: Any) -> dict[str, Any]:
        """A customer that now exists."""
        response = self.create_customer(**changes)
        assert response.status_code == 201, response.text
        return dict(response.json())

    def create_order(self, customer_id: str, **changes: Any) -> httpx.Response:
        """POST an order that is valid unless `changes` make it otherwise."""
        return self.post("/v1/orders", order_body(customer_id, **changes))

    def order(
        self, customer_id: str | None = None, *, status: str = "pending", **changes: Any
    ) -> dict[str, Any]:
        """An order that now exists and has gone the way to `status`."""
        response = self.create_order(customer_id or self.customer()["id"], **changes)
        assert response.status_code == 201, response.text
        for step in STEPS_TO[status]:
            response = self.patch(f"/v1/orders/{response.json()['id']}", {"status": step})
            assert response.status_code == 200, response.text
        return dict(response.json())

    def etag(self, path: str) -> str:
        """The present ETag of a resource."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.headers["etag"]

    def pages(self, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list, by following its cursors."""
        cursor: dict[str, str] = {}
        for _ in range(1000):
            response = self.get(path, params={**params, **cursor})
            assert response.status_code == 200, response.text
            page = response.json()
            yield page["items"]
            if page["nextCursor"] is None:
                return
            cursor = {"cursor": page["nextCursor"]}
        raise AssertionError(f"{path} has no last page")


def new_key() -> str:
    """An idempotency key nobody has used."""
    return uuid.uuid4().hex


def customer_body(**changes: Any) -> dict[str, Any]:
    """A valid customer with an address of its own."""
    return {"email": f"{uuid.uuid4().hex}@example.com", "name": "Ada Lovelace", **changes}


def order_body(customer_id: str, **changes: Any) -> dict[str, Any]:
    """A valid order of 2 x 12.50 EUR and 1 x 0.99 EUR."""
    return {
        "customerId": customer_id,
        "currency": "EUR",
        "items": [item(sku="tea", quantity=2, unitPriceMinor=1250), item()],
        **changes,
    }


def item(**changes: Any) -> dict[str, Any]:
    """A valid order item."""
    return {"sku": "spoon", "quantity": 1, "unitPriceMinor": 99, **changes}


def all_at_once(calls: Iterable[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Run the calls at the same time and return their answers in order."""
    calls = list(calls)
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def assert_always(response: httpx.Response) -> None:
    """What the contract says of every answer; a 500 is never an answer to what a client sends."""
    headers = response.headers
    where = f"{response.request.method} {response.request.url} -> {response.status_code}"
    assert REQUEST_ID.fullmatch(headers.get("x-request-id", "")), f"{where}: X-Request-Id {headers}"
    assert headers.get("x-content-type-options") == "nosniff", f"{where}: nosniff {headers}"
    assert "x-powered-by" not in headers, f"{where}: X-Powered-By"
    assert "server" not in headers, f"{where}: Server: {headers.get('server')}"
    assert response.status_code != 500, f"{where}: {response.text}"
    if _errors.is_error(response):
        _errors.assert_shape(response)


def assert_is_problem(response: httpx.Response) -> None:
    """A complete problem document: RFC 9457 and the contract's own members, nothing else."""
    where = f"{response.request.method} {response.request.url} -> {response.status_code}"
    media_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
    assert media_type == PROBLEM, f"{where}: Content-Type {media_type!r}: {response.text[:500]}"
    if response.request.method == "HEAD":
        assert response.content == b"", where
        return
    problem = response.json()
    assert isinstance(problem, dict), where
    shown = f"{where}: {problem}"
    required = {"type", "title", "status", "detail", "instance", "requestId"}
    assert required <= problem.keys() <= required | {"errors"}, shown

    prefix, _, name = problem["type"].rpartition("/")
    assert prefix == "/problems" and name in PROBLEM_STATUS, shown
    assert PROBLEM_STATUS[name] == problem["status"] == response.status_code, shown
    assert type(problem["status"]) is int, shown
    for member in ("title", "detail", "instance"):
        assert isinstance(problem[member], str) and problem[member], shown
    assert problem["title"] == _titles.setdefault(problem["type"], problem["title"]), shown
    assert not re.search(r"[\s<>\"{}|\\^`]", problem["instance"]), shown
    urlsplit(problem["instance"])
    assert problem["requestId"] == response.headers["x-request-id"], shown
    if "errors" in problem:
        assert isinstance(problem["errors"], list) and problem["errors"], shown
        for error in problem["errors"]:
            assert_is_error_entry(error, shown)

    headers = response.headers
    if name in NEEDS_RETRY_AFTER:
        assert headers.get("retry-after", "").isdigit(), f"{shown}: Retry-After"
        assert 0 <= int(headers["retry-after"]) <= 3600, shown
    if name == "unauthorized":
        assert headers.get("www-authenticate", "").lower().startswith("bearer"), shown
    if name == "forbidden":
        challenge = headers.get("www-authenticate", "")
        assert challenge.lower().startswith("bearer "), f"{shown}: {challenge}"
        assert 'error="insufficient_scope"' in challenge, f"{shown}: {challenge}"
    if name == "method-not-allowed":
        assert headers.get("allow"), f"{shown}: Allow"


def assert_is_error_entry(error: Any, shown: str) -> None:
    """One entry of `errors`: either a pointer into the body or the name of a parameter."""
    assert isinstance(error, dict), shown
    assert error.keys() in ({"pointer", "code", "message"}, {"parameter", "code", "message"}), shown
    assert all(isinstance(value, str) for value in error.values()), shown
    assert error["code"] and error["message"], shown
    if "pointer" in error:
        assert JSON_POINTER.fullmatch(error["pointer"]), shown
    else:
        assert error["parameter"], shown


class Problems:
    """The errors of REST services: problem details."""

    def is_error(self, response: httpx.Response) -> bool:
        """Its status says so."""
        return response.status_code >= 400

    def assert_shape(self, response: httpx.Response) -> None:
        """A complete problem document."""
        assert_is_problem(response)

    def assert_kind(
        self, response: httpx.Response, kind: str, pointer: str | None, parameter: str | None
    ) -> dict[str, Any]:
        """Status and type are those of `kind`."""
        return assert_is_problem_of(response, kind, pointer, parameter)


# What the service under test speaks; see `speaking`.
_errors: Errors = Problems()


def speaking(errors: Errors) -> None:
    """Hold all answers from now on against `errors` instead of problem details."""
    global _errors
    _errors = errors


def assert_problem(
    response: httpx.Response,
    kind: str,
    *,
    pointer: str | None = None,
    parameter: str | None = None,
) -> dict[str, Any]:
    """`response` is the error `kind`, and names `pointer` or `parameter` if one is given."""
    return _errors.assert_kind(response, kind, pointer, parameter)


def assert_is_problem_of(
    response: httpx.Response, kind: str, pointer: str | None, parameter: str | None
) -> dict[str, Any]:
    """`response` is the problem `kind`, and names `pointer` or `parameter` if one is given."""
    assert response.status_code == PROBLEM_STATUS[kind], (
        f"{response.request.method} {response.request.url} -> {response.status_code}, "
        f"expected {PROBLEM_STATUS[kind]} {kind}: {response.text[:1000]}"
    )
    assert_is_problem(response)
    if response.request.method == "HEAD":
        return {}
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"/problems/{kind}", problem
    named = problem.get("errors", [])
    if pointer is not None:
        assert pointer in [error.get("pointer") for error in named], problem
    if parameter is not None:
        assert parameter in [error.get("parameter") for error in named], problem
    return problem


def kind_of(response: httpx.Response) -> str:
    """The last part of the problem's type."""
    return str(response.json()["type"]).rpartition("/")[2]


def comparable(problem: Mapping[str, Any]) -> dict[str, Any]:
    """A problem without what differs between any two requests."""
    return {k: v for k, v in problem.items() if k not in {"requestId", "instance"}}


def assert_customer(customer: Any) -> None:
    """Exactly the members of a customer, each of its type."""
    assert isinstance(customer, dict)
    assert customer.keys() == {"id", "email", "name", "createdAt", "updatedAt", "version"}, customer
    assert isinstance(customer["email"], str) and isinstance(customer["name"], str), customer
    assert_entity(customer)


def assert_order(order: Any) -> None:
    """Exactly the members of an order, each of its type, and a total that adds up."""
    assert isinstance(order, dict)
    assert order.keys() == {
        "id", "customerId", "status", "currency", "totalMinor", "items",
        "createdAt", "updatedAt", "version",
    }, order  # fmt: skip
    assert order["status"] in STEPS_TO, order
    assert UUID7.fullmatch(order["customerId"]), order
    assert type(order["totalMinor"]) is int, order
    for line in order["items"]:
        assert line.keys() == {"id", "sku", "quantity", "unitPriceMinor"}, order
        assert UUID7.fullmatch(line["id"]), order
        assert type(line["quantity"]) is int and type(line["unitPriceMinor"]) is int, order
    assert order["totalMinor"] == sum(i["quantity"] * i["unitPriceMinor"] for i in order["items"])
    assert_entity(order)


def assert_entity(entity: Mapping[str, Any]) -> None:
    """The members every resource has."""
    assert UUID7.fullmatch(entity["id"]), entity
    assert type(entity["version"]) is int and entity["version"] >= 0, entity
    for member in ("createdAt", "updatedAt"):
        assert TIMESTAMP.fullmatch(entity[member]), entity
    assert entity["createdAt"] <= entity["updatedAt"], entity
