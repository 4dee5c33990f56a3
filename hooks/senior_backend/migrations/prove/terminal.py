"""A proof for people: side by side where there is room, one under the other where there is not."""

import io
from collections.abc import Iterator, Sequence
from typing import Final

from rich.box import Box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from senior_backend.findings import Finding
from senior_backend.migrations.prove import changed
from senior_backend.migrations.prove.facts import Tone, facts
from senior_backend.migrations.prove.pairs import Pair
from senior_backend.migrations.prove.proof import Proof
from senior_backend.migrations.prove.seen import Seen
from senior_backend.migrations.prove.story import (
    LEGEND,
    Line,
    Mark,
    Story,
    command,
    fix_title,
    heading,
    story,
    verdicts,
)
from senior_backend.migrations.prove.verdict import Grade
from senior_backend.report.console import console_for
from senior_backend.report.terminal import harmless, on_one_line

SIDE_BY_SIDE: Final = 100
"""Columns from which on there is room for two."""
_NARROWEST: Final = 60
_WIDEST: Final = 160
_MOST_LINES: Final = 12
"""Of one statement that are shown."""

_TONES: Final[dict[Tone, str]] = {
    "bad": "red",
    "warn": "yellow",
    "good": "green",
    "plain": "",
    "quiet": "dim",
}
_GRADES: Final[dict[Grade, str]] = {
    "fails": "bold red",
    "all wait": "bold red",
    "writes wait": "bold yellow",
    "for an instant": "bold",
    "nobody waits": "bold green",
}
_MARKS: Final[dict[Mark, tuple[str, str]]] = {
    "yes": ("✓", "green"),
    "no": ("✗", "red"),
    "aside": ("·", "yellow"),
}
_LINE_BETWEEN: Final = Box("    \n  │ \n    \n  │ \n    \n    \n  │ \n    \n")
_SEVERITIES: Final = {"error": "red", "warning": "yellow", "info": "blue"}
_ASCII: Final = str.maketrans(
    {"│": "|", "─": "-", "→": "->", "✓": "ok", "✗": "x", "·": "-", "…": "...", "≈": "~"}
)


def render(proof: Proof, *, width: int, colour: bool, unicode: bool = True, path: str = "") -> str:
    """A proof as text of at most ``width`` columns; ``path`` is its file from where one works.

    Only the command may be longer: it is one line, so that it can be copied.
    """
    width = min(max(width, _NARROWEST), _WIDEST)
    out = io.StringIO()
    console = console_for(out, colour=colour, width=width)
    for part in _parts(proof, story(proof), width, path):
        console.print(part, soft_wrap=isinstance(part, Text) and bool(part.no_wrap))
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    text = "\n".join(lines).rstrip("\n")
    return text if unicode else text.translate(_ASCII)


def _parts(proof: Proof, told: Story, width: int, path: str) -> Iterator[RenderableType]:
    yield Text(on_one_line(proof.path), style="bold")
    yield Text(heading(proof), style="dim")
    for problem in proof.problems:
        yield Text(f"did not run before it: {harmless(str(problem))}", style="yellow")
    if proof.stubbed:
        yield Text(f"stood in for: {', '.join(proof.stubbed)}", style="dim")
    side_by_side = told.two_sided and width >= SIDE_BY_SIDE
    yield Text("─" * width, style="dim")
    if side_by_side:
        titles = [[Text(title, style="bold")] for title in ("as written", fix_title(proof))]
        yield _columns(width, *titles)
    previous: Seen | None = None
    for pair in told.pairs:
        yield Text("")
        for finding in pair.findings:
            yield _finding(finding)
        fixed, previous = _side(pair.fixed, previous, proof, other=pair.written)
        written, _ = _side(pair.written, None, proof)
        if side_by_side:
            before, after = _verdicts(pair)
            same = pair.unchanged and verdicts(pair)[0] == verdicts(pair)[1]
            yield _columns(width, [*written, *before], [*([] if same else fixed), *after])
        else:
            yield from _stacked(proof, told, pair, written, fixed)
    if told.beside:
        yield Text("")
    yield from map(_finding, told.beside)
    yield Text("─" * width, style="dim")
    yield _summary(told.summary)
    yield from _offer(proof, path)
    yield Text(LEGEND, style="dim")


def _columns(width: int, left: Sequence[RenderableType], right: Sequence[RenderableType]) -> Table:
    """Two equal columns with a line between them."""
    table = Table(box=_LINE_BETWEEN, show_header=False, show_edge=False, pad_edge=False)
    half = (width - 3) // 2
    table.add_column(width=half, overflow="fold")
    table.add_column(width=half, overflow="fold")
    table.add_row(Group(*left), Group(*right))
    return table


