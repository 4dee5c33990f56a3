"""A proof as a comment on a change: a table with both sides, the summary, the diff under a fold."""

from collections.abc import Iterator, Sequence
from typing import Final

from senior_backend.findings import Finding
from senior_backend.migrations.prove import changed
from senior_backend.migrations.prove.facts import Tone, facts
from senior_backend.migrations.prove.pairs import Pair
from senior_backend.migrations.prove.proof import Proof
from senior_backend.migrations.prove.seen import Seen
from senior_backend.migrations.prove.story import (
    LEGEND,
    Mark,
    Story,
    command,
    fix_title,
    heading,
    story,
    verdicts,
)
from senior_backend.migrations.prove.verdict import Grade, Verdict
from senior_backend.report.markdown import MAX_CHARACTERS, cell, code, fence, html

_TONES: Final[dict[Tone, str]] = {
    "bad": "\N{LARGE RED CIRCLE} ",
    "warn": "\N{LARGE YELLOW CIRCLE} ",
    "good": "\N{LARGE GREEN CIRCLE} ",
    "plain": "",
    "quiet": "",
}
_GRADES: Final[dict[Grade, str]] = {
    "fails": "\N{CROSS MARK} ",
    "all wait": "\N{LARGE RED CIRCLE} ",
    "writes wait": "\N{LARGE YELLOW CIRCLE} ",
    "for an instant": "",
    "nobody waits": "\N{LARGE GREEN CIRCLE} ",
}
_MARKS: Final[dict[Mark, str]] = {
    "yes": "\N{WHITE HEAVY CHECK MARK}",
    "no": "\N{CROSS MARK}",
    "aside": "\N{INFORMATION SOURCE}",
}
_SEVERITIES: Final = {
    "error": "\N{CROSS MARK}",
    "warning": "\N{WARNING SIGN}",
    "info": "\N{INFORMATION SOURCE}",
}
_MOST_LINES: Final = 20


def render(proofs: Sequence[Proof]) -> str:
    """All of them, one under the other, as long as a comment may be."""
    texts: list[str] = []
    room = MAX_CHARACTERS
    for proof in proofs:
        text = "\n".join(_lines(proof, story(proof)))
        room -= len(text)
        if room < 0 and texts:
            texts.append("Not all proofs are shown: the comment would be too long.")
            break
        texts.append(text)
    return "\n\n".join(texts)


def _lines(proof: Proof, told: Story) -> Iterator[str]:
    yield f"### {code(proof.path)}"
    yield ""
    yield f"{html(heading(proof))}."
    yield ""
    for problem in proof.problems:
        yield f"- Did not run before it: {html(str(problem))}"
    if proof.stubbed:
        yield f"- Stood in for: {html(', '.join(proof.stubbed))}"
    if proof.problems or proof.stubbed:
        yield ""
    for pair in told.pairs:
        yield from _pair(pair, told, proof)
    for finding in told.beside:
        yield from (_finding(finding), "")
    for line in told.summary:
        text = html(line.text)
        yield f"- {_MARKS[line.mark]} **{html(line.label)}**: {text}"
        yield from (f"  - {html(detail)}" for detail in line.details)
    yield ""
    fixed = proof.fixed
    if fixed is not None and fixed.failure is None:
        yield from (f"<details><summary>Diff ({html(fix_title(proof))})</summary>", "")
        yield from fence("diff", fixed.diff)
        yield from (code(command(proof)), "", "</details>", "")
    yield f"<sub>{html(LEGEND)}</sub>"


def _pair(pair: Pair, told: Story, proof: Proof) -> Iterator[str]:
    for finding in pair.findings:
        yield from (_finding(finding), "")
    before, after = verdicts(pair)
    if not told.two_sided:
        yield from ("<table><tr><td>", "", *_side(pair.written, None), _said(before), "")
        yield from ("</td></tr></table>", "")
        return
    yield f"<table><tr><th>as written</th><th>{html(fix_title(proof))}</th></tr><tr><td>"
    yield from ("", *_side(pair.written, None), _said(before), "", "</td><td>", "")
    yield from _side(pair.fixed, proof)
    gone = Verdict("gone", "for an instant") if pair.written else None
    yield from (_said(after or gone), "", "</td></tr></table>", "")


def _side(seens: Sequence[Seen], proof: Proof | None) -> Iterator[str]:
    """The statements of one side; with ``proof`` those of its fix, in files that may be new."""
    path = ""
    for seen in seens:
        if proof is not None and seen.statement.path != path:
            path = seen.statement.path
            deploy = proof.fixed.deploys.get(path) if proof.fixed is not None else None
            if deploy:
                yield from (f"Deploy first: {html(deploy)}", "")
            if path != proof.path:
                yield from (code(path), "")
        sql = "\n".join(changed.shown(seen.statement.sql, _MOST_LINES))
        yield from fence("sql", sql)
        told = facts(seen)
        if told:
            yield "<br>".join(f"{one.label} {_TONES[one.tone]}{html(one.text)}" for one in told)
            yield ""


def _said(verdict: Verdict | None) -> str:
    return f"**{_GRADES[verdict.grade]}{html(verdict.text)}**" if verdict is not None else ""


def _finding(finding: Finding) -> str:
    place = code(f"{finding.path}:{finding.line}")
    if finding.suppressed is not None:
        reason = cell(finding.suppressed.reason)
        return f"{_MARKS['aside']} {code(finding.rule)} {place} suppressed: {reason}"
    mark = _SEVERITIES[finding.severity]
    way = " in the way back" if finding.details.get("direction") == "down" else ""
    return f"{mark} {code(finding.rule)}{way} {place}: {cell(finding.message)}"
