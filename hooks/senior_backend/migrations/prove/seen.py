"""Observed statements in their transactions: what each adds to the locks that are held already."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from senior_backend.migrations.trace.observed import MigrationTrace, ObservedStatement, Traffic

Work = Literal["rewrite", "build", "scan"]

_SETTING: Final = re.compile(
    r"\s*(set\s+(?!constraints\b)|reset\b|select\s+(pg_catalog\.)?set_config\s*\()", re.IGNORECASE
)
_CONTROL: Final = re.compile(
    r"\s*(begin|start\s+transaction|commit|end|rollback|abort|savepoint|release)\b", re.IGNORECASE
)
_LOCK_TIMEOUT: Final = re.compile(
    r"""\s*(?:set\s+(?P<local>local\s+)?(?:session\s+)?lock_timeout\s*(?:=|\bto\b)\s*
        | select\s+(?:pg_catalog\.)?set_config\s*\(\s*'lock_timeout'\s*,\s*)
        '?(?P<value>\d+\s*[a-z]*|default)""",
    re.IGNORECASE | re.VERBOSE,
)
_CHANGES_ROWS: Final = re.compile(r"\s*(update|delete|merge)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Grip:
    """What waits for a lock on a relation, and the line that took it."""

    blocks: tuple[Traffic, ...]
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A statement, and what its transaction had hold of when it began.

    ``held`` are blocking locks by relation. ``lock_timeout`` is the one in force, as it was set.
    """

    statement: ObservedStatement
    held: Mapping[str, Grip] = field(default_factory=dict)
    lock_timeout: str | None = None

    @property
    def is_frame(self) -> bool:
        """Whether it is only a setting or the edge of a transaction: nothing to see."""
        sql = self.statement.sql
        plain = not self.statement.locks and self.statement.error is None
        return plain and bool(_SETTING.match(sql) or _CONTROL.match(sql))

    @property
    def changes_rows(self) -> bool:
        """Whether it keeps locks on rows until its transaction ends."""
        return bool(_CHANGES_ROWS.match(self.statement.sql))

    @property
    def blocked(self) -> dict[str, tuple[Traffic, ...]]:
        """What waits for locks that it took itself, by relation; tables before their indexes."""
        found: dict[str, tuple[Traffic, ...]] = {}
        for lock in self.statement.locks:
            if lock.blocks and lock.kind not in ("index", "sequence"):
                found[lock.relation] = _sorted({*found.get(lock.relation, ()), *lock.blocks})
        if found:
            return found
        return {lock.relation: _sorted(lock.blocks) for lock in self.statement.locks if lock.blocks}

    @property
    def work(self) -> Work | None:
        """What it does that takes longer the more rows there are; the most there is."""
        statement = self.statement
        if statement.rewrites:
            return "rewrite"
        if statement.index_builds:
            return "build"
        return "scan" if statement.scans else None

    @property
    def waiting(self) -> dict[str, tuple[Traffic, ...]]:
        """What waits while it works: for its own locks, and for those held before it."""
        found = {name: grip.blocks for name, grip in self.held.items()} if self.work else {}
        for name, blocks in self.blocked.items():
            found[name] = _sorted({*found.get(name, ()), *blocks})
        return found


def _sorted(blocks: Iterable[Traffic]) -> tuple[Traffic, ...]:
    return tuple(one for one in ("reads", "writes") if one in blocks)


def follow(migrations: Iterable[MigrationTrace]) -> tuple[Seen, ...]:
    """The statements of migrations in order."""
    return tuple(seen for migration in migrations for seen in _follow(migration))


def _follow(migration: MigrationTrace) -> Iterator[Seen]:
    transaction: int | None = None
    held: dict[str, Grip] = {}
    session: str | None = None
    local: str | None = None
    for statement in migration.statements:
        if statement.transaction is None or statement.transaction != transaction:
            held, local = {}, None
        transaction = statement.transaction
        seen = Seen(statement, dict(held), local or session)
        yield seen
        if setting := _LOCK_TIMEOUT.match(statement.sql):
            value: str | None = setting["value"].lower()
            value = None if value in ("0", "default") else value
            if setting["local"]:
                local = value
            else:
                session, local = value, None
        if transaction is not None:
            for name, blocks in seen.blocked.items():
                before = held.get(name)
                if before is None or len(blocks) > len(before.blocks):
                    held[name] = Grip(blocks, statement.path, statement.line)
