"""A proof for a person: a line a migration, what differs below it, a line that sums up."""

from collections.abc import Iterator, Sequence
from typing import Final

import click

from senior_backend.migrations.rollback.formats.words import (
    MOST,
    alike,
    backwards,
    counts,
    down_in_short,
    first_line,
    without_downs,
)
from senior_backend.migrations.rollback.verdict import (
    FAILS,
    WORDS,
    Comparison,
    Interrupted,
    Proof,
    Range,
    Report,
    Verdict,
)
from senior_backend.report.terminal import harmless, on_one_line

_MARKS: Final = {
    "identical": ("✓", "green"),
    "physical residue": ("✓", "green"),
    "irreversible": ("▲", "yellow"),
    "no down": ("▲", "yellow"),
}
_BAD: Final = ("✗", "red")


def render(reports: Sequence[Report]) -> str:
    """Reports of the same migrations, one for each major."""
    lines: list[str] = []
    for versions, report in alike(reports):
        lines += [*_report(versions, report), ""]
    return "\n".join(lines).rstrip("\n")


def _report(versions: str, report: Report) -> Iterator[str]:
    yield click.style(f"PostgreSQL {versions}", bold=True)
    if report.stubbed:
        yield f"Stood in for: {harmless(', '.join(report.stubbed))}"
    for note in report.notes:
        yield f"Note: {harmless(note)}"
    for problem in report.problems:
        is_asked = any(problem.path == proof.path for proof in report.proofs)
        label = "not read: " if is_asked else "before this: "
        yield click.style(label, fg="yellow") + harmless(on_one_line(str(problem)))
    for tool in report.without_downs:
        yield without_downs(tool)
    if report.proofs:
        yield ""
    for proof in report.proofs:
        yield from _proof(proof)
    for one in report.ranges:
        yield from _range(one)
    if report.proofs:
        yield ""
        yield _summary(report)


def _proof(proof: Proof) -> Iterator[str]:
    mark, colour = _mark(proof.verdict)
    path = click.style(on_one_line(proof.path), bold=True)
    yield f"{click.style(mark, fg=colour)} {path}: {click.style(WORDS[proof.verdict], fg=colour)}"
    if proof.reason:
        yield f"    {harmless(proof.reason)}"
    yield from _comparison(proof.comparison)
    if proof.again is not None:
        yield click.style(f"    the up cannot run again after it: {proof.again}", fg="red")
    if proof.down is not None and proof.down.statements:
        yield click.style(f"    down: {harmless(down_in_short(proof.down))}", dim=True)
    for finding in proof.findings:
        if finding.class_ == "gate":
            place = f"{on_one_line(finding.path)}:{finding.line}"
            yield f"    {place}: {harmless(finding.message)} [{finding.rule}]"
    for note in proof.notes:
        yield click.style(f"    note: {harmless(note)}", dim=True)
    if proof.resume:
        yield from _resume(proof.resume)


def _comparison(comparison: Comparison) -> Iterator[str]:
    for one in comparison.catalog[:MOST]:
        colour = None if one.physical else "red"
        yield click.style(f"    {harmless(backwards(one))}", fg=colour, dim=one.physical)
    if len(comparison.catalog) > MOST:
        yield f"    and {len(comparison.catalog) - MOST} more (--format json has all)"
    for loss in comparison.lost[:MOST]:
        yield click.style(f"    {harmless(str(loss))}", fg="red")
    if len(comparison.lost) > MOST:
        yield f"    and {len(comparison.lost) - MOST} more (--format json has all)"
    if comparison.disagreement is not None:
        yield f"    {comparison.disagreement}"
        if comparison.dump and not comparison.catalog:
            yield from (f"      {harmless(line)}" for line in comparison.dump[:MOST])


def _resume(found: Sequence[Interrupted]) -> Iterator[str]:
    bad = [one for one in found if not one.resumes]
    if not bad:
        places = f"{len(found)} place{'' if len(found) == 1 else 's'}"
        yield click.style(f"    ✓ runs again after a failure ({places} tried)", fg="green")
    for one in bad:
        place = f"{on_one_line(one.path)}:{one.line}"
        sql = harmless(first_line(one.sql))
        yield click.style(f"    ✗ {place}: does not run again after a failure here", fg="red")
        yield click.style(f"      {sql}", dim=True)
        for left in one.left[:MOST]:
            yield f"      left behind: {harmless(str(left))}"
        if one.error is not None:
            yield f"      second run: {harmless(one.error)}"
        else:
            for difference in one.comparison.catalog[:MOST]:
                yield f"      ends otherwise: {harmless(str(difference))}"
            for loss in one.comparison.lost[:MOST]:
                yield f"      ends otherwise: {harmless(str(loss))}"
        if one.remedy:
            yield f"      remedy: {harmless(one.remedy)}"


def _range(one: Range) -> Iterator[str]:
    mark, colour = _mark(one.verdict)
    word = click.style(WORDS[one.verdict], fg=colour)
    yield f"{click.style(mark, fg=colour)} all {one.migrations} ups, then all downs: {word}"
    if one.problem is not None:
        yield f"    {harmless(str(one.problem))}"
    yield from _comparison(one.comparison)


def _mark(verdict: Verdict) -> tuple[str, str]:
    return _BAD if verdict in FAILS else _MARKS[verdict]


def _summary(report: Report) -> str:
    colour = "red" if report.fails else "green"
    return click.style(counts(report), fg=colour, bold=True)
