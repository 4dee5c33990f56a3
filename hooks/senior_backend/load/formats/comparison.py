"""A comparison of two sides of results, for people and for machines."""

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final, get_args

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from senior_backend.load.comparison.document import (
    Comparison,
    EndpointComparison,
    Rates,
    Side,
    Verdict,
)
from senior_backend.load.formats import units
from senior_backend.report.console import console_for
from senior_backend.report.github import attribute, data
from senior_backend.report.markdown import cell, code
from senior_backend.report.terminal import on_one_line

FORMATS: Final = ("terminal", "json", "markdown", "github")

WIDTH: Final = 100
_MOST_ANNOTATIONS: Final = 10
"""GitHub shows ten errors and ten warnings of a step."""
_MARKS: Final = {
    "PASSED": "\N{WHITE HEAVY CHECK MARK}",
    "FAILED": "\N{CROSS MARK}",
    "NOT COMPARABLE": "\N{NO ENTRY SIGN}",
}
_STYLES: Final = {
    "PASSED": "bold green",
    "FAILED": "bold red",
    "NOT COMPARABLE": "bold white on red",
}
_COLUMNS: Final = ("endpoint", "base", "new", "ratio", "interval", "noise", "verdict", "failed")


def render(comparison: Comparison, name: str, *, colour: bool = False, width: int = WIDTH) -> str:
    """``comparison`` in one of ``FORMATS``, without a final newline."""
    if name == "json":
        return comparison.model_dump_json(indent=2)
    if name == "markdown":
        return _markdown(comparison)
    if name == "github":
        return _github(comparison)
    return _terminal(comparison, colour=colour, width=width)


def headline(comparison: Comparison) -> tuple[str, str]:
    """The word and the sentence that every format begins with."""
    if comparison.passed is None:
        return "NOT COMPARABLE", "nothing of this says whether the new side is slower"
    counts = dict.fromkeys(get_args(Verdict), 0)
    for endpoint in comparison.endpoints.values():
        counts[endpoint.verdict] += 1
    found = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    if comparison.passed:
        hidden = len(_not_excluded(comparison))
        but = f", but the noise could hide it in {hidden}" if hidden else ""
        return (
            "PASSED",
            f"no endpoint was found slower by more than {_percent(comparison)}{but}: {found}",
        )
    slower = sum(e.beyond_tolerance for e in comparison.endpoints.values())
    failing = [name for name, e in comparison.endpoints.items() if e.failures.verdict == "more"]
    parts = []
    if slower:
        of = len(comparison.endpoints)
        parts.append(
            f"{slower} of {of} endpoint{'s' * (of > 1)} slower, as measured by more than "
            f"{_percent(comparison)}"
        )
    if failing:
        parts.append(f"more requests fail in {_few(failing)}")
    if comparison.dropped.verdict == "more":
        parts.append("more arrivals are dropped")
    return "FAILED", "; ".join(parts)


def notes(comparison: Comparison) -> list[str]:
    """What the table does not hold: reasons, what is not excluded, what was dropped."""
    found = [*comparison.not_comparable]
    for name, endpoint in comparison.endpoints.items():
        if endpoint.reason:
            found.append(f"{name}: {endpoint.verdict}: {endpoint.reason}")
    if hidden := _not_excluded(comparison):
        found.append(
            f"a slowdown of more than {_percent(comparison)} is not excluded for {_few(hidden)}: "
            "the interval reaches beyond it; more or longer runs narrow it"
        )
    if comparison.dropped.verdict not in ("no difference", "not comparable"):
        found.append(f"dropped arrivals: {_failed(comparison.dropped)}")
    return found


def _not_excluded(comparison: Comparison) -> list[str]:
    """Endpoints without a difference whose interval reaches beyond the tolerance."""
    return [
        name
        for name, endpoint in comparison.endpoints.items()
        if endpoint.verdict == "no difference" and not endpoint.slowdown_excluded
    ]


def facts(comparison: Comparison) -> list[tuple[str, str]]:
    """What was compared, and how."""
    noise = {"runs": "from run to run", "blocks": "within the runs"}[comparison.method]
    return [
        ("base", _side(comparison.base)),
        ("new", _side(comparison.new)),
        (
            "compared",
            f"{comparison.metric} of the response time; noise measured {noise}; "
            f"{comparison.confidence:.0%} for all endpoints together".replace("%", " %"),
        ),
    ]


def _side(side: Side) -> str:
    runs = f"{side.runs} run{'s' * (side.runs > 1)}"
    where = _few(side.files)
    return f"{where} ({runs}, {units.rate(side.requested_rate)} to {side.target})"


def _rows(comparison: Comparison) -> Iterable[Sequence[str]]:
    for name, endpoint in comparison.endpoints.items():
        yield (
            name,
            units.duration(endpoint.base_ms),
            units.duration(endpoint.new_ms),
            units.NOTHING if endpoint.ratio is None else _ratio(endpoint.ratio),
            _interval(endpoint),
            _noise(endpoint.noise_floor),
            _verdict(comparison, endpoint),
            _failed(endpoint.failures),
        )


def _ratio(ratio: float) -> str:
    """With three decimals while it is near 1, and never a 1.000 that is none by rounding alone."""
    return f"{ratio:.3f}" if ratio < 10 else units.significant(ratio)


