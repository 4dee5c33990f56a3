"""Replay makes the schema that PostgreSQL makes: names, types, constraints, indexes, partitions."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
import pytest

from senior_backend.postgres import Databases
from tests.catalog import truth

SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.sql"))


@pytest.fixture(scope="module")
def server(postgres_server: Databases) -> Iterator[psycopg.Connection[Any]]:
    url = postgres_server.create_database()
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        yield connection
    postgres_server.drop_database(url)


@pytest.fixture
def empty(server: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    server.execute("discard all")
    schemas = server.execute(
        "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)'"
    ).fetchall()
    for (schema,) in schemas:
        server.execute(f'drop schema "{schema}" cascade')  # type: ignore[call-overload]
    server.execute("create schema public")
    return server


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_the_model_is_what_postgresql_makes(shape: Path, empty: psycopg.Connection[Any]) -> None:
    script = shape.read_text("utf-8")
    empty.execute(script)  # type: ignore[call-overload]
    actual = truth.of_database(empty)
    model = truth.of_model(truth.replayed(script))
    for part in fields(truth.Schema):
        assert getattr(model, part.name) == getattr(actual, part.name), part.name
