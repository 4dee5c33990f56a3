"""The environment is read once, at the start, and everything wrong with it is told at once."""

import subprocess
import time

import pytest

from .client import Guarded
from .issuer import Issuer, SigningKey

START_SECONDS = 10.0


@pytest.fixture
def refusal(launch):
    """Starts a service that must refuse to; its output and exit code."""

    def start(**environment: str | None) -> str:
        with launch(ready=False, **environment) as service:
            started = time.monotonic()
            try:
                code = service.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                pytest.fail(f"it started with {environment}:\n{service.output()}")
            assert code not in {0, None}
            assert time.monotonic() - started < START_SECONDS
            output = service.output()
            assert "Traceback" not in output, output
            return output

    return start


def test_everything_that_is_missing_is_named_at_once(refusal):
    missing = {"DATABASE_URL": None, "OIDC_ISSUER": None, "OIDC_AUDIENCE": None}
    output = refusal(**missing)
    assert [name for name in missing if name not in output] == []


# Not a number, out of its range, or not of its kind.
INVALID = {
    "PORT": "http",
    "METRICS_PORT": "70000",
    "APP_ENV": "staging",
    "LOG_LEVEL": "loud",
    "DATABASE_URL": "mysql://localhost/orders",
    "DATABASE_POOL_MAX": "0",
    "DATABASE_POOL_ACQUIRE_TIMEOUT_MS": "soon",
    "DATABASE_STATEMENT_TIMEOUT_MS": "-1",
    "DATABASE_POOLED": "perhaps",
    "REQUEST_TIMEOUT_MS": "1.5s",
    "SHUTDOWN_DRAIN_MS": "-1",
    "SHUTDOWN_GRACE_MS": "long",
    "BODY_LIMIT_BYTES": "1MB",
    "RATE_LIMIT_PER_MINUTE": "many",
    "OIDC_ISSUER": "not an address",
    "OIDC_JWKS_URL": "ftp://example.com/keys",
    "CORS_ALLOWED_ORIGINS": "app.example.com/path",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318",
    "TRUST_PROXY_HOPS": "-1",
}


def test_everything_that_is_invalid_is_named_at_once(refusal):
    output = refusal(**INVALID)
    assert [name for name in INVALID if name not in output] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_ENV", "Production"),
        ("DATABASE_URL", "not an address"),
        ("OIDC_AUDIENCE", ""),
        ("DATABASE_POOL_MAX", "ten"),
    ],
)
def test_one_wrong_variable_is_enough_and_only_it_is_named(refusal, name: str, value: str):
    output = refusal(**{name: value})
    assert name in output
    blamed = [other for other in INVALID if other in output and other != name]
    assert [other for other in blamed if not name.startswith(other)] == []


def test_a_drain_that_is_not_shorter_than_the_grace_is_refused(refusal):
    output = refusal(SHUTDOWN_DRAIN_MS="5000", SHUTDOWN_GRACE_MS="5000")
    assert "SHUTDOWN_DRAIN_MS" in output or "SHUTDOWN_GRACE_MS" in output


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("DATABASE_URL", "mysql://orders:hunter2-secret@db.example.com/orders"),
        ("OIDC_ISSUER", "https://orders:hunter2-secret@issuer.example.com"),
        ("OIDC_JWKS_URL", "https://hunter2-secret@issuer.example.com/keys"),
    ],
)
def test_a_password_in_a_refused_address_is_not_told(refusal, name: str, address: str):
    output = refusal(**{name: address, "PORT": "http"})
    assert name in output
    assert "hunter2-secret" not in output


# Production.


def test_production_refuses_keys_from_a_file(refusal):
    output = refusal(APP_ENV="production", OIDC_JWKS_URL="file:.dev/jwks.json", LOG_LEVEL="loud")
    assert "OIDC_JWKS_URL" in output
    assert "LOG_LEVEL" in output


def test_production_refuses_tokens_of_development_keys(launch, calling, guarded: Guarded):
    development = SigningKey.generate("ES256", "development-1")
    with Issuer() as issuer:
        issuer.keys.append(development)
        with launch(issuer=issuer, APP_ENV="production") as service, calling(service) as api:

            def ask(key: SigningKey) -> int:
                token = issuer.token(key=key, scope=guarded.scope)
                return api.as_bearer(token).get(guarded.path).status_code

            assert ask(issuer.keys[0]) == 200
            assert ask(development) in {401, 503}


# What is not set has a default that works.


def test_only_where_the_database_and_the_issuer_are_must_be_told(launch, calling, guarded: Guarded):
    optional = dict.fromkeys(
        [
            "LOG_LEVEL",
            "DATABASE_POOL_MAX",
            "DATABASE_POOL_ACQUIRE_TIMEOUT_MS",
            "DATABASE_STATEMENT_TIMEOUT_MS",
            "REQUEST_TIMEOUT_MS",
            "SHUTDOWN_DRAIN_MS",
            "SHUTDOWN_GRACE_MS",
            "BODY_LIMIT_BYTES",
            "RATE_LIMIT_PER_MINUTE",
        ]
    )
    nowhere = "postgresql://127.0.0.1:9/for-tests-only"
    with launch(TEST_DATABASE_URL=nowhere, **optional) as service, calling(service) as api:
        assert api.get(guarded.path).status_code == 200


@pytest.mark.parametrize(
    ("scheme", "query"),
    [
        (
            "postgres",
            "sslmode=prefer&channel_binding=prefer&application_name=contract&connect_timeout=5",
        ),
        ("postgresql", "sslmode=disable&pgbouncer=true"),
    ],
)
def test_a_database_address_is_taken_as_providers_spell_it(
    launch, new_database, calling, guarded: Guarded, scheme: str, query: str
):
    database = new_database()
    settings = database.environment()
    address = settings["DATABASE_URL"].partition("://")[2]
    settings["DATABASE_URL"] = f"{scheme}://{address}?{query}"
    with launch(database=database, **settings) as service, calling(service) as api:
        assert api.get(guarded.path).status_code == 200


def test_a_log_level_is_heeded(launch, calling, guarded: Guarded):
    with launch(LOG_LEVEL="error") as service, calling(service) as api:
        since = service.log_size()
        assert api.get(guarded.path).status_code == 200
        assert service.log_lines(since) == []
