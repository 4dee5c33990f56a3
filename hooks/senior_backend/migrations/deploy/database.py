"""What we ask the database before, while and after the command runs, and the dropping of leftovers.

Everything here is about one database: neither table locks nor CONCURRENTLY wait for transactions in
another. Works for any role; what one may not see of other roles' sessions is ``None`` or empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from senior_backend.errors import NotRunError
from senior_backend.migrations.deploy.connection import (
    options_of,
    parameters_of,
    place_of,
    with_options,
    with_parameters,
    without_secrets,
)
from senior_backend.migrations.deploy.owner import own_end
from senior_backend.migrations.deploy.report import Holder, Index
from senior_backend.postgres.address import without_password
from senior_backend.postgres.session import Session, StatementError

APPLICATION: Final = "senior-backend-migrations"
_OLDEST: Final = 14  # pg_locks.waitstart
_STATEMENT_TIMEOUT_MS: Final = 5000
_LOCK_TIMEOUT_MS: Final = 500

_ENDING_OF_A_DEAD_LINE: Final = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
}
"""A server that is gone without a word is known to be in half a minute, not in two hours."""

STRONG: Final = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""Locks for which waiting holds up writers, or readers too, in the queue behind."""

# The command's sessions: those that bear our mark, and, as a client may choose a name of its own,
# those that came from where we are since it was started: these may be somebody else's, and `Watch`
# sorts them out. Never those of another run of ours.
_OURS: Final = f"""
    a.datid = (select oid from pg_database where datname = current_database())
    and a.pid <> pg_backend_pid()
    and (a.application_name = %s
      or (a.backend_type = 'client backend' and a.backend_start >= %s::timestamptz
          and a.application_name not like '{APPLICATION}-%%'
          and a.client_addr is not distinct from
              (select client_addr from pg_stat_activity where pid = pg_backend_pid())))
"""  # noqa: S608 - constants

_AT_WORK: Final = f"""
select a.application_name = %s, a.client_port from pg_stat_activity a where {_OURS}
"""  # noqa: S608 - constants

_THING: Final = """array[l.locktype, l.relation::text, l.page::text, l.tuple::text, l.virtualxid,
    l.transactionid::text, l.classid::text, l.objid::text, l.objsubid::text]"""

_WAITS: Final = f"""
select a.pid, a.application_name = %s, l.locktype, l.mode,
       case l.locktype when 'relation' then l.relation::regclass::text
                       when 'tuple' then 'a row of ' || l.relation::regclass::text
                       when 'virtualxid' then 'older transactions'
                       when 'transactionid' then 'rows that another transaction changed'
                       when 'advisory' then 'an advisory lock'
                       else l.locktype end,
       extract(epoch from clock_timestamp() - coalesce(l.waitstart, clock_timestamp()))::float8,
       pg_blocking_pids(a.pid),
       exists (select from pg_locks h where h.pid = a.pid and h.granted and h.locktype = 'relation'
               and h.mode = any(%s)),
       a.query_start::text, a.backend_start::text, l.waitstart::text, a.client_port,
       {_THING}
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where not l.granted and {_OURS}
"""  # noqa: S608 - constants

_STILL_HELD: Final = f"""
select exists (select from pg_locks l
               where l.granted and l.pid = any(%s) and {_THING} = %s::text[])
"""  # noqa: S608 - a constant

_HOLDERS: Final = """
select pid, coalesce(usename, ''),
       case when backend_type <> 'client backend' then backend_type
            else coalesce(application_name, '') end,
       coalesce(state, ''),
       extract(epoch from clock_timestamp() - xact_start)::float8,
       extract(epoch from clock_timestamp() - query_start)::float8, coalesce(query, '')
from pg_stat_activity a
"""

_PROGRESS: Final = f"""
select p.pid, coalesce(p.index_relid::regclass::text, '-'), coalesce(p.relid::regclass::text, '-'),
       coalesce(p.phase, ''), p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total,
       p.lockers_done, p.lockers_total, a.application_name = %s, a.client_port
from pg_stat_progress_create_index p join pg_stat_activity a on a.pid = p.pid
where {_OURS}
"""  # noqa: S608 - constants

