"""A PostgreSQL to run migrations on: a throw-away server, or databases of ours on a given one."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from senior_backend.errors import InputError, NotRunError
from senior_backend.migrations.trace.scratch.production import Production
from senior_backend.postgres import ExistingServer, Server, connect_to, start
from senior_backend.postgres.databases import PREFIX, database_of
from senior_backend.postgres.installation import OLDEST_MAJOR
from senior_backend.postgres.leftovers import Presence
from senior_backend.postgres.session import StatementError, quoted

if TYPE_CHECKING:
    from senior_backend.migrations.trace.observing.tracer import Settings, Tracer

TRACE_PREFIX: Final = f"{PREFIX}trace_"

# Nothing but the migration may take locks or write WAL, and a schema of thousands of tables may be
# built in one transaction.
_SETTINGS: Final = {
    "autovacuum": "off",
    "wal_level": "replica",
    "max_locks_per_transaction": "1024",
    "max_prepared_transactions": "10",
    "checkpoint_timeout": "1h",
    "jit": "off",
}


@dataclass(frozen=True)
class Where:
    """On which PostgreSQL to run: what a person asked for."""

    majors: tuple[int, ...] = ()
    server: str | None = None
    pg_bin: Path | None = None
    production: Production = field(default_factory=Production)


@dataclass(slots=True)
class _Living:
    """A database: which roles there were before it, and what it is a copy of."""

    roles_before: frozenset[str]
    template: str | None


class Scratch:
    """A server on which databases of ours come and go; used as a context manager."""

    def __init__(self, server: Server | ExistingServer, presence: Presence | None = None) -> None:
        self._server = server
        self._presence = presence
        self._living: dict[str, _Living] = {}
        self._discarded: list[str] = []
        self.major: int = server.major
        self.own = isinstance(server, Server)
        """Started by us: superuser, may create roles."""
        self.version = server.installation.version if isinstance(server, Server) else server.version
        """Such as ``18.6``."""

    @cached_property
    def programs(self) -> Path | None:
        """The folder with ``pg_dump`` and ``pg_restore`` for this server; None: there is none."""
        if isinstance(self._server, Server):
            own = self._server.installation.bin_dir
            if (own / "pg_dump").is_file():
                return own
        return next(
            (folder for folder in _dump_folders() if _dump_major(folder) >= self.major), None
        )

    @property
    def extensions(self) -> Path | None:
        """The folder in which this server finds further extensions; None: it has none."""
        return self._server.extensions if isinstance(self._server, Server) else None

    def add_extension(
        self,
        name: str,
        version: str,
        script: str,
        versions: Collection[str] = (),
        schema: str | None = None,
    ) -> None:
        """Make an extension available, also under further versions that are asked for by name.

        ``schema`` is one of its own, made with it.
        """
        folder = self.extensions
        if folder is None:
            raise NotRunError("this server takes no further extensions")
        for known in {version, *versions}:
            _write_for_all(folder / f"{name}--{known}.sql", script)
        control = f"default_version = '{version}'\nsuperuser = false\n"
        control += f"schema = '{schema}'\n" if schema else ""
        _write_for_all(folder / f"{name}.control", control)

    def database(self, template: str | None = None) -> str:
        """The URL of a new database; a copy of the one at the URL ``template`` if it is given.

        Nobody may be connected to the template. Raises ``NotRunError`` when the role of a given
        server may not create databases.
        """
        while self._discarded:
            self.drop(self._discarded.pop())
        name = self._presence.next_name() if self._presence else None
        source = database_of(template) if template is not None else None
        roles = self._roles()
        try:
            url = self._server.create_database(name, template=source)
        except NotRunError as error:
            raise NotRunError(f"no scratch database: {error}") from None
        self._living[url] = _Living(roles, template)
        return url

    def drop(self, url: str) -> None:
        """Drop a database that ``database`` made; connections to it are cut.

        On a server of ours with the roles that were made since, which no copy of it needs: roles
        belong to the whole server, and the next database shall find none of them.
        """
        self._server.drop_database(url)
        dropped = self._living.pop(url, None)
        if not self.own or dropped is None:
            return
        copies = [one for one in self._living.values() if one.template == url]
        for copy in copies:
            copy.roles_before = dropped.roles_before
        if not copies:
            with self._server.session() as session:
                for role in sorted(self._roles() - dropped.roles_before):
                    with contextlib.suppress(StatementError):  # another database's
                        session.execute(f"drop role {quoted(role)}")

    def discard(self, url: str) -> None:
        """The same, at once or before the next database is made.

        With a server of ours it goes anyway, and dropping takes longer than most traces.
        """
        if self.own:
            self._discarded.append(url)
        else:
            self.drop(url)

    def tracer(self, url: str, settings: "Settings") -> "Tracer":
        """What runs migrations on a database of ours.

        What reaches beyond it (roles, settings of the server) runs where nobody else is.
        """
        from senior_backend.migrations.trace.observing.tracer import Tracer  # with the driver

        return Tracer(url, replace(settings, own_server=self.own))

    def _roles(self) -> frozenset[str]:
        if not self.own:
            return frozenset()
        with self._server.session() as session:
            return frozenset(name for (name,) in session.execute("select rolname from pg_roles"))

    def close(self) -> None:
        """Leave nothing behind; closing twice is fine."""
        try:
            self._server.stop()
        finally:
            if self._presence is not None:
                self._presence.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_scratch(where: Where, major: int | None = None) -> Scratch:
    """Start a server of ``major``, or connect to the one that was given.

    Without ``major`` the first that was asked for, else production's, else what is at hand.

    Raises:
        InputError: what was asked for contradicts itself.
        NotRunError: the server does not start, or does not answer.
    """
    wanted = major or next(iter(where.majors), None)
    if where.server is not None:
        return _given(where.server, wanted)
    if where.pg_bin is None:
        wanted = wanted or where.production.major
    return Scratch(
        start(pg=wanted, pg_bin=where.pg_bin, settings=_SETTINGS, further_extensions=True)
    )


def _given(dsn: str, wanted: int | None) -> Scratch:
    try:
        server = connect_to(dsn)
        if server.major >= OLDEST_MAJOR and wanted in (None, server.major):
            return Scratch(server, Presence(server.url(), TRACE_PREFIX))
    except (InputError, NotRunError) as error:
        raise type(error)(f"--server: {error}") from None
    if server.major < OLDEST_MAJOR:
        raise InputError(
            f"--server is PostgreSQL {server.version}: {OLDEST_MAJOR} and newer are supported"
        )
    raise InputError(
        f"--server is PostgreSQL {server.version}, and --pg asks for {wanted}: leave one of them "
        "out"
    )


def _write_for_all(path: Path, content: str) -> None:
    path.unlink(missing_ok=True)  # it may be a link to a file of the installation
    path.write_text(content, encoding="utf-8")
    path.chmod(0o644)


def _dump_folders() -> Iterator[Path]:
    """Where ``pg_dump`` may be: in PATH, among the installations, in the wheel."""
    found = shutil.which("pg_dump")
    if found is not None:
        yield Path(found).resolve().parent
    from senior_backend.postgres.identity import server_user
    from senior_backend.postgres.installation import resolve

    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    with contextlib.suppress(InputError, NotRunError):
        yield resolve(None, None, server_user()).bin_dir


def _dump_major(folder: Path) -> int:
    """The major of ``pg_dump`` there; 0 when it does not run."""
    program = folder / "pg_dump"
    with contextlib.suppress(OSError):
        banner = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False
        ).stdout
        match = re.search(r"\(PostgreSQL\) (\d+)", banner)
        return int(match[1]) if match else 0
    return 0
