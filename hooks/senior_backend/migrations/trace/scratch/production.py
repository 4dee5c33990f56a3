"""What of production's settings changes what a migration does: read there, or told by flags.

Read with plain SELECT of ``pg_settings``, which every role may. Two settings are left out although
they are about storage: ``default_tablespace`` names a folder that a scratch server does not have,
and ``default_toast_compression`` a library that it may lack; neither changes a lock, a rewrite or a
scan. ``lock_timeout`` and ``statement_timeout`` would change what is observed, not what happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres import Session

_TIMEZONE: Final = "TimeZone"
_ACCESS_METHOD: Final = "default_table_access_method"

# By name -> why a migration runs differently with another value.
COPIED: Final[Mapping[str, str]] = {
    _TIMEZONE: "timestamp to timestamptz is free only where it is UTC",
    _ACCESS_METHOD: "SET ACCESS METHOD rewrites only where it is another",
    "search_path": "names without a schema are looked up there",
    "check_function_bodies": "whether a function may name what is not there yet",
    "standard_conforming_strings": "what a backslash in a string is",
    "transform_null_equals": "what `= NULL` in a constraint is",
    "array_nulls": "what NULL in an array literal is",
    "DateStyle": "what day 01/02/2024 in a default is",
    "IntervalStyle": "what an interval in a default is",
    "default_transaction_isolation": "what a long transaction sees",
}

_READ: Final = """
    select name, setting from pg_settings
    where name = any (%s) and source <> 'client' and (setting is distinct from boot_val
        or name = 'TimeZone')
    order by name
"""


@dataclass(frozen=True, slots=True)
class Production:
    """The settings to run with, and the major version where it was read from a server."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """By name, without TimeZone; only those that differ from PostgreSQL's own defaults."""
    timezone: str | None = None
    major: int | None = None

    def shown(self) -> dict[str, str]:
        """As ``settings`` of the result."""
        timezone = {_TIMEZONE: self.timezone} if self.timezone is not None else {}
        return {**timezone, **self.variables}


def read(dsn: str) -> Production:
    """The settings of a role on a production server; nothing is written there.

    Raises ``InputError`` for an address that is none, ``NotRunError`` when it does not answer.
    """
    from senior_backend.postgres.address import as_url

    with Session(as_url(dsn)) as session:
        session.execute("set default_transaction_read_only = on")
        ((number,),) = session.execute("show server_version_num")
        found = dict(session.execute(_READ, [list(COPIED)]))
    timezone = found.pop(_TIMEZONE, None)
    return Production(found, timezone, int(number) // 10_000)


def chosen(like: str | None, timezone: str | None, access_method: str | None) -> Production:
    """What ``--like`` reads, with what the flags say in its place.

    Raises ``InputError`` and ``NotRunError`` as ``read`` does.
    """
    try:
        production = read(like) if like is not None else Production()
    except (InputError, NotRunError) as error:
        raise type(error)(f"--like: {error}") from None
    if timezone is not None:
        production = replace(production, timezone=timezone)
    if access_method is not None:
        variables = {**production.variables, _ACCESS_METHOD: access_method}
        production = replace(production, variables=variables)
    return production
