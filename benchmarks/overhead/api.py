"""What is asked of the servers of one tree: three requests, and how their answers are compared."""

import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.overhead.wrk import Requests

_HERE = Path(__file__).parent

_ORDER = (
    "id customerId status currency totalMinor createdAt updatedAt version "
    "items { id sku quantity unitPriceMinor }"
)


@dataclass(frozen=True)
class Api:
    """`kinds` names each request for people; `script` is what makes wrk send them.

    `documents` gives what a server at a URL answers to the reading ones, without what each may say
    in its own form; raises ``OSError`` when one is not answered 200.
    """

    kinds: Mapping[str, str]
    script: Path
    documents: Callable[[str, Requests], list[Any]]


def _ask(url: str, token: str, body: object = None) -> dict[str, Any]:
    """The JSON of a GET, or of a POST where there is a body."""
    headers = {"Authorization": f"Bearer {token}"}
    data = None
    if body is not None:
        headers |= {
            "Content-Type": "application/json",
            "Accept": "application/graphql-response+json",
        }
        data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        document: dict[str, Any] = json.load(response, object_hook=_read_times)
        return document


def _read_times(members: dict[str, Any]) -> dict[str, Any]:
    """Times as moments: how many digits they have is a server's own form."""
    times = {
        name: datetime.fromisoformat(value)
        for name, value in members.items()
        if name in {"createdAt", "updatedAt"}
    }
    return members | times


def _rest(url: str, requests: Requests) -> list[Any]:
    order = _ask(f"{url}/v1/orders/{requests.order_ids[0]}", requests.token)
    page = _ask(f"{url}/v1/orders?limit=20", requests.token)
    del page["nextCursor"]  # opaque
    return [order, page]


def _graphql(url: str, requests: Requests) -> list[Any]:
    def run(query: str, **variables: str) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        return _ask(f"{url}/graphql", requests.token, body)

    one = f"query ($id: ID!) {{ order(id: $id) {{ {_ORDER} }} }}"
    page = (
        f"{{ orders(first: 20) {{ edges {{ node {{ {_ORDER} }} }} pageInfo {{ hasNextPage }} }} }}"
    )
    return [run(one, id=requests.order_ids[0]), run(page)]


REST = Api(
    {
        "get": "GET /v1/orders/{id}",
        "list": "GET /v1/orders?limit=20",
        "post": "POST /v1/orders",
    },
    _HERE / "rest.lua",
    _rest,
)

GRAPHQL = Api(
    {"get": "order(id)", "list": "orders(first: 20)", "post": "createOrder"},
    _HERE / "graphql.lua",
    _graphql,
)
