"""For code scanning: SARIF 2.1.0 (OASIS), as GitHub and most other hosts take it."""

import hashlib
import json
from typing import Any, Final
from urllib.parse import quote

from senior_backend import __version__
from senior_backend.findings import Finding, NotAnalyzed, Outcome

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}


def render(outcome: Outcome) -> str:
    """One run, one result a finding; suppressed ones are marked as such."""
    findings = outcome.ordered()
    rules = sorted({f.rule for f in findings})
    run = {
        "tool": {
            "driver": {
                "name": "senior-backend",
                "semanticVersion": __version__,
                "rules": [{"id": rule} for rule in rules],
            }
        },
        "automationDetails": {"id": f"senior-backend {outcome.tool}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(n) for n in outcome.not_analyzed],
            }
        ],
        "results": [_result(f, rules.index(f.rule)) for f in findings],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    end_line = finding.end_line or finding.line
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": end_line,
        # SARIF's end is exclusive, ours inclusive.
        "endColumn": (finding.end_column or finding.column) + 1,
    }
    # Lines move; the same finding on the same text stays the same alert.
    identity = f"{finding.rule}\0{finding.path}\0{finding.message}\0{finding.excerpt}"
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(finding.path, region)],
        "partialFingerprints": {
            "seniorBackend/v1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()
        },
        "properties": {"class": finding.class_},
    }
    if finding.suppressed:
        result["suppressions"] = [
            {
                "kind": "inSource" if finding.suppressed.in_source else "external",
                "justification": finding.suppressed.reason,
            }
        ]
    return result


def _notification(missing: NotAnalyzed) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": f"not analyzed: {missing.reason}"},
        "locations": [_location(missing.path, {"startLine": missing.line})],
    }


def _location(path: str, region: dict[str, int]) -> dict[str, Any]:
    uri = quote(path.encode("utf-8", "surrogateescape"))
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
