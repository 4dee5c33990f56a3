"""A caller of a GraphQL service, and what must hold for every answer whatever was asked."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.contract import client as rest
from tests.contract.client import STEPS_TO, customer_body, new_key, order_body

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
PATH = "/graphql"

# Refused before any document is looked at: the status, whatever is accepted.
REFUSED = {
    "bad-request": 400,
    "batch-not-allowed": 400,
    "unauthorized": 401,
    "not-found": 404,
    "method-not-allowed": 405,
    "not-acceptable": 406,
    "payload-too-large": 413,
    "unsupported-media-type": 415,
    "rate-limited": 429,
    "internal": 500,
    "unavailable": 503,
    "timeout": 504,
}
# Refused before anything is executed: the status in `application/graphql-response+json`.
NOT_EXECUTED = {
    "invalid-document": 400,
    "bad-request": 400,
    "document-too-large": 400,
    "document-too-deep": 400,
    "document-too-wide": 400,
    "too-many-aliases": 400,
    "document-too-costly": 400,
    "persisted-operation-not-found": 404,
    "persisted-operation-required": 400,
}
# Of a field while the others are answered: always 200. REST's status beside it.
WHILE_EXECUTING = {
    "bad-request": 400,
    "forbidden": 403,
    "internal": 500,
    "unavailable": 503,
    "timeout": 504,
}

CUSTOMER = "id email name createdAt updatedAt version"
ORDER = (
    "id customerId status currency totalMinor items { id sku quantity unitPriceMinor }"
    " createdAt updatedAt version"
)
MUTATIONS = {
    "createCustomer": ("Customer", CUSTOMER, ["ValidationError"]),
    "createOrder": ("Order", ORDER, ["ValidationError"]),
    "updateOrderStatus": ("Order", ORDER, ["PreconditionFailedError"]),
    "cancelOrder": ("Order", ORDER, ["PreconditionFailedError"]),
}
CREATING = ("createCustomer", "createOrder")
MEMBERS = {
    "ValidationError": "... on ValidationError { errors { path code message } }",
    "PreconditionFailedError": "... on PreconditionFailedError { currentVersion }",
    "IdempotencyError": "... on IdempotencyError { retryAfter }",
}


def mutation(name: str, selection: str | None = None) -> str:
    """The document of one mutation with everything that its result can say."""
    type_, fields, errors = MUTATIONS[name]
    errors = [*errors, "IdempotencyError"] if name in CREATING else errors
    input_type = name[0].upper() + name[1:] + "Input"
    return (
        f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ __typename"
        f" ... on {type_} {{ {selection or fields} }}"
        f" ... on UserError {{ code message }} {' '.join(MEMBERS[e] for e in errors)} }} }}"
    )


def page_of(field: str, selection: str) -> str:
    """The document of one page of a connection of `Query`."""
    filter_ = ", $filter: OrderFilter" if field == "orders" else ""
    argument = ", filter: $filter" if filter_ else ""
    return (
        f"query ($first: Int, $after: String{filter_}) {{"
        f" {field}(first: $first, after: $after{argument}) {{"
        f" edges {{ cursor node {{ {selection} }} }}"
        " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )


@dataclass(frozen=True)
class Answer:
    """An answer to a document."""

    response: httpx.Response

    @property
    def status(self) -> int:
        """What was really sent, whatever `response.status_code` says."""
        return sent_status(self.response)

    @property
    def body(self) -> dict[str, Any]:
        """The whole reply."""
        return dict(self.response.json())

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Its errors; none when all is well."""
        return list(self.body.get("errors", []))

    @property
    def data(self) -> dict[str, Any]:
        """Its data, when nothing went wrong."""
        assert not self.errors, self.body
        assert self.status == 200, self.body
        return dict(self.body["data"])

    @property
    def result(self) -> Any:
        """The value of its only root field, when nothing went wrong."""
        (value,) = self.data.values()
        return value

    @property
    def replayed(self) -> bool:
        """Whether it says so."""
        return self.response.headers.get("idempotency-replayed", "").lower() == "true"

    @property
    def outcome(self) -> str:
        """`code` of the first error, of the only result if that is one, else its type."""
        if self.errors:
            return str(self.errors[0]["extensions"]["code"])
        result = self.result or {}
        return str(result.get("code", result.get("__typename")))


