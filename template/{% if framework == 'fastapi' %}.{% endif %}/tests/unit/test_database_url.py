"""One DATABASE_URL for every client: the forms that people really have."""

import asyncio
import ssl

import asyncpg
import pytest

from app.database.url import parse_database_url

ACCEPTED = {
    "libpq": (
        "postgresql://ada:secret@db.example.com:5433/shop",
        "postgresql+asyncpg://ada:secret@db.example.com:5433/shop",
        {},
        {},
        False,
    ),
    "the short scheme of Heroku": (
        "postgres://ada:secret@db.example.com/shop",
        "postgresql+asyncpg://ada:secret@db.example.com/shop",
        {},
        {},
        False,
    ),
    "sslmode": (
        "postgresql://db.example.com/shop?sslmode=verify-full",
        "postgresql+asyncpg://db.example.com/shop",
        {"dsn": "postgresql:///?sslmode=verify-full"},
        {},
        False,
    ),
    "certificate files": (
        "postgresql://h/shop?sslmode=verify-ca&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem",
        "postgresql+asyncpg://h/shop",
        {
            "dsn": "postgresql:///?sslmode=verify-ca"
            "&sslrootcert=%2Fca.pem&sslcert=%2Fc.pem&sslkey=%2Fk.pem"
        },
        {},
        False,
    ),
    "Neon, pooled": (
        "postgresql://ada:s@ep-cool-1-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
        "postgresql+asyncpg://ada:s@ep-cool-1-pooler.eu-central-1.aws.neon.tech/neondb",
        {"dsn": "postgresql:///?sslmode=require"},
        {},
        True,
    ),
    "Neon, direct": (
        "postgresql://ada:s@ep-cool-1.eu-central-1.aws.neon.tech/neondb?sslmode=require",
        "postgresql+asyncpg://ada:s@ep-cool-1.eu-central-1.aws.neon.tech/neondb",
        {"dsn": "postgresql:///?sslmode=require"},
        {},
        False,
    ),
    "Supabase, shared pooler in transaction mode": (
        "postgresql://postgres.ref:s@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
        "postgresql+asyncpg://postgres.ref:s@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
        {},
        {},
        True,
    ),
    "Supabase, shared pooler in session mode": (
        "postgresql://postgres.ref:s@aws-0-eu-central-1.pooler.supabase.com:5432/postgres",
        "postgresql+asyncpg://postgres.ref:s@aws-0-eu-central-1.pooler.supabase.com:5432/postgres",
        {},
        {},
        False,
    ),
    "Supabase, dedicated pooler": (
        "postgresql://postgres:s@db.ref.supabase.co:6543/postgres",
        "postgresql+asyncpg://postgres:s@db.ref.supabase.co:6543/postgres",
        {},
        {},
        True,
    ),
    "Supabase, direct": (
        "postgresql://postgres:s@db.ref.supabase.co:5432/postgres",
        "postgresql+asyncpg://postgres:s@db.ref.supabase.co:5432/postgres",
        {},
        {},
        False,
    ),
    "a port of the same number elsewhere": (
        "postgresql://h:6543/shop",
        "postgresql+asyncpg://h:6543/shop",
        {},
        {},
        False,
    ),
    "pooled by Prisma's word": (
        "postgres://h/shop?pgbouncer=true&connection_limit=1",
        "postgresql+asyncpg://h/shop",
        {},
        {},
        True,
    ),
    "a schema by Prisma's name": (
        "postgresql://h/shop?schema=shop",
        "postgresql+asyncpg://h/shop",
        {},
        {"search_path": "shop"},
        False,
    ),
    "settings": (
        "postgresql://h/shop?application_name=a+b&options=-c%20search_path%3Dshop%20--work_mem%3D8MB",
        "postgresql+asyncpg://h/shop",
        {},
        {"application_name": "a+b", "search_path": "shop", "work_mem": "8MB"},
        False,
    ),
    "an escaped blank in options": (
        r"postgresql://h/shop?options=-c%20search_path%3Da%2C%5C%20b",
        "postgresql+asyncpg://h/shop",
        {},
        {"search_path": "a, b"},
        False,
    ),
    "Neon's endpoint in options": (
        "postgresql://h/shop?options=endpoint%3Dep-cool-1",
        "postgresql+asyncpg://h/shop",
        {},
        {},
        False,
    ),
    "a Unix socket as host": (
        "postgresql://ada@/shop?host=/var/run/postgresql&port=5433",
        "postgresql+asyncpg://ada@/shop",
        {"host": "/var/run/postgresql", "port": "5433"},
        {},
        False,
    ),
    "a Unix socket in the authority": (
        "postgresql://%2Fvar%2Frun%2Fpostgresql/shop",
        "postgresql+asyncpg:///shop",
        {"host": "/var/run/postgresql"},
        {},
        False,
    ),
    "a password with reserved characters": (
        "postgresql://ada:p%40ss%2Fw%3Ard@h/shop",
        "postgresql+asyncpg://ada:p%40ss%2Fw%3Ard@h/shop",
        {},
        {},
        False,
    ),
    "an IPv6 address": (
        "postgresql://ada@[::1]:5432/shop",
        "postgresql+asyncpg://ada@[::1]:5432/shop",
        {},
        {},
        False,
    ),
    "SQLAlchemy's own form": (
        "postgresql+asyncpg://h/shop",
        "postgresql+asyncpg://h/shop",
        {},
        {},
        False,
    ),
}


@pytest.mark.parametrize(
    ("text", "url", "connect", "settings", "pooled"), ACCEPTED.values(), ids=ACCEPTED
)
def test_accepts(
    text: str, url: str, connect: dict[str, str], settings: dict[str, str], pooled: bool
) -> None:
    address = parse_database_url(text)
    assert address.url.render_as_string(hide_password=False) == url
    assert dict(address.connect) == connect
    assert dict(address.server_settings) == settings
    assert address.pooled is pooled


def test_the_driver_reads_the_certificate_files() -> None:
    address = parse_database_url(
        "postgresql://127.0.0.1:1/shop?sslmode=verify-full&sslrootcert=/no/such/ca.pem"
    )
    with pytest.raises(FileNotFoundError):
        asyncio.run(asyncpg.connect(**address.arguments))


@pytest.mark.parametrize("query", ["sslmode=verify-full&sslrootcert=system", "sslrootcert=system"])
def test_the_authorities_of_the_system_verify_chain_and_name(query: str) -> None:
    address = parse_database_url(f"postgresql://h/shop?{query}")
    context = address.connect["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert "dsn" not in address.connect


REFUSED = {
    "another database": ("mysql://ada:secret@h/shop", "must begin with postgresql://"),
    "a key-value string": ("host=h dbname=shop", "must begin with postgresql://"),
    "no database": ("postgresql://ada:secret@h", "must name a database"),
    "a port that is none": ("postgresql://ada:secret@h:54x2/shop", "is not a URL"),
    "an unknown sslmode": ("postgresql://h/shop?sslmode=yes", "unknown sslmode"),
    "the system's authorities without the name": (
        "postgresql://h/shop?sslmode=verify-ca&sslrootcert=system",
        "sslmode=verify-full",
    ),
    "an unknown parameter": ("postgresql://h/shop?sslmod=require", "'sslmod'"),
    "options that are none": ("postgresql://h/shop?options=fast", "`options`"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses_without_repeating_the_password(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|must)") as refusal:
        parse_database_url(text)
    assert message in str(refusal.value)
    assert "secret" not in str(refusal.value)
