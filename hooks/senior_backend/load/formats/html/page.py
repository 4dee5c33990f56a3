"""What is on the page, ready to be filled into the template."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from senior_backend import __version__
from senior_backend.load.formats import tables, units
from senior_backend.load.formats.html import charts
from senior_backend.load.formats.html.chart import Tick, x_ticks
from senior_backend.load.formats.html.scale import Log, logarithmic
from senior_backend.load.formats.html.stretches import Stretch, stretches
from senior_backend.load.formats.verdict import verdict
from senior_backend.load.result import EndpointResult, Percentiles, Result
from senior_backend.report.terminal import on_one_line

MOST_ENDPOINTS: Final = 100
"""In the table; those with most failures and the slowest, if there are more."""
MOST_DETAILS: Final = 12
"""Endpoints with a chart of their own."""
ROWS: Final = 30
"""Of the table that has the numbers of the charts."""

_SHOWN: Final = ("p50", "p95", "p99", "max")


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, and how far it is from the baseline."""

    text: str
    change: str = ""
    worse: bool | None = None
    """None: about the same, or it cannot be said."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A number in large letters."""

    name: str
    value: str
    about: str
    change: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class EndpointView:
    """A group of two rows in the table of endpoints."""

    name: str
    total: bool
    count: str
    failed: str
    share: str
    response: Sequence[Cell]
    service: Sequence[Cell]
    response_spread: Markup
    service_spread: Markup
    new: bool
    """Not in the baseline."""


