"""A proof as a comment on a change: a row a migration, what differs below it."""

from collections.abc import Iterator, Sequence
from typing import Final

from senior_backend.migrations.rollback.formats.words import (
    MOST,
    alike,
    backwards,
    counts,
    down_in_short,
    first_line,
    without_downs,
)
from senior_backend.migrations.rollback.verdict import FAILS, WORDS, Comparison, Report, Verdict
from senior_backend.report.markdown import MAX_CHARACTERS, cell, code, html

_MARKS: Final = {"irreversible": "🟡", "no down": "🟡"}


def render(reports: Sequence[Report]) -> str:
    """A heading that sums up, a table, what is to be done about runs that stop half way."""
    text = "\n".join(line for one in alike(reports) for line in _report(*one)).strip()
    if len(text) > MAX_CHARACTERS:
        whole_lines = text[:MAX_CHARACTERS].rpartition("\n")[0]
        text = f"{whole_lines}\n\nNot all of it is shown."
    return text


def _report(versions: str, report: Report) -> Iterator[str]:
    heading = counts(report) if report.proofs else "nothing to prove"
    yield f"### Rollback proved on PostgreSQL {versions}: {cell(heading)}"
    yield ""
    for tool in report.without_downs:
        yield f"{html(without_downs(tool))}."
        yield ""
    if report.proofs:
        yield "| | migration | after up and down | the down |"
        yield "|---|---|---|---|"
    for proof in report.proofs:
        said = [f"**{WORDS[proof.verdict]}**", *([cell(proof.reason)] if proof.reason else [])]
        said += [cell(line) for line in _lines(proof.comparison)]
        if proof.again is not None:
            said.append(cell(f"the up cannot run again after it: {proof.again}"))
        said += [cell(note) for note in proof.notes]
        down = cell(down_in_short(proof.down)) if proof.down and proof.down.statements else ""
        mark = _mark(proof.verdict)
        yield f"| {mark} | {code(proof.path)} | {'<br>'.join(said)} | {down} |"
    for one in report.ranges:
        said = [f"**{WORDS[one.verdict]}**", *([cell(str(one.problem))] if one.problem else [])]
        said += [cell(line) for line in _lines(one.comparison)]
        yield (
            f"| {_mark(one.verdict)} | all {one.migrations} ups, then all downs | "
            f"{'<br>'.join(said)} | |"
        )
    yield ""
    yield from _resume(report)
    notes = [*report.notes, *(f"stood in for {name}" for name in report.stubbed)]
    notes += [f"before these: {problem}" for problem in report.problems]
    if notes:
        yield f"<sub>{html('; '.join(notes))}</sub>"
        yield ""


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from (backwards(one) for one in comparison.catalog[:MOST])
    if len(comparison.catalog) > MOST:
        yield f"and {len(comparison.catalog) - MOST} more"
    yield from (str(one) for one in comparison.lost[:MOST])
    if len(comparison.lost) > MOST:
        yield f"and {len(comparison.lost) - MOST} more"
    if comparison.disagreement is not None:
        yield comparison.disagreement


def _resume(report: Report) -> Iterator[str]:
    bad = [one for proof in report.proofs for one in proof.resume if not one.resumes]
    if not bad:
        return
    yield "Not run again after a failure:"
    yield ""
    for one in bad:
        place, sql = code(f"{one.path}:{one.line}"), code(first_line(one.sql))
        why = one.error or "; ".join(
            [*map(str, one.comparison.catalog), *map(str, one.comparison.lost)]
        )
        yield f"- {place} {sql}: {cell(why)}. Remedy: {cell(one.remedy)}"
    yield ""


def _mark(verdict: Verdict) -> str:
    return "❌" if verdict in FAILS else _MARKS.get(verdict, "✅")
