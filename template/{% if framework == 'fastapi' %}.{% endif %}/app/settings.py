"""Configuration: the environment, read and checked once, when the process starts."""

from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.database.url import parse_database_url

DEVELOPMENT_ISSUER = "http://localhost/development"


class Environment(StrEnum):
    """Where the process runs. Production refuses what only development may trust."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """From this level on, lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ConfigurationError(Exception):
    """The environment cannot be used; `problems` holds one line for each variable at fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


Port = Annotated[int, Field(ge=0, le=65535)]
Milliseconds = Annotated[int, Field(ge=1, le=600_000)]
ClaimName = Annotated[str, Field(min_length=1, max_length=200)]


class _Environment(BaseSettings):
    """Reads variables of the same name as the field, in capitals; an empty one counts as unset."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, case_sensitive=False, extra="ignore", frozen=True
    )

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: all that is wrong with it, at once.
        """
        try:
            return cls()
        except ValidationError as error:
            problems = [
                f"{str(item['loc'][0]).upper()} {_explain(item['type'], item['msg'])}"
                for item in error.errors(include_url=False, include_input=False)
            ]
            raise ConfigurationError(problems) from None


class Settings(_Environment):
    """What `serve` needs. `.env.example` explains each variable."""

    app_env: Environment = Environment.DEVELOPMENT
    log_level: LogLevel = LogLevel.INFO
    port: Port = 8000
    metrics_port: Port = 9000

    database_url: str
    database_pooled: bool = False
    database_pool_max: Annotated[int, Field(ge=1, le=1000)] = 10
    database_pool_acquire_timeout_ms: Milliseconds = 500
    database_statement_timeout_ms: Milliseconds = 5_000

    request_timeout_ms: Milliseconds = 10_000
    shutdown_drain_ms: Annotated[int, Field(ge=0, le=600_000)] = 5_000
    shutdown_grace_ms: Milliseconds = 25_000
    body_limit_bytes: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1_048_576
    rate_limit_per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = 600

    oidc_issuer: Annotated[str, Field(min_length=1)]
    oidc_audience: Annotated[str, Field(min_length=1)]
    oidc_jwks_url: str | None = None
    tenant_claim: ClaimName = "tenant"
    scope_claim: ClaimName = "scope"

    cors_allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trust_proxy_hops: Annotated[int, Field(ge=0, le=10)] = 0

    otel_exporter_otlp_endpoint: str | None = None
    otel_service_name: str = "service"

    # A validator sees only the fields above its own that are sound, so each rule about two
    # variables stands with the later one, and every error is still found in one pass.

    @field_validator("metrics_port")
    @classmethod
    def _own_port(cls, value: int, info: ValidationInfo) -> int:
        if value != 0 and value == info.data.get("port"):
            raise ValueError("must differ from PORT: metrics are not for the public")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str) -> str:
        parse_database_url(value)
        return value

    @field_validator("shutdown_grace_ms")
    @classmethod
    def _grace_after_drain(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("shutdown_drain_ms", 0):
            raise ValueError("must be greater than SHUTDOWN_DRAIN_MS")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str, info: ValidationInfo) -> str:
        if urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("must be the issuer's http(s) URL")
        if value == DEVELOPMENT_ISSUER and _is_production(info):
            raise ValueError("is the development issuer, which APP_ENV=production refuses")
        return value

    @field_validator("oidc_jwks_url")
    @classmethod
    def _jwks_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        scheme = urlsplit(value).scheme
        if scheme not in {"http", "https", "file"}:
            raise ValueError("must be an http(s) URL, or file:PATH in development")
        if scheme == "file" and _is_production(info):
            raise ValueError("is a file, which APP_ENV=production refuses: name the issuer's URL")
        return value

    @field_validator("cors_allowed_origins", mode="before")
    @classmethod
    def _origins(cls, value: str | tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(value, str):
            return value
        origins = tuple(origin.strip() for origin in value.split(",") if origin.strip())
        for origin in origins:
            parts = urlsplit(origin)
            if (
                parts.scheme not in {"http", "https"}
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.com")
        return origins

    @property
    def production(self) -> bool:
        """Whether this is the real thing."""
        return self.app_env is Environment.PRODUCTION


class MigrationSettings(_Environment):
    """What `migrate` needs: an address that reaches the server without a transaction pooler."""

    database_url: str | None = None
    database_pooled: bool = False
    database_direct_url: Annotated[str | None, Field(validate_default=True)] = None

    @field_validator("database_url", "database_direct_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None:
            parse_database_url(value)
        return value

    @field_validator("database_direct_url")
    @classmethod
    def _direct(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and "database_url" in info.data:
            url = info.data["database_url"]
            if url is None:
                raise ValueError("is required (or DATABASE_URL)")
            if info.data.get("database_pooled") or parse_database_url(url).pooled:
                raise ValueError(
                    "is required: DATABASE_URL leads through a transaction pooler, where the lock"
                    " that migrations hold would not last"
                )
        return value

    @property
    def url(self) -> str:
        """Where to migrate."""
        url = self.database_direct_url or self.database_url
        assert url is not None, "validated"
        return url

    @property
    def variable(self) -> str:
        """The variable that `url` was read from."""
        return "DATABASE_DIRECT_URL" if self.database_direct_url else "DATABASE_URL"


class TokenSettings(_Environment):
    """What `token` needs; the defaults are those of `.env.example`."""

    app_env: Environment = Environment.DEVELOPMENT
    oidc_issuer: str = DEVELOPMENT_ISSUER
    oidc_audience: str = "service"
    tenant_claim: ClaimName = "tenant"
    scope_claim: ClaimName = "scope"

    @field_validator("app_env")
    @classmethod
    def _not_in_production(cls, value: Environment) -> Environment:
        if value is Environment.PRODUCTION:
            raise ValueError("is production, where development tokens are not believed")
        return value


def _is_production(info: ValidationInfo) -> bool:
    return info.data.get("app_env") is Environment.PRODUCTION


def _explain(kind: str, message: str) -> str:
    if kind == "missing":
        return "is required"
    return message.removeprefix("Value error, ").replace("Input should be", "must be")