# Of the progress view any role sees pid and database, and pg_locks shows what that pid holds: so
# that nobody's running build is ever taken for a leftover.
_BUILDS: Final = """
select p.pid, l.relation
from pg_stat_progress_create_index p join pg_locks l on l.pid = p.pid
where p.datid = (select oid from pg_database where datname = current_database())
  and l.database = p.datid and l.locktype = 'relation' and l.granted
  and l.mode in ('ShareLock', 'ShareUpdateExclusiveLock', 'AccessExclusiveLock')
"""

_ANY_BUILD: Final = """
select 1 from pg_stat_progress_create_index where datname = current_database() limit 1
"""

_BUILDERS: Final = f"""
select b.relation::int8, coalesce({_OURS}, false), a.application_name = %s, a.client_port
from ({_BUILDS}) b join pg_stat_activity a on a.pid = b.pid
"""  # noqa: S608 - constants

# Only of INVALID ones the rest is asked for: of tens of thousands it would take too long. Besides a
# build, one that is being dropped or reindexed is busy, and one whose row another transaction has
# changed and not committed yet: a build ends so, when the progress view shows it no more.
_INDEXES: Final = f"""
select i.indexrelid::int8, i.indrelid::int8, format('%I.%I', n.nspname, c.relname),
       i.indrelid::regclass::text, i.indisvalid,
       case when i.indisvalid then false else
         exists (select from ({_BUILDS}) b where b.relation in (i.indrelid, i.indexrelid))
         or exists (select from pg_locks l where l.relation = i.indexrelid and l.database = (
                      select oid from pg_database where datname = current_database())
                    and l.pid is distinct from pg_backend_pid()
                    and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock'))
         or exists (select from pg_locks l where l.locktype = 'transactionid' and l.granted
                    and l.transactionid = i.xmax) end,
       case when i.indisvalid then '' else
         coalesce((select k.conname::text from pg_constraint k
                   where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x') limit 1), '')
       end,
       n.nspname = 'pg_toast'
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'i' and n.nspname not in ('pg_catalog', 'information_schema')
  and n.nspname not like 'pg\\_temp\\_%' and n.nspname not like 'pg\\_toast\\_temp\\_%'
order by 3
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class WaitSeen:
    """One lock that a session of the command waits for, at one moment."""

    pid: int
    marked: bool
    """The session bears our mark; else it only came from here, after the command was started."""
    kind: str
    mode: str
    target: str
    waited_s: float
    blockers: tuple[int, ...]
    holds_strong: bool
    statement: str
    backend: str
    since: str
    port: int | None
    """Its client's, as the server sees it; ``None`` where this role may not, or on a socket."""
    thing: tuple[str | None, ...]
    """What is locked, as pg_locks tells it apart."""

    @property
    def strong(self) -> bool:
        """Whether traffic queues behind this wait, or behind what its transaction holds."""
        return self.holds_strong or (self.kind == "relation" and self.mode in STRONG)

    @property
    def concurrently(self) -> bool:
        """Whether it is a wait as only statements with CONCURRENTLY have, which nobody minds."""
        return not self.strong and (
            self.kind == "virtualxid" or self.mode == "ShareUpdateExclusiveLock"
        )

    @property
    def lock(self) -> str:
        """For messages."""
        return f"{self.mode} on {self.target}" if self.kind == "relation" else self.target


@dataclass(frozen=True, slots=True)
class Progress:
    """One index build of the command, at one moment."""

    pid: int
    index: str
    table: str
    phase: str
    share: float | None
    """Of this phase, 0 to 1."""
    marked: bool
    port: int | None


@dataclass(frozen=True, slots=True)
class Builder:
    """A table or an index that a session locks, which builds an index, at one moment."""

    oid: int
    ours: bool
    """The session is one of those among which the command's are."""
    marked: bool
    port: int | None


