"""How many calls of the database a GraphQL query over three levels costs, by the number of rows.

The generated GraphQL service and Apollo Server with a resolver for each relation answer the same
query (customers, their orders, the items of those) over the same rows, in one run. What is counted
is what PostgreSQL has executed (pg_stat_statements). Exit code 0; 2: bad usage; 3: it could not
measure.
"""

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

# `python benchmarks/graphql_relations.py` finds only its own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.overhead.graphql_tree import GRAPHQL, STARTER
from benchmarks.overhead.seed import seed
from benchmarks.overhead.subjects import Running, serve
from benchmarks.overhead.tree import SERVICE
from senior_backend.errors import InputError, NotRunError, SeniorBackendError
from senior_backend.postgres import Session, start

SCOPES = "customers:read orders:read"
ORDERS_EACH = 10
ROUNDS = 15
# A service counts what a query may cost beforehand; here the largest one shall be answered.
NO_LIMIT = {"GRAPHQL_DOCUMENTS": "any", "GRAPHQL_MAX_COST": "1000000000"}

QUERY = """
query Relations($customers: Int!, $orders: Int!) {
  customers(first: $customers) {
    edges { node { id name
      orders(first: $orders) {
        edges { node { id totalMinor items { id sku quantity } } }
      }
    } }
  }
}
"""


@dataclass(frozen=True)
class Count:
    """What one query over `orders` orders cost a server: statements, and milliseconds (median)."""

    server: str
    orders: int
    items: int
    statements: int
    ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", type=Path, metavar="DIR", help="an installed service")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there too")
    options = parser.parse_args(arguments)
    try:
        counts = measure(options.service)
        print(table(counts))
        if options.json:
            write(options.json, counts)
    except SeniorBackendError as error:
        print(f"graphql_relations: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(given: Path | None) -> list[Count]:
    """Ask both servers over 10, 100 and 1,000 orders."""
    settings = {"shared_preload_libraries": "pg_stat_statements"}
    with (
        tempfile.TemporaryDirectory(prefix="graphql-relations-") as directory,
        start(settings=settings) as server,
    ):
        files = Path(directory)
        service = GRAPHQL.prepare(given, files)
        url = server.create_database()
        service.migrate(url)
        seed(url)
        with Session(url) as session:
            session.execute("create extension pg_stat_statements")
        token = service.token(url, SCOPES)
        subjects = [
            subject.with_environment(**NO_LIMIT)
            for subject in GRAPHQL.peers(service, url, files)
            if subject.name in (SERVICE, STARTER)
        ]
        with serve(subjects, core=None) as running:
            return [
                count(url, subject, token, customers)
                for customers in (1, 10, 100)
                for subject in running
            ]


def count(url: str, subject: Running, token: str, customers: int) -> Count:
    """The cost of one query over `customers` times ten orders."""
    variables = {"customers": customers, "orders": ORDERS_EACH}
    ask(subject, token, variables)  # connects, and reads what is read once
    with Session(url) as session:
        session.execute("select pg_stat_statements_reset()")
        answer = ask(subject, token, variables)
        ((statements,),) = session.execute(
            "select sum(calls)::int from pg_stat_statements as s join pg_database as d"
            " on d.oid = s.dbid and d.datname = current_database()"
            " where query ~ '(customers|orders|order_items)'"  # and no probe of readiness
        )
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask(subject, token, variables)
        times.append((time.perf_counter() - began) * 1000)
    orders = [
        order["node"]
        for customer in answer["data"]["customers"]["edges"]
        for order in customer["node"]["orders"]["edges"]
    ]
    if len(orders) != customers * ORDERS_EACH:
        raise NotRunError(f"{subject.name} answered with {len(orders)} orders")
    items = sum(len(order["items"]) for order in orders)
    return Count(subject.name, len(orders), items, statements, median(times))


def ask(subject: Running, token: str, variables: dict[str, int]) -> dict[str, Any]:
    """The answer to the query; raises ``NotRunError`` where it has an error."""
    body = json.dumps({"query": QUERY, "variables": variables}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    address = subject.url + ("/graphql" if subject.name == SERVICE else "/")
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, body, headers), timeout=60
        ) as r:
            answer: dict[str, Any] = json.load(r)
    except OSError as error:
        raise NotRunError(f"{subject.name} does not answer: {error}") from None
    if "errors" in answer:
        raise NotRunError(f"{subject.name} answers with {answer['errors'][0]['message']}")
    return answer


def table(counts: Sequence[Count]) -> str:
    """The Markdown for the README."""
    columns = [
        f"{name}: {what}" for what in ("database calls", "ms") for name in (SERVICE, STARTER)
    ]
    lines = [f"| orders, items | {' | '.join(columns)} |", "|--:|--:|--:|--:|--:|"]
    for one in (found for found in counts if found.server == SERVICE):
        (other,) = (c for c in counts if c.server == STARTER and c.orders == one.orders)
        lines.append(
            f"| {one.orders:,}, {one.items:,} | {one.statements} | {other.statements:,} |"
            f" {one.ms:.1f} | {other.ms:.1f} |"
        )
    return "\n".join(lines)


def write(path: Path, counts: Sequence[Count]) -> None:
    """Raise ``InputError`` when the file cannot be written."""
    try:
        path.write_text(json.dumps([vars(one) for one in counts], indent=2) + "\n")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): name another file"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
