"""What can be done about a hazard: an edit that keeps the meaning, or a plan of several steps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace bytes ``start`` to ``end`` of the statement's text by ``sql``."""

    start: int
    end: int
    sql: str


@dataclass(frozen=True, slots=True)
class Phase:
    """One migration of a plan, and what has to be deployed before it may run.

    ``transactional`` is False for statements that refuse a transaction block.
    """

    name: str
    up: tuple[str, ...]
    down: tuple[str, ...] = ()
    transactional: bool = True
    deploy_before: str = ""
    """What must be live before this phase runs, in a sentence; empty when nothing must."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """The safe form of a statement.

    With ``edits`` it is safe: the same end, less harm, and it may be applied as it is. With
    ``phases`` it is a plan: the statement is to be replaced by these migrations; ``reason`` says
    why it cannot be done in place. ``rollback`` takes the safe form back.
    """

    edits: tuple[Edit, ...] = ()
    phases: tuple[Phase, ...] = ()
    reason: str = ""
    rollback: tuple[str, ...] = ()
