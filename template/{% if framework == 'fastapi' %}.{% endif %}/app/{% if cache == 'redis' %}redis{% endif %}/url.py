"""The address of a Redis server."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is. As text it has no password."""

    host: str
    port: int
    database: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)

    def __str__(self) -> str:
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}/{self.database}"


def parse_redis_url(url: str) -> RedisAddress:
    """Read `redis://user:password@host:port/number`; rediss: is the same over TLS.

    Raises:
        ValueError: with a message for the operator, which never repeats the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
        database = int(parts.path.removeprefix("/") or 0)
    except ValueError:
        raise ValueError("is not a URL such as redis://user:password@host:6379/0") from None
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or database < 0:
        raise ValueError("must be a URL such as redis://host:6379/0, or rediss: for TLS")
    if parts.query or parts.fragment:
        raise ValueError("must end with the database's number: parameters are not understood")
    return RedisAddress(
        host=unquote(parts.hostname),
        port=port,
        database=database,
        tls=parts.scheme == "rediss",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
