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
        "findings": [_finding(f) for f in outcome.ordered()],
        "not_analyzed": [asdict(n) for n in outcome.not_analyzed],
        "summary": outcome.summary(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _finding(finding: Finding) -> dict[str, Any]:
    fix: dict[str, Any] = {"kind": "none"}
    if finding.fix:
        fix = {k: v for k, v in asdict(finding.fix).items() if v is not None}
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
        "suppressed": asdict(finding.suppressed) if finding.suppressed else None,
    }
