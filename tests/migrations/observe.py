"""What a real PostgreSQL does when it runs a migration: its locks, rewrites, scans, index builds.

The tracer of the product does the work; here its database is emptied for every case (some 10 ms),
and what it saw of all statements is brought together for claims such as ``orders rewrite``.
Nothing is probed: that takes longer than the rest.
"""

from dataclasses import dataclass, field
from typing import Self

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace.observed import ObservedStatement
from senior_backend.migrations.trace.observing.course import Course
from senior_backend.migrations.trace.observing.execute import Rows
from senior_backend.migrations.trace.observing.observation import Eye
from senior_backend.migrations.trace.observing.pieces import pieces
from senior_backend.migrations.trace.observing.sessions import Sessions, Settings
from senior_backend.sources.migration import Migration, Segment, Transaction
from senior_backend.sql import SqlText

_LEFT_OVER = """
    select 'drop schema ' || quote_ident(nspname) || ' cascade' from pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
    union all select 'drop publication ' || quote_ident(pubname) from pg_publication
    union all select 'drop event trigger ' || quote_ident(evtname) from pg_event_trigger
"""
_ROLES = "select rolname from pg_roles"
_NEEDS_NO_BLOCK = "25001"
_SECONDS = 30.0


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

    def add(self, statement: ObservedStatement) -> None:
        """What one more statement did."""
        for lock in statement.locks:
            self.modes.setdefault(lock.relation, set()).add(lock.mode)
            if lock.kind == "index":
                self.indexes.add(lock.relation)
        self.rewrites.update(statement.rewrites)
        self.scans.update(statement.scans)
        self.index_builds.update(build.table for build in statement.index_builds)
        self.messages.extend(statement.messages)
        self.error = self.error or statement.error

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
        variables = {"search_path": "public"}
        settings = Settings(variables=variables, probe=False, own_server=True)
        self._sessions = Sessions(database_url, settings)
        self._eye = Eye(self._sessions)
        self._prepared: str | None = None
        self._roles = {row[0] for row in self._rows(_ROLES)}

    @property
    def major(self) -> int:
        """The server's major version."""
        return self._sessions.runner.major

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def observe(
        self, setup: str, statements: str, transaction: Transaction = "file"
    ) -> Observation:
        """Run ``setup`` in an empty database, then the statements as the tool would.

        Raises ``ValueError`` when the setup itself fails.
        """
        self._prepared = None
        self._empty()
        self._set_up(setup)
        return self.watch(statements, transaction)

    def rehearse(self, setup: str, statements: str) -> Observation:
        """Run the statements in a transaction that is rolled back, where PostgreSQL allows it.

        The setup is kept for the next case with the same, which takes a few milliseconds then.
        """
        if self._prepared != setup:
            self._empty()
            self._set_up(setup)
            self._prepared = setup
        course = self._course(statements, "file", commit=False)
        if any(one.sqlstate == _NEEDS_NO_BLOCK for one in course.statements):
            return self.observe(setup, statements, "statement")
        return _of(course)

    def watch(self, statements: str, transaction: Transaction) -> Observation:
        """Run the statements in the database as it is."""
        self._prepared = None
        return _of(self._course(statements, transaction))

    def _course(self, statements: str, transaction: Transaction, *, commit: bool = True) -> Course:
        self._eye.open()
        course = Course(self._sessions, self._eye)
        course.run(_migration(statements, transaction), commit=commit)
        course.end(commit=commit)
        return course

    def _empty(self) -> None:
        self._sessions.renew()
        drops = [statement for (statement,) in self._rows(_LEFT_OVER)]
        for (role,) in self._rows(_ROLES):
            if role not in self._roles:
                drops += [f'drop owned by "{role}"', f'drop role "{role}"']
        for statement in [*drops, "create schema public"]:
            self._do(statement)

    def _set_up(self, setup: str) -> None:
        if not setup.strip():
            return
        outcome = self._sessions.runner.run(setup.encode(), _SECONDS)
        if outcome.sqlstate == _NEEDS_NO_BLOCK:
            for piece in pieces(SqlText("setup.sql", setup.encode())):
                self._do(piece.message.decode())
        elif outcome.error is not None:
            raise ValueError(outcome.error)

    def _do(self, statement: str) -> None:
        outcome = self._sessions.runner.run(statement.encode(), _SECONDS)
        if outcome.error is not None:
            raise ValueError(f"{statement}: {outcome.error}")

    def _rows(self, query: str) -> Rows:
        return self._sessions.runner.ask(query)


def observe(
    database_url: str, setup: str, statements: str, transaction: Transaction = "file"
) -> Observation:
    """One observation; ``Observer`` is faster for many."""
    with Observer(database_url) as observer:
        return observer.observe(setup, statements, transaction)


def _of(course: Course) -> Observation:
    seen = Observation()
    for statement in course.statements:
        seen.add(statement)
    return seen


def _migration(statements: str, transaction: Transaction) -> Migration:
    name = "migration.sql"
    segment = Segment(SqlText(name, statements.encode()), transaction)
    return Migration("plain_sql", name, "", name, (segment,), files=(name,))
