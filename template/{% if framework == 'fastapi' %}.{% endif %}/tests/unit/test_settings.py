"""The environment is checked once, and everything wrong with it is told at once."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.settings import (
    ConfigurationError,
    MigrationSettings,
    Settings,
    TokenSettings,
)

ROOT = Path(__file__).resolve().parents[2]
SOUND = {
    "DATABASE_URL": "postgresql://localhost/shop",
    "OIDC_ISSUER": "https://issuer.example.com",
    "OIDC_AUDIENCE": "shop",
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (Settings, MigrationSettings, TokenSettings):
        for field in settings.model_fields:
            monkeypatch.delenv(field.upper(), raising=False)


def problems_of(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refusal:
        Settings.from_environment()
    return refusal.value.problems


def test_three_variables_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment()
    assert settings.port == 8000
    assert settings.cors_allowed_origins == ()


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_of(monkeypatch, SOUND | {"DATABASE_URL": ""})
    assert problems == ["DATABASE_URL is required"]


def test_all_problems_are_told_at_once_each_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problems = problems_of(
        monkeypatch,
        {
            "APP_ENV": "staging",
            "PORT": "http",
            "METRICS_PORT": "70000",
            "DATABASE_URL": "mysql://localhost/shop",
            "DATABASE_POOL_MAX": "0",
            "SHUTDOWN_DRAIN_MS": "30000",
            "SHUTDOWN_GRACE_MS": "30000",
            "CORS_ALLOWED_ORIGINS": "https://a.example.com,b.example.com/path",
            "OIDC_JWKS_URL": "ftp://issuer/jwks",
        },
    )
    assert [problem.split(" ", 1)[0] for problem in problems] == [
        "APP_ENV",
        "PORT",
        "METRICS_PORT",
        "DATABASE_URL",
        "DATABASE_POOL_MAX",
        "SHUTDOWN_GRACE_MS",
        "OIDC_ISSUER",
        "OIDC_AUDIENCE",
        "OIDC_JWKS_URL",
        "CORS_ALLOWED_ORIGINS",
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"OIDC_ISSUER": "http://localhost/development"},
            "OIDC_ISSUER is the development issuer, which APP_ENV=production refuses",
        ),
        (
            {"OIDC_JWKS_URL": "file:.dev/jwks.json"},
            "OIDC_JWKS_URL is a file, which APP_ENV=production refuses: name the issuer's URL",
        ),
        ({"METRICS_PORT": "8000"}, "METRICS_PORT must differ from PORT"),
        ({"DATABASE_URL": "postgresql://ada:secret@h:x/shop"}, "DATABASE_URL is not a URL"),
    ],
)
def test_production_refuses(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], problem: str
) -> None:
    problems = problems_of(monkeypatch, SOUND | {"APP_ENV": "production"} | changes)
    assert len(problems) == 1
    assert problems[0].startswith(problem)
    assert "secret" not in problems[0]


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"DATABASE_URL": "postgresql://h/a"}, "postgresql://h/a"),
        (
            {"DATABASE_URL": "postgresql://h/a", "DATABASE_DIRECT_URL": "postgresql://h/b"},
            "postgresql://h/b",
        ),
        (
            {
                "DATABASE_URL": "postgresql://h/a",
                "DATABASE_POOLED": "true",
                "DATABASE_DIRECT_URL": "postgresql://h/b",
            },
            "postgresql://h/b",
        ),
        ({"DATABASE_URL": "postgresql://h/a", "DATABASE_POOLED": "true"}, None),
        ({"DATABASE_URL": "postgresql://h/a?pgbouncer=true"}, None),
        ({}, None),
    ],
)
def test_migrations_go_to_the_server_itself(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if url is None:
        with pytest.raises(ConfigurationError, match="DATABASE_DIRECT_URL is required"):
            MigrationSettings.from_environment()
    else:
        assert MigrationSettings.from_environment().url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@ep-cool-1-pooler.eu-central-1.aws.neon.tech/neondb",
        "postgresql://u:secret@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
    ],
)
def test_migrations_never_go_through_a_transaction_pooler(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", url)
    told = "DATABASE_DIRECT_URL leads through a transaction pooler"
    with pytest.raises(ConfigurationError, match=told) as refusal:
        MigrationSettings.from_environment()
    assert "secret" not in str(refusal.value)


def test_no_development_tokens_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(ConfigurationError, match="APP_ENV is production"):
        TokenSettings.from_environment()


def test_the_example_names_every_variable_and_starts_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    fields = {name.upper() for name in (*Settings.model_fields, *MigrationSettings.model_fields)}
    assert set(example) == fields | {"TEST_DATABASE_URL"}
    for name, value in example.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/shop")
    from_example = Settings.from_environment()
    # What the example shows is what holds when a variable is absent.
    for name in example:
        monkeypatch.delenv(name, raising=False)
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)
    by_default = Settings.from_environment()
    required = {"database_url", "oidc_issuer", "oidc_audience", "oidc_jwks_url"}
    assert from_example.model_dump(exclude=required) == by_default.model_dump(exclude=required)
