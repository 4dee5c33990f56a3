"""What was observed when migrations ran on a real PostgreSQL: data, and its published form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.step import Direction

Traffic = Literal["reads", "writes"]
Severity = Literal["info", "warning", "error"]

NOTICED_S: Final = 1.0
"""Requests that wait a second are slow; they do not pile up."""
PILING_UP_S: Final = 10.0
"""By then a pool of connections is empty, and requests time out that touch other tables too."""

RelationKind = Literal[
    "table",
    "partitioned table",
    "index",
    "sequence",
    "view",
    "materialized view",
    "foreign table",
    "composite type",
]

VERSION: Final = 1
"""Of the published form; keys are added, never renamed."""


@dataclass(frozen=True, slots=True)
class ObservedLock:
    """A lock that a statement took on a relation that was there before.

    ``relation`` as people write it: without the schema ``public``, quoted where the server needs
    that. ``blocks`` is what a second session with a short lock_timeout was seen to wait for since
    this statement: on the table itself, or on the table of an index. ``granted`` is False where the
    statement asked for it and was held up before it got it (a statement outside a transaction that
    released it too soon to be seen holding it).
    """

    relation: str
    kind: RelationKind
    mode: Lock
    blocks: tuple[Traffic, ...] = ()
    granted: bool = True

    def as_json(self) -> dict[str, Any]:
        """The form of ``locks`` in the published trace."""
        return {
            "relation": self.relation,
            "kind": self.kind,
            "mode": str(self.mode),
            "blocks": list(self.blocks),
            "granted": self.granted,
        }


@dataclass(frozen=True, slots=True)
class IndexBuild:
    """An index that was built over a table's rows; ``index`` is empty where none is named."""

    table: str
    index: str = ""

    def as_json(self) -> dict[str, Any]:
        """The form of ``index_builds`` in the published trace."""
        return {"table": self.table, "index": self.index}


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a statement would keep a blocking lock on a relation of ``rows`` rows, in seconds.

    ``rows`` is None where its size was not told: the work is on another then. ``low`` and ``high``
    are what the measurements leave open; ``basis`` says from what it was worked out, in a few
    words.
    """

    relation: str
    rows: int | None
    seconds: float
    low: float
    high: float
    basis: str

    @property
    def severity(self) -> Severity:
        """How bad that is at its slow end: a false calm costs more than a false alarm."""
        if self.high < NOTICED_S:
            return "info"
        return "warning" if self.high < PILING_UP_S else "error"

    def as_json(self) -> dict[str, Any]:
        """The form of ``estimates`` in the published trace."""
        return {
            "relation": self.relation,
            "rows": self.rows,
            "seconds": self.seconds,
            "low": self.low,
            "high": self.high,
            "severity": self.severity,
            "basis": self.basis,
        }


@dataclass(frozen=True, slots=True)
class ObservedStatement:
    """One statement, run as its tool runs it, and what the server did for it.

    ``line`` is where it begins in the file ``path``. ``transaction`` numbers the transactions of
    its migration from 1; None: it ran outside a transaction block. ``locks`` are those that it
    added to what its transaction held already. ``scans`` are tables of which every row was read,
    ``rewrites`` tables that got a new file with every row written anew (a new empty file, as of
    TRUNCATE, is none). Only relations that were there before count in all of them.
    """

    path: str
    line: int
    sql: str
    transaction: int | None
    locks: tuple[ObservedLock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    index_builds: tuple[IndexBuild, ...] = ()
    waits_for: tuple[str, ...] = ()
    """What it was seen to wait for while others worked, in a few words each: such as ``older
    transactions`` for CREATE INDEX CONCURRENTLY."""
    duration_ms: float | None = None
    """Of the statement alone on tables as they are in the scratch database; says nothing about
    production: see ``estimates``."""
    wal_bytes: int | None = None
    rows: int | None = None
    """Changed or returned, as the server counts them."""
    error: str | None = None
    """The server's message, on one line; None when it ran."""
    sqlstate: str | None = None
    not_run: str | None = None
    """Why it was never sent to the server: what came before it failed, or it is no SQL."""
    messages: tuple[str, ...] = ()
    """What the server said of its work at client_min_messages = debug1."""
    notes: tuple[str, ...] = ()
    """What was observed in another way than usual, or could not be, as sentences."""
    estimates: tuple[Estimate, ...] = ()

    @property
    def strongest(self) -> ObservedLock | None:
        """The strongest lock on a table, view or materialized view; else on anything."""
        tables = [lock for lock in self.locks if lock.kind not in ("index", "sequence")]
        return max(tables or self.locks, key=lambda lock: lock.mode, default=None)

    @property
    def works_through(self) -> tuple[str, ...]:
        """Tables on which its work grows with their size: rewritten, scanned, indexed."""
        tables = (*self.rewrites, *self.scans, *(build.table for build in self.index_builds))
        return tuple(dict.fromkeys(tables))

    def as_json(self) -> dict[str, Any]:
        """The form of ``statements`` in the published trace."""
        return {
            "path": self.path,
            "line": self.line,
            "sql": self.sql,
            "transaction": self.transaction,
            "locks": [lock.as_json() for lock in self.locks],
            "rewrites": list(self.rewrites),
            "scans": list(self.scans),
            "index_builds": [build.as_json() for build in self.index_builds],
            "waits_for": list(self.waits_for),
            "duration_ms": self.duration_ms,
            "wal_bytes": self.wal_bytes,
            "rows": self.rows,
            "error": self.error,
            "not_run": self.not_run,
            "notes": list(self.notes),
            "estimates": [estimate.as_json() for estimate in self.estimates],
        }


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that kept traffic waiting while its transaction went on.

    Taken by the statement at ``line`` of ``path``, released when the transaction ended.
    ``statements`` ran meanwhile, after the one that took it, for ``duration_ms`` together, the one
    that took it included: whoever wants what it ``blocks`` queues all that time.
    """

    path: str
    line: int
    relation: str
    mode: Lock
    blocks: tuple[Traffic, ...]
    transaction: int
    statements: int
    duration_ms: float

    def as_json(self) -> dict[str, Any]:
        """The form of ``lock_queue`` in the published trace."""
        return {
            "path": self.path,
            "line": self.line,
            "relation": self.relation,
            "mode": str(self.mode),
            "blocks": list(self.blocks),
            "transaction": self.transaction,
            "statements_while_held": self.statements,
            "duration_ms": self.duration_ms,
        }


@dataclass(frozen=True, slots=True)
class MigrationTrace:
    """One way of one migration."""

    path: str
    direction: Direction
    statements: tuple[ObservedStatement, ...] = ()
    lock_queue: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> ObservedStatement | None:
        """The statement that the server refused."""
        return next((one for one in self.statements if one.error is not None), None)

    def as_json(self) -> dict[str, Any]:
        """The form of ``migrations`` in the published trace."""
        return {
            "path": self.path,
            "direction": self.direction,
            "statements": [one.as_json() for one in self.statements],
            "lock_queue": [one.as_json() for one in self.lock_queue],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be run, or not as it is: one line for people, with its place."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """The form of ``problems`` in the published trace."""
        return {"path": self.path, "line": self.line, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Trace:
    """Migrations on one server. ``postgres`` is its version, such as ``18.6``.

    ``settings`` are those that were taken from production. ``stubbed`` names what the scratch
    database had to stand in for: extensions, roles, a platform's own schemas. ``problems`` are the
    statements of earlier migrations that did not run, and files that could not be read.
    """

    postgres: str
    migrations: tuple[MigrationTrace, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    stubbed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    """What holds for all of it, as sentences: such as how Alembic's revisions were read."""

    @property
    def major(self) -> int:
        """Such as 18."""
        return int(self.postgres.partition(".")[0])

    def as_json(self) -> dict[str, Any]:
        """The published document (schemas/trace.json)."""
        return {
            "version": VERSION,
            "postgres": self.postgres,
            "settings": dict(self.settings),
            "stubbed": list(self.stubbed),
            "migrations": [one.as_json() for one in self.migrations],
            "problems": [one.as_json() for one in self.problems],
            "notes": list(self.notes),
        }
