"""For a person: one line a finding, compiler style, so that editors can jump to it."""

import click

from senior_backend.findings import Finding, Outcome

_CLASSES = {"gate": "to fix", "hygiene": "of hygiene", "style": "of style", "note": "to know"}
_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}


def render(outcome: Outcome) -> str:
    """Findings with their places, what could not be checked, and one line that sums up."""
    lines = [_finding(f) for f in outcome.ordered()]
    lines += [f"{n.path}:{n.line}: not analyzed: {n.reason}" for n in outcome.not_analyzed]
    lines.append(_summary(outcome))
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    place = click.style(f"{finding.path}:{finding.line}:{finding.column}", bold=True)
    severity = click.style(finding.severity, fg=_COLOURS[finding.severity])
    line = f"{place}: {severity}: {finding.message} [{finding.rule}]"
    if finding.suppressed:
        line += f" (suppressed: {finding.suppressed.reason})"
    if finding.fix and finding.fix.diff:
        line += "\n" + finding.fix.diff.rstrip("\n")
    return line


def _summary(outcome: Outcome) -> str:
    counts = outcome.summary()
    plural = "" if outcome.checked == 1 else "s"
    parts = [f"{outcome.checked} {outcome.unit}{plural} checked"]
    found = [f"{counts[c]} {word}" for c, word in _CLASSES.items() if counts[c]]
    parts.append(", ".join(found) if found else "nothing found")
    if counts["suppressed"]:
        parts.append(f"{counts['suppressed']} suppressed")
    if counts["not_analyzed"]:
        parts.append(f"{counts['not_analyzed']} not analyzed")
    return f"{outcome.tool}: {'; '.join(parts)}"