def _noise(floor: float | None) -> str:
    if floor is None:
        return units.NOTHING
    if floor >= 2:
        return f"\N{MULTIPLICATION SIGN}{units.significant(floor, 2)}"
    return f"\N{PLUS-MINUS SIGN}{floor - 1:.1%}".replace("%", " %")


def _interval(endpoint: EndpointComparison) -> str:
    if endpoint.interval is None:
        return units.NOTHING
    low, high = endpoint.interval
    return f"{_ratio(low)} to {_ratio(high)}"


def _verdict(comparison: Comparison, endpoint: EndpointComparison) -> str:
    if endpoint.verdict != "slower":
        return endpoint.verdict
    return "SLOWER" if endpoint.beyond_tolerance else f"slower, within {_percent(comparison)}"


def _failed(rates: Rates) -> str:
    """Both rates, and the verdict where there is one."""
    before = units.share(units.of(rates.base, rates.base_of))
    now = units.share(units.of(rates.new, rates.new_of))
    if before == now and rates.verdict in ("no difference", "not comparable"):
        return now
    change = f"{before} \N{RIGHTWARDS ARROW} {now}"
    return f"{change}, {rates.verdict}" if rates.verdict in ("more", "fewer") else change


def _percent(comparison: Comparison) -> str:
    return f"{comparison.tolerance * 100:g} %"


def _few(names: Sequence[str], most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _terminal(comparison: Comparison, *, colour: bool, width: int) -> str:
    out = StringIO()
    console = console_for(out, colour=colour, width=width)
    word, sentence = headline(comparison)
    console.print(Text.assemble((f"{word}:", _STYLES[word]), " ", on_one_line(sentence)))
    console.print()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in facts(comparison):
        grid.add_row(name, on_one_line(value))
    console.print(Padding(grid, (0, 0, 1, 2)))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column in _COLUMNS:
        numbers = column in ("base", "new", "ratio", "interval", "noise")
        table.add_column(
            column, justify="right" if numbers else "left", no_wrap=numbers, overflow="fold"
        )
    for row, endpoint in zip(_rows(comparison), comparison.endpoints.values(), strict=True):
        bad = endpoint.beyond_tolerance or endpoint.failures.verdict == "more"
        good = endpoint.verdict == "faster"
        style = "red" if bad else "green" if good else ""
        table.add_row(*(Text(on_one_line(text)) for text in row), style=style)
    console.print(Padding(table, (0, 0, 0, 2)))
    for title, items in (("Notes", notes(comparison)), ("Warnings", comparison.warnings)):
        if items:
            console.print()
            console.print(Text(title, style="bold"))
        for item in items:
            line = Table.grid(padding=(0, 1, 0, 0))
            line.add_column(width=3, justify="right")
            line.add_column()
            line.add_row("-", Text(on_one_line(item)))
            console.print(line)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _markdown(comparison: Comparison) -> str:
    word, sentence = headline(comparison)
    lines = [f"### {_MARKS[word]} Load test compared: {word}", "", f"{cell(sentence)}.", ""]
    lines += [f"| {' | '.join(_COLUMNS)} |", "|---|--:|--:|--:|--:|--:|---|---|"]
    for name, *rest in _rows(comparison):
        cells = [code(on_one_line(name)), *(cell(text) for text in rest)]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for item in notes(comparison):
        lines.append(f"- {cell(on_one_line(item))}")
    for item in comparison.warnings:
        lines.append(f"- \N{WARNING SIGN} {cell(on_one_line(item))}")
    for name, value in facts(comparison):
        lines.append(f"- {name}: {cell(on_one_line(value))}")
    return "\n".join(lines)


def _github(comparison: Comparison) -> str:
    word, sentence = headline(comparison)
    title = f"Load test compared: {word}"
    if word != "FAILED":
        kind = "notice" if word == "PASSED" else "error"
        reasons = notes(comparison) if word != "PASSED" else []
        said = "; ".join([sentence, *reasons])
        lines = [_command(kind, title, said)]
    else:
        bad = [
            f"{name}: {comparison.metric} {base} \N{RIGHTWARDS ARROW} {new}, ratio {ratio} "
            f"({interval}), {verdict}; failed {failed}"
            for (name, base, new, ratio, interval, _, verdict, failed), endpoint in zip(
                _rows(comparison), comparison.endpoints.values(), strict=True
            )
            if endpoint.beyond_tolerance or endpoint.failures.verdict == "more"
        ]
        if comparison.dropped.verdict == "more":
            bad.append(f"dropped arrivals: {_failed(comparison.dropped)}")
        if len(bad) > _MOST_ANNOTATIONS:
            bad[_MOST_ANNOTATIONS - 1] += f"; and {len(bad) - _MOST_ANNOTATIONS} more"
        lines = [_command("error", title, text) for text in bad[:_MOST_ANNOTATIONS]]
    lines += [_command("warning", title, text) for text in comparison.warnings[:_MOST_ANNOTATIONS]]
    return "\n".join(lines)


def _command(kind: str, title: str, text: str) -> str:
    return f"::{kind} title={attribute(title)}::{data(on_one_line(text))}"
