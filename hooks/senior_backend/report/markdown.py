"""For a comment on a change: a table of findings, and each fix under a fold."""

from typing import Final

from senior_backend.findings import Finding, Fix, Outcome

_MARKS: Final = {
    "error": "\N{CROSS MARK}",
    "warning": "\N{WARNING SIGN}",
    "info": "\N{INFORMATION SOURCE}",
}
MAX_FINDINGS: Final = 50
MAX_CHARACTERS: Final = 60_000
"""Of rows and fixes; a comment on GitHub holds 65,536."""


def render(outcome: Outcome) -> str:
    """A heading with the counts, a table, the fixes."""
    findings = [f for f in outcome.ordered() if f.suppressed is None]
    lines = [f"### senior-backend {outcome.tool}: {_headline(outcome)}", ""]
    if findings:
        lines += ["| | where | what | rule |", "|---|---|---|---|"]
        lines += [_row(f) for f in findings[:MAX_FINDINGS]]
        if len(findings) > MAX_FINDINGS:
            lines.append(f"| | | and {len(findings) - MAX_FINDINGS} more | |")
        lines.append("")
        room = MAX_CHARACTERS - sum(len(line) + 1 for line in lines)
        for finding in findings[:MAX_FINDINGS]:
            if finding.fix:
                fold = _fold(finding, finding.fix)
                room -= sum(len(line) + 1 for line in fold)
                if room < 0:
                    lines += ["Not all fixes are shown: the comment would be too long.", ""]
                    break
                lines += fold
    if outcome.not_analyzed:
        lines.append("Not analyzed:")
        lines += [f"- {code(f'{n.path}:{n.line}')}: {cell(n.reason)}" for n in outcome.not_analyzed]
    return "\n".join(lines).rstrip("\n")


def _headline(outcome: Outcome) -> str:
    counts = outcome.summary()
    parts = [f"{counts[c]} {c}" for c in ("gate", "hygiene", "style", "note") if counts[c]]
    plural = "" if outcome.checked == 1 else "s"
    return f"{', '.join(parts) or 'nothing found'} in {outcome.checked} {outcome.unit}{plural}"


def _row(finding: Finding) -> str:
    place = code(f"{finding.path}:{finding.line}")
    mark = _MARKS[finding.severity]
    return f"| {mark} | {place} | {cell(finding.message)} | {code(finding.rule)} |"


def _fold(finding: Finding, fix: Fix) -> list[str]:
    title = f"{finding.rule} at {finding.path}:{finding.line}"
    lines = [f"<details><summary>Fix for {html(title)}</summary>", ""]
    if fix.reason:
        lines += [html(f"Not automatic: {fix.reason}"), ""]
    if fix.diff:
        lines += fence("diff", fix.diff)
    for name, content in (fix.files or {}).items():
        lines += [f"{code(name)}:", *fence("sql", content)]
    if fix.rollback:
        lines += ["Rollback:", *fence("sql", fix.rollback)]
    return [*lines, "</details>", ""]


def fence(language: str, content: str) -> list[str]:
    """A code block whose fence is longer than any in it."""
    fence = "```"
    while fence in content:
        fence += "`"
    return [f"{fence}{language}", content.rstrip("\n"), fence, ""]


def code(text: str) -> str:
    """As written, in a fence longer than any in it; a cell of a table may hold it."""
    one_line = " ".join(text.splitlines()).replace("|", "\\|")
    fence = "`"
    while fence in one_line:
        fence += "`"
    space = " " if "`" in one_line else ""
    return f"{fence}{space}{one_line}{space}{fence}"


def cell(text: str) -> str:
    """A sentence in a cell of a table."""
    return html(" ".join(text.split())).replace("|", "\\|")


def html(text: str) -> str:
    """Without a tag in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