class Caller(rest.Caller):
    """One principal (or nobody) talking to one GraphQL service.

    For the tests of the REST suite that are about the process an answer of 200 whose field failed
    bears the status that REST has for it; `sent_status` is what was sent.
    """

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send; unless not `checked`, hold the answer against all that is always true."""
        response = super().request(method, path, **options)
        response.extensions["sent_status"] = response.status_code
        errors = errors_of(response)
        if options.get("checked", True):
            codes = [error["extensions"]["code"] for error in errors]
            assert "internal" not in codes, response.text
        if response.status_code == 200 and errors and "data" in response.json():
            response.status_code = WHILE_EXECUTING[errors[0]["extensions"]["code"]]
        return response

    def send(
        self,
        body: Any,
        *,
        accept: str | None = GRAPHQL,
        headers: Mapping[str, str] | None = None,
        checked: bool = True,
    ) -> Answer:
        """POST any JSON at all."""
        accepted = {} if accept is None else {"Accept": accept}
        content = json.dumps(body).encode()
        sent = {"Content-Type": JSON, **accepted, **(headers or {})}
        return Answer(self.request("POST", PATH, content=content, headers=sent, checked=checked))

    def run(
        self, document: str, variables: Mapping[str, Any] | None = None, **options: Any
    ) -> Answer:
        """Execute `document`."""
        body = {"query": document} | ({} if variables is None else {"variables": variables})
        return self.send(body, **options)

    def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The value of the only root field of `document`, when nothing went wrong."""
        return self.run(document, variables).result

    def change(
        self, name: str, input_: Mapping[str, Any], *, selection: str | None = None, **options: Any
    ) -> Answer:
        """One mutation; a creation gets an idempotency key of its own unless it has one."""
        if name in CREATING and "idempotencyKey" not in input_:
            input_ = {**input_, "idempotencyKey": new_key()}
        return self.run(mutation(name, selection), {"input": input_}, **options)

    # The example's resources, made the way any client makes them.

    def create(self, kind: str, body: Mapping[str, Any], *, key: str | None = None) -> Answer:
        """`createCustomer` or `createOrder` with a key."""
        return self.change(f"create{kind}", {**body, "idempotencyKey": key or new_key()})

    def customer(self, **changes: Any) -> dict[str, Any]:
        """A customer that now exists."""
        answer = self.create("Customer", customer_body(**changes))
        return thing(answer, "Customer")

    def order(
        self, customer_id: str | None = None, *, status: str = "pending", **changes: Any
    ) -> dict[str, Any]:
        """An order that now exists and has gone the way to `status`."""
        body = order_body(customer_id or self.customer()["id"], **changes)
        order = thing(self.create("Order", body), "Order")
        for step in STEPS_TO[status]:
            order = thing(self.move(order, step), "Order")
        return order

    def move(self, order: Mapping[str, Any], status: str, **changes: Any) -> Answer:
        """`updateOrderStatus` from the version that is known."""
        known = {"id": order["id"], "status": status, "expectedVersion": order["version"]}
        return self.change("updateOrderStatus", {**known, **changes})

    def cancel(self, order: Mapping[str, Any], **changes: Any) -> Answer:
        """`cancelOrder` whatever its version."""
        return self.change("cancelOrder", {"id": order["id"], **changes})

    def read(self, kind: str, id_: str) -> dict[str, Any] | None:
        """`customer` or `order` of that id."""
        selection = CUSTOMER if kind == "customer" else ORDER
        found = self.ask(f"query ($id: ID!) {{ {kind}(id: $id) {{ {selection} }} }}", {"id": id_})
        return None if found is None else dict(found)

    def page(self, field: str, *, selection: str = "id", **variables: Any) -> dict[str, Any]:
        """One page of `customers` or `orders`."""
        return dict(self.ask(page_of(field, selection), variables))

    def walk(self, field: str, **variables: Any) -> Iterator[list[dict[str, Any]]]:
        """Every page of a connection, by following its cursors."""
        after: dict[str, str] = {}
        for _ in range(1000):
            page = self.page(field, **variables, **after)
            yield nodes(page)
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = {"after": page["pageInfo"]["endCursor"]}
        raise AssertionError(f"{field} has no last page")


def thing(answer: Answer, type_: str) -> dict[str, Any]:
    """What a mutation answered, which must be a `type_`, without `__typename`."""
    result = answer.result
    assert result and result["__typename"] == type_, answer.body
    return {name: value for name, value in result.items() if name != "__typename"}


