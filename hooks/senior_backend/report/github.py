"""For GitHub Actions: workflow commands that become annotations on the changed lines.

Escapes as GitHub's documentation, "Workflow commands", asks for data and for properties.
"""

from senior_backend.findings import Finding, Outcome

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(outcome: Outcome) -> str:
    """One workflow command a finding that is not suppressed, or a place not analyzed."""
    lines = [_finding(f) for f in outcome.ordered() if f.suppressed is None]
    lines += [
        f"::warning file={_property(n.path)},line={n.line}::{_data(f'not analyzed: {n.reason}')}"
        for n in outcome.not_analyzed
    ]
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    place = ",".join(
        f"{name}={value}"
        for name, value in (
            ("file", _property(finding.path)),
            ("line", finding.line),
            ("endLine", finding.end_line),
            ("col", finding.column),
            ("endColumn", finding.end_column),
            ("title", _property(finding.rule)),
        )
        if value is not None
    )
    return f"::{_COMMANDS[finding.severity]} {place}::{_data(finding.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
