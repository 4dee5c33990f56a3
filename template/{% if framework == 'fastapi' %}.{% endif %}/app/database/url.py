"""One DATABASE_URL for every client: what `psql`, Neon, Supabase and Heroku hand out.

libpq understands more than asyncpg does. `parse_database_url` accepts the libpq form and sorts its
parameters into what asyncpg takes, what becomes a server setting, and what has no meaning here.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from sqlalchemy.engine import URL

_SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg"}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

# Names a libpq or an ORM reads and asyncpg has no use for: they may stand in a shared URL.
_IGNORED = {
    "channel_binding",  # Neon; asyncpg always uses plain SCRAM
    "connect_timeout",  # DATABASE_POOL_ACQUIRE_TIMEOUT_MS rules
    "connection_limit",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "pool_timeout",
    "sslnegotiation",
    "statement_cache_size",
    "target_session_attrs",
}
_TLS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"}
_SETTING = re.compile(r"(?:-c\s*|--)(?P<name>[A-Za-z_][\w.]*)=(?P<value>(?:\\.|[^\s\\])*)")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is and how to speak to it.

    Attributes:
        url: for SQLAlchemy's asyncpg dialect, without a query string.
        connect: further arguments of `asyncpg.connect` (TLS, `host` of a Unix socket, ...).
        server_settings: settings for every session, by PostgreSQL's names.
        pooled: the address says by itself that a transaction pooler stands before the server.
    """

    url: URL
    connect: Mapping[str, Any] = field(default_factory=dict)
    server_settings: Mapping[str, str] = field(default_factory=dict)
    pooled: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The whole address as keyword arguments of a bare `asyncpg.connect`."""
        return {**self.url.translate_connect_args(username="user"), **self.connect}

    def __str__(self) -> str:
        """Where it is, without who asks: `host:port/database`."""
        host = self.connect.get("host") or self.url.host or "localhost"
        port = self.connect.get("port") or self.url.port or 5432
        return f"{host}:{port}/{self.url.database}"


def parse_database_url(text: str) -> DatabaseAddress:
    """Read a PostgreSQL URL as libpq understands it.

    Raises:
        ValueError: it is no such URL; the message never repeats it, since it may hold a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(
            "is not a URL (is a character of the password not percent-encoded?)"
        ) from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("must begin with postgresql:// or postgres://")
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise ValueError("must name a database after the host: postgresql://host/name")

    host = unquote(parts.hostname or "")
    connect: dict[str, Any] = {}
    tls: dict[str, str] = {}
    settings: dict[str, str] = {}
    pooled = False
    user, password = _credential(parts.username), _credential(parts.password)

    # A plus is a plus to libpq, a blank only to forms.
    for name, value in parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True):
        match name:
            case "host":
                host = value
            case "port" if value.isdecimal():
                port = int(value)
            case "user":
                user = value
            case "password":
                password = value
            case "options":
                settings |= _settings_of(value)
            case "application_name" | "search_path":
                settings[name] = value
            case "schema":  # Prisma's name for it
                settings["search_path"] = value
            case "sslmode" if value not in _SSL_MODES:
                raise ValueError(
                    f"has an unknown sslmode; use one of {', '.join(sorted(_SSL_MODES))}"
                )
            case "pgbouncer":
                pooled = value.lower() in {"1", "true", "yes"}
            case _ if name in _TLS:
                tls[name] = value
            case "passfile":
                connect[name] = value
            case _ if name not in _IGNORED:
                raise ValueError(
                    f"has the parameter {name!r}, which this service does not understand"
                )

    pooled = pooled or _is_pooler(host, port)
    if tls.get("sslrootcert") == "system":
        connect["ssl"] = _verified_by_the_system(tls)
    elif tls:
        # asyncpg reads the names of certificate files only from a URL.
        connect["dsn"] = f"postgresql:///?{urlencode(tls)}"
    if host.startswith("/"):  # a Unix socket: the directory cannot stand in a URL's authority
        connect["host"] = host
        host = ""
        if port is not None:
            connect["port"] = str(port)
            port = None
    return DatabaseAddress(
        url=URL.create(
            "postgresql+asyncpg",
            username=user,
            password=password,
            host=host or None,
            port=port,
            database=database,
        ),
        connect=connect,
        server_settings=settings,
        pooled=pooled,
    )


def _is_pooler(host: str, port: int | None) -> bool:
    """Neon's naming of its pooled endpoints, and Supabase's port of its transaction mode."""
    if host.split(".", 1)[0].endswith("-pooler"):
        return True
    return port == 6543 and host.endswith((".supabase.com", ".supabase.co"))


def _verified_by_the_system(tls: Mapping[str, str]) -> ssl.SSLContext:
    """As libpq 16 reads `sslrootcert=system`: the platform's authorities, and the name checked."""
    if tls.get("sslmode", "verify-full") != "verify-full":
        # Anybody gets a certificate of these authorities, for a name of their own.
        raise ValueError("has sslrootcert=system, which goes with sslmode=verify-full only")
    context = ssl.create_default_context()
    if "sslcert" in tls:
        context.load_cert_chain(tls["sslcert"], tls.get("sslkey"))
    return context


def _credential(text: str | None) -> str | None:
    return None if text is None else unquote(text)


def _settings_of(options: str) -> dict[str, str]:
    """The settings in libpq's `options`: `-c name=value --name=value`, a backslash escapes."""
    settings = {}
    rest = options
    for found in _SETTING.finditer(options):
        settings[found["name"]] = re.sub(r"\\(.)", r"\1", found["value"])
        rest = rest.replace(found[0], "", 1)
    # Neon routes clients without SNI by `options=endpoint=...`; asyncpg always sends SNI.
    if rest := re.sub(r"endpoint=\S+|project=\S+", "", rest).strip():
        raise ValueError("has `options` that are not of the form -c name=value")
    return settings
