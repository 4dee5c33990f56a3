"""An open transaction: what it holds, since when, and what of its work is accounted for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.trace.observed import Held, ObservedLock, ObservedStatement, Traffic
from senior_backend.migrations.trace.observing.relations import Relation

Owner = Literal["tool", "script", "trace"]
"""Who began it; ``trace``: only to look at one statement, which the tool runs on its own."""


@dataclass(slots=True)
class _Kept:
    """A lock that keeps traffic waiting, and what has run while it did."""

    path: str
    line: int
    lock: ObservedLock
    table: int
    transaction: int
    statements: int
    duration_ms: float


@dataclass(slots=True)
class Block:
    """An open transaction.

    ``number`` is its number in the migration; None with the owner ``trace``.
    """

    number: int | None
    owner: Owner
    locks: dict[int, Lock] = field(default_factory=dict)
    """The strongest on each relation."""
    current: dict[int, Relation] = field(default_factory=dict)
    """Of the relations that it has locked, as it sees them itself."""
    gone: set[int] = field(default_factory=set)
    """Relations that it has dropped."""
    scans: dict[int, int] | None = None
    """Sequential scans that the server has counted in it; None: not asked yet."""
    uncertain: bool = False
    """It went back to a savepoint, or did what its locks do not show."""
    aborted: str | None = None
    """The statement that failed, as the reason why nothing more of it runs."""
    kept: dict[int, _Kept] = field(default_factory=dict)
    """By relation."""
    released: list[_Kept] = field(default_factory=list)

    def goes_on(self, duration_ms: float) -> None:
        """A further statement has run in it."""
        for one in self.kept.values():
            one.statements += 1
            one.duration_ms += duration_ms

    def holds(self, held: Mapping[int, Lock]) -> None:
        """Its locks are these now: what was released (ROLLBACK TO) keeps nobody waiting."""
        for oid in [oid for oid, one in self.kept.items() if held.get(oid, 0) < one.lock.mode]:
            self.released.append(self.kept.pop(oid))
        self.locks = dict(held)

    def takes(self, seen: ObservedStatement, locks: Mapping[int, ObservedLock]) -> None:
        """A statement took these; those that block are kept until the end."""
        for oid, lock in locks.items():
            if not lock.blocks:
                continue
            if oid in self.kept:
                self.released.append(self.kept[oid])
            relation = self.current.get(oid)
            table = relation.table if relation is not None else None
            self.kept[oid] = _Kept(
                seen.path,
                seen.line,
                lock,
                table or oid,
                self.number or 1,
                0,
                seen.duration_ms or 0.0,
            )

    def queue(self) -> tuple[Held, ...]:
        """Locks that kept traffic waiting while further statements ran, in their order.

        What waits for an index waits for its table as well, where that is locked as strongly.
        """
        all_kept = [*self.released, *self.kept.values()]
        blocked: dict[int, set[Traffic]] = {}
        for oid, one in self.kept.items():
            if oid == one.table:
                blocked.setdefault(oid, set()).update(one.lock.blocks)
        return tuple(
            Held(
                one.path,
                one.line,
                one.lock.relation,
                one.lock.mode,
                one.lock.blocks,
                one.transaction,
                one.statements,
                one.duration_ms,
            )
            for one in sorted(all_kept, key=lambda kept: -kept.duration_ms)
            if one.statements
            and not (
                one.lock.kind == "index" and blocked.get(one.table, set()) >= {*one.lock.blocks}
            )
        )
