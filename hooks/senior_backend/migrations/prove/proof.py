"""What a proof of a migration consists of: data, and its published form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from senior_backend.findings import Finding, NotAnalyzed
from senior_backend.migrations.trace.observed import MigrationTrace, ObservedStatement, Problem

VERSION: Final = 1
"""Of the published form; keys are added, never renamed."""

Outcome = Literal["leads back", "others differ", "differs", "failed", "missing", "not tried"]


@dataclass(frozen=True, slots=True)
class WayBack:
    """What the way down was seen to lead to, beside the catalog before the way up.

    ``missing``: some of the migrations have no way down. ``not tried``: the way up failed, or the
    tool knows no way down. ``others differ``: the migration leads back by itself, and those after
    it, which the fix has to come after, do not. ``details`` are what differs, or why it failed, a
    line each.
    """

    outcome: Outcome
    details: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The form of ``way_back`` in the published proof."""
        return {"outcome": self.outcome, "details": list(self.details)}


@dataclass(frozen=True, slots=True)
class Side:
    """Migrations as they were run on a copy of the schema before them, and the way back."""

    migrations: tuple[MigrationTrace, ...] = ()
    way_back: WayBack = WayBack("not tried")

    @property
    def statements(self) -> tuple[ObservedStatement, ...]:
        """Of all of them, in order."""
        return tuple(one for migration in self.migrations for one in migration.statements)

    @property
    def failed(self) -> ObservedStatement | None:
        """The first statement that the server refused."""
        return next((one.failed for one in self.migrations if one.failed), None)

    def as_json(self) -> dict[str, Any]:
        """The form of ``as_written`` in the published proof."""
        return {
            "migrations": [one.as_json() for one in self.migrations],
            "way_back": self.way_back.as_json(),
        }


@dataclass(frozen=True, slots=True)
class End:
    """Two catalogs at their ends: what differs, a line each.

    ``residue`` is what no query of a user shows: the places of dropped columns, the order of
    columns.
    """

    differences: tuple[str, ...] = ()
    residue: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The form of ``end`` in the published proof."""
        return {
            "same": not self.differences,
            "differences": list(self.differences),
            "residue": list(self.residue),
        }


@dataclass(frozen=True, slots=True)
class Fixed:
    """The migration after its fixes, as far as there are some, and what was seen of it.

    It is ``automatic`` when ``--fix`` may write all of it; ``reasons`` say why not, or what has to
    be decided; ``in_steps`` that it is a plan. ``deploys`` name, by file, what must be live before
    it runs. ``end`` is None where there is nothing to compare: one of the two does not run.
    ``found`` is what the linter still says about it. ``failure`` is why it is not offered: it does
    not run where the file as it is written does, ends in another schema, or breaks a later
    migration.
    """

    automatic: bool
    diff: str
    side: Side = field(default_factory=Side)
    in_steps: bool = False
    reasons: tuple[str, ...] = ()
    deploys: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    end: End | None = None
    found: tuple[Finding, ...] = ()
    failure: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The form of ``fix`` in the published proof; without its diff when it is not offered."""
        return {
            "kind": "safe" if self.automatic else "plan",
            "in_steps": self.in_steps,
            "offered": self.failure is None,
            "failure": self.failure,
            "reasons": list(self.reasons),
            "remarks": list(self.remarks),
            "deploys": dict(self.deploys),
            "diff": self.diff if self.failure is None else None,
            "as_fixed": self.side.as_json(),
            "end": self.end.as_json() if self.end is not None else None,
            "findings": [_finding(one) for one in self.found],
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """One migration: what was found, what was seen, and both of its fix.

    ``postgres`` is the server's version, ``linted_for`` the oldest major that was linted for.
    ``earlier`` migrations were run before it, and ``problems`` are their statements that did not
    run. ``no_fix`` says, by rule and line (of the file as
    fixed), why nothing is offered for a finding.
    """

    path: str
    postgres: str
    linted_for: int
    findings: tuple[Finding, ...]
    written: Side
    fixed: Fixed | None = None
    no_fix: Mapping[tuple[str, int], str] = field(default_factory=dict)
    earlier: int = 0
    stubbed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    not_analyzed: tuple[NotAnalyzed, ...] = ()
    """What the linter could not look at: a proof without findings is then no clean one."""
    notes: tuple[str, ...] = ()
    """What to know of the estimates, as sentences."""
    seconds: float = 0.0

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that are not suppressed."""
        return tuple(one for one in self.findings if one.suppressed is None)

    @property
    def holds(self) -> bool:
        """Whether the migration runs, and what is offered for it does what it promises."""
        offered = self.fixed is None or self.fixed.failure is None
        return self.written.failed is None and offered

    @property
    def suppressed(self) -> tuple[Finding, ...]:
        """The others."""
        return tuple(one for one in self.findings if one.suppressed is not None)

    def as_json(self) -> dict[str, Any]:
        """The published document of one migration."""
        return {
            "path": self.path,
            "postgres": self.postgres,
            "linted_for": self.linted_for,
            "earlier_migrations": self.earlier,
            "findings": [_finding(one) for one in self.findings],
            "as_written": self.written.as_json(),
            "fix": self.fixed.as_json() if self.fixed is not None else None,
            "no_fix": [
                {"rule": rule, "line": line, "reason": reason}
                for (rule, line), reason in self.no_fix.items()
            ],
            "stubbed": list(self.stubbed),
            "problems": [one.as_json() for one in self.problems],
            "not_analyzed": [
                {"path": one.path, "line": one.line, "reason": one.reason}
                for one in self.not_analyzed
            ],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


def _finding(finding: Finding) -> dict[str, Any]:
    """As much of it as a proof is about; `--format json` without --prove has all."""
    suppressed = finding.suppressed
    return {
        "rule": finding.rule,
        "class": finding.class_,
        "severity": finding.severity,
        "path": finding.path,
        "line": finding.line,
        "message": finding.message,
        "suppressed": suppressed.reason if suppressed is not None else None,
    }
