"""The contract suite's two ways in: it starts everything, or it is pointed at what runs already."""

import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from .client import ORDER_SCOPES, Caller, Guarded
from .database import Cluster, Database, Pooler
from .issuer import AUDIENCE, Issuer
from .service import (
    Commands,
    Service,
    StartedService,
    free_port,
    run_migrations,
    start_process,
)

HERE = Path(__file__).parent
NO_CONTROL = "needs control of the service's process, database and issuer: use --contract-service"

# Generous where tests that share one service must not meet a limit, small where waiting costs.
SHARED_ENVIRONMENT = {
    "APP_ENV": "test",
    "LOG_LEVEL": "info",
    "DATABASE_POOL_MAX": "10",
    "DATABASE_POOL_ACQUIRE_TIMEOUT_MS": "5000",
    "DATABASE_STATEMENT_TIMEOUT_MS": "8000",
    "REQUEST_TIMEOUT_MS": "10000",
    "SHUTDOWN_DRAIN_MS": "100",
    "SHUTDOWN_GRACE_MS": "5000",
    "BODY_LIMIT_BYTES": "65536",
    "RATE_LIMIT_PER_MINUTE": "1000000",
    "OIDC_AUDIENCE": AUDIENCE,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the service contract")
    if group.options:
        return  # those of the GraphQL suite are the same
    group.addoption("--contract-service", metavar="DIR", help="service to start: its folder")
    group.addoption("--contract-serve", metavar="CMD", help="its server, run in that folder")
    group.addoption("--contract-migrate", metavar="CMD", help="its migrations, likewise")
    group.addoption("--contract-pooler", metavar="CMD", help="pooler to put before PostgreSQL")
    group.addoption(
        "--contract-environment",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a variable of every service that is started, such as REDIS_URL; may be repeated",
    )
    group.addoption("--contract-url", metavar="URL", help="service that runs already")
    group.addoption("--contract-metrics-url", metavar="URL", help="its metrics, with /metrics")
    group.addoption(
        "--contract-token-command",
        metavar="CMD",
        help="prints a token; gets --tenant T --subject S --scope 'A B' appended",
    )
    group.addoption(
        "--contract-example",
        choices=("orders", "none"),
        default="orders",
        help="what the service was generated with; none: only what needs no orders and customers",
    )


@dataclass(frozen=True)
class Settings:
    """What was asked for on the command line."""

    commands: Commands | None
    url: str | None
    metrics_url: str | None
    token_command: list[str] | None
    pooler: str | None
    environment: dict[str, str]
    example: str


def read_settings(config: pytest.Config) -> Settings | None:
    """The options, or None when the suite was not asked to run; UsageError when they do not fit."""

    def option(name: str) -> Any:
        return config.getoption(f"--contract-{name}", default=None)

    directory, url = option("service"), option("url")
    if directory is None and url is None:
        return None
    if directory is not None and url is not None:
        raise pytest.UsageError("--contract-service and --contract-url exclude each other")
    needed = ("serve", "migrate") if directory is not None else ("token-command",)
    for name in needed:
        if option(name) is None:
            way = "--contract-service" if directory is not None else "--contract-url"
            raise pytest.UsageError(f"{way} needs --contract-{name}")
    token_command = option("token-command")
    environment = option("environment") or []
    if not all("=" in variable for variable in environment):
        raise pytest.UsageError("--contract-environment takes NAME=VALUE")
    return Settings(
        commands=directory and Commands.parse(directory, option("serve"), option("migrate")),
        url=url and url.rstrip("/"),
        metrics_url=option("metrics-url"),
        token_command=token_command and shlex.split(token_command),
        pooler=option("pooler"),
        environment=dict(variable.split("=", 1) for variable in environment),
        example=option("example"),
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "orders: needs the example's customers and orders")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a service there is nothing to test here: `make verify` and people name one."""
    if collection_path.name.startswith("test_") and read_settings(config) is None:
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    settings = read_settings(config)
    if settings is None or settings.example == "orders":
        return
    deselect(
        config,
        items,
        lambda i: HERE in i.path.parents and i.get_closest_marker("orders") is not None,
    )


def deselect(
    config: pytest.Config, items: list[pytest.Item], foreign: Callable[[pytest.Item], bool]
) -> None:
    """Leave out the items that are `foreign` to what was generated, and count them."""
    gone = [item for item in items if foreign(item)]
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if item not in gone]


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest) -> Settings:
    found = read_settings(request.config)
    assert found is not None
    return found


# Everything below needs control of the process and is skipped, by name, without it.


@pytest.fixture(scope="session")
def commands(settings: Settings) -> Commands:
    if settings.commands is None:
        pytest.skip(NO_CONTROL)
    return settings.commands


@pytest.fixture(scope="session")
def shared_environment() -> dict[str, str]:
    """What every service is told unless a test says otherwise."""
    return SHARED_ENVIRONMENT


@pytest.fixture(scope="session")
def issuer(commands: Commands) -> Iterator[Issuer]:
    """The issuer that the shared service trusts; tests that disturb an issuer start their own."""
    with Issuer() as issuer:
        yield issuer


class StartCluster(Protocol):
    def __call__(self) -> AbstractContextManager[tuple[Cluster, Database]]: ...


@pytest.fixture(scope="session")
def start_cluster(
    settings: Settings, commands: Commands, issuer: Issuer, shared_environment: dict[str, str]
) -> StartCluster:
    """Starts a PostgreSQL server of one's own, and migrates one database on it to copy from."""

    @contextmanager
    def start() -> Iterator[tuple[Cluster, Database]]:
        pooler = Pooler(settings.pooler, free_port()) if settings.pooler else None
        cluster = Cluster.start(pooler)
        try:
            migrated = cluster.database()
            run_migrations(
                commands,
                {**shared_environment, "OIDC_ISSUER": issuer.url, **migrated.environment()},
            )
            yield cluster, migrated
        finally:
            cluster.stop()

    return start


@pytest.fixture(scope="session")
def cluster(start_cluster: StartCluster) -> Iterator[tuple[Cluster, Database]]:
    with start_cluster() as started:
        yield started


@pytest.fixture(scope="session")
def new_database(cluster: tuple[Cluster, Database]) -> Callable[[], Database]:
    """Makes a migrated, empty database."""
    server, migrated = cluster
    return lambda: server.database(template=migrated)


class Launch(Protocol):
    def __call__(
        self,
        *,
        issuer: Issuer | None = None,
        database: Database | None = None,
        ready: bool = True,
        **environment: str | None,
    ) -> AbstractContextManager[StartedService]: ...


@pytest.fixture(scope="session")
def launch(
    settings: Settings,
    commands: Commands,
    issuer: Issuer,
    shared_environment: dict[str, str],
    new_database: Callable[[], Database],
    tmp_path_factory: pytest.TempPathFactory,
) -> Launch:
    """Starts a service of one's own: `with launch(BODY_LIMIT_BYTES="100") as service`.

    Variables add to or replace `shared_environment`; None leaves one out. A database of its own
    unless one is given. Waits for /readyz unless `ready` is false.
    """
    shared_issuer = issuer
    logs = tmp_path_factory.mktemp("service-logs")
    number = count(1)

    @contextmanager
    def start(
        *,
        issuer: Issuer | None = None,
        database: Database | None = None,
        ready: bool = True,
        **environment: str | None,
    ) -> Iterator[StartedService]:
        service = start_process(
            commands,
            {
                **shared_environment,
                "OIDC_ISSUER": (issuer or shared_issuer).url,
                **(database or new_database()).environment(),
                **settings.environment,
                **environment,
            },
            logs / f"{next(number)}.log",
        )
        try:
            if ready:
                service.wait_ready()
            yield service
        finally:
            service.kill()

    return start


@pytest.fixture(scope="session")
def database(new_database: Callable[[], Database]) -> Database:
    """The shared service's database."""
    return new_database()


@pytest.fixture(scope="session")
def started(launch: Launch, database: Database) -> Iterator[StartedService]:
    """The shared service, for tests that read its log or act on its process or database."""
    with launch(database=database) as service:
        yield service


# Either way in.


@pytest.fixture(scope="session")
def service(settings: Settings, request: pytest.FixtureRequest) -> Service:
    """The service most tests share. It has been running since before they began."""
    if settings.url is not None:
        return Service(settings.url, settings.metrics_url)
    return request.getfixturevalue("started")


class Mint(Protocol):
    def __call__(
        self, *, tenant: str | None = None, subject: str = "ada", scope: str = ORDER_SCOPES
    ) -> str: ...


@pytest.fixture(scope="session")
def mint(settings: Settings, request: pytest.FixtureRequest) -> Mint:
    """Mints a good token; a tenant nobody else uses unless one is named."""
    if settings.token_command is None:
        issuer: Issuer = request.getfixturevalue("issuer")
        return lambda *, tenant=None, subject="ada", scope=ORDER_SCOPES: issuer.token(
            tenant=tenant or new_tenant(), sub=subject, scope=scope
        )

    @cache
    def run(tenant: str, subject: str, scope: str) -> str:
        assert settings.token_command is not None
        argv = [*settings.token_command, "--tenant", tenant, "--subject", subject]
        finished = subprocess.run(
            [*argv, "--scope", scope], capture_output=True, text=True, timeout=60
        )
        assert finished.returncode == 0, f"{shlex.join(argv)}: {finished.stderr}"
        return finished.stdout.strip()

    return lambda *, tenant=None, subject="ada", scope=ORDER_SCOPES: run(
        tenant or new_tenant(), subject, scope
    )


def new_tenant() -> str:
    return f"tenant-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def guarded(settings: Settings) -> Guarded:
    """A GET that needs a token, in whatever this service was generated with."""
    if settings.example == "none":
        return Guarded("/v1/ping", "ping:read")
    return Guarded("/v1/customers", "customers:read")


@pytest.fixture(scope="session")
def caller() -> type[Caller]:
    """What the callers of this kind of service are."""
    return Caller


@contextmanager
def open_http(service: Service) -> Iterator[httpx.Client]:
    """A client that follows no redirect, heeds no proxy and reuses connections."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2)
    with httpx.Client(
        base_url=service.url,
        timeout=30,
        trust_env=False,
        verify=False,
        limits=limits,
        follow_redirects=False,
    ) as http:
        yield http


@pytest.fixture(scope="session")
def http(service: Service) -> Iterator[httpx.Client]:
    with open_http(service) as client:
        yield client


@pytest.fixture
def nobody(http: httpx.Client, caller: type[Caller]) -> Caller:
    """A caller without a token."""
    return caller(http, None)


@pytest.fixture
def tenant() -> str:
    """A tenant of this test's own."""
    return new_tenant()


@pytest.fixture
def api(
    http: httpx.Client, caller: type[Caller], mint: Mint, tenant: str, guarded: Guarded
) -> Caller:
    """A caller who may do everything in `tenant`."""
    return caller(http, mint(tenant=tenant, scope=all_scopes(guarded)))


@pytest.fixture
def stranger(http: httpx.Client, caller: type[Caller], mint: Mint, guarded: Guarded) -> Caller:
    """A caller who may do everything in another tenant."""
    return caller(http, mint(scope=all_scopes(guarded)))


def all_scopes(guarded: Guarded) -> str:
    return ORDER_SCOPES if guarded.scope in ORDER_SCOPES else guarded.scope


class Calling(Protocol):
    def __call__(self, service: Service, **claims: Any) -> AbstractContextManager[Caller]: ...


@pytest.fixture(scope="session")
def calling(caller: type[Caller], mint: Mint, guarded: Guarded) -> Calling:
    """A caller of a service other than the shared one, in a new tenant."""

    @contextmanager
    def call(service: Service, **claims: Any) -> Iterator[Caller]:
        with open_http(service) as http:
            yield caller(http, mint(**{"scope": all_scopes(guarded), **claims}))

    return call


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show the last lines of the services that a failed test used."""
    report = yield
    if report.when == "call" and report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, StartedService):
                report.sections.append(
                    (f"log of {name}", "\n".join(value.output().splitlines()[-20:]))
                )
    return report
