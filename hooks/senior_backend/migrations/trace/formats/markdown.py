"""A trace as a comment on a change: what blocks in a table, every statement under a fold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from senior_backend.migrations.trace import verdict
from senior_backend.migrations.trace.formats.view import (
    KINDS,
    Kind,
    MigrationView,
    StatementView,
    Variant,
    counted,
    first_line,
    kind,
    lock_groups,
    majors,
    milliseconds,
    queue_sentence,
    size,
    stood_in_for,
    views,
)
from senior_backend.migrations.trace.observed import Estimate, ObservedStatement, Trace
from senior_backend.migrations.trace.verdict import Blocking
from senior_backend.report.markdown import MAX_CHARACTERS, cell, code, html

_MARKS: Final[Mapping[Kind, str]] = {
    "failed": "❌",
    "works": "🔴",
    "brief": "🟡",
    "quiet": "🟢",
    "not run": "⚪",
}
_LONGEST_SQL: Final = 100


def render(traces: Sequence[Trace], found: Sequence[Blocking] = ()) -> str:
    """A heading that sums up, the statements that keep others waiting, and a fold with all."""
    several = len(traces) > 1
    shown = views(traces)
    statements = [one for migration in shown for one in migration.statements]
    kinds = [one.kind for one in statements]
    on = majors([trace.major for trace in traces])
    lines = [f"### Migrations traced on PostgreSQL {on}: {_headline(kinds)}", ""]
    grave = [one for one in statements if one.kind in ("failed", "works", "brief")]
    if grave:
        grave.sort(key=lambda one: KINDS.index(one.kind))
        lines += ["| | where | statement | waits | work |", "|---|---|---|---|---|"]
        lines += [row for one in grave for row in _rows(one, several=several)]
        lines.append("")
    for migration in shown:
        lines += [
            f"- ⏳ {code(migration.path)}: {cell(queue_sentence(queue, several=several))}"
            for queue in migration.queue
        ]
    if found:
        lines += ["", "Fails the check:", ""]
        lines += [
            f"- {code(f'{path}:{line}')}: {cell(sentence)}"
            for path, line, sentence in verdict.told(found)
        ]
    problems = dict.fromkeys(problem for trace in traces for problem in trace.problems)
    if problems:
        lines += ["", "Not run:", ""]
        lines += [f"- {code(f'{p.path}:{p.line}')}: {cell(p.reason)}" for p in problems]
    notes = _notes(traces)
    if notes:
        lines += ["", f"<sub>{html('. '.join(notes))}</sub>"]
    room = MAX_CHARACTERS - sum(len(line) + 1 for line in lines)
    return "\n".join([*lines, "", *_fold(shown, len(statements), room, several=several)]).strip()


def _headline(kinds: Sequence[str]) -> str:
    parts = []
    if count := kinds.count("failed"):
        parts.append(f"{count} failed")
    if count := kinds.count("works"):
        verb = "keeps" if count == 1 else "keep"
        parts.append(f"{count} {verb} others waiting while working through a table")
    if count := kinds.count("brief"):
        verb = "blocks" if count == 1 else "block"
        parts.append(f"{count} {verb} for an instant")
    return "; ".join(parts) or "nothing keeps others waiting"


def _notes(traces: Sequence[Trace]) -> list[str]:
    settings = ", ".join(f"{name} {value}" for name, value in traces[0].settings.items())
    stubbed = stood_in_for(traces)
    return [
        f"PostgreSQL {', '.join(trace.postgres for trace in traces)}",
        *([settings] if settings else []),
        *([f"stood in for: {'; '.join(stubbed)}"] if stubbed else []),
        *dict.fromkeys(note for trace in traces for note in trace.notes),
        "times are those of empty tables, not of production",
    ]


def _rows(statement: StatementView, *, several: bool) -> Iterator[str]:
    """One for each group of majors that agree."""
    for variant in statement.variants:
        mark = _MARKS[kind(variant)]
        place = code(f"{statement.path}:{statement.line}")
        if several and len(statement.variants) > 1:
            place += f" (PostgreSQL {majors(variant.majors)})"
        waits, work = _waits(variant.statement), _work(variant)
        yield f"| {mark} | {place} | {code(_short(statement.sql))} | {waits} | {work} |"


def _waits(statement: ObservedStatement) -> str:
    groups, folded = lock_groups(statement)
    blocking = [group for group in groups if group.blocks]
    more = f" +{counted(folded, 'index')}".replace("indexs", "indexes") if folded else ""
    return "<br>".join(
        cell(f"{verdict.waiting(group.blocks)} on {verdict.listed(group.relations)}")
        + f" ({group.mode}{more if number == 0 else ''})"
        for number, group in enumerate(blocking)
    )


def _work(variant: Variant) -> str:
    statement = variant.statement
    if statement.error is not None:
        return cell(statement.error)
    parts = [verdict.work(statement)] if statement.works_through else []
    parts += [
        f"{verdict.waiting(one.blocks)} on {one.relation} since line {one.since}"
        for one in variant.blocking
        if one.since is not None
    ]
    parts += [_estimate(one) for one in statement.estimates]
    return "<br>".join(map(cell, parts))


def _estimate(estimate: Estimate) -> str:
    size = f" with {estimate.rows:,} rows" if estimate.rows is not None else ""
    low, high = milliseconds(estimate.low * 1000), milliseconds(estimate.high * 1000)
    return (
        f"estimate: {estimate.relation}{size} held "
        f"{milliseconds(estimate.seconds * 1000)}, {low} to {high} ({estimate.basis})"
    )


def _short(sql: str) -> str:
    line = first_line(sql)
    return line if len(line) <= _LONGEST_SQL else f"{line[: _LONGEST_SQL - 1]}…"


def _fold(shown: Sequence[MigrationView], count: int, room: int, *, several: bool) -> Iterator[str]:
    title = f"{counted(count, 'statement')} of {counted(len({one.path for one in shown}), 'file')}"
    yield f"<details><summary>All: {title}</summary>"
    yield ""
    for migration in shown:
        way = " (down)" if migration.direction == "down" else ""
        lines = [f"{code(migration.path)}{way}", ""]
        lines += ["| | line | statement | locks | work | here |", "|---|---|---|---|---|---|"]
        for statement in migration.statements:
            for variant in statement.variants:
                lines.append(_full_row(statement, variant, several=several))
        lines += [f"\nnote: {html(note)}" for note in migration.notes]
        room -= sum(len(line) + 1 for line in lines)
        if room < 0:
            yield "The rest is left out: the comment would be too long."
            break
        yield from (*lines, "")
    yield "</details>"


def _full_row(statement: StatementView, variant: Variant, *, several: bool) -> str:
    one = variant.statement
    mark = _MARKS[kind(variant)]
    groups, folded = lock_groups(one)
    locks = [f"{group.mode} {cell(verdict.listed(group.relations))}" for group in groups]
    if folded:
        locks.append("an index" if folded == 1 else f"{folded} indexes")
    facts = [cell(one.not_run)] if one.not_run is not None else []
    facts += [_work(variant)] if _work(variant) else []
    facts += [cell(f"waits for {verdict.listed(one.waits_for)}")] if one.waits_for else []
    facts += [f"WAL {size(one.wal_bytes)}"] if one.wal_bytes and (groups or facts) else []
    on = f" ({majors(variant.majors)})" if several and len(statement.variants) > 1 else ""
    time = milliseconds(variant.fastest_ms, variant.slowest_ms)
    return (
        f"| {mark} | {statement.line}{on} | {code(_short(statement.sql))} | {'<br>'.join(locks)} | "
        f"{'<br>'.join(facts)} | {time} |"
    )
