"""What a real PostgreSQL does when it runs a migration: its locks, rewrites, scans, index builds.

``Observer`` keeps three connections to one database of its own: the one that runs the migration,
one that watches its locks, one that holds up statements that cannot run in a transaction. The
database is emptied for every case (some 10 ms).

- Locks are read from ``pg_locks`` by the watching session after every statement. Statements that
  refuse a transaction are parked behind a SHARE UPDATE EXCLUSIVE lock on every table (all of them
  want at least that one), so that what they ask for can be read.
- Rewrites are changed file nodes; TRUNCATE's new, empty files do not count.
- Index builds and some scans are told by the server at ``client_min_messages = debug1``; other
  scans by ``pg_stat_xact_user_tables``. All of it shows on empty tables as well. On them the
  planner would never take an index: sequential scans are made dear, so one is seen where no index
  serves.
"""

import re
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg

from senior_backend import sql
from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.sources.migration import Transaction

_MODES = {
    "AccessShareLock": Lock.ACCESS_SHARE,
    "RowShareLock": Lock.ROW_SHARE,
    "RowExclusiveLock": Lock.ROW_EXCLUSIVE,
    "ShareUpdateExclusiveLock": Lock.SHARE_UPDATE_EXCLUSIVE,
    "ShareLock": Lock.SHARE,
    "ShareRowExclusiveLock": Lock.SHARE_ROW_EXCLUSIVE,
    "ExclusiveLock": Lock.EXCLUSIVE,
    "AccessExclusiveLock": Lock.ACCESS_EXCLUSIVE,
}
_ALONE = re.compile(
    r"""^\s*(
      (create\s+(unique\s+)?index|drop\s+index|reindex\b.*?)\s+concurrently\b
    | alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently\s*$
    | vacuum\b | cluster\s*$ | reindex\s+(\(.*?\)\s*)?(database|system|schema)\b
    | (create|drop)\s+(database|tablespace)\b | alter\s+system\b
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""Statements that PostgreSQL refuses inside a transaction block."""

_CONTROL = re.compile(r"^\s*(begin|start\s+transaction|commit|end|rollback|abort)\b", re.IGNORECASE)
_TRUNCATE = re.compile(r"\s*truncate\b", re.IGNORECASE)
_RELATIONS = """
    select c.oid::int, n.nspname, c.relname, c.relkind::text, c.relispartition,
           pg_relation_filenode(c.oid)::int
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid >= 16384 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
_LOCKS = """
    select relation::int, mode, granted from pg_locks
    where pid = %s and locktype = 'relation' and relation >= 16384
"""
_SCANS = "select relid::int, seq_scan from pg_stat_xact_user_tables where seq_scan > 0"
_FOREIGN_KEYS = """
    select oid::int, conname, conrelid::int, confrelid::int from pg_constraint
    where contype = 'f' and convalidated
"""
_LEAVES = "select relid::int from pg_partition_tree(%s) where isleaf"
_LEFT_OVER = """
    select 'drop schema ' || quote_ident(nspname) || ' cascade' from pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
    union all select 'drop publication ' || quote_ident(pubname) from pg_publication
    union all select 'drop event trigger ' || quote_ident(evtname) from pg_event_trigger
"""
_OPTIONS = (
    "-c client_min_messages=debug1 -c lc_messages=C -c timezone=UTC -c search_path=public "
    "-c enable_seqscan=off"
)
_PARK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation as it was before the migration."""

    label: str
    kind: str
    is_partition: bool
    file: int | None


@dataclass(slots=True)
class Observation:
    """What the server did to relations that were there before; tables are named as in SQL."""

    modes: dict[str, set[Lock]] = field(default_factory=dict)
    rewrites: set[str] = field(default_factory=set)
    scans: set[str] = field(default_factory=set)
    index_builds: set[str] = field(default_factory=set)
    """Tables on which an index was built."""
    messages: list[str] = field(default_factory=list)
    error: str | None = None
    indexes: set[str] = field(default_factory=set)
    """Which of the relations in ``modes`` are indexes."""

    @property
    def locks(self) -> dict[str, Lock]:
        """The strongest lock on each relation."""
        return {relation: max(modes) for relation, modes in self.modes.items()}

    def shows(self, claim: str) -> bool:
        """Whether a proof of an example holds.

        ``orders ACCESS EXCLUSIVE`` (a lock held at some time), ``orders rewrite``, ``orders scan``,
        ``orders index build``, ``error: part of its message``.
        """
        if claim.startswith("error:"):
            return self.error is not None and claim.removeprefix("error:").strip() in self.error
        relation, _, what = claim.partition(" ")
        kinds = {
            "rewrite": self.rewrites,
            "scan": self.scans,
            "index build": self.index_builds,
        }
        if what in kinds:
            return relation in kinds[what]
        return Lock[what.replace(" ", "_")] in self.modes.get(relation, set())

    def __str__(self) -> str:
        """Everything that was seen, for the message of a failing test."""
        lines = [f"{relation} {lock}" for relation, lock in sorted(self.locks.items())]
        lines += [f"{relation} rewrite" for relation in sorted(self.rewrites)]
        lines += [f"{relation} scan" for relation in sorted(self.scans)]
        lines += [f"{relation} index build" for relation in sorted(self.index_builds)]
        return "; ".join(lines + ([f"error: {self.error}"] if self.error else [])) or "nothing"


class Observer:
    """Runs migrations on a database that is its own, and watches."""

    def __init__(self, database_url: str) -> None:
        """Connect; everything in the database will be dropped."""
        self._runner = psycopg.connect(
            database_url, autocommit=True, options=_OPTIONS, prepare_threshold=None
        )
        self._watcher = psycopg.connect(database_url, autocommit=True)
        self._holders = [psycopg.connect(database_url, autocommit=True) for _ in range(2)]
        self._messages: list[str] = []
        self._prepared: str | None = None
        self._runner.add_notice_handler(self._note)
        self._roles = {row[0] for row in self._watcher.execute("select rolname from pg_roles")}

    @property
    def major(self) -> int:
        """The server's major version."""
        return self._runner.info.server_version // 10_000

    def close(self) -> None:
        """Close the connections."""
        for connection in (self._runner, self._watcher, *self._holders):
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def observe(
        self, setup: str, statements: str, transaction: Transaction = "file"
    ) -> Observation:
        """Run ``setup`` in an empty database, then the statements as the tool would.

        Raises ``psycopg.Error`` when the setup itself fails.
        """
        self._prepared = None
        self._empty()
        self._set_up(setup)
        return self.watch(statements, transaction)

    def rehearse(self, setup: str, statements: str) -> Observation:
        """Run the statements in a transaction that is rolled back, where PostgreSQL allows it.

        The setup is kept for the next case with the same, which takes a few milliseconds then.
        """
        if any(map(_ALONE.match, _pieces(statements))):
            return self.observe(setup, statements, "statement")
        if self._prepared != setup:
            self._empty()
            self._set_up(setup)
            self._prepared = setup
        return self.watch(statements, "file", end="rollback")

    def watch(self, statements: str, transaction: Transaction, end: str = "commit") -> Observation:
        """Run the statements in the database as it is."""
        self._prepared = None if end == "commit" else self._prepared
        pieces = _pieces(statements)
        seen = Observation()
        before = self._relations()
        self._messages.clear()
        seen.indexes = {r.label for r in before.values() if r.kind in "iI"}
        self._execute("set client_min_messages = debug1")
        try:
            if transaction == "statement" or (transaction == "implicit" and len(pieces) == 1):
                self._each(pieces, before, seen)
            elif transaction == "implicit" and any(map(_CONTROL.match, pieces)):
                self._run_whole(statements, seen)
            elif transaction == "implicit":
                self._together(pieces, before, seen)
                if seen.error is None:
                    self._run_whole(statements, seen)
            else:
                self._together(pieces, before, seen, end)
        except psycopg.Error as error:
            seen.error = str(error).splitlines()[0]
        finally:
            self._execute("rollback")
        seen.messages = list(self._messages)
        return seen

    def _together(
        self,
        pieces: list[str],
        before: dict[int, Relation],
        seen: Observation,
        end: str = "rollback",
    ) -> None:
        """All statements in one transaction; the text may end it early or open another."""
        self._execute("begin")
        for piece in pieces:
            if self._is_idle() and _ALONE.match(piece):
                self._parked(piece, before, seen)
            else:
                self._step(piece, before, seen)
        if not self._is_idle():
            self._execute(end)

    def _each(self, pieces: list[str], before: dict[int, Relation], seen: Observation) -> None:
        """Every statement by itself, unless the text has BEGIN."""
        for piece in pieces:
            if _CONTROL.match(piece) or not self._is_idle():
                self._step(piece, before, seen)
            elif _ALONE.match(piece):
                self._parked(piece, before, seen)
            else:
                self._execute("begin")
                self._step(piece, before, seen)
                self._execute("commit")

    def _run_whole(self, statements: str, seen: Observation) -> None:
        try:
            self._execute(statements)
        except psycopg.Error as error:
            seen.error = str(error).splitlines()[0]

    def _step(self, piece: str, before: dict[int, Relation], seen: Observation) -> None:
        """One statement in an open transaction: run it, then look."""
        if self._is_idle():
            self._execute(piece)
            return
        files, scans, keys = self._files(), self._scans(), self._foreign_keys()
        told = len(self._messages)
        self._execute(piece)
        if self._is_idle():
            return
        self._look_at_locks(before, seen)
        if _TRUNCATE.match(piece):
            return
        messages = "\n".join(self._messages[told:])
        self._compare_files(files, self._files(), before, seen)
        for relation, count in self._scans().items():
            if count > scans.get(relation, 0) and relation in before:
                seen.scans.add(before[relation].label)
        self._read_messages(messages, before, seen)
        if "validating foreign key constraint" in messages:
            for key in self._foreign_keys() - keys:
                if f'validating foreign key constraint "{key[1]}"' in messages:
                    self._validated(key, before, seen)

    def _parked(self, piece: str, before: dict[int, Relation], seen: Observation) -> None:
        """A statement outside a transaction: held up, looked at, let go, until it ends."""
        holders = [*self._hold(before)]
        files = self._files()
        told = len(self._messages)
        failure: list[psycopg.Error] = []

        def run() -> None:
            try:
                self._execute(piece)
            except psycopg.Error as error:
                failure.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        until = time.monotonic() + _PARK_SECONDS
        while thread.is_alive() and time.monotonic() < until:
            if self._look_at_locks(before, seen) and holders:
                holders.pop(0).execute("commit")
            thread.join(0.001)
        for holder in holders:
            holder.execute("commit")
        thread.join(_PARK_SECONDS)
        if failure:
            raise failure[0]
        self._compare_files(files, self._files(), before, seen)
        seen.scans |= seen.rewrites
        self._read_messages("\n".join(self._messages[told:]), before, seen)

    def _hold(self, before: dict[int, Relation]) -> Iterator[psycopg.Connection[Any]]:
        """First every table, then partitions from their readers (for DETACH's second phase)."""
        tables = [r.label for r in before.values() if r.kind in "rp"]
        partitions = [r.label for r in before.values() if r.kind == "r" and r.is_partition]
        wanted = (("share update exclusive", tables), ("access share", partitions))
        for holder, (mode, names) in zip(self._holders, wanted, strict=True):
            if names:
                holder.execute("begin")
                holder.execute(f"lock table only {', only '.join(names)} in {mode} mode".encode())
                yield holder

    def _look_at_locks(self, before: dict[int, Relation], seen: Observation) -> bool:
        """Note the locks that the runner has and wants; whether it waits for one."""
        waits = False
        pid = self._runner.info.backend_pid
        for relation, mode, granted in self._watcher.execute(_LOCKS, (pid,)):
            waits = waits or not granted
            if relation in before:
                seen.modes.setdefault(before[relation].label, set()).add(_MODES[mode])
        return waits

    def _compare_files(
        self,
        files: dict[int, int | None],
        now: dict[int, int | None],
        before: dict[int, Relation],
        seen: Observation,
    ) -> None:
        for relation, file in files.items():
            known = before.get(relation)
            if known is not None and known.kind in "rm" and now.get(relation, file) != file:
                seen.rewrites.add(known.label)

    def _read_messages(self, messages: str, before: dict[int, Relation], seen: Observation) -> None:
        """What the server says of its work; its messages name tables without their schema."""
        tables = {r.label.rpartition(".")[2].strip('"'): r.label for r in before.values()}
        for name in re.findall(r'^building index ".*" on table "(.*)"', messages, re.MULTILINE):
            if name in tables:
                seen.index_builds.add(tables[name])
                seen.scans.add(tables[name])
        for name in re.findall(r'^(?:verifying|rewriting) table "(.*)"', messages, re.MULTILINE):
            if name in tables:
                seen.scans.add(tables[name])

    def _foreign_keys(self) -> set[tuple[int, str, int, int]]:
        """Those that are valid: number and name, and the tables that they join."""
        return set(self._runner.execute(_FOREIGN_KEYS).fetchall())

    def _validated(
        self, key: tuple[int, str, int, int], before: dict[int, Relation], seen: Observation
    ) -> None:
        """Both sides were read; which indexes the query took says nothing on empty tables."""
        _, _, of, to = key
        for table in (of, to):
            for (relation,) in self._runner.execute(_LEAVES, (table,)).fetchall() or [(table,)]:
                if relation in before and before[relation].kind == "r":
                    seen.scans.add(before[relation].label)

    def _relations(self) -> dict[int, Relation]:
        return {
            oid: Relation(_label(schema, name), kind, is_partition, file)
            for oid, schema, name, kind, is_partition, file in self._runner.execute(_RELATIONS)
        }

    def _files(self) -> dict[int, int | None]:
        return {row[0]: row[5] for row in self._runner.execute(_RELATIONS)}

    def _scans(self) -> dict[int, int]:
        """Sequential scans that are not yet handed to the statistics, of earlier ones as well."""
        return dict(self._runner.execute(_SCANS).fetchall())

    def _is_idle(self) -> bool:
        return self._runner.info.transaction_status == psycopg.pq.TransactionStatus.IDLE

    def _execute(self, statement: str) -> None:
        self._runner.execute(statement.encode())

    def _note(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        message = diagnostic.message_primary or ""
        if "pg_toast" not in message:
            self._messages.append(message)

    def _empty(self) -> None:
        self._execute("discard all")
        self._execute("set client_min_messages = warning")
        for (statement,) in self._runner.execute(_LEFT_OVER).fetchall():
            self._execute(statement)
        for (role,) in self._watcher.execute("select rolname from pg_roles").fetchall():
            if role not in self._roles:
                self._execute(f'drop owned by "{role}"; drop role "{role}"')
        self._execute("create schema public")

    def _set_up(self, setup: str) -> None:
        if not setup.strip():
            return
        pieces = _pieces(setup)
        if any(_ALONE.match(piece) for piece in pieces):
            for piece in pieces:
                self._execute(piece)
        else:
            self._execute(setup)


def observe(
    database_url: str, setup: str, statements: str, transaction: Transaction = "file"
) -> Observation:
    """One observation; ``Observer`` is faster for many."""
    with Observer(database_url) as observer:
        return observer.observe(setup, statements, transaction)


def _pieces(text: str) -> list[str]:
    """The statements of a text, those that our parser refuses included."""
    script = sql.read(sql.SqlText("migration.sql", text.encode()))
    parts: Iterable[Any] = (*script.statements, *script.unparsed)
    spans = sorted((part.start, part.end) for part in parts)
    return [text.encode()[start:end].decode() for start, end in spans]


def _label(schema: str, name: str) -> str:
    """As people write it; quoted where the server needs that."""
    parts = [name] if schema == "public" else [schema, name]
    return ".".join(p if re.fullmatch(r"[a-z_][a-z0-9_$]*", p) else f'"{p}"' for p in parts)
