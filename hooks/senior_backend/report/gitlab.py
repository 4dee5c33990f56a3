"""For GitLab: a Code Quality report (GitLab docs, "Code Quality report format")."""

import hashlib
import json
from typing import Final

from senior_backend.findings import Outcome

_SEVERITIES: Final = {"error": "major", "warning": "minor", "info": "info"}


def render(outcome: Outcome) -> str:
    """One issue a finding that is not suppressed, or a place not analyzed."""
    issues = []
    seen: dict[str, int] = {}
    for finding in outcome.ordered():
        if finding.suppressed is None:
            identity = f"{finding.rule}\0{finding.path}\0{finding.message}\0{finding.excerpt}"
            seen[identity] = seen.get(identity, 0) + 1
            issues.append(
                _issue(
                    finding.rule,
                    finding.message,
                    _SEVERITIES[finding.severity],
                    finding.path,
                    finding.line,
                    f"{identity}\0{seen[identity]}",
                )
            )
    for missing in outcome.not_analyzed:
        text = f"not analyzed: {missing.reason}"
        identity = f"{missing.path}\0{missing.line}\0{missing.reason}"
        issues.append(_issue("not-analyzed", text, "info", missing.path, missing.line, identity))
    return json.dumps(issues, indent=2, ensure_ascii=False)


def _issue(
    check: str, text: str, severity: str, path: str, line: int, identity: str
) -> dict[str, object]:
    return {
        "check_name": check,
        "description": text,
        "fingerprint": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest(),
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }
