"""The example in README.md is real: the migration, and every line that the linter prints for it."""

import re
from collections.abc import Callable
from pathlib import Path

import click

from tests.migrations.conftest import Files, Repository

README = Path(__file__).resolve().parents[2] / "README.md"
EARLIER = """\
-- +goose Up
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, code varchar(20));
"""


def block(marker: str) -> str:
    """The code block that follows a comment."""
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```", README.read_text(), re.DOTALL)
    assert found, marker
    return found[1]


def test_the_example_prints_what_the_readme_shows(
    repository: Callable[[Files], Repository],
) -> None:
    made = repository(
        {
            "db/00001_orders.sql": EARLIER,
            "db/00002_customer.sql": block("example: db/00002_customer.sql"),
        }
    )
    run = made.run("lint", "db")
    assert click.unstyle(run.out) == block("output: senior-backend migrations lint db")
    assert run.code == 1


def test_the_trace_prints_what_the_readme_shows(
    repository: Callable[[Files], Repository],
) -> None:
    made = repository(
        {
            "db/00001_orders.sql": EARLIER,
            "db/00002_customer.sql": block("example: db/00002_customer.sql"),
        }
    )
    run = made.run("trace", "db/00002_customer.sql")
    shown = block("output: senior-backend migrations trace db/00002_customer.sql")
    assert without_numbers(click.unstyle(run.out)) == without_numbers(shown)
    assert (run.code, run.err) == (0, "")


def without_numbers(text: str) -> str:
    """Without what differs from run to run: milliseconds, the server's minor version."""
    text = re.sub(r"(PostgreSQL \d+)\.\d+", r"\1", text)
    return re.sub(r" +[\d.]+ ms", " ms", text)


def test_the_settings_in_the_readme_are_accepted(
    repository: Callable[[Files], Repository],
) -> None:
    found = re.search(r"```toml\n(\[migrations\].*?)```", README.read_text(), re.DOTALL)
    assert found
    made = repository(
        {
            "senior-backend.toml": found[1],
            "db/migrations/1.sql": "SELECT 1;\n",
            "known.json": '{"version": 1, "findings": []}',
        }
    )
    assert (made.run("lint").code, made.run("lint").err) == (0, "")
