"""What can be done about a hazard: an edit that keeps the meaning, or several migrations."""

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
    cleanup: tuple[str, ...] = ()
    """What has to run first when it failed before: it removes an INVALID index."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """The safe form of a statement, as ``edits`` of it or as the ``phases`` that replace it.

    With both the edits leave a part of the statement, and the phases are the rest. With neither
    ``reason`` says all that there is to say.

    It is ``safe`` when it comes to the same end without a decision or a deploy in between, so that
    it may be applied as it is; else it is a plan, and ``reason`` says what a person has to decide
    or deploy. ``rollback`` takes it back.
    """

    edits: tuple[Edit, ...] = ()
    phases: tuple[Phase, ...] = ()
    safe: bool = False
    apart: bool = False
    """Whether already the first phase must leave the transaction of its statement."""
    reason: str = ""
    rollback: tuple[str, ...] = ()
    by_search_path: bool = False
    """Whether its names mean something else where the search_path is another."""
