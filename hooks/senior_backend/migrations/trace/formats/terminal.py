"""A trace for a person: a block a statement, the lock queue in a sentence, a line that sums up."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import click

from senior_backend.migrations.lock_model.wording import rows_phrase
from senior_backend.migrations.trace import verdict
from senior_backend.migrations.trace.formats.view import (
    Kind,
    LockGroup,
    MigrationView,
    Queue,
    StatementView,
    Variant,
    counted,
    first_line,
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
from senior_backend.report.terminal import harmless, on_one_line

_NARROWEST: Final = 60
_WIDEST: Final = 110
_PIPE: Final = 80
_INDENT: Final = 8
_MOST_GROUPS: Final = 4
_MUCH_WAL: Final = 100_000
"""Bytes; less is what every change of the catalogs writes."""

_FAILED: Final = "✗"
_WORKS: Final = "■"
_BRIEF: Final = "▲"
_NOT_RUN: Final = "?"
_QUIET: Final = "·"
_MARKS: Final[Mapping[Kind, str]] = {
    "failed": _FAILED,
    "works": _WORKS,
    "brief": _BRIEF,
    "not run": _NOT_RUN,
    "quiet": _QUIET,
}
_COLOURS: Final[Mapping[Kind, str]] = {
    "failed": "red",
    "works": "red",
    "brief": "yellow",
    "not run": "yellow",
}
_ASCII: Final = str.maketrans({_FAILED: "x", _WORKS: "#", _BRIEF: "!", _QUIET: ".", "…": "~"})


def width() -> int:
    """Columns to write in; those of a pipe are 80."""
    columns = shutil.get_terminal_size((_PIPE, 24)).columns if sys.stdout.isatty() else _PIPE
    return max(_NARROWEST, min(columns, _WIDEST))


def printable(text: str) -> str:
    """For output that cannot hold our marks, without them."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return text.translate(_ASCII)
    return text


def render(traces: Sequence[Trace], found: Sequence[Blocking] = (), columns: int = _PIPE) -> str:
    """Traces of the same migrations on several majors, or on one.

    ``found`` are those that fail the run, told at the end with their places.
    """
    several = len(traces) > 1
    shown = views(traces)
    lines = [*_head(traces, columns), ""]
    for migration in shown:
        lines += [*_migration(migration, columns, several=several), ""]
    lines += _problems(traces)
    for path, line, sentence in verdict.told(found):
        place = click.style(f"{on_one_line(path)}:{line}", bold=True)
        lines.append(f"{place}: {click.style('blocks', fg='red')}: {harmless(sentence)}")
    lines.append(summary(traces, shown))
    return "\n".join(lines)


def _head(traces: Sequence[Trace], columns: int) -> Iterator[str]:
    versions = ", ".join(trace.postgres for trace in traces)
    settings = ", ".join(f"{name} {value}" for name, value in traces[0].settings.items())
    yield click.style(f"PostgreSQL {versions}", bold=True) + (f"  {settings}" if settings else "")
    said = [f"Stood in for: {'; '.join(stubbed)}"] if (stubbed := stood_in_for(traces)) else []
    said += [f"Note: {note}" for note in dict.fromkeys(n for t in traces for n in t.notes)]
    for sentence in said:
        yield from textwrap.wrap(
            harmless(sentence), columns, subsequent_indent="  ", break_on_hyphens=False
        )


def _migration(migration: MigrationView, columns: int, *, several: bool) -> Iterator[str]:
    path = on_one_line(migration.path)
    direction = f"  ({migration.direction})" if migration.direction == "down" else ""
    yield click.style(f"{path}{direction}", bold=True, underline=True)
    other = migration.path
    for statement in migration.statements:
        if statement.path != other:
            other = statement.path
            yield click.style(f"  {on_one_line(other)}", bold=True)
        yield from _statement(statement, columns, several=several)
    if not migration.statements:
        yield click.style(f"  {_QUIET} no statement", dim=True)
    for queue in migration.queue:
        yield from _queue(queue, columns, several=several)
    for note in migration.notes:
        yield click.style(f"    note: {harmless(note)}", dim=True)


