"""What relations of a GraphQL service cost the database, as the benchmark counts it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.overhead.graphql_tree import STARTER
from benchmarks.overhead.tree import SERVICE
from tests.fixtures.template import ROOT

pytestmark = pytest.mark.verify


def test_calls_of_the_database_do_not_grow_with_the_rows(
    installed: Callable[..., Path], tmp_path: Path
):
    file = tmp_path / "counts.json"
    command = [sys.executable, str(ROOT / "benchmarks/graphql_relations.py")]
    command += ["--service", str(installed("graphql", "orders")), "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    counts = json.loads(file.read_text())
    calls = {(one["server"], one["orders"]): one["statements"] for one in counts}
    service = {orders: calls[SERVICE, orders] for orders in (10, 100, 1000)}
    assert set(service.values()) == {2}, service  # customers; the orders of all of them, with items
    # A resolver for each relation asks once for each order, at least.
    assert all(calls[STARTER, orders] > orders for orders in service), calls
    assert "| 1,000, 2,000 | 2 | 1," in done.stdout
