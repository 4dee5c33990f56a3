"""What a proof says in every form for people."""

from collections import Counter
from typing import Final

from senior_backend.migrations.rollback.compare import EXTRA, MISSING, Difference
from senior_backend.migrations.rollback.verdict import VERDICTS, WORDS, Report
from senior_backend.migrations.trace import verdict as traced
from senior_backend.migrations.trace.observed import MigrationTrace
from senior_backend.sources import plain_sql

MOST: Final = 8
"""Differences that are shown of one migration."""
_LONGEST: Final = 90


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
