"""A tracer on a database of its own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from senior_backend.postgres import Databases

if TYPE_CHECKING:
    from senior_backend.migrations.trace.observing.tracer import Tracer


@pytest.fixture(scope="module")
def tracer(postgres_server: Databases) -> "Iterator[Tracer]":
    """Its database is its own; see ``tests.migrations.trace.traced.prepare``."""
    from senior_backend.migrations.trace.observing.tracer import (  # with the driver: 90 ms
        Settings,
        Tracer,
    )

    url = postgres_server.create_database()
    with Tracer(url, Settings(statement_timeout_s=20)) as tracer:
        yield tracer
    postgres_server.drop_database(url)
