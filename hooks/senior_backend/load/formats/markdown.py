"""For the summary of a build (GitHub's step summary) or a comment on a change."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from senior_backend.load.formats import tables, units
from senior_backend.load.formats.verdict import Word, verdict
from senior_backend.load.result import Result, ThresholdResult
from senior_backend.report.markdown import cell, code
from senior_backend.report.terminal import on_one_line

MOST_ENDPOINTS: Final = 40
MOST_THRESHOLDS: Final = 60
"""So that all stays below the 65,536 characters that a comment on GitHub holds."""
_WIDEST: Final = 120
"""Characters of a name that are shown."""

_MARKS: Final[dict[Word, str]] = {
    "PASSED": "\N{WHITE HEAVY CHECK MARK}",
    "FAILED": "\N{CROSS MARK}",
    "INVALID": "\N{NO ENTRY SIGN}",
    "INTERRUPTED": "\N{WARNING SIGN}",
    "MEASURED": "\N{INFORMATION SOURCE}",
}
_SPECIAL: Final = re.compile(r"([\\`*_\[\]~])")


def render(result: Result, baseline: Result | None = None) -> str:
    """The verdict as heading, one table of numbers, thresholds, and the rest under a fold."""
    found = verdict(result)
    baseline = baseline if result.valid else None
    lines = [f"### {_MARKS[found.word]} Load test {_name(result.scenario)}: {found.word}", ""]
    why = [f"**{found.word}**: {_sentence(found.sentence)}", "", *_bullets(found.reasons)]
    if found.word == "INVALID":  # a box of its own, on GitHub and GitLab
        why = ["> [!CAUTION]", *(f"> {line}".rstrip() for line in why[:-1]), ""]
    lines += why
    lines += [_load(result), ""]
    lines += _thresholds(result)
    lines += ["#### Response time", "", f"{tables.RESPONSE.capitalize()}.", ""]
    lines += _latencies(result, baseline, service=False)
    lines += _errors(result)
    lines += _bullets(f"\N{WARNING SIGN} {warning}" for warning in result.warnings)
    lines += ["<details><summary>Service time, connections, generator</summary>", ""]
    lines += [f"Service time: {tables.SERVICE}.", ""]
    lines += _latencies(result, baseline, service=True)
    facts = [
        *tables.run_facts(result),
        *tables.connection_facts(result),
        *tables.generator_facts(result),
        *tables.environment_facts(result),
    ]
    lines += _table(("", ""), "ll", [(_sentence(name), _name(value)) for name, value in facts])
    return "\n".join([*lines, "</details>"])


def _load(result: Result) -> str:
    mark = tables.doubt(result)
    facts = {name: (number, what) for name, number, what in tables.load_facts(result)}
    parts = [
        f"asked {facts['asked'][0]}",
        f"achieved {facts['achieved'][0]}{mark} ({facts['achieved'][1]})",
        f"{facts['sent'][0]} sent",
        f"{facts['failed'][0]} failed ({facts['failed'][1]})",
        f"{facts['dropped'][0]} dropped",
    ]
    return (
        f"{' · '.join(parts)}, against {_name(result.target)} for {units.span(result.duration_s)}."
    )


def _thresholds(result: Result) -> list[str]:
    if not result.thresholds:
        return []
    # Those that fail first, where not all are shown.
    shown = result.thresholds
    if len(shown) > MOST_THRESHOLDS:
        shown = sorted(shown, key=lambda threshold: threshold.passed)[:MOST_THRESHOLDS]
    rows = [_threshold(threshold, result) for threshold in shown]
    lines = _table(("", "threshold", "must be", "was", ""), "lllrl", rows)
    if len(shown) < len(result.thresholds):
        lines += [f"{len(shown)} of {len(result.thresholds)} thresholds.", ""]
    return lines


def _threshold(threshold: ThresholdResult, result: Result) -> Sequence[str]:
    mark = _MARKS["PASSED" if threshold.passed else "FAILED"] if result.valid else "?"
    return (
        mark,
        _name(threshold.metric),
        _name(threshold.expression),
        tables.threshold_value(threshold) + tables.doubt(result),
        tables.threshold_notes(threshold),
    )


def _latencies(result: Result, baseline: Result | None, *, service: bool) -> list[str]:
    counted = () if service else ("count", "failed")
    rows = [
        _endpoint(row, baseline, tables.doubt(result), service=service)
        for row in tables.endpoints(result, baseline, MOST_ENDPOINTS)
    ]
    align = "l" + "r" * (len(counted) + len(tables.COLUMNS))
    lines = _table(("endpoint", *counted, *tables.COLUMNS), align, rows)
    notes = [tables.left_out(result, MOST_ENDPOINTS)]
    if baseline and not service:
        notes.append("In brackets: the difference to the baseline.")
        notes += tables.comparable(result, baseline)
    return [*lines, *_bullets(note for note in notes if note)]


def _endpoint(
    row: tables.Row, baseline: Result | None, mark: str, *, service: bool
) -> Sequence[str]:
    name = f"**{row.name}**" if row.total else _name(row.name)
    if baseline and row.before is None:
        name += " (not in the baseline)"
    counted = [] if service else [units.count(row.now.count), units.count(row.now.failed)]
    return [
        name,
        *counted,
        *(_time(row, column, mark, service=service) for column in tables.COLUMNS),
    ]


def _time(row: tables.Row, column: str, mark: str, *, service: bool) -> str:
    now = row.now.service_time_ms if service else row.now.response_time_ms
    if column not in now:
        return units.NOTHING
    change = tables.change(row.now, row.before, column, service=service)
    return units.duration(now[column]) + mark + (f" ({change})" if change else "")


def _errors(result: Result) -> list[str]:
    rows = [
        (
            _name(row.cause),
            units.count(row.count),
            units.share(row.share),
            _sentence(tables.where(row)),
        )
        for row in tables.errors(result)[:MOST_ENDPOINTS]
    ]
    return _table(("error", "count", "of all", "where"), "lrrl", rows) if rows else []


def _table(head: Sequence[str], align: str, rows: Iterable[Sequence[str]]) -> list[str]:
    marks = ["--:" if side == "r" else "---" for side in align]
    return [_line(head), _line(marks), *(_line(row) for row in rows), ""]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bullets(items: Iterable[str]) -> list[str]:
    lines = [f"- {_sentence(item)}" for item in items]
    return [*lines, ""] if lines else []


def _name(text: str) -> str:
    """What somebody chose, as they wrote it."""
    text = on_one_line(text)
    return code(text if len(text) <= _WIDEST else f"{text[:_WIDEST]}...") if text else ""


def _sentence(text: str) -> str:
    """Ours, but names may be in it: nothing in it is markup."""
    return _SPECIAL.sub(r"\\\1", cell(on_one_line(text)))
