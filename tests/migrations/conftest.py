from collections.abc import Iterator

import pytest

from senior_backend.postgres import Databases
from tests.migrations.observe import Observer


@pytest.fixture(scope="session")
def observer(postgres_server: Databases) -> Iterator[Observer]:
    """A PostgreSQL that shows what a migration does, with a database of its own."""
    url = postgres_server.create_database()
    with Observer(url) as observer:
        yield observer
    postgres_server.drop_database(url)