def _statement(statement: StatementView, columns: int, *, several: bool) -> Iterator[str]:
    kind = statement.kind
    fastest = min(
        (v.fastest_ms for v in statement.variants if v.fastest_ms is not None), default=None
    )
    slowest = max(
        (v.slowest_ms for v in statement.variants if v.slowest_ms is not None), default=None
    )
    time = milliseconds(fastest, slowest)
    room = columns - _INDENT - len(time) - 2
    sql = harmless(first_line(statement.sql))
    sql = sql if len(sql) <= room else f"{sql[: room - 1]}…"
    pad = " " * (columns - _INDENT - len(sql) - len(time))
    is_quiet = kind == "quiet" and not any(any(_details(v, columns)) for v in statement.variants)
    # Switched off is another thing than not said: it would end what was said before.
    emphasis: dict[str, bool] = {"dim": True} if is_quiet else {"bold": True}
    yield "".join(
        (
            "  ",
            click.style(_MARKS[kind], fg=_COLOURS.get(kind), **emphasis),
            click.style(f"{statement.line:>4} ", dim=True),
            click.style(sql, **emphasis),
            click.style(f"{pad}{time}" if time else "", dim=True),
        )
    )
    apart = len(statement.variants) > 1
    for variant in statement.variants:
        if several and apart:
            head = f"PostgreSQL {majors(variant.majors)}:"
            if not any(_details(variant, columns)):
                head = f"{head} locks nothing"
            yield " " * _INDENT + click.style(head, fg="cyan")
        yield from (" " * _INDENT + line for line in _details(variant, columns))


def _details(variant: Variant, columns: int) -> Iterator[str]:
    statement = variant.statement
    if statement.not_run is not None:
        yield click.style(f"not run: {harmless(statement.not_run)}", fg="yellow")
        return
    groups, folded = lock_groups(statement)
    longest = max((len(str(group.mode)) for group in groups[:_MOST_GROUPS]), default=0)
    for number, group in enumerate(groups[:_MOST_GROUPS]):
        yield _lock(group, folded if number == 0 else 0, longest, columns)
    if len(groups) > _MOST_GROUPS:
        rest = sum(len(group.relations) for group in groups[_MOST_GROUPS:])
        yield click.style(f"and weaker locks on {counted(rest, 'relation')}", dim=True)
    facts = [verdict.work(statement)] if statement.works_through else []
    held = {one.since: waiting_on(one) for one in variant.blocking if one.since is not None}
    if statement.waits_for:
        facts.append(f"waits for {verdict.listed(statement.waits_for)}")
    tells = bool(facts) or (statement.wal_bytes or 0) >= _MUCH_WAL
    numbers = _numbers(statement) if groups and tells else ""
    if facts:
        facts[0] = click.style(harmless(facts[0]), fg="red" if variant.blocking else "cyan")
    if line := "; ".join(facts) + (f"  {numbers}" if facts and numbers else numbers):
        yield line
    for since, waits in held.items():
        yield click.style(f"while {harmless(waits)}: locked since line {since}", fg="red")
    if statement.error is not None:
        yield click.style(f"failed: {harmless(statement.error)}", fg="red", bold=True)
    yield from _estimates(statement.estimates, columns)
    for note in statement.notes:
        yield click.style(f"note: {harmless(note)}", dim=True)


def _lock(group: LockGroup, folded: int, longest: int, columns: int) -> str:
    mode = str(group.mode).ljust(longest)
    waits = verdict.waiting(group.blocks)
    said = f"{waits}: seen" if waits else "nothing waits" if group.granted else "asked for"
    plural = "es" if folded != 1 else ""
    more = f" +{folded} index{plural}" if folded else ""
    room = columns - _INDENT - len(mode) - len(more) - len(said) - 4
    relations = harmless(_fitting(group.relations, max(room, 12)))
    colour = "red" if "reads" in group.blocks else "yellow" if group.blocks else None
    return "  ".join(
        (
            click.style(mode, fg=colour, dim=colour is None or None),
            click.style(f"{relations}{more}", dim=colour is None or None),
            click.style(said, fg=colour, dim=colour is None or None),
        )
    )