def _finding(finding: Finding) -> RenderableType:
    if finding.suppressed is not None:
        text = Text(f"{finding.rule}", style="dim bold")
        text.append(f"  suppressed: {harmless(finding.suppressed.reason)}", style="dim not bold")
        return _hanging(text, Text("· ", style="dim"))
    style = _SEVERITIES[finding.severity]
    text = Text()
    text.append(finding.rule, style=f"bold {style}")
    if finding.details.get("direction") == "down":
        text.append(" in the way back")
    text.append(f"  {harmless(finding.message)}")
    mark = "✗ " if finding.class_ == "gate" else "· "
    return _hanging(text, Text(mark, style=style))


def _side(
    seens: Sequence[Seen], previous: Seen | None, proof: Proof, other: Sequence[Seen] = ()
) -> tuple[list[RenderableType], Seen | None]:
    """One side of a pair, and the statement after which the next one follows."""
    shown: list[RenderableType] = []
    was = "\n".join(seen.statement.sql for seen in other)
    for seen in seens:
        path = seen.statement.path
        if other or previous is not None:
            begins = (previous.statement.path if previous else proof.path) != path
            if begins:
                shown += _file(path, proof)
        shown.append(_statement(seen, was))
        previous = seen
    return shown, previous


def _file(path: str, proof: Proof) -> list[RenderableType]:
    shown: list[RenderableType] = []
    deploys = proof.fixed.deploys if proof.fixed is not None else {}
    if path in deploys:
        shown.append(Text(f"deploy first: {harmless(deploys[path])}", style="yellow"))
    shown.append(Text(on_one_line(path), style="bold"))
    return shown


def _statement(seen: Seen, was: str) -> RenderableType:
    lines = changed.shown(seen.statement.sql, _MOST_LINES)
    text = Text()
    for number, line in enumerate(lines):
        text.append("\n" if number else "")
        text.append(line)
    plain = text.plain
    text = Text(harmless(plain), style="dim" if seen.is_frame else "")
    if was and not seen.is_frame:
        for start, end in changed.new_words(was, plain):
            text.stylize("bold green", start, end)
    table = Table.grid(padding=(0, 1))
    table.add_column(width=4, justify="right", style="dim")
    table.add_column(overflow="fold")
    table.add_row(str(seen.statement.line), text)
    told = facts(seen)
    if told:
        rows = Table.grid(padding=(0, 1))
        rows.add_column(width=7, style="dim")
        rows.add_column(overflow="fold")
        for fact in told:
            rows.add_row(fact.label, Text(harmless(fact.text), style=_TONES[fact.tone]))
        table.add_row("", rows)
    return table


def _stacked(
    proof: Proof,
    told: Story,
    pair: Pair,
    written: list[RenderableType],
    fixed: list[RenderableType],
) -> Iterator[RenderableType]:
    before, after = _verdicts(pair)
    if not told.two_sided:
        yield from (*written, *before)
        return
    if pair.written:
        yield Text("as written", style="dim")
        yield from (*written, *before)
    yield Text(fix_title(proof), style="dim")
    yield from (*fixed, *after)


def _verdicts(pair: Pair) -> tuple[list[RenderableType], list[RenderableType]]:
    """Below both sides."""
    before, after = verdicts(pair)
    left, right = [], []
    if before is not None:
        left.append(_hanging(Text(harmless(before.text), style=_GRADES[before.grade]), "   = "))
    if after is not None:
        same = before == after and pair.unchanged
        style = "dim" if same else _GRADES[after.grade]
        text = "unchanged" if same else harmless(after.text)
        right.append(_hanging(Text(text, style=style), "   → "))
    elif pair.written:
        right.append(_hanging(Text("gone", style="bold"), "   → "))
    return left, right


def _hanging(text: Text, mark: str | Text) -> RenderableType:
    """A text with a mark before it, and its other lines below its first."""
    table = Table.grid()
    table.add_column(width=len(mark))
    table.add_column(overflow="fold")
    table.add_row(mark, text)
    return table


def _summary(lines: Sequence[Line]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for line in lines:
        mark, style = _MARKS[line.mark]
        text = "\n".join([line.text, *line.details])
        table.add_row(Text(mark, style=style), line.label, Text(harmless(text)))
    return table


def _offer(proof: Proof, path: str) -> Iterator[RenderableType]:
    if offered := command(proof, path):
        yield Text(f"$ {on_one_line(offered)}", style="bold", no_wrap=True)
