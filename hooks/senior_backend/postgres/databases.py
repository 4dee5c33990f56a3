"""Creating and dropping databases on a server, ours or one that was given to us."""

import contextlib
import re
import secrets
from abc import ABC, abstractmethod
from typing import Final, Self

from senior_backend.errors import InputError, NotRunError
from senior_backend.postgres.address import as_url, with_database, without_password
from senior_backend.postgres.session import Session, StatementError, quoted

PREFIX = "senior_backend_"
_INSUFFICIENT_PRIVILEGE = "42501"
_SETTINGS_OF: Final = """
select r.rolname::text, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) c
where d.datname = %s and split_part(c, '=', 1) <> 'role'
"""


class Databases(ABC):
    """A server on which databases of ours come and go; used as a context manager."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    @abstractmethod
    def url(self, database: str | None = None) -> str:
        """The address of one of its databases; by default, of the one to start from."""

    @abstractmethod
    def stop(self) -> None:
        """Give back what is ours; stopping twice is fine."""

    def session(self, database: str | None = None) -> Session:
        """Connect to one of its databases."""
        return Session(self.url(database))

    def create_database(self, name: str | None = None, *, template: str | None = None) -> str:
        """Create a database, by default under a fresh name, and return its URL.

        As a copy of the database ``template``, which nobody may be connected to.
        """
        name = name if name is not None else f"{PREFIX}{secrets.token_hex(6)}"
        self._check_name(name)
        copied = f" template {quoted(template)}" if template is not None else ""
        with self.session() as session:
            session.execute(f"create database {quoted(name)}{copied}")
            self._made.add(name)
            if template is not None:
                _copy_settings(session, template, name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database that ``create_database`` made here; takes its name or its URL.

        Connections to it are cut. Raises ``InputError`` for any other database.
        """
        name = database_of(name)
        if name not in self._made:
            raise InputError(f"database {name} was not created here, so it is not dropped")
        with self.session() as session:
            session.execute(f"drop database if exists {quoted(name)} with (force)")
        self._made.discard(name)

    def _check_name(self, name: str) -> None:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
            raise InputError(f"database name {name!r}: use 1 to 63 of a-z, 0-9 and _")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _copy_settings(session: Session, template: str, name: str) -> None:
    """What ALTER DATABASE and ALTER ROLE ... IN DATABASE set, which no copy has of itself.

    What this role may not set is left out.
    """
    for role, setting, value in session.execute(_SETTINGS_OF, (template,)):
        whose = f"role {quoted(role)} in database" if role is not None else "database"
        parameter = ".".join(map(quoted, setting.split(".")))
        with contextlib.suppress(StatementError):
            session.execute("select set_config(%s, %s, false)", (setting, value))
            session.execute(f"alter {whose} {quoted(name)} set {parameter} from current")


def database_of(url: str) -> str:
    """The name of the database in an address of ours; a bare name is taken as it is."""
    return url.partition("?")[0].rpartition("/")[2]


class ExistingServer(Databases):
    """A server that runs already; we touch only databases that we made on it."""

    def __init__(self, dsn: str) -> None:
        """Connect once, so that an address that does not work is an error here and now."""
        super().__init__()
        self._url = as_url(dsn)
        with Session(self._url) as session:
            ((number, version),) = session.execute(
                "select current_setting('server_version_num'), current_setting('server_version')"
            )
        self.major = int(number) // 10000
        self.version = str(version).split()[0]
        """Such as ``15.18``, without what a packager adds."""

    def url(self, database: str | None = None) -> str:
        """The address of a database; without a name, of the database that was given."""
        return self._url if database is None else with_database(self._url, database)

    def create_database(self, name: str | None = None, *, template: str | None = None) -> str:
        """Create a database named ``senior_backend_...`` and return its URL."""
        try:
            return super().create_database(name, template=template)
        except StatementError as error:
            if error.sqlstate != _INSUFFICIENT_PRIVILEGE:
                raise
            raise NotRunError(
                f"{without_password(self._url)}: this role may not create databases: "
                "alter role ... createdb, or use another role"
            ) from None

    def stop(self) -> None:
        """Drop what we made; the server goes on."""
        for name in sorted(self._made):
            self.drop_database(name)

    def _check_name(self, name: str) -> None:
        super()._check_name(name)
        if not name.startswith(PREFIX):
            raise InputError(f"database {name}: on a given server names begin with {PREFIX}")


def connect_to(dsn: str) -> ExistingServer:
    """A server that runs already, by URL or libpq keywords.

    Raises ``InputError`` for an address that is none, ``NotRunError`` when it does not answer.
    """
    return ExistingServer(dsn)
