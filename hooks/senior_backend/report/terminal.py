"""For a person: one line a finding, compiler style, so that editors can jump to it."""

import re
from collections.abc import Iterator
from typing import Final

import click

from senior_backend.findings import Finding, Fix, Outcome

_CLASSES = {"gate": "to fix", "hygiene": "of hygiene", "style": "of style", "note": "to know"}
_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n|\Z)"
)
"""All but tabs and ends of lines; with what turns the direction of writing."""
_HEADER: Final = re.compile(r"^--- .*\n\+\+\+ .*\n@@ ", re.MULTILINE)
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_WIDEST: Final = 400
"""Characters of a line that are shown; minified SQL has all of itself on one."""


def render(outcome: Outcome) -> str:
    """Findings with their places, what could not be checked, and one line that sums up.

    Suppressed findings are only counted.
    """
    lines = [_finding(f) for f in outcome.ordered() if f.suppressed is None]
    lines += [
        f"{on_one_line(n.path)}:{n.line}: not analyzed: {n.reason}" for n in outcome.not_analyzed
    ]
    lines.append(_summary(outcome))
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    path = on_one_line(finding.path)
    place = click.style(f"{path}:{finding.line}:{finding.column}", bold=True)
    severity = click.style(finding.severity, fg=_COLOURS[finding.severity])
    line = f"{place}: {severity}: {harmless(finding.message)} [{finding.rule}]"
    parts = [line, *_excerpt(finding)]
    if finding.fix:
        parts += _fix(finding.fix)
    return "\n".join(parts)


def on_one_line(path: str) -> str:
    """Without the line breaks and the bytes of no encoding that a name may hold."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in path)


def harmless(text: str) -> str:
    """Character for character, without what a terminal would obey: SQL may hold anything."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _excerpt(finding: Finding) -> list[str]:
    """The line of the file with the place underlined, as compilers show it."""
    if not finding.excerpt or len(finding.excerpt) > _WIDEST:
        return []
    number = str(finding.line)
    text = harmless(finding.excerpt.replace("\t", " "))
    start = min(finding.column - 1, len(text))
    same_line = finding.end_line in (None, finding.line) and finding.end_column is not None
    end = min(finding.end_column or 0, len(text)) if same_line else len(text.rstrip())
    marks = " " * start + click.style("^" * max(1, end - start), fg=_COLOURS[finding.severity])
    return [f"  {number} | {text}", f"  {' ' * len(number)} | {marks}"]


def _fix(fix: Fix) -> list[str]:
    lines = []
    if fix.reason:
        lines.append(click.style("  not automatic: ", fg="yellow") + fix.reason)
    if fix.diff:
        lines.append(click.style("  fix:" if fix.kind == "safe" else "  instead:", fg="green"))
        lines += [f"    {_diff_line(line)}" for line in _changes(fix.diff)]
    if fix.files:
        lines.append(click.style("  safe form, as migrations of its own:", fg="green"))
        for name, content in fix.files.items():
            lines.append(f"  {on_one_line(name)}")
            lines += [f"    {harmless(line)}".rstrip() for line in content.rstrip("\n").split("\n")]
    if fix.rollback:
        lines.append(click.style("  rollback:", fg="green"))
        lines += [f"    {harmless(line)}" for line in fix.rollback.rstrip("\n").split("\n")]
    return lines


def _changes(diff: str) -> Iterator[str]:
    """Only what goes and what comes: the place is known, and `--diff` prints the whole.

    ``... line 7:`` stands between changes that are apart (a migration and its down, say), counted
    in the file as it is, and the file's name above its own where there are several.
    """
    lines = diff.rstrip("\n").split("\n")
    several = len(_HEADER.findall(diff)) > 1
    number = removed = added = 0
    apart = began = False  # from the change before, of the same file
    for line in lines:
        sign = line[:1] or " "
        if removed or added:  # of the hunk, whatever it looks like
            if sign == " ":
                apart = began
            elif sign in "-+":
                if apart:
                    yield f"... line {number}:"
                apart, began = False, True
                yield harmless(line)
            if sign in "- ":
                removed, number = removed - 1, number + 1
            added -= sign in "+ "
        elif hunk := _HUNK.match(line):
            # A hunk that removes nothing is named by the line before it.
            number = int(hunk[1]) + (hunk[2] == "0")
            removed, added = int(hunk[2] or 1), int(hunk[3] or 1)
            apart = began
        elif line.startswith("+++ "):
            apart = began = False
            if several:
                yield on_one_line(line[4:].split("\t")[0].removeprefix("b/"))


def _diff_line(line: str) -> str:
    if len(line) > _WIDEST:
        line = f"{line[:_WIDEST]} ..."
    colour = {"-": "red", "+": "green"}.get(line[:1])
    return click.style(line, fg=colour) if colour else line


def _summary(outcome: Outcome) -> str:
    counts = outcome.summary()
    plural = "" if outcome.checked == 1 else "s"
    parts = [f"{outcome.checked} {outcome.unit}{plural} checked"]
    found = [f"{counts[c]} {word}" for c, word in _CLASSES.items() if counts[c]]
    parts.append(", ".join(found) if found else "nothing found")
    if left_out := counts.get("left_out"):
        reasons = counts.get("left_out_by_reason", {})
        why = "; ".join(f"{reason}: {count}" for reason, count in reasons.items())
        parts.append(f"{left_out} left out" + (f" ({why})" if why else ""))
    if counts["suppressed"]:
        parts.append(f"{counts['suppressed']} suppressed")
    if counts["not_analyzed"]:
        parts.append(f"{counts['not_analyzed']} not analyzed")
    return f"{outcome.tool}: {'; '.join(parts)}"
