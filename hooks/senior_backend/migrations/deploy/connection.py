"""How the command gets its lock_timeout, and how we reach the same database. Pure.

A client reads server settings from ``PGOPTIONS`` (libpq and those that follow it), or from the
parameter ``options`` of the address, which wins over the variable where both are read.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote

from senior_backend.errors import InputError
from senior_backend.postgres.address import as_url, without_password

_FROM_ENVIRONMENT: Final = ("PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE")
_OURS: Final = re.compile(r"(?:-c\s*|--)lock[_-]timeout=", re.IGNORECASE)

_VALUE: Final = r"(?:'(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)"
_KEYWORDS: Final = re.compile(rf"\s*(?=.*\b(?:dbname|host|service)=)(?:\w+={_VALUE}\s*)+")
_OPTIONS_KEYWORD: Final = re.compile(rf"\boptions=({_VALUE})")
_URL: Final = re.compile(
    r"(?P<before>(?:--?[\w-]+=)?)(?P<url>(?P<scheme>(?:jdbc:)?(?:postgres(?:ql)?(?:\+\w+)?|pgx\d?))"
    r"://\S*)"
)
"""An address as a word of its own, or as the value of a long option."""

_SEVERAL: Final = re.compile(r"(//(?:[^/@]*@)?)([^/@:?]+,[^/@:?]+):([\d,]+)(?=/)")
"""Several hosts before all of their ports."""

_SECRET: Final = re.compile(
    r"(?:--?)?[\w.-]*(?:password|passwd|secret|token)[\w.-]*", re.IGNORECASE
)
"""A variable or an option that holds a secret: ``PGPASSWORD=...``, ``--password ...``."""

_ASSIGNED: Final = re.compile(
    r"((?:[\w.-]*(?:password|passwd|secret|token|api_?key)[\w.-]*(?:=|\s*:\s*|\s+(?=[^\s-]))"
    r"|\bbearer\s+))"
    r"(?:'[^']*'|\"[^\"]*\"|[^\s&;'\"|]+)",
    re.IGNORECASE,
)
"""The same in the middle of a word, as in a script for ``sh -c``."""

# What libpq takes in an address; the rest (?schema=public, ?connection_limit=5, ...) is for the
# framework alone, and libpq refuses what it does not know.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_LIBPQ: Final = frozenset({
    "host", "hostaddr", "port", "dbname", "user", "password", "passfile", "require_auth",
    "channel_binding", "connect_timeout", "client_encoding", "options", "keepalives",
    "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    "gssencmode", "sslmode", "requiressl", "sslnegotiation", "sslcert", "sslkey", "sslpassword",
    "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni", "requirepeer",
    "ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib",
    "gssdelegation", "service", "target_session_attrs", "load_balance_hosts",
})  # fmt: skip


def address_of(
    given: str | None, variable: str, environment: Mapping[str, str]
) -> tuple[str, str | None]:
    """The database's address for us, and the address the command is to find in ``variable``.

    The second is ``None`` where the command is told by libpq's own variables alone. Raises
    ``InputError`` when no address is known or it is none of PostgreSQL.
    """
    if given is not None:
        return own_address(given, "--database"), given
    if value := environment.get(variable, "").strip():
        return own_address(value, variable), value
    if any(environment.get(name) for name in _FROM_ENVIRONMENT):
        return "postgresql://", None
    raise InputError(
        f"no database: neither --database nor the variable {variable} nor PGHOST, PGDATABASE or "
        "PGSERVICE says which; write --database postgresql://user@host:port/database"
    )


def own_address(value: str, origin: str) -> str:
    """The address as libpq takes it: without a framework's driver, prefix and parameters."""
    value = value.strip().removeprefix("jdbc:")
    scheme, separator, rest = value.partition("://")
    if separator:
        scheme = "postgresql" if re.fullmatch(r"postgres(ql)?(\+\w+)?|pgx\d?", scheme) else scheme
        value = f"{scheme}://{rest}"
    try:
        url = as_url(value) if separator else _SEVERAL.sub(_paired, as_url(value))
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None
    base, query = _split(url)
    if not query:
        return base
    kept = []
    for parameter in query.split("&"):
        name, _, content = parameter.partition("=")
        if name == "ssl":  # of asyncpg and JDBC
            words = {"true": "require", "false": "disable"}
            name, content = "sslmode", words.get(content, content)
        elif name == "sslmode" and content == "no-verify":  # of node-postgres
            content = "require"
        if name in _LIBPQ:
            kept.append(f"{name}={content}")
    return f"{base}?{'&'.join(kept)}" if kept else base


def _split(url: str) -> tuple[str, str]:
    """An address and its parameters; a password may hold a ``?``, as libpq takes it."""
    credentials = re.match(r"(?:jdbc:)?[\w+]+://[^/@]*@", url)
    start = credentials.end() if credentials else 0
    base, _, query = url[start:].partition("?")
    return url[:start] + base, query