class Database:
    """A session of ours, apart from the command's; it never holds a transaction open."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect, and raise ``NotRunError`` for a server that is too old."""
        settings = {
            "statement_timeout": str(_STATEMENT_TIMEOUT_MS),
            "lock_timeout": str(_LOCK_TIMEOUT_MS),
            "application_name": f"{APPLICATION}-watch",
            "client_encoding": "UTF8",  # else text of a SQL_ASCII database arrives as bytes
        }
        session = _connect(url, settings)
        database = cls(session)
        ((version, standby),) = session.execute(
            "select current_setting('server_version_num')::int, pg_is_in_recovery()"
        )
        if standby:
            session.close()
            raise NotRunError(
                f"{place_of(url)} is a standby, where nothing can be migrated: name the primary, "
                "or add target_session_attrs=read-write to the address"
            )
        if version // 10000 < _OLDEST:
            session.close()
            raise NotRunError(
                f"PostgreSQL {version // 10000}: this command needs {_OLDEST} or newer; run the "
                "migrate command itself"
            )
        return database

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> str:
        """The server's clock."""
        ((now,),) = self._session.execute("select clock_timestamp()::text")
        return str(now)

    def long_transactions(self, older_than_s: float, *, verbose: bool) -> list[Holder]:
        """Client transactions of this database that are older, oldest first; prepared ones too."""
        rows = self._session.execute(
            f"{_HOLDERS} where a.datname = current_database() and a.pid <> pg_backend_pid() "
            "and a.backend_type = 'client backend' "
            "and a.xact_start < clock_timestamp() - make_interval(secs => %s) "
            "order by a.xact_start",
            (older_than_s,),
        )
        prepared = self._session.execute(
            "select gid, owner::text, extract(epoch from clock_timestamp() - prepared)::float8 "
            "from pg_prepared_xacts where database = current_database() "
            "and prepared < clock_timestamp() - make_interval(secs => %s) order by prepared",
            (older_than_s,),
        )
        return [
            *(_holder(row, verbose=verbose) for row in rows),
            *(
                Holder(0, owner, "", "prepared", float(age), name=gid)
                for gid, owner, age in prepared
            ),
        ]

    def unseen_sessions(self) -> int:
        """Sessions of this database of which this role sees no more than that they are there."""
        ((count,),) = self._session.execute(
            "select count(*) from pg_stat_activity a where datname = current_database() "
            "and pid <> pg_backend_pid() and query = '<insufficient privilege>'"
        )
        return int(count)

    def wraparound_vacuums(self) -> list[str]:
        """Autovacuums that do not make way for a migration, as far as this role sees them."""
        rows = self._session.execute(
            "select query from pg_stat_activity where datname = current_database() "
            "and backend_type = 'autovacuum worker' and query like '%(to prevent wraparound)'"
        )
        return [str(query) for (query,) in rows]

    def holders(self, pids: Sequence[int], *, verbose: bool) -> list[Holder]:
        """Who they are; 0 stands for a prepared transaction, as the server has it."""
        rows = self._session.execute(
            f"{_HOLDERS} where a.pid = any(%s) order by pid", (list(set(pids)),)
        )
        found = [_holder(row, verbose=verbose) for row in rows]
        if 0 in pids:
            prepared = self.long_transactions(0, verbose=False)
            found += [holder for holder in prepared if not holder.pid]
        return found

    def indexes(self) -> dict[int, tuple[Index, bool]]:
        """Every index but those of catalogs and of partitioned tables, and whether it is valid.

        A partitioned index is no index of its own: INVALID there means that a partition's is not
        attached yet.
        """
        return {
            oid: (Index(oid, name, table, busy, constraint, toast, heap), valid)
            for oid, heap, name, table, valid, busy, constraint, toast in (
                self._session.execute(_INDEXES)
            )
        }

    def invalid(self) -> list[Index]:
        """The INVALID ones that nobody is building."""
        return [index for index, valid in self.indexes().values() if not valid and not index.busy]

    def definition(self, index: Index) -> str:
        """The statement that builds it; empty while its table is locked: it would wait."""
        try:
            ((text,),) = self._session.execute("select pg_get_indexdef(%s)", (index.oid,))
        except StatementError:
            return ""
        return str(text or "")

    def is_leftover(self, index: Index) -> bool:
        """Whether it is still there under its name, INVALID, and nobody is at it."""
        now, valid = self.indexes().get(index.oid, (None, True))
        return now is not None and not valid and not now.busy and now.name == index.name

    def drop(self, index: Index, timeout_s: float) -> str | None:
        """Drop it CONCURRENTLY; the reason if that does not succeed within the time, or twice it.

        A lock_timeout bounds the wait for each of the transactions that are in the way alone.
        """
        milliseconds = max(1, round(timeout_s * 1000))
        try:
            self._session.execute(f"set lock_timeout = {milliseconds}")
            self._session.execute(f"set statement_timeout = {2 * milliseconds}")
            self._session.execute(drop_statement(index))
        except StatementError as error:
            return str(error).removeprefix("ERROR:").strip()
        finally:
            self._restore()
        return None

    def _restore(self) -> None:
        for name in ("lock_timeout", "statement_timeout"):
            try:
                self._session.execute(f"reset {name}")
            except StatementError:
                return

    def waits(self, mark: str, since: str) -> list[WaitSeen]:
        """What the command's sessions wait for."""
        rows = self._session.execute(_WAITS, (mark, list(STRONG), mark, since))
        return [
            WaitSeen(
                pid=pid,
                marked=bool(marked),
                kind=kind,
                mode=mode,
                target=target,
                waited_s=float(waited),
                blockers=tuple(blockers),
                holds_strong=strong,
                statement=str(statement),
                backend=str(backend),
                since=str(since_then),
                port=_port(port),
                thing=tuple(thing),
            )
            for (
                pid,
                marked,
                kind,
                mode,
                target,
                waited,
                blockers,
                strong,
                statement,
                backend,
                since_then,
                port,
                thing,
            ) in rows
        ]

    def at_work(self, mark: str, since: str) -> list[tuple[bool, int | None]]:
        """The sessions of the command: whether each bears our mark, and its client's port."""
        return [
            (bool(marked), _port(port))
            for marked, port in self._session.execute(_AT_WORK, (mark, mark, since))
        ]

    def builders(self, mark: str, since: str) -> list[Builder]:
        """Whatever an index build has a lock on now, of the command's and of anybody's."""
        if not self._session.execute(_ANY_BUILD):  # asked often, and all locks are many
            return []
        return [
            Builder(oid, bool(ours), bool(marked), _port(port))
            for oid, ours, marked, port in self._session.execute(_BUILDERS, (mark, since, mark))
        ]

    def sees_our_ports(self) -> bool:
        """Whether the server sees our connections by the ports they have here: by TCP, no NAT."""
        ((address, port),) = self._session.execute(
            "select host(client_addr), client_port from pg_stat_activity "
            "where pid = pg_backend_pid()"
        )
        own = own_end(self._session.connection.fileno())
        return own is not None and own == (address, port)

    def goes_on(self, wait: WaitSeen) -> bool:
        """Whether the statement that waited is still being run."""
        rows = self._session.execute(
            "select state, query_start::text from pg_stat_activity where pid = %s", (wait.pid,)
        )
        return bool(rows) and rows[0][0] == "active" and str(rows[0][1]) == wait.statement

    def still_held(self, wait: WaitSeen) -> bool:
        """Whether those in its way still hold what was waited for: then it was not granted."""
        ((held,),) = self._session.execute(
            _STILL_HELD,
            (list(wait.blockers), list(wait.thing)),
        )
        return bool(held)

    def cancel(self, wait: WaitSeen) -> bool:
        """Cancel a statement that still waits as it did; ``False``: it does not any more.

        Raises ``StatementError`` when this role may not.
        """
        rows = self._session.execute(
            "select pg_cancel_backend(a.pid) from pg_stat_activity a join pg_locks l using (pid) "
            "where a.pid = %s and a.backend_start::text = %s and not l.granted "
            "and l.waitstart::text = %s",
            (wait.pid, wait.backend, wait.since),
        )
        return bool(rows) and bool(rows[0][0])

    def progress(self, mark: str, since: str) -> list[Progress]:
        """The index builds of the command."""
        return [
            Progress(pid, index, table, phase, _share(phase, *counts), bool(marked), _port(port))
            for pid, index, table, phase, *counts, marked, port in self._session.execute(
                _PROGRESS, (mark, mark, since)
            )
        ]

    def running(self, mark: str) -> list[int]:
        """Sessions with our mark that are at work."""
        rows = self._session.execute(
            "select pid from pg_stat_activity where application_name = %s "
            "and pid <> pg_backend_pid() and state <> 'idle'",
            (mark,),
        )
        return [pid for (pid,) in rows]

    def cancel_running(self, mark: str) -> None:
        """Cancel what sessions with our mark are at."""
        self._session.execute(
            "select pg_cancel_backend(pid) from pg_stat_activity where application_name = %s "
            "and pid <> pg_backend_pid() and state <> 'idle'",
            (mark,),
        )


