"""For GitHub Actions: workflow commands that become annotations on the changed lines.

Escapes as GitHub's documentation, "Workflow commands", asks for data and for properties.
"""

from senior_backend.findings import Finding, Outcome

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(outcome: Outcome) -> str:
    """One workflow command a finding that is not suppressed, or a place not analyzed."""
    lines = [_finding(f) for f in outcome.ordered() if f.suppressed is None]
    lines += [
        f"::warning file={attribute(n.path)},line={n.line}::{data(f'not analyzed: {n.reason}')}"
        for n in outcome.not_analyzed
    ]
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    place = ",".join(
        f"{name}={value}"
        for name, value in (
            ("file", attribute(finding.path)),
            ("line", finding.line),
            ("endLine", finding.end_line),
            ("col", finding.column),
            ("endColumn", finding.end_column),
            ("title", attribute(finding.rule)),
        )
        if value is not None
    )
    return f"::{_COMMANDS[finding.severity]} {place}::{data(finding.message)}"


def data(text: str) -> str:
    """The message of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def attribute(text: str) -> str:
    """A value between ``::`` and ``::``."""
    return data(text).replace(":", "%3A").replace(",", "%2C")
