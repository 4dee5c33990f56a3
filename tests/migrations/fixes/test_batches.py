"""Backfills in batches, on PostgreSQL: each row once, a commit after each, both protocols."""

import psycopg
import pytest

from senior_backend.operations import recipes
from senior_backend.operations.names import Name

ROWS = "CREATE TABLE t (a integer, b integer, n integer DEFAULT 0, PRIMARY KEY (a, b))"
FILL = "INSERT INTO t SELECT i % 7, i, 0 FROM generate_series(1, 303) AS i"
CHANGE = "UPDATE t SET n = n + 1 WHERE "


@pytest.mark.parametrize("key", [("b",), ("a", "b"), ("b", "a")])
@pytest.mark.parametrize("extended", [False, True])
def test_every_row_is_changed_once(database_url: str, key: tuple[str, ...], extended: bool) -> None:
    block = recipes.in_batches(Name(None, "t"), key, CHANGE)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(ROWS)
        connection.execute(FILL)
        connection.execute(block.encode(), prepare=extended)
        counted = connection.execute("SELECT n, count(*) FROM t GROUP BY n").fetchall()
        transactions = connection.execute("SELECT count(DISTINCT xmin::text) FROM t").fetchone()
    assert counted == [(1, 303)]
    assert transactions == (8,)


def test_an_empty_table_is_no_trouble(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(ROWS)
        connection.execute(recipes.in_batches(Name(None, "t"), ("b",), CHANGE).encode())


def test_it_refuses_a_transaction_block(database_url: str) -> None:
    """So it stands in a migration of its own, without one."""
    with psycopg.connect(database_url) as connection:
        connection.execute(ROWS)
        connection.execute(FILL)
        with pytest.raises(psycopg.errors.InvalidTransactionTermination):
            connection.execute(recipes.in_batches(Name(None, "t"), ("b",), CHANGE).encode())


def test_dollars_in_the_statement_do_not_end_the_block() -> None:
    block = recipes.in_batches(Name(None, "t"), ("b",), "UPDATE t SET n = length($$x$$) WHERE ")
    assert block.startswith("DO $body1$\n")
    assert block.endswith("\n$body1$")
