"""The data types of a finding. The published form is ``schemas/findings-1.json``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Class = Literal["gate", "hygiene", "style", "note"]
"""Decides the exit code: ``--fail-on gate`` fails on gate only, ``hygiene`` on both, and so on."""

Severity = Literal["error", "warning", "info"]
"""Orders the list; never decides the exit code."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about a finding.

    ``safe`` may be applied as it is, ``plan`` needs several deploys or a decision.
    Either a unified ``diff`` of the file, or whole new ``files`` by path.
    """

    kind: Literal["safe", "plan"]
    diff: str | None = None
    files: Mapping[str, str] | None = None
    rollback: str | None = None
    reason: str | None = None
    """Why it is a plan: what a person has to decide, or deploy in between."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding does not count, and until when (an ISO date, or None for ever).

    ``in_source`` is False where that stands in another file, such as a baseline.
    """

    reason: str
    expires: str | None = None
    in_source: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard with one cause. Lines and columns count from 1; the end is inclusive."""

    rule: str
    path: str
    line: int
    message: str
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None
    class_: Class = "gate"
    severity: Severity = "error"
    details: Mapping[str, Any] = field(default_factory=dict)
    fix: Fix | None = None
    see: str | None = None
    """The pattern that `senior-backend explain` prints; the rule's own by default."""
    suppressed: Suppression | None = None
    excerpt: str | None = None
    """The first line of the place as it stands in the file, for people."""


@dataclass(frozen=True, slots=True)
class NotAnalyzed:
    """A place that could not be checked. It is reported, never passed over in silence."""

    path: str
    line: int
    reason: str
    whole: bool = False
    """A file or a statement that nobody looked at: a run without findings is not a clean one."""
