"""What a proof says in every form for people."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

from senior_backend.migrations.rollback.comparing.compare import EXTRA, MISSING, Difference
from senior_backend.migrations.rollback.verdict import VERDICTS, WORDS, Comparison, Report
from senior_backend.migrations.trace import verdict as traced
from senior_backend.migrations.trace.observed import MigrationTrace
from senior_backend.sources import plain_sql

MOST: Final = 8
"""Differences that are shown of one migration."""
_LONGEST: Final = 90


def alike(reports: Sequence[Report]) -> list[tuple[str, Report]]:
    """Majors that say the same once, under all of their versions."""
    groups: dict[Hashable, list[Report]] = {}
    for report in reports:
        groups.setdefault(_said(report), []).append(report)
    return [(", ".join(one.postgres for one in same), same[0]) for same in groups.values()]


def _said(report: Report) -> Hashable:
    """All but what is another each time, such as durations and what other majors call things."""
    return (
        tuple(
            (
                proof.path,
                proof.verdict,
                proof.reason,
                *_compared(proof.comparison),
                str(proof.again),
                down_in_short(proof.down) if proof.down is not None else "",
                proof.notes,
                tuple((cut.line, cut.error, *_compared(cut.comparison)) for cut in proof.resume),
            )
            for proof in report.proofs
        ),
        tuple((one.verdict, str(one.problem), *_compared(one.comparison)) for one in report.ranges),
        report.without_downs,
        report.stubbed,
        report.problems,
        report.notes,
    )


def _compared(comparison: Comparison) -> tuple[Hashable, ...]:
    return comparison.catalog, comparison.lost, comparison.disagreement


def backwards(one: Difference) -> str:
    """A difference as what a down did or did not do."""
    if one.what == MISSING:
        return str(one).replace(f": {MISSING}", ": missing after the down", 1)
    if one.what == EXTRA:
        return str(one).replace(f": {EXTRA}", ": left behind by the down", 1)
    return str(one)


def without_downs(tool: str) -> str:
    """Of a tool that knows no way back."""
    if tool == plain_sql.ID:
        return "no migration here has a down, so there is nothing to prove"
    return f"{tool.capitalize()} has no down migrations here, so there is nothing to prove"


def down_in_short(trace: MigrationTrace) -> str:
    """How a way down behaves: what waits, and where it works through tables."""
    ran = [one for one in trace.statements if one.not_run is None]
    parts = [f"{len(ran)} statement{'' if len(ran) == 1 else 's'}"]
    strongest = max(
        (lock for one in ran if (lock := one.strongest) is not None),
        key=lambda lock: lock.mode,
        default=None,
    )
    if strongest is not None:
        waits = traced.waiting(strongest.blocks)
        parts.append(f"{strongest.mode} on {strongest.relation}" + (f", {waits}" if waits else ""))
    parts += dict.fromkeys(traced.work(one) for one in ran if one.works_through)
    if trace.failed is not None:
        parts.append(f"failed at line {trace.failed.line}")
    return "; ".join(parts)


def first_line(statement: str) -> str:
    """Of a statement, as much as fits."""
    line = " ".join(statement.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def counts(report: Report) -> str:
    """How many migrations have which verdict, in one sentence."""
    found = Counter(proof.verdict for proof in report.proofs)
    total = len(report.proofs)
    parts = [f"{found[one]} {WORDS[one].partition(',')[0]}" for one in VERDICTS if found[one]]
    cut = [one for proof in report.proofs for one in proof.resume]
    if cut:
        bad = sum(not one.resumes for one in cut)
        parts.append(
            f"{bad} of {len(cut)} failures cannot be run again"
            if bad
            else f"all {len(cut)} failures can be run again"
        )
    return f"{total} migration{'' if total == 1 else 's'}: {', '.join(parts)}"