def nodes(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a page holds."""
    return [edge["node"] for edge in page["edges"]]


def ids(page: Mapping[str, Any]) -> list[str]:
    """The ids of what a page holds."""
    return [node["id"] for node in nodes(page)]


def sent_status(response: httpx.Response) -> int:
    """The status that was really sent."""
    return int(response.extensions.get("sent_status", response.status_code))


def media_type(response: httpx.Response) -> str:
    """The media type of an answer, without its parameters."""
    return str(response.headers.get("content-type", "")).split(";")[0].strip().lower()


def errors_of(response: httpx.Response) -> list[Any]:
    """The errors of a GraphQL reply; none of anything else."""
    if media_type(response) not in {GRAPHQL, JSON} or not response.content:
        return []
    body = response.json()
    return list(body.get("errors", [])) if isinstance(body, dict) else []


class Errors:
    """The errors of GraphQL services."""

    def is_error(self, response: httpx.Response) -> bool:
        """Its status says so, or it has `errors`."""
        return response.status_code >= 400 or bool(errors_of(response))

    def assert_shape(self, response: httpx.Response) -> None:
        """A complete reply with errors, its status that of its codes."""
        status = sent_status(response)
        where = f"{response.request.method} {response.request.url} -> {status}"
        assert media_type(response) in {GRAPHQL, JSON}, f"{where}: {response.headers}"
        if response.request.method == "HEAD":
            assert response.content == b"", where
            return
        body = response.json()
        shown = f"{where}: {body}"
        assert isinstance(body, dict), shown
        assert body.keys() <= {"errors", "data"}, shown
        assert body["errors"], shown
        for error in body["errors"]:
            assert_error(error, response, shown)
        codes = [error["extensions"]["code"] for error in body["errors"]]
        executed = isinstance(body.get("data"), dict)
        assert status in statuses_of(codes[0], executed, response), shown
        assert_headers(codes[0], status, response.headers, shown)

    def assert_kind(
        self, response: httpx.Response, kind: str, pointer: str | None, parameter: str | None
    ) -> dict[str, Any]:
        """The first error has the code `kind`, and its own status."""
        self.assert_shape(response)
        assert (pointer, parameter) == (None, None), "REST's words: name a path or an argument"
        if response.request.method == "HEAD":
            allowed = {REFUSED.get(kind), NOT_EXECUTED.get(kind)}
            assert sent_status(response) in allowed, f"{kind}: {response.status_code}"
            return {}
        error = response.json()["errors"][0]
        assert error["extensions"]["code"] == kind, response.text[:1000]
        return dict(error["extensions"])


def statuses_of(code: str, executed: bool, response: httpx.Response) -> set[int]:
    """What an answer with that code may bear as its status."""
    if executed:
        assert code in WHILE_EXECUTING, f"{code} while executing"
        return {200}
    allowed = {REFUSED[code]} if code in REFUSED else set()
    if code in NOT_EXECUTED and response.request.url.path == PATH:
        allowed.add(NOT_EXECUTED[code] if media_type(response) == GRAPHQL else 200)
    return allowed


def assert_error(error: Any, response: httpx.Response, shown: str) -> None:
    """One of `errors`: section 7.1.2 of the specification, and the contract's extensions."""
    assert isinstance(error, dict), shown
    assert {"message", "extensions"} <= error.keys(), shown
    assert error.keys() <= {"message", "extensions", "path", "locations"}, shown
    assert isinstance(error["message"], str) and error["message"], shown
    extensions = error["extensions"]
    assert extensions["code"] in REFUSED | NOT_EXECUTED | WHILE_EXECUTING, shown
    assert extensions["requestId"] == response.headers["x-request-id"], shown
    allowed = {"code", "requestId", "scope", "argument", "cost", "limit", "retryAfter"}
    assert extensions.keys() <= allowed, shown
    for part in error.get("path", []):
        assert isinstance(part, str | int), shown
    for location in error.get("locations", []):
        assert location.keys() == {"line", "column"}, shown
        assert location["line"] >= 1 and location["column"] >= 1, shown
    if extensions["code"] == "forbidden":
        assert re.fullmatch(r"[a-z]+:[a-z]+", extensions["scope"]), shown


def assert_headers(code: str, status: int, headers: httpx.Headers, shown: str) -> None:
    """What the status needs beside the body."""
    if status == 401:
        assert headers.get("www-authenticate", "").lower().startswith("bearer"), shown
    if status == 405:
        assert headers.get("allow"), shown
    if status in {429, 503}:
        assert headers.get("retry-after", "").isdigit(), f"{shown}: Retry-After"
        assert 0 <= int(headers["retry-after"]) <= 3600, shown


def assert_fails(
    answer: Answer, code: str, *, path: list[str | int] | None = None, **extensions: Any
) -> dict[str, Any]:
    """A field failed with `code`, and is null; returns the error."""
    assert answer.status == 200, answer.body
    body = answer.body
    error = dict(body["errors"][0])
    assert error["extensions"]["code"] == code, body
    assert extensions.items() <= error["extensions"].items(), body
    place: Any = body["data"]
    for part in error["path"]:
        place = None if place is None else place[part]
    assert place is None, body
    if path is not None:
        assert error["path"] == path, body
    return error


def assert_not_executed(answer: Answer, code: str) -> dict[str, Any]:
    """Refused as a whole with `code` before anything was executed; returns the first error."""
    body = answer.body
    assert "data" not in body, body
    error = dict(body["errors"][0])
    assert error["extensions"]["code"] == code, body
    Errors().assert_shape(answer.response)
    return error


def assert_user_error(
    answer: Answer, type_: str, code: str, *, path: list[str] | None = None
) -> dict[str, Any]:
    """The mutation answered the member `type_` of its union; returns it."""
    result = dict(answer.result)
    assert (result["__typename"], result["code"]) == (type_, code), result
    assert isinstance(result["message"], str) and result["message"], result
    if type_ == "ValidationError":
        assert result["errors"], result
        for entry in result["errors"]:
            assert entry.keys() == {"path", "code", "message"}, result
            assert entry["path"] and all(isinstance(part, str) for part in entry["path"]), result
            assert entry["code"] and entry["message"], result
    if path is not None:
        assert path in [entry["path"] for entry in result["errors"]], result
    return result
