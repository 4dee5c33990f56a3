"""What a run did: plain data, and its JSON form."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from senior_backend.migrations.deploy.duration import spoken

Outcome = Literal["done", "failed", "refused", "interrupted"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A session or a prepared transaction that is, or may be, in somebody's way."""

    pid: int
    """0 for a prepared transaction."""
    user: str
    application: str
    """Its name, or the kind of process where it is no client: ``autovacuum worker``."""
    state: str
    """As the server says it: ``active``, ``idle in transaction``; ``prepared`` for those."""
    age_s: float | None
    """Since its transaction began; ``None`` where this role may not see that."""
    query_s: float | None = None
    """Since its statement began."""
    name: str = ""
    """The identifier of a prepared transaction."""
    query: str | None = None
    """Only when asked for: it may hold data."""

    def __str__(self) -> str:
        if not self.pid:
            age = f", {spoken(self.age_s)} old" if self.age_s is not None else ""
            return f"prepared transaction {self.name!r} of {self.user}{age}"
        parts = [part for part in (self.user, self.application, self.state) if part]
        if self.age_s is not None:
            parts.append(f"in a transaction for {spoken(self.age_s)}")
        if self.query_s is not None and self.state == "active":
            parts.append(f"in this statement for {spoken(self.query_s)}")
        text = f"pid {self.pid} ({', '.join(parts) or 'unknown'})"
        return f"{text}: {' '.join(self.query.split())[:200]}" if self.query else text


@dataclass(frozen=True, slots=True)
class Index:
    """An index, as the catalog has it."""

    oid: int
    name: str
    """With its schema, quoted where needed."""
    table: str
    busy: bool = False
    """Somebody is at it now: builds or drops it, or builds another on its table."""
    constraint: str = ""
    toast: bool = False
    table_oid: int = 0
    definition: str = ""
    """The statement that builds it, where it was asked for."""


@dataclass(slots=True)
class Wait:
    """A wait of the command for a lock."""

    pid: int
    lock: str
    """Such as ``AccessExclusiveLock on orders``."""
    waited_s: float
    blockers: list[Holder] = field(default_factory=list)
    concurrently: bool = False
    """For older transactions, as only statements with CONCURRENTLY do: nobody queues behind it."""
    advisory: bool = False
    """For a lock of an application, such as the migrate command's own."""
    outcome: Literal["waiting", "granted", "timed out", "cancelled"] = "waiting"


@dataclass(slots=True)
class Attempt:
    """One run of the command."""

    number: int
    lock_timeout_s: float
    exit_code: int | None = None
    duration_s: float = 0.0
    lock_timeout: bool = False
    """It failed, and a wait of it ended at the timeout."""
    waits: list[Wait] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """All of it."""

    command: str
    database: str
    outcome: Outcome = "failed"
    exit_code: int = 1
    attempts: list[Attempt] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    """Indexes that are there and valid, and were not there before, on tables that were."""
    dropped: list[str] = field(default_factory=list)
    """INVALID indexes that were dropped: the statements."""
    left: list[str] = field(default_factory=list)
    """INVALID indexes that could not be dropped, and why."""
    notes: list[str] = field(default_factory=list)
    duration_s: float = 0.0

    def as_json(self) -> str:
        """The machine-readable form, version 1."""
        document = {"version": 1, "tool": "migrations run", **asdict(self)}
        document["child_exit_code"] = self.attempts[-1].exit_code if self.attempts else None
        return json.dumps(document, indent=2, ensure_ascii=False, default=str)

    def summary(self) -> str:
        """One line for a person."""
        if self.outcome == "refused":
            return "nothing was run"
        waits = [wait for attempt in self.attempts for wait in attempt.waits]
        waited = sum(wait.waited_s for wait in waits)
        number = len(self.attempts)
        parts = [
            f"{self.outcome} in {spoken(self.duration_s)}",
            f"{number} attempt{'s' if number != 1 else ''}",
        ]
        if waits:
            plural = "s" if len(waits) != 1 else ""
            parts.append(f"{spoken(waited)} in {len(waits)} wait{plural} for locks")
        if self.built:
            parts.append(f"built {', '.join(self.built)}")
        if self.dropped:
            parts.append(f"{len(self.dropped)} INVALID dropped")
        if self.left:
            parts.append(f"{len(self.left)} INVALID left")
        return "; ".join(parts)
