"""What the GraphQL suite changes in the fixtures of the REST suite; its options are the same."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.contract import conftest as rest
from tests.contract.client import Guarded, Problems, speaking
from tests.contract.conftest import *  # noqa: F403  (its fixtures, options and hooks)
from tests.contract.conftest import SHARED_ENVIRONMENT, Launch, Settings, deselect, read_settings
from tests.contract.database import Database
from tests.contract.service import StartedService

from .client import Caller, Errors
from .statements import Statements

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the REST suite's modules only what is about the process, and needs no REST resource."""
    settings = read_settings(config)
    if settings is None:
        return

    def foreign(item: pytest.Item) -> bool:
        if HERE not in item.path.parents or item.get_closest_marker("orders") is None:
            return False
        borrowed = item.function.__module__.startswith(rest.__package__ + ".")
        return borrowed or settings.example == "none"

    deselect(config, items, foreign)


@pytest.fixture(scope="session", autouse=True)
def errors_are_graphql() -> Iterator[None]:
    """What tests of the REST suite call a problem is looked for in `errors`."""
    speaking(Errors())
    yield
    speaking(Problems())


@pytest.fixture(scope="session")
def shared_environment() -> dict[str, str]:
    """Documents of any kind in production too: what only allows persisted ones says so."""
    return {**SHARED_ENVIRONMENT, "GRAPHQL_DOCUMENTS": "any"}


@pytest.fixture(scope="session")
def caller() -> type[Caller]:
    """What the callers of this kind of service are."""
    return Caller


@pytest.fixture(scope="session")
def guarded(settings: Settings) -> Guarded:
    """A query that needs a token, in whatever this service was generated with."""
    document, scope = "{ customers { edges { cursor } } }", "customers:read"
    if settings.example == "none":
        document, scope = "{ ping { message } }", "ping:read"
    return Guarded(f"/graphql?query={quote(document)}", scope, "/schema.graphql")


@pytest.fixture(scope="session")
def observed_database(new_database) -> Database:
    """A database whose every statement is written down."""
    database: Database = new_database()
    Statements.write_down(database)
    return database


@pytest.fixture(scope="session")
def observed(launch: Launch, observed_database: Database) -> Iterator[StartedService]:
    """A service before the database whose every statement is written down."""
    with launch(database=observed_database) as service:
        yield service


@pytest.fixture
def observed_api(observed: StartedService, calling) -> Iterator[Caller]:
    """A caller of that service."""
    with calling(observed) as api:
        yield api


@pytest.fixture
def statements(observed_database: Database) -> Statements:
    """Counts what that service asks its database."""
    return Statements(observed_database)
