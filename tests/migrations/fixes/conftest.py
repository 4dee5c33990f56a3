"""Batches so small that every backfill has several, and a database to try fixes on."""

from collections.abc import Iterator

import pytest

from senior_backend.operations import recipes
from senior_backend.postgres import Databases
from senior_backend.postgres.session import Session
from tests.migrations.fixes.bench import Bench


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of the tests have some hundred rows."""
    monkeypatch.setattr(recipes, "BATCH", 40)


@pytest.fixture(scope="module")
def bench(postgres_server: Databases) -> Iterator[Bench]:
    """A database for many cases, one after another."""
    url = postgres_server.create_database()
    with Session(url) as session:
        yield Bench(url, session)
    postgres_server.drop_database(url)
