"""Locks, what they block, and the effect of a statement on one relation."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from senior_backend.operations.names import Name

Duration = Literal["brief", "scan", "build", "rewrite"]


class Lock(IntEnum):
    """Table-level lock modes, weakest first (PostgreSQL docs, 13.3.1 Table-Level Locks)."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    def __str__(self) -> str:
        """As PostgreSQL's documentation writes it."""
        return self.name.replace("_", " ")

    @property
    def blocks_reads(self) -> bool:
        """Whether SELECT waits (docs, Table 13.2)."""
        return self == Lock.ACCESS_EXCLUSIVE

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE and DELETE wait (docs, Table 13.2)."""
        return self >= Lock.SHARE


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement does to one existing relation.

    ``rewrite``, ``scan`` (all its rows are read under the lock) and ``index_build`` are None when
    it cannot be known; ``unknown`` then names what it depends on, in a few words. A rewrite builds
    every index anew (a table whose indexes are not known counts as indexed). ``lock`` is None when
    the relation itself is not locked (its index may be). A partitioned table itself has no rows:
    what happens to them is said of its partitions, if those are known.
    """

    relation: str
    lock: Lock | None
    rewrite: bool | None = False
    scan: bool | None = False
    index_build: bool | None = False
    blocks: tuple[Literal["reads", "writes"], ...] = ()
    """What waits for it beyond what follows from the lock: see ``blocked`` for all."""
    unknown: str = ""

    @property
    def name(self) -> Name:
        """The relation's name in its parts."""
        schema, _, name = self.relation.rpartition(".")
        return Name(schema or None, name)

    @property
    def duration(self) -> Duration:
        """How long the lock is held at least: for an instant or in proportion to the table."""
        if self.rewrite:
            return "rewrite"
        if self.index_build:
            return "build"
        return "scan" if self.scan else "brief"

    @property
    def possible_duration(self) -> Duration:
        """How long it may be held at worst, when what is not known is so."""
        if self.rewrite is not False:
            return "rewrite"
        if self.index_build is not False:
            return "build"
        return "scan" if self.scan is not False else "brief"

    @property
    def blocked(self) -> tuple[Literal["reads", "writes"], ...]:
        """What waits, by its lock (PostgreSQL docs, Table 13.2) or ``blocks``."""
        lock = self.lock
        reads = "reads" in self.blocks or (lock is not None and lock.blocks_reads)
        writes = "writes" in self.blocks or (lock is not None and lock.blocks_writes)
        if reads:
            return ("reads", "writes") if writes else ("reads",)
        return ("writes",) if writes else ()

    def as_json(self) -> dict[str, Any]:
        """The form of ``details.effects`` in the published findings."""
        flags = {"rewrite": self.rewrite, "scan": self.scan, "index_build": self.index_build}
        return {
            "relation": self.relation,
            "lock": str(self.lock) if self.lock is not None else None,
            "blocks": list(self.blocked),
            **{name: bool(value) for name, value in flags.items()},
            "possible": [name for name, value in flags.items() if value is None],
            "duration": self.duration,
        }
