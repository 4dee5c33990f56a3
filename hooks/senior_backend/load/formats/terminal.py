"""For a person at a terminal, or in the log of a build: plain text of a stable width."""

from io import StringIO
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from senior_backend.load.formats import tables, units
from senior_backend.load.formats.verdict import Verdict, Word, verdict
from senior_backend.load.result import Percentiles, Result
from senior_backend.report.console import console_for
from senior_backend.report.terminal import on_one_line

WIDTH: Final = 100
"""Characters, where there is no terminal to ask."""

MOST_ENDPOINTS: Final = 40

_STYLES: Final[dict[Word, str]] = {
    "PASSED": "bold green",
    "FAILED": "bold red",
    "INVALID": "bold white on red",
    "INTERRUPTED": "bold yellow",
    "MEASURED": "bold",
}


def render(
    result: Result, baseline: Result | None = None, *, colour: bool = False, width: int = WIDTH
) -> str:
    """The verdict, what was asked and came of it, endpoints, errors, thresholds, the generator."""
    out = StringIO()
    console = console_for(out, colour=colour, width=width)
    _Report(result, baseline, console).write()
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


class _Report:
    def __init__(self, result: Result, baseline: Result | None, console: Console) -> None:
        self.result = result
        self.baseline = baseline if result.valid else None
        self.console = console
        self.mark = tables.doubt(result)
        """Goes wherever a measured number goes, so that none can be quoted without it."""

    def write(self) -> None:
        result = self.result
        self._verdict(verdict(result))
        self._facts("", tables.run_facts(result))
        self._load()
        self._latencies("Response time", tables.RESPONSE, service=False)
        self._latencies("Service time", tables.SERVICE, service=True)
        if note := tables.left_out(result, MOST_ENDPOINTS):
            self._note(note)
        if self.baseline:
            for note in tables.comparable(result, self.baseline):
                self._note(note)
        self._errors()
        self._thresholds()
        self._facts("Connections", tables.connection_facts(result))
        self._facts("Generator", tables.generator_facts(result))
        self._list("Warnings", result.warnings, "yellow")

    def _verdict(self, found: Verdict) -> None:
        line = Text.assemble((f"{found.word}:", _STYLES[found.word]), " ", _safe(found.sentence))
        self.console.print(line)
        for reason in found.reasons:
            self._note(reason)

    def _note(self, text: str) -> None:
        self._item(text, "")

    def _list(self, title: str, items: list[str], style: str) -> None:
        if items:
            self._title(title)
        for item in items:
            self._item(item, style)

    def _item(self, text: str, style: str) -> None:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=3, justify="right")
        table.add_column()
        table.add_row(Text("-", style=style), Text(_safe(text)))
        self.console.print(table)

    def _title(self, title: str, note: str = "") -> None:
        self.console.print()
        self.console.print(Text.assemble((title, "bold"), (f", {note}" if note else "", "dim")))

    def _facts(self, title: str, facts: list[tuple[str, str]]) -> None:
        self._title(title) if title else self.console.print()
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim")
        table.add_column(overflow="fold")
        for name, value in facts:
            table.add_row(_safe(name), _safe(value))
        self._indented(table)

    def _load(self) -> None:
        self.console.print()
        table = Table.grid(padding=(0, 2, 0, 0))
        for style, justify in (("dim", "left"), ("bold", "right"), ("", "left")):
            table.add_column(style=style, justify=justify)  # type: ignore[arg-type]
        old = {row[0]: row[1] for row in tables.load_facts(self.baseline)} if self.baseline else {}
        for name, number, what in tables.load_facts(self.result):
            before = f"; was {old[name]}" if old.get(name, number) != number else ""
            doubtful = self.mark if name == "achieved" else ""
            table.add_row(name, number + doubtful, what + before)
        self._indented(table)

    def _latencies(self, title: str, what: str, *, service: bool) -> None:
        self._title(title, what)
        table = self._table()
        table.add_column("endpoint", overflow="fold", min_width=8)
        if not service:
            table.add_column("count", justify="right", no_wrap=True)
            table.add_column("failed", justify="right", no_wrap=True)
        for column in tables.COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        for row in tables.endpoints(self.result, self.baseline, MOST_ENDPOINTS):
            style = "bold" if row.total else ""
            now = row.now.service_time_ms if service else row.now.response_time_ms
            cells: list[str | Text] = [Text(_safe(row.name))]
            if not service:
                cells += [units.count(row.now.count), self._failed(row.now.failed)]
            table.add_row(*cells, *self._times(now), style=style)
            if self.baseline:
                table.add_row(*self._against(row, service=service), style="dim")
        self._indented(table)

    def _failed(self, failed: int) -> Text:
        return Text(units.count(failed), style="red" if failed else "")

    def _times(self, times: Percentiles) -> list[str]:
        return [
            units.duration(times[column]) + self.mark if column in times else units.NOTHING
            for column in tables.COLUMNS
        ]

    def _against(self, row: tables.Row, *, service: bool) -> list[str | Text]:
        """The line under an endpoint: its difference to the baseline."""
        counted = [] if service else ["", ""]
        if row.before is None:
            return ["  not in the baseline", *counted, *("" for _ in tables.COLUMNS)]
        deltas = [tables.change(row.now, row.before, c, service=service) for c in tables.COLUMNS]
        return ["  to baseline", *counted, *deltas]

    def _errors(self) -> None:
        rows = tables.errors(self.result)
        if not rows:
            return
        self._title("Errors", "by cause")
        table = self._table()
        table.add_column("cause", overflow="fold", min_width=12)
        table.add_column("count", justify="right", no_wrap=True)
        table.add_column("of all", justify="right", no_wrap=True)
        table.add_column("where", overflow="fold")
        for row in rows:
            table.add_row(
                Text(_safe(row.cause), style="red"),
                units.count(row.count),
                units.share(row.share),
                _safe(tables.where(row)),
            )
        self._indented(table)

    def _thresholds(self) -> None:
        if not self.result.thresholds:
            return
        self._title("Thresholds", "" if self.result.valid else "not judged: the run is INVALID")
        table = self._table()
        table.add_column("", no_wrap=True)
        table.add_column("metric", overflow="fold")
        table.add_column("must be", overflow="fold")
        table.add_column("was", justify="right", no_wrap=True)
        table.add_column("", overflow="fold")
        for threshold in self.result.thresholds:
            if not self.result.valid:
                mark = Text("?")
            elif threshold.passed:
                mark = Text("ok", style="green")
            else:
                mark = Text("FAILED", style="bold red")
            table.add_row(
                mark,
                Text(_safe(threshold.metric)),
                Text(_safe(threshold.expression)),
                tables.threshold_value(threshold) + self.mark,
                Text(tables.threshold_notes(threshold), style="dim"),
            )
        self._indented(table)

    def _table(self) -> Table:
        return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")

    def _indented(self, table: Table) -> None:
        self.console.print(Padding(table, (0, 0, 0, 2)))


def _safe(text: str) -> str:
    """On one line, and without what a terminal would obey: names come from anywhere."""
    return on_one_line(text)
