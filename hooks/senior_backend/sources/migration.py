"""What every migration tool's folder comes down to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from senior_backend.sql.text import SqlText

Transaction = Literal["file", "implicit", "statement", "run"]
"""How the tool runs the statements of a segment.

- ``file``: BEGIN, each statement, COMMIT.
- ``implicit``: the whole text in one query message. One statement alone runs outside a transaction
  block; several form an implicit transaction (PostgreSQL docs, 55.2.2.1 "Multiple Statements in a
  Simple Query").
- ``statement``: each on its own, as psql does (autocommit).
- ``run``: one transaction around everything that one run of the tool applies.
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """SQL that the tool runs in one manner.

    Neighbours of one migration that both say ``file`` (or ``run``) share the transaction.
    """

    text: SqlText
    transaction: Transaction
    stated: bool = False
    """Whether a person said so, where no tool is known that decides it."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file, or a place in one, whose SQL could not be known."""

    path: str
    line: int
    reason: str
    whole: bool = False
    left_out: bool = False
    """On purpose: it is for another database. Nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class CommentBeside:
    """A comment to the linter that stands in no SQL: in Python, with its mark.

    ``about`` are the first and the last line of the statement that it stands in or before.
    """

    path: str
    line: int
    content: str
    about: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Migration:
    """One version of a folder: what it does, and what takes it back.

    ``path`` is the file that a person opens, as shown to them. ``down`` is None when none exists.
    ``repeatable`` ones (Flyway ``R__``) run again whenever they change.
    """

    source: str
    path: str
    version: str
    name: str
    up: tuple[Segment, ...]
    down: tuple[Segment, ...] | None = None
    not_read: tuple[NotRead, ...] = ()
    repeatable: bool = False
    files: tuple[str, ...] = ()
    """Every file that it is made of; a change of one of them is a change of the migration."""
    comments: tuple[CommentBeside, ...] = ()
    """Those that tell the linter what to ignore, where the migration is not SQL."""


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """A migration folder: its migrations in the order in which the tool runs them.

    Equal to itself only, so that what is worked out of all its migrations can be kept.
    """

    source: str
    root: Path
    migrations: tuple[Migration, ...] = ()
    not_read: tuple[NotRead, ...] = ()
    has_downs: bool = True
    """Whether the tool knows down migrations at all."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What the tool's own configuration says and rules ask for, such as Flyway's
    ``postgresql.transactional.lock``."""

    def around(self, wanted: Sequence[Migration]) -> tuple[tuple[Migration, ...], ...]:
        """The migrations before the first of ``wanted``, and from it to the last of them.

        ``wanted`` are some of the folder's, in its order.
        """
        first, last = (self.migrations.index(one) for one in (wanted[0], wanted[-1]))
        return self.migrations[:first], self.migrations[first : last + 1]


@dataclass(frozen=True, slots=True)
class NewMigration:
    """A migration to write: what it is called, its statements up and down.

    ``transactional`` is False for statements that refuse a transaction (CREATE INDEX
    CONCURRENTLY). ``note`` becomes a comment at its top.
    """

    name: str
    up: tuple[str, ...]
    down: tuple[str, ...] = ()
    transactional: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text to put into the file ``path`` (as shown) at the byte ``offset``; 0 in a new file.

    ``alone`` where the SQL is then still one message: only a single statement of it escapes a
    transaction.
    """

    path: str
    offset: int
    text: str
    alone: bool = False
    remarks: tuple[str, ...] = ()
    """What else must be set, as sentences."""


@dataclass(frozen=True, slots=True)
class WrittenFiles:
    """New files by path relative to the folder's root, and what else must be set, as sentences."""

    files: Mapping[str, str]
    remarks: tuple[str, ...] = field(default=())