def _fitting(names: Sequence[str], room: int) -> str:
    """As many names as fit, but one at least and whole, and the number of the others."""
    text = ""
    for count in range(len(names), 0, -1):
        left = len(names) - count
        text = ", ".join(names[:count]) + (f" and {left} more" if left else "")
        if len(text) <= room:
            break
    return text


def waiting_on(found: Blocking) -> str:
    """``reads and writes wait on orders``."""
    return f"{verdict.waiting(found.blocks)} on {found.relation}"


def _numbers(statement: ObservedStatement) -> str:
    parts = []
    if statement.wal_bytes:
        parts.append(f"WAL {size(statement.wal_bytes)}")
    if statement.rows:
        parts.append(counted(statement.rows, "row"))
    return click.style(" · ".join(parts), dim=True) if parts else ""


def _estimates(estimates: Sequence[Estimate], columns: int) -> Iterator[str]:
    """How long locks would be held at production's size; relations held alike on one line."""
    alike: dict[tuple[float, str], list[Estimate]] = {}
    for one in estimates:
        alike.setdefault((one.high, one.basis), []).append(one)
    for (_, basis), group in alike.items():
        first = group[0]
        on = [
            harmless(one.relation) + (f" ({rows_phrase(one.rows)})" if one.rows is not None else "")
            for one in group
        ]
        span = milliseconds(first.low * 1000, first.high * 1000)
        text = f"estimate: {verdict.listed(on)} held {milliseconds(first.seconds * 1000)} ({span})"
        yield click.style(text, fg=_ESTIMATE_COLOURS[first.severity])
        for line in textwrap.wrap(harmless(basis), max(columns - _INDENT - 2, 40)):
            yield click.style(f"  {line}", dim=True)


_ESTIMATE_COLOURS: Final = {"info": "green", "warning": "yellow", "error": "red"}


def _queue(queue: Queue, columns: int, *, several: bool) -> Iterator[str]:
    colour = "red" if "reads" in queue.blocks else "yellow"
    title = "lock queue"
    indent = " " * (len(title) + 4)
    sentence = harmless(queue_sentence(queue, several=several))
    first, *rest = textwrap.wrap(sentence, columns - len(indent) - 2, break_on_hyphens=False)
    yield f"  {click.style(title, fg=colour, bold=True)}  {first}"
    yield from (f"{indent}{line}" for line in rest)


def _problems(traces: Sequence[Trace]) -> Iterator[str]:
    told = dict.fromkeys(problem for trace in traces for problem in trace.problems)
    for problem in told:
        place = click.style(f"{on_one_line(problem.path)}:{problem.line}", bold=True)
        yield f"{place}: {click.style('not run', fg='yellow')}: {harmless(problem.reason)}"
    if told:
        yield ""


def summary(traces: Sequence[Trace], shown: Sequence[MigrationView]) -> str:
    """Counts, gravest first."""
    statements = [one for migration in shown for one in migration.statements]
    kinds = [one.kind for one in statements]
    migrations = len({migration.path for migration in shown})
    parts = []
    if failed := kinds.count("failed"):
        parts.append(click.style(f"{failed} failed", fg="red", bold=True))
    if works := kinds.count("works"):
        verb = "blocks" if works == 1 else "block"
        text = f"{works} {verb} traffic while working through a table"
        parts.append(click.style(text, fg="red", bold=True))
    if brief := kinds.count("brief"):
        verb = "blocks" if brief == 1 else "block"
        parts.append(click.style(f"{brief} {verb} traffic for an instant", fg="yellow"))
    if not_run := kinds.count("not run"):
        parts.append(f"{not_run} not run")
    if not (failed or works or brief):
        ran = " that ran" if not_run else ""
        parts.append(click.style(f"nothing{ran} keeps others waiting", fg="green"))
    on = majors([trace.major for trace in traces])
    checked = f"{counted(migrations, 'migration')}, {counted(len(statements), 'statement')}"
    return f"migrations trace: {checked} on PostgreSQL {on}: {'; '.join(parts)}"