def _connect(url: str, settings: Mapping[str, str]) -> Session:
    """A session with settings; an error names the address as it was given."""
    address = with_parameters(with_options(url, settings), _ENDING_OF_A_DEAD_LINE)
    try:
        return Session(address)
    except NotRunError as error:
        text = str(error).replace(without_password(address), without_password(url))
        raise NotRunError(without_secrets(text)) from None


def assert_settings_arrive(url: str, name: str, value_ms: int) -> None:
    """Raise ``NotRunError`` unless a setting in the address's ``options`` reaches the session.

    It does not through a pooler: PgBouncer refuses it, or drops it when told to ignore it.
    """
    address = place_of(url)
    direct = "name the server's own address with --database, not the pooler's"
    try:
        with _connect(url, {name: str(value_ms)}) as session:
            ((setting,),) = session.execute(
                "select setting::int from pg_settings where name = %s", (name,)
            )
    except NotRunError as error:
        if "startup parameter" in str(error):
            raise NotRunError(f"{address} is a pooler, which takes no {name}: {direct}") from None
        raise
    if setting != value_ms:
        raise NotRunError(
            f"{address}: {name} does not arrive in the session, as behind a pooler: {direct}"
        )


def assert_no_service_wins(url: str, environment: Mapping[str, str]) -> None:
    """Raise ``NotRunError`` where a service file has ``options``: they win over ``PGOPTIONS``."""
    if options_of(url) or not ("service" in parameters_of(url) or environment.get("PGSERVICE")):
        return
    with Session(url) as session:
        options = session.connection.info.get_parameters().get("options", "")
    if options != environment.get("PGOPTIONS", ""):
        raise NotRunError(
            f"the service's entry in pg_service.conf has options={options!r}, which win over "
            "PGOPTIONS, so that no lock_timeout would reach the command: move them to PGOPTIONS"
        )


def drop_statement(index: Index) -> str:
    """The SQL that drops it without stopping anybody."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}"


def _holder(row: tuple[Any, ...], *, verbose: bool) -> Holder:
    pid, user, application, state, age, query_age, query = row
    holder = Holder(
        pid,
        user,
        application,
        state,
        float(age) if age is not None else None,
        float(query_age) if query_age is not None else None,
    )
    return replace(holder, query=query) if verbose and query else holder


def _port(port: int | None) -> int | None:
    return port if port is not None and port > 0 else None


def _share(phase: str, *counts: int | None) -> float | None:
    """The share of a phase; which pair of counters moves depends on the phase."""
    blocks_done, blocks, tuples_done, tuples, lockers_done, lockers = (n or 0 for n in counts)
    if "waiting" in phase:
        return lockers_done / lockers if lockers else None
    if blocks:
        return min(1.0, blocks_done / blocks)
    return min(1.0, tuples_done / tuples) if tuples else None
