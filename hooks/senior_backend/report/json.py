"""For a program: the document of ``schemas/findings-1.json``. Keys are added, never renamed."""

import json
from dataclasses import asdict
from typing import Any

from senior_backend.findings import Finding, Outcome


def render(outcome: Outcome) -> str:
    """The outcome as one JSON document."""
    document = {
        "version": 1,
        "tool": outcome.tool,
        "findings": [],
        "not_analyzed": [asdict(n) for n in outcome.not_analyzed],
        "summary": outcome.summary(),
    }
    frame = _dumps(document)
    if not outcome.findings:
        return frame
    # One by one: all together take ten times the room of their text while they are encoded.
    before, mark, after = frame.partition('"findings": [')
    findings = (_dumps(_finding(f)).replace("\n", "\n    ") for f in outcome.ordered())
    return "".join((before, mark, "\n    ", ",\n    ".join(findings), "\n  ", after))


def _dumps(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True)


def _finding(finding: Finding) -> dict[str, Any]:
    fix: dict[str, Any] = {"kind": "none"}
    if finding.fix:
        fix = {k: v for k, v in asdict(finding.fix).items() if v is not None}
    suppressed = None
    if finding.suppressed:
        why = finding.suppressed
        suppressed = {"reason": why.reason, "expires": why.expires}
    return {
        "rule": finding.rule,
        "class": finding.class_,
        "severity": finding.severity,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line or finding.line,
        "end_column": finding.end_column or finding.column,
        "message": finding.message,
        "details": dict(finding.details),
        "fix": fix,
        "see": finding.see or finding.rule,
        "suppressed": suppressed,
    }