def page(result: Result, baseline: Result | None) -> str:
    """The whole document."""
    baseline = baseline if result.valid else None
    shown = tables.endpoints(result, baseline, MOST_ENDPOINTS)
    scale = _shared_scale(shown)
    detailed = [row.name for row in shown if not row.total][:MOST_DETAILS]
    return _template().render(
        version=__version__,
        result=result,
        baseline=baseline,
        verdict=verdict(result),
        mark=tables.doubt(result),
        comparable=tables.comparable(result, baseline) if baseline else (),
        facts=tables.run_facts(result),
        tiles=_tiles(result, baseline),
        thresholds=[
            (t, tables.threshold_value(t) + tables.doubt(result), tables.threshold_notes(t))
            for t in result.thresholds
        ],
        latency=charts.latency(result, baseline),
        rates=charts.rates(result),
        waiting=charts.waiting(result),
        errors_over_time=charts.errors(result),
        percentiles=charts.percentiles(result, baseline),
        rows=[_row(stretch, result) for stretch in stretches(result.series, ROWS)],
        columns=tables.COLUMNS,
        endpoints=[_endpoint(row, result, scale, compared=baseline is not None) for row in shown],
        axis=_spread_axis(scale),
        left_out=tables.left_out(result, MOST_ENDPOINTS),
        details=[
            (name, charts.endpoint_latency(result, name), _statuses(result.endpoints[name]))
            for name in detailed
        ]
        if len(result.endpoints) > 1
        else [],
        more_details=max(0, len(result.endpoints) - MOST_DETAILS),
        errors=tables.errors(result),
        where=tables.where,
        groups=[
            ("Connections", tables.connection_facts(result)),
            ("Load generator", tables.generator_facts(result)),
            ("Environment", tables.environment_facts(result)),
        ],
        response_means=tables.RESPONSE,
        service_means=tables.SERVICE,
        count=units.count,
        share=units.share,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_legible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja")


def _legible(value: object) -> object:
    """Names come from anywhere: without control characters, or what turns the direction."""
    return on_one_line(value) if type(value) is str else value


def _tiles(result: Result, baseline: Result | None) -> list[Tile]:
    mark = tables.doubt(result)
    now = {name: (number, what) for name, number, what in tables.load_facts(result)}
    old = {name: number for name, number, _ in tables.load_facts(baseline)} if baseline else {}

    def was(name: str) -> str:
        return f"was {old[name]}" if old.get(name, now[name][0]) != now[name][0] else ""

    times = result.total.response_time_ms
    before = baseline.total if baseline else None
    short = result.requested_rate and result.achieved_rate < 0.99 * result.requested_rate
    return [
        Tile(
            "achieved rate",
            now["achieved"][0] + mark,
            f"{now['achieved'][1]} {now['asked'][0]}",
            was("achieved"),
            bad=bool(short),
        ),
        Tile(
            "requests sent", now["sent"][0], f"{units.count(result.completed)} ended", was("sent")
        ),
        Tile(
            "failed", now["failed"][0], now["failed"][1], was("failed"), bad=result.total.failed > 0
        ),
        Tile(
            "dropped", now["dropped"][0], now["dropped"][1], was("dropped"), bad=result.dropped > 0
        ),
        *(
            Tile(
                f"{name} response" if name != "max" else "longest response",
                units.duration(times.get(name)) + (mark if name in times else ""),
                _SHARES[name],
                tables.change(result.total, before, name),
            )
            for name in _SHOWN
        ),
    ]


_SHARES: Final = {
    "p50": "half took no longer",
    "p95": "1 in 20 took longer",
    "p99": "1 in 100 took longer",
    "max": "no success took longer",
}


def _endpoint(row: tables.Row, result: Result, scale: Log, *, compared: bool) -> EndpointView:
    before = row.before
    now = row.now
    mark = tables.doubt(result)
    return EndpointView(
        name=row.name,
        total=row.total,
        count=units.count(now.count),
        failed=units.count(now.failed),
        share=units.share(units.of(now.failed, now.count)) if now.failed else "",
        response=_cells(row, mark, service=False),
        service=_cells(row, mark, service=True),
        response_spread=charts.spread(now.response_time_ms, scale, "response"),
        service_spread=charts.spread(now.service_time_ms, scale, "service"),
        new=compared and before is None,
    )


def _cells(row: tables.Row, mark: str, *, service: bool) -> list[Cell]:
    now, before = (_times(each, service=service) for each in (row.now, row.before))
    cells = []
    for column in tables.COLUMNS:
        if column not in now:
            cells.append(Cell(units.NOTHING))
            continue
        value, old = now[column], before.get(column)
        change = tables.change(row.now, row.before, column, service=service)
        worse = value > old if old and abs(value / old - 1) >= _SAME else None
        if change == units.NOTHING:
            worse = None
        cells.append(Cell(units.duration(value) + mark, change, worse))
    return cells


def _times(result: EndpointResult | None, *, service: bool) -> Percentiles:
    if result is None:
        return {}
    return result.service_time_ms if service else result.response_time_ms


_SAME: Final = 0.05
"""Differences below that get no colour: two runs of the same service differ by as much."""


def _shared_scale(rows: Iterable[tables.Row]) -> Log:
    return logarithmic(
        [
            times[name]
            for row in rows
            for times in (row.now.response_time_ms, row.now.service_time_ms)
            for name in _SHOWN
            if name in times
        ]
    )


def _spread_axis(scale: Log) -> list[Tick]:
    marks = scale.ticks(4)
    return x_ticks(scale, marks, [charts.plain(units.duration(mark)) for mark in marks])


def _statuses(endpoint: EndpointResult) -> str:
    statuses = ", ".join(f"{units.count(n)} of {code}" for code, n in endpoint.statuses.items())
    return f"Statuses: {statuses or 'none'}. Received {units.size(endpoint.bytes_received)}."


def _row(stretch: Stretch, result: Result) -> list[str]:
    mark = tables.doubt(result)
    times = [
        units.duration(stretch.times[name]) + mark if name in stretch.times else units.NOTHING
        for name in _SHOWN
    ]
    return [
        f"{stretch.start_s:g} to {round(stretch.end_s, 2):g} s",
        units.rate(stretch.asked),
        units.rate(stretch.sent) + mark,
        units.count(stretch.failed),
        units.count(stretch.dropped),
        units.count(stretch.backlog),
        *times,
    ]
