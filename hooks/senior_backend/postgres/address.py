"""Addresses of databases: the ``postgresql://`` form that every client of every language takes."""

import re
from urllib.parse import quote, urlencode

from senior_backend.errors import InputError

LOOPBACK = "127.0.0.1"
SUPERUSER = "postgres"

_SCHEMES = ("postgresql", "postgres")


def as_url(dsn: str) -> str:
    """A DSN in either form of libpq (``postgresql://...`` or ``host=... dbname=...``) as a URL.

    Raises ``InputError`` when it is neither.
    """
    if "://" in dsn:
        if dsn.partition("://")[0] not in _SCHEMES:
            raise InputError(
                f"{without_password(dsn)} is not a PostgreSQL address: "
                "write postgresql://user@host:port/database"
            )
        return dsn
    # Keywords of libpq: key = value, the value bare or in single quotes with backslash escapes.
    pair = r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)"
    if not dsn.strip() or not re.fullmatch(rf"(?:{pair})+\s*", dsn):
        raise InputError(
            "the PostgreSQL address is neither postgresql://user@host:port/database "
            "nor keywords such as `host=... dbname=...`"
        )
    words = {
        key: re.sub(r"\\(.)", r"\1", value.removeprefix("'").removesuffix("'"))
        for key, value in re.findall(pair, dsn)
    }
    user, password = words.pop("user", ""), words.pop("password", "")
    host, port = words.pop("host", ""), words.pop("port", "")
    database = words.pop("dbname", "")
    credentials = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    if host.startswith("/"):  # a folder of Unix sockets
        host = quote(host, safe="")
    elif ":" in host:
        host = f"[{host}]"
    place = f"{credentials}@" * bool(credentials) + host + f":{port}" * bool(port)
    options = f"?{urlencode(words, quote_via=quote)}" if words else ""  # libpq reads no `+`
    return f"postgresql://{place}/{quote(database, safe='')}{options}"


def own_url(port: int, database: str, password: str | None) -> str:
    """The address, over TCP, of a database of a server of our own."""
    credentials = SUPERUSER + (f":{quote(password, safe='')}" if password else "")
    return f"postgresql://{credentials}@{LOOPBACK}:{port}/{quote(database, safe='')}"


def with_database(url: str, database: str) -> str:
    """The same server, user and options, another database."""
    # Not with urlsplit, which drops the slashes of an address without a host.
    scheme, _, rest = url.partition("://")
    rest, mark, options = rest.partition("?")
    place = rest.partition("/")[0]
    return f"{scheme}://{place}/{quote(database, safe='')}{mark}{options}"


def without_password(url: str) -> str:
    """For messages: the password replaced by ``***``, wherever it stands."""
    url = re.sub(r"(?<=//)([^/@:]*):.*@", r"\1:***@", url)
    return re.sub(r"\b(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", r"\1***", url)
