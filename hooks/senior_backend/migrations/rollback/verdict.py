"""What a rollback proof says: data types, and what fails a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from senior_backend.findings import Finding
from senior_backend.migrations.rollback.comparing.compare import Difference, only_physical
from senior_backend.migrations.rollback.comparing.data import Loss
from senior_backend.migrations.trace.observed import MigrationTrace, Problem

Verdict = Literal[
    "identical",
    "physical residue",
    "lossy",
    "different",
    "failing",
    "irreversible",
    "no down",
    "not proved",
]
"""From "as it was" to "could not be tried":

- ``physical residue``: identical but for slots of dropped columns and the order of columns.
- ``lossy``: the schema is back, rows or their values are not.
- ``failing``: the server refuses a statement of the down.
- ``irreversible``: its author says so: the down raises an error, or holds a comment alone.
- ``not proved``: the up did not run here.
"""
VERDICTS: Final = get_args(Verdict)
FAILS: Final = frozenset({"lossy", "different", "failing", "not proved"})
WORDS: Final[Mapping[Verdict, str]] = {
    "identical": "identical",
    "physical residue": "identical but for physical residue",
    "lossy": "lossy",
    "different": "different",
    "failing": "the down fails",
    "irreversible": "irreversible, its author says",
    "no down": "no down",
    "not proved": "not proved: the up does not run here",
}
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two databases that should be alike, compared in two ways that know nothing of each other.

    ``dump`` are the changed lines of pg_dump; None: there was no pg_dump. ``lost`` of the rows.
    """

    catalog: tuple[Difference, ...] = ()
    dump: tuple[str, ...] | None = None
    lost: tuple[Loss, ...] = ()

    @property
    def differs(self) -> bool:
        """More than in how rows are stored."""
        if any(not one.physical for one in self.catalog):
            return True
        return bool(self.dump) and not self.catalog

    @property
    def verdict(self) -> Verdict:
        """Of a down that has run."""
        if self.differs:
            return "different"
        if self.lost:
            return "lossy"
        return "physical residue" if only_physical(self.catalog) else "identical"

    @property
    def disagreement(self) -> str | None:
        """Which of the two saw what the other did not, where they do not say the same."""
        if self.dump is None:
            return None
        seen = any(not one.physical for one in self.catalog)
        if seen and not self.dump:
            return "only the catalogs show it: pg_dump writes nothing of it"
        if self.dump and not self.catalog:
            return "only pg_dump shows it: the catalogs compared are alike"
        return None

    def as_json(self) -> dict[str, Any]:
        """The form of ``comparison`` in the published proof."""
        return {
            "differences": [one.as_json() for one in self.catalog],
            "pg_dump": None if self.dump is None else list(self.dump),
            "disagreement": self.disagreement,
            "lost": [one.as_json() for one in self.lost],
        }


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A migration that was cut off at one statement and run again, as its tool would.

    ``left`` is what the failure left behind: empty where the transaction took all of it back.
    ``error`` is what the second run met, None where it ended as an undisturbed one does but for
    ``comparison``. ``remedy`` is what makes it run again.
    """

    path: str
    line: int
    sql: str
    left: tuple[Difference, ...] = ()
    error: str | None = None
    comparison: Comparison = field(default_factory=Comparison)
    remedy: str = ""

    @property
    def resumes(self) -> bool:
        """Whether running it again leads to where it should."""
        comparison = self.comparison
        return self.error is None and not comparison.differs and not comparison.lost

    def as_json(self) -> dict[str, Any]:
        """The form of ``resume`` in the published proof."""
        return {
            "path": self.path,
            "line": self.line,
            "sql": self.sql,
            "resumes": self.resumes,
            "left": [one.as_json() for one in self.left],
            "error": self.error,
            "comparison": self.comparison.as_json(),
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """One migration: up, down, compared with before.

    ``reason`` says more of a verdict without comparison. ``down`` is the trace of the way back;
    ``again`` what the server said when the up was run once more after it (None: it ran). ``rows``
    counts those on which it was tried. ``findings`` are the linter's on the down.
    """

    path: str
    verdict: Verdict
    reason: str = ""
    comparison: Comparison = field(default_factory=Comparison)
    down: MigrationTrace | None = None
    again: Problem | None = None
    rows: int = 0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    resume: tuple[Interrupted, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it fails the run."""
        return (
            self.verdict in FAILS
            or self.again is not None
            or any(not one.resumes for one in self.resume)
        )

    def as_json(self) -> dict[str, Any]:
        """The form of ``migrations`` in the published proof."""
        return {
            "path": self.path,
            "verdict": self.verdict,
            "reason": self.reason,
            "comparison": self.comparison.as_json(),
            "down": self.down.as_json() if self.down is not None else None,
            "again": self.again.as_json() if self.again is not None else None,
            "rows": self.rows,
            "findings": [
                {
                    "rule": one.rule,
                    "class": one.class_,
                    "severity": one.severity,
                    "path": one.path,
                    "line": one.line,
                    "message": one.message,
                }
                for one in self.findings
            ],
            "notes": list(self.notes),
            "resume": [one.as_json() for one in self.resume],
        }


@dataclass(frozen=True, slots=True)
class Range:
    """All ups, then all downs, compared with the start."""

    migrations: int
    verdict: Verdict
    comparison: Comparison = field(default_factory=Comparison)
    problem: Problem | None = None

    def as_json(self) -> dict[str, Any]:
        """The form of ``range`` in the published proof."""
        return {
            "migrations": self.migrations,
            "verdict": self.verdict,
            "comparison": self.comparison.as_json(),
            "problem": self.problem.as_json() if self.problem is not None else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Everything proved on one server. ``without_downs`` are tools that have none."""

    postgres: str
    proofs: tuple[Proof, ...] = ()
    ranges: tuple[Range, ...] = ()
    without_downs: tuple[str, ...] = ()
    stubbed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether anything fails the run."""
        return any(one.fails for one in self.proofs) or any(
            one.verdict in FAILS for one in self.ranges
        )

    def as_json(self) -> dict[str, Any]:
        """The published document (schemas/rollback.json)."""
        return {
            "version": VERSION,
            "postgres": self.postgres,
            "migrations": [one.as_json() for one in self.proofs],
            "ranges": [one.as_json() for one in self.ranges],
            "without_downs": list(self.without_downs),
            "stubbed": list(self.stubbed),
            "problems": [one.as_json() for one in self.problems],
            "notes": list(self.notes),
        }
