"""An operation in its place: what a rule gets to see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, TypeVar

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop
from senior_backend.operations.operation import Operation
from senior_backend.sources.migration import Migration, Transaction
from senior_backend.sql.script import Body, Statement

Direction = Literal["up", "down"]
T = TypeVar("T", bound=Operation)

SMALL: Final = 10_000
"""Rows that PostgreSQL reads, checks or rewrites in milliseconds."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is taken to be true of the database that will run the migrations.

    ``rows`` by table name; ``major`` is the oldest PostgreSQL to be safe on.
    """

    major: int = 14
    rows: Mapping[str, int] = field(default_factory=dict)
    row_bytes: Mapping[str, float] = field(default_factory=dict)
    """By table name, where production's statistics were read: bytes of its heap for each row."""
    timezone: str | None = None
    """TimeZone of the sessions, if known: timestamp to timestamptz is free only with UTC."""


@dataclass(slots=True)
class OpenTransaction:
    """The transaction block in which a statement runs, and what came before in it.

    ``kind`` says who opened it: the tool (``file``, ``run``), the query message (``implicit``) or
    the script itself (``explicit``). ``locks`` holds the strongest lock held on each relation that
    was there before the transaction began. ``steps`` are the earlier operations.
    """

    kind: Transaction | Literal["explicit"]
    locks: dict[str, Lock] = field(default_factory=dict)
    """By relation, as ``Effect.relation`` names it."""
    steps: list["Step"] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """Settings that earlier statements of the same session made, by lower-case name."""

    variables: dict[str, str] = field(default_factory=dict)

    def timeout_ms(self, name: str) -> float | None:
        """A timeout in milliseconds; 0 and unset are None."""
        return milliseconds(self.variables.get(name))


def milliseconds(timeout: str | None) -> float | None:
    """A timeout as it is written, in milliseconds; None for 0, for none and for nonsense."""
    if timeout is None:
        return None
    written = timeout.strip()
    number = written.rstrip("abcdefghijklmnopqrstuvwxyz ")
    factors = {"": 1.0, "us": 0.001, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6, "d": 8.64e7}
    try:
        return float(number) * factors[written[len(number) :].strip()] or None
    except (ValueError, KeyError):
        return None


@dataclass(slots=True)
class Step:
    """One operation of one statement, the schema before it, and what PostgreSQL does for it.

    ``transaction`` is None when the statement runs on its own (autocommit). ``number`` counts
    migrations; ``first_of_deploy`` is the number of the first that is deployed together with it.
    ``in_function`` is set for a statement inside a function body, which runs only when called.
    """

    migration: Migration
    direction: Direction
    number: int
    first_of_deploy: int
    statement: Statement
    operation: Operation
    effects: tuple[Effect, ...]
    catalog: Catalog
    session: Session
    transaction: OpenTransaction | None
    assumptions: Assumptions
    in_function: bool = False
    alone_in_statement: bool = True
    """False for one of several actions of an ALTER TABLE."""
    siblings: tuple[Operation, ...] = ()
    """All operations of its statement."""
    bodies: tuple[Body, ...] = ()
    """What stands in a DO block or a function body; its statements are steps of their own."""
    operations: Sequence[Operation] = ()
    """All operations of the migration in this direction; this one is at ``index``."""
    index: int = 0
    within: "Step | None" = None
    """The DO block or the call in whose body it stands."""
    existing: tuple[Effect, ...] = field(init=False)
    """The effects on relations that others may be using when it runs (see ``is_new``)."""
    lock_timeout: str | None = field(init=False)
    """The setting under which it runs, as it was written; None when nothing set it."""
    statement_timeout: str | None = field(init=False)

    def __post_init__(self) -> None:
        """Keep what changes when the schema and the session go on."""
        self.existing = tuple(e for e in self.effects if not self._is_nobodys(e.name))
        self.lock_timeout = self.session.variables.get("lock_timeout")
        self.statement_timeout = self.session.variables.get("statement_timeout")

    def the(self, kind: type[T]) -> T:
        """The operation as ``kind``, which a rule with one entry in ``RULE.operations`` knows."""
        if not isinstance(self.operation, kind):
            raise TypeError(f"{type(self.operation).__name__} is no {kind.__name__}")
        return self.operation

    def label(self, name: Name) -> str:
        """The name as people write it: without the schema in which it is looked up anyway."""
        return name.name if name.schema == self.catalog.search_path else str(name)

    def is_new(self, table: Name) -> bool:
        """Whether nobody can be using the table yet: created by this deploy, or temporary."""
        known = self.catalog.table(table)
        if known is None:
            return False
        return known.persistence == "temporary" or known.created_by >= self.first_of_deploy

    def _is_nobodys(self, relation: Name) -> bool:
        """New, or what DROP IF EXISTS names and no migration before has created."""
        operation = self.operation
        if self.number and isinstance(operation, Drop) and operation.if_exists:
            return self.catalog.table(relation) is None or self.is_new(relation)
        if self.is_new(relation):
            return True
        index = self.catalog.index(relation) if self.catalog.table(relation) is None else None
        return index is not None and (
            index.created_by >= self.first_of_deploy or self.is_new(index.table)
        )

    def is_from_this_deploy(self, created_by: int) -> bool:
        """Whether what migration number ``created_by`` created is deployed together with this."""
        return created_by >= self.first_of_deploy

    def named_together(self, kind: type[T]) -> list[T]:
        """All of a kind that one statement does (``DROP TABLE a, b``), at the first of them.

        At the others nothing, so that a statement has one finding.
        """
        together = [o for o in self.siblings or (self.operation,) if isinstance(o, kind)]
        return together if together and together[0] is self.operation else []

    def blocked_since(self) -> "Step | None":
        """The earlier statement of the same transaction since which others wait for a table."""
        if self.transaction is None:
            return None
        if not any(lock.blocks_writes for lock in self.transaction.locks.values()):
            return None
        for step in self.transaction.steps:
            if step.statement is self.statement:
                return None
            if any(e.lock is not None and e.lock.blocks_writes for e in step.existing):
                return step
        return None

    @property
    def earlier(self) -> Iterator[Operation]:
        """The operations before it in the same migration."""
        return islice(self.operations, self.index)

    @property
    def later(self) -> Iterator[Operation]:
        """The operations after it in the same migration."""
        return islice(self.operations, self.index + 1, None)

    def is_small(self, table: Name) -> bool:
        """Whether the user said that the table has so few rows that reading it is an instant."""
        rows = self.rows(table)
        return rows is not None and rows <= SMALL

    def rows(self, table: Name) -> int | None:
        """How many rows the table has, if the user said so."""
        rows = self.assumptions.rows
        return rows.get(str(self.catalog.key(table)), rows.get(table.name))

    def effect_on(self, table: Name) -> Effect | None:
        """The effect on one relation."""
        names = {str(table), str(self.catalog.key(table)), table.name}
        return next((e for e in self.effects if e.relation in names), None)
