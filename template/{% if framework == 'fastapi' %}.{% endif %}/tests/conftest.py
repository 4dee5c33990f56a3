"""What tests start from: a database of their own, an application on it, and tokens it believes.

The database is made on the server that TEST_DATABASE_URL names, migrated once, and dropped at the
end. Tests share it: each takes a tenant of its own, so nothing has to be cleaned up between them.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from app.application import Application, create_app, run_parts
from app.auth.development import mint_token
from app.auth.tokens import TokenRules
from app.database.migrations import migrate
from app.settings import Settings

ISSUER = "http://localhost/development"
AUDIENCE = "service"

Token = Callable[..., str]


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A fresh database with the newest schema."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.exit("TEST_DATABASE_URL is not set: run `make test`", returncode=3)
    name = f"test_{secrets.token_hex(6)}"
    try:
        asyncio.run(_execute(server, f'create database "{name}"'))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        pytest.exit(f"TEST_DATABASE_URL: no database can be made there: {error}", returncode=3)
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    try:
        migrate(url)
        yield url
    finally:
        asyncio.run(_execute(server, f'drop database "{name}" with (force)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the development key of the tests is."""
    directory = tmp_path_factory.mktemp("keys")
    mint_token(
        directory,
        TokenRules(ISSUER, AUDIENCE, "tenant", "scope"),
        tenant="t",
        subject="s",
        scopes=(),
    )
    return directory


@pytest.fixture(scope="session")
def environment(database_url: str, key_directory: Path) -> Mapping[str, str]:
    """The environment of a service under test."""
    return {
        "APP_ENV": "test",
        "LOG_LEVEL": "warning",
        "DATABASE_URL": database_url,
        "OIDC_ISSUER": ISSUER,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_JWKS_URL": f"file:{key_directory / 'jwks.json'}",
        "RATE_LIMIT_PER_MINUTE": "0",
    }


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has."""
    return f"tenant-{secrets.token_hex(6)}"


@pytest.fixture
def token(key_directory: Path, tenant: str) -> Token:
    """Mints a token: `token("things:read", tenant=..., subject=...)`."""

    def mint(*scopes: str, tenant: str = tenant, subject: str = "tester") -> str:
        rules = TokenRules(ISSUER, AUDIENCE, "tenant", "scope")
        return mint_token(key_directory, rules, tenant=tenant, subject=subject, scopes=scopes)

    return mint


def settings_from(environment: Mapping[str, str], **changes: Any) -> Settings:
    """Settings as if the environment were `environment`, with changes by field name."""
    values = {name.lower(): value for name, value in environment.items()}
    return Settings(**(values | changes))


@pytest.fixture(scope="session")
async def app(environment: Mapping[str, str]) -> AsyncIterator[Application]:
    """The application, running."""
    application = create_app(settings_from(environment))
    async with run_parts(application.settings, application.parts):
        yield application


@pytest.fixture
async def client(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a token."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as caller:
        yield caller