def without_secrets(text: str) -> str:
    """For messages: addresses and assignments in a text without what is secret in them."""
    text = without_password(text)
    return _ASSIGNED.sub(lambda found: f"{found[1]}***", text)


def place_of(url: str) -> str:
    """For messages: an address without its parameters and its password."""
    return without_password(_split(url)[0])


def _paired(found: re.Match[str]) -> str:
    """``a,b:1,2``, of keywords, as a URL has it: ``a:1,b:2``."""
    hosts, ports = found[2].split(","), found[3].split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return found[1] + ",".join(":".join(pair) for pair in zip(hosts, ports, strict=False))


def switches(settings: Mapping[str, str]) -> str:
    """Server settings as command-line switches, blanks and backslashes escaped."""
    return " ".join(
        f"-c {name}=" + re.sub(r"([\\\s])", r"\\\1", value) for name, value in settings.items()
    )


def merged(present: str, settings: Mapping[str, str]) -> str:
    """``PGOPTIONS`` with our settings at its end, where they win over the same ones before."""
    return f"{present.strip()} {switches(settings)}".strip()


def sets_lock_timeout(options: str) -> bool:
    """Whether switches hold a lock_timeout already."""
    return bool(_OURS.search(options))


def parameters_of(url: str) -> frozenset[str]:
    """The names of an address's parameters."""
    return frozenset(p.partition("=")[0] for p in _split(url)[1].split("&") if p)


def options_of(url: str) -> str:
    """The decoded ``options`` of an address; empty if it has none."""
    for parameter in _split(url)[1].split("&"):
        name, _, content = parameter.partition("=")
        if name == "options":
            return unquote(content)
    return ""


def with_options(url: str, settings: Mapping[str, str]) -> str:
    """The address with our settings in its ``options``; all else is left as it is.

    Blanks as ``%20``: libpq does not read ``+`` as one.
    """
    base, query = _split(url)
    kept = [p for p in query.split("&") if p and p.partition("=")[0] != "options"]
    kept.append(f"options={quote(merged(options_of(url), settings), safe='')}")
    return f"{base}?{'&'.join(kept)}"


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The address with parameters of libpq, where it has none of the same name."""
    base, query = _split(url)
    kept = [p for p in query.split("&") if p]
    present = {p.partition("=")[0] for p in kept}
    kept += [f"{name}={value}" for name, value in parameters.items() if name not in present]
    return f"{base}?{'&'.join(kept)}"


def child_environment(
    environment: Mapping[str, str],
    variables: Sequence[str],
    address: str | None,
    settings: Mapping[str, str],
    *,
    in_address: bool,
) -> dict[str, str]:
    """What the command finds in its environment.

    Of ``variables``, the first gets ``address``; the addresses in them get our settings as
    ``prepared`` says.
    """
    result = dict(environment)
    result["PGOPTIONS"] = merged(environment.get("PGOPTIONS", ""), settings)
    if address is not None:
        result[variables[0]] = address
    for name in variables:
        if name in result:
            result[name] = prepared(result[name], settings, in_address=in_address)
    if "application_name" in settings:
        result.setdefault("PGAPPNAME", settings["application_name"])
    return result


def prepared(word: str, settings: Mapping[str, str], *, in_address: bool) -> str:
    """A word of the command, or the value of a variable, with our settings in its address.

    So when ``in_address`` is set, and also when the address has ``options`` of its own, because
    those would win over ``PGOPTIONS``. Never for asyncpg through SQLAlchemy, which takes none.
    """
    if match := _URL.fullmatch(word):
        scheme, url = match["scheme"], match["url"]
        if "asyncpg" in scheme or not (in_address or options_of(url)):
            return word
        return f"{match['before']}{with_options(url, settings)}"
    if in_address and _KEYWORDS.fullmatch(word):
        present = _OPTIONS_KEYWORD.search(word)
        before = re.sub(r"\\(.)", r"\1", present[1].strip("'")) if present else ""
        text = re.sub(r"([\\'])", r"\\\1", merged(before, settings))
        rest = _OPTIONS_KEYWORD.sub("", word).strip()
        return f"{rest} options='{text}'"
    return word


def shown(command: Sequence[str]) -> str:
    """The command for messages: one line, no password."""
    words: list[str] = []
    for word in command:
        if words and _SECRET.fullmatch(words[-1]):
            words.append("***")
            continue
        match = _SECRET.match(word)
        is_assignment = match and word[match.end() : match.end() + 1] == "="
        words.append(
            f"{match[0]}=***"
            if match and is_assignment
            else without_secrets(" ".join(word.split()))
        )
    return " ".join(words)
