"""What a rule is.

A rule is one module of this package with the names

- ``RULE``: a ``Rule``, all that people are told about it;
- ``check(step)``: the hazards of one operation of the types in ``RULE.operations``; and/or
- ``check_migration(view)``: those that show only when the migration is read whole.

The safe form is the business of ``fixes``, which know rules by their id.

Hazards on tables that this deploy creates must not be reported: ``step.is_new``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from senior_backend.findings import Class, Severity
from senior_backend.migrations.durations import Duration
from senior_backend.migrations.lock_model.effect import Effect
from senior_backend.migrations.step import Direction, Step
from senior_backend.operations.operation import Operation
from senior_backend.sources.migration import Migration, Transaction


@dataclass(frozen=True, slots=True)
class Example:
    """A migration that shows the rule; the tests lint it and run it on PostgreSQL.

    ``setup`` is the schema before it (an earlier migration). ``transaction`` is how the tool runs
    it. ``proof`` is what PostgreSQL shows when it runs, checked by the tests:
    ``"orders ACCESS EXCLUSIVE"`` (a lock held), ``"orders rewrite"``, ``"orders scan"``,
    ``"orders index build"``, ``"error: part of its message"``, or empty where the harm is to
    running code or to data (then the page says so in words).
    """

    sql: str
    setup: str = ""
    transaction: Transaction = "file"
    proof: tuple[str, ...] = ()
    since: int = 14
    """The oldest PostgreSQL that knows its syntax."""
    also: tuple[str, ...] = ()
    """Other gate rules that rightly have something to say about it."""
    down: str | None = None
    """What takes it back, when the rule is about that."""


@dataclass(frozen=True, slots=True)
class Rule:
    """All that people are told about a rule.

    ``title`` is one line without a full stop. ``why`` is Markdown: what happens, for how long,
    what to do instead. ``source`` names the PostgreSQL docs section. ``good`` is the safe form of
    ``bad`` (several migrations when it takes several).
    """

    id: str
    title: str
    class_: Class
    severity: Severity
    why: str
    source: str
    bad: Example
    good: tuple[Example, ...]
    operations: tuple[type[Operation], ...] = ()
    silent: tuple[Example, ...] = ()
    """Near misses: look like ``bad`` and are harmless; the tests hold the rule to silence."""
    downs: bool = True
    """Whether it also looks at down migrations (a DROP there is their purpose)."""

    @property
    def is_about_failure(self) -> bool:
        """Whether what it finds is refused by PostgreSQL, whatever the traffic."""
        return any(proof.startswith("error") for proof in self.bad.proof)


@dataclass(frozen=True, slots=True)
class Hazard:
    """One thing wrong, for one cause.

    ``message`` is one or two sentences: what happens to whom, and the deploy consequence.
    ``start`` and ``end`` are offsets in the statement's text, by default the operation's.
    """

    message: str
    severity: Severity | None = None
    class_: Class | None = None
    effects: tuple[Effect, ...] | None = None
    start: int | None = None
    end: int | None = None
    estimates: tuple[Duration, ...] = ()
    """How long its locks would be held, where sizes were told."""
    at: Step | None = None
    """For ``check_migration``: the step to show it at."""


@dataclass(slots=True)
class MigrationView:
    """A migration with all its steps, after they were linted one by one."""

    migration: Migration
    direction: Direction
    steps: Sequence[Step]
    later: Iterable[Operation] = ()
    """The operations of the migrations after it, for what is finished later."""
    downs_known: bool = False
    """Whether other migrations of the folder have downs, so that a missing one is an omission."""
    undoes: Sequence[Operation] = ()
    """For a down: the operations of the up that it is there to take back."""


class RuleModule(Protocol):
    """The shape of a rule's module; ``check`` or ``check_migration`` may be absent."""

    RULE: Rule

    def check(self, step: Step) -> Iterator[Hazard]:
        """The hazards of one operation."""
        ...

    def check_migration(self, view: MigrationView) -> Iterator[Hazard]:
        """The hazards of a whole migration."""
        ...
