"""The charts of a result: what is on them. How they are drawn is in ``chart``."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from markupsafe import Markup

from senior_backend.load.formats import units
from senior_backend.load.formats.html import svg
from senior_backend.load.formats.html.chart import Chart, Shape, Strip, Tick, x_ticks, y_ticks
from senior_backend.load.formats.html.scale import (
    Linear,
    Log,
    Scale,
    for_times,
    from_zero,
    time_ticks,
)
from senior_backend.load.formats.html.stretches import Stretch, chunks, stretches, worst
from senior_backend.load.histogram import Histogram, bounds, middle
from senior_backend.load.result import Percentiles, Result, SeriesWindow
from senior_backend.report.terminal import on_one_line

STRIPS: Final = 120
"""Parts of a time axis that tell more when pointed at."""
POINTS: Final = 150
"""Of a line in the chart of one endpoint."""
CAUSES: Final = 6
"""Causes of failure with a colour of their own."""

_LINES: Final = ("max", "p99", "p95", "p50")
"""The first is drawn first, below the others."""

_NINES: Final = (0.0, math.log10(2), 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
"""0, 50, 90, 99, 99.9 % and so on, as the decimal logarithm of 1 / (1 - share)."""
_MINOR_NINES: Final = (_NINES[1], 3.0, 5.0)


def latency(result: Result, baseline: Result | None) -> Chart:
    """Response time over time."""
    axis = _Time(result)
    old = _inside(baseline.series, axis.length) if baseline else []
    values = [v for w in axis.series for n in _LINES if (v := w.total.response_time_ms.get(n))]
    values += [v for w in old for n in ("p95", "p99") if (v := w.total.response_time_ms.get(n))]
    y = for_times(values)
    shapes = [
        Shape(f"b-{n}", svg.line(_points(axis, y, old, n)), name=f"baseline {n}")
        for n in ("p99", "p95")
        if old
    ]
    shapes += [Shape(n, svg.line(_points(axis, y, axis.series, n)), name=n) for n in _LINES]
    return axis.chart(
        "Response time over time",
        _describe_times(axis.series),
        shapes,
        _times_axis(y),
        lambda stretch: _times_text(stretch.times),
        note="logarithmic axis" if isinstance(y, Log) else "",
        height=280,
    )


def endpoint_latency(result: Result, name: str) -> Chart:
    """Response time over time of one endpoint, in fewer points: the highest of each."""
    axis = _Time(result)
    points: list[tuple[float, Percentiles]] = []
    for windows in chunks(axis.series, POINTS):
        start, end = windows[0].start_s, windows[-1].start_s + windows[-1].length_s
        of_it = [w.endpoints[name] for w in windows if name in w.endpoints]
        points.append(((start + end) / 2, worst(of_it)))
    y = for_times([v for _, times in points for v in times.values()])
    shapes = [
        Shape(
            n,
            svg.line((axis.x.place(at), _placed(y, times.get(n))) for at, times in points),
            name=n,
        )
        for n in _LINES
    ]
    highest = max((times.get("max", 0.0) for _, times in points), default=0.0)
    return axis.chart(
        f"Response time of {on_one_line(name)} over time",
        f"Highest {units.duration(highest or None)}.",
        shapes,
        _times_axis(y, 3),
        None,
        note="logarithmic axis" if isinstance(y, Log) else "",
        height=120,
    )


def rates(result: Result) -> Chart:
    """Arrivals asked, sent and dropped, and requests ended, a second."""
    axis = _Time(result)
    within = [w for w in axis.series if w.start_s < result.duration_s]
    asked = _rates(axis, within, lambda w: w.due)
    sent = _rates(axis, within, lambda w: w.started)
    ended = _rates(axis, axis.series, lambda w: w.total.count)
    dropped = _rates(axis, axis.series, lambda w: w.dropped)
    every = [value for spans in (asked, sent, ended, dropped) for *_, value in spans]
    y = from_zero(every)
    shapes = [
        Shape("sent", _filled(y, sent), filled=True),
        Shape("ended", _stairs(y, ended), name="requests ended"),
        Shape("sent", _stairs(y, sent), name="arrivals sent"),
        Shape("asked", _stairs(y, asked), name="arrivals asked"),
    ]
    if result.dropped:
        shapes.insert(
            0, Shape("dropped", _filled(y, dropped), filled=True, name="arrivals dropped")
        )
    share = units.share(
        units.of(round(result.achieved_rate * 1000), round(result.requested_rate * 1000))
    )
    return axis.chart(
        "Rate over time",
        f"Asked {units.rate(result.requested_rate)}, achieved {units.rate(result.achieved_rate)} "
        f"({share}), {units.count(result.dropped)} arrivals dropped.",
        shapes,
        _amounts_axis(y, "/s"),
        _rates_text,
        note="a second",
    )


def waiting(result: Result) -> Chart:
    """What waited: arrivals for a connection, requests for their response."""
    axis = _Time(result)
    levels: list[tuple[str, str, Callable[[SeriesWindow], int]]] = [
        ("open", "open connections", lambda w: w.open_connections),
        ("flight", "requests under way", lambda w: w.in_flight),
        ("backlog", "arrivals waiting", lambda w: w.backlog),
    ]
    backlog = max((w.backlog for w in axis.series), default=0)
    if not backlog:
        levels.pop()
    y = from_zero([level(w) for _, _, level in levels for w in axis.series])
    shapes = [
        Shape(style, svg.line((axis.middle(w), y.place(level(w))) for w in axis.series), name=name)
        for style, name, level in levels
    ]
    return axis.chart(
        "Waiting over time",
        f"At most {units.count(backlog)} arrivals waited for a connection.",
        shapes,
        _amounts_axis(y, ""),
        lambda s: (
            f"{s.backlog:,} arrivals waiting\n{s.in_flight:,} requests under way\n"
            f"{s.open_connections:,} open connections"
        ),
        note="at the end of each stretch" + ("" if backlog else "; no arrival waited"),
    )


def errors(result: Result) -> Chart | None:
    """Failures a second by cause, stacked; None if nothing failed."""
    axis = _Time(result)
    counts: dict[str, int] = {}
    for window in axis.series:
        for cause, count in _causes(window).items():
            counts[cause] = counts.get(cause, 0) + count
    if not counts:
        return None
    causes = sorted(counts, key=lambda cause: -counts[cause])
    groups: list[tuple[str, tuple[str, ...]]] = [(cause, (cause,)) for cause in causes[:CAUSES]]
    if rest := tuple(causes[CAUSES:]):
        groups.append((f"{len(rest)} other causes", rest))
    stacked = [0.0 for _ in axis.series]
    layers = []
    for name, members in groups:
        below = stacked
        stacked = [
            low + sum(_causes(w).get(cause, 0) for cause in members) / (w.length_s or 1.0)
            for low, w in zip(below, axis.series, strict=True)
        ]
        layers.append((name, below, stacked))
    y = from_zero(stacked)

    def points(heights: Sequence[float]) -> list[svg.Point]:
        spans = zip(axis.series, heights, strict=True)
        return svg.stairs((*axis.span(window), y.place(height)) for window, height in spans)

    shapes = [
        Shape(f"cause-{number}", svg.area(points(above), points(below)), filled=True, name=name)
        for number, (name, below, above) in enumerate(layers)
    ]
    told = ", ".join(f"{units.count(counts[c])} {on_one_line(c)}" for c in causes[:CAUSES])
    return axis.chart(
        "Errors over time",
        f"{told}.",
        shapes,
        _amounts_axis(y, "/s"),
        lambda s: (
            "\n".join(f"{count:,} {on_one_line(cause)}" for cause, count in s.errors.items())
            or "no errors"
        ),
        note="a second, by cause",
        height=260,
    )


def percentiles(result: Result, baseline: Result | None) -> Chart:
    """How long the slowest share of the requests took: nines on a logarithmic axis."""
    kept = result.total.histograms
    curves = [
        ("service", "service time", Histogram(kept.service_time)),
        ("response", "response time", Histogram(kept.response_time)),
    ]
    if baseline:
        old = Histogram(baseline.total.histograms.response_time)
        curves.insert(0, ("b-response", "baseline response time", old))
    count = max((histogram.count for *_, histogram in curves), default=0)
    x = Linear(0.0, min(6.0, max(1.0, math.log10(count or 1))))
    drawn = [(style, name, quantiles(histogram, x.high)) for style, name, histogram in curves]
    y = for_times([ms for *_, points in drawn for _, ms in points])
    shapes = [
        Shape(style, svg.line((x.place(at), y.place(ms)) for at, ms in points), name=name)
        for style, name, points in drawn
    ]
    marks = [at for at in _NINES if at <= x.high]
    labels = [f"{100 - 100 / 10**at:.6g} %" for at in marks]
    times = result.total.response_time_ms
    return Chart(
        "Percentiles",
        ", ".join(f"{name} {units.duration(value)}" for name, value in times.items()) + ".",
        shapes,
        [
            Tick(x.place(at), label, minor=at in _MINOR_NINES)
            for at, label in zip(marks, labels, strict=True)
        ],
        _times_axis(y),
        _quantile_strips(x, curves),
        note="share of the requests that took at most so long"
        + (", logarithmic" if isinstance(y, Log) else ""),
        height=260,
        void=not result.valid,
    )


def quantiles(histogram: Histogram, highest: float, steps: int = 240) -> list[tuple[float, float]]:
    """(decimal logarithm of 1 / (1 - share), milliseconds) up to the last request, or ``highest``.

    The last point is the maximum: no curve ends below it.
    """
    total = histogram.count
    if not total:
        return []
    end = min(highest, math.log10(total))
    points = []
    buckets = iter(histogram)
    index, seen = next(buckets)
    for number in range(steps):
        at = end * number / steps
        rank = max(1.0, (1 - 10**-at) * total)
        while seen < rank - 1e-9:
            index, count = next(buckets)
            seen += count
        points.append((at, middle(index) / 1e6))
    return [*points, (end, bounds(max(histogram.counts))[1] / 1e6)]


def _quantile_strips(
    x: Linear, curves: Sequence[tuple[str, str, Histogram]], count: int = 48
) -> list[Strip]:
    strips = []
    for number in range(count):
        share = 1 - 10 ** -(x.high * (number + 0.5) / count)
        times = "\n".join(
            f"{name} {units.duration(histogram.percentile(share * 100) / 1e6)}"
            for _, name, histogram in curves
        )
        strips.append(
            Strip(number / count, (number + 1) / count, f"{share:.5%} of the requests\n{times}")
        )
    return strips


def spread(times: Percentiles, scale: Scale, style: str) -> Markup:
    """From p50 to max on an axis that all endpoints share: bar to p95, mark at p99, line to max."""
    if not times:
        return Markup("")
    at = {name: scale.place(times[name]) for name in ("p50", "p95", "p99", "max")}
    end = svg.percent(at["max"])
    parts = [
        svg.element("line", x1=svg.percent(at["p50"]), x2=end, y1=8, y2=8, class_="whisker"),
        svg.element(
            "rect",
            x=svg.percent(at["p50"]),
            width=svg.percent(max(at["p95"] - at["p50"], 0.004)),
            y=4,
            height=8,
            class_="bar",
        ),
        svg.element("circle", cx=svg.percent(at["p99"]), cy=8, r=3.5, class_="p99"),
        svg.element("line", x1=end, x2=end, y1=4, y2=12, class_="whisker"),
        svg.element("title", _times_text(times)),
    ]
    return svg.element(
        "svg",
        *parts,
        class_=f"spread {style}",
        width="100%",
        height=16,
        overflow="visible",
        aria_hidden="true",
    )


class _Time:
    """The time axis of a run, which all its charts share."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.series = result.series
        ends = [window.start_s + window.length_s for window in self.series]
        self.length = max([result.duration_s, *ends]) or 1.0
        self.x = Linear(0.0, self.length)

    def middle(self, window: SeriesWindow) -> float:
        return self.x.place(window.start_s + window.length_s / 2)

    def span(self, window: SeriesWindow) -> tuple[float, float]:
        return self.x.place(window.start_s), self.x.place(window.start_s + window.length_s)

    def chart(
        self,
        title: str,
        description: str,
        shapes: Sequence[Shape],
        y: Sequence[Tick],
        text: Callable[[Stretch], str] | None,
        *,
        note: str = "",
        height: int = 200,
    ) -> Chart:
        marks = time_ticks(self.length)
        strips = []
        if text:
            strips = [
                Strip(
                    self.x.place(stretch.start_s),
                    self.x.place(stretch.end_s),
                    f"{_when(stretch)}\n{text(stretch)}",
                )
                for stretch in stretches(self.series, STRIPS)
            ]
        ended = self.result.duration_s
        end = self.x.place(ended) if ended < self.length * 0.999 else None
        if end is not None:
            note = "; ".join(part for part in (note, "dotted: the end of the load") if part)
        return Chart(
            title,
            description,
            shapes,
            x_ticks(self.x, marks, [_clock(at, self.length) for at in marks]),
            y,
            strips,
            note=note,
            height=height,
            end=end,
            void=not self.result.valid,
        )


def _inside(series: Sequence[SeriesWindow], length_s: float) -> list[SeriesWindow]:
    return [window for window in series if window.start_s + window.length_s <= length_s * 1.001]


def _placed(scale: Scale, value: float | None) -> float | None:
    return None if value is None else scale.place(value)


def _points(
    axis: _Time, y: Scale, series: Iterable[SeriesWindow], name: str
) -> Iterable[svg.Point]:
    for window in series:
        yield axis.middle(window), _placed(y, window.total.response_time_ms.get(name))


Spans = list[tuple[float, float, float]]
"""Places of start and end, and an amount a second between them."""


def _rates(
    axis: _Time, series: Iterable[SeriesWindow], amount: Callable[[SeriesWindow], int]
) -> Spans:
    return [(*axis.span(window), amount(window) / (window.length_s or 1.0)) for window in series]


def _stairs(y: Scale, spans: Spans) -> str:
    return svg.line(svg.stairs((start, end, y.place(value)) for start, end, value in spans))


def _filled(y: Scale, spans: Spans) -> str:
    upper = svg.stairs((start, end, y.place(value)) for start, end, value in spans)
    return svg.area(upper, [(x, 0.0) for x, _ in upper])


def _causes(window: SeriesWindow) -> dict[str, int]:
    """Also where it is only known that something failed."""
    if window.errors or not window.total.failed:
        return window.errors
    return {"failed": window.total.failed}


def _times_axis(y: Scale, most: int = 6) -> list[Tick]:
    return y_ticks(y, [(value, plain(units.duration(value))) for value in y.ticks(most)])


def _amounts_axis(y: Linear, unit: str) -> list[Tick]:
    return y_ticks(y, [(value, plain(units.significant(value)) + unit) for value in y.ticks()])


def plain(text: str) -> str:
    """Without the zeros behind the point: marks are round numbers."""
    amount, _, unit = text.partition(" ")
    if "." in amount:
        amount = amount.rstrip("0").rstrip(".")
    return f"{amount} {unit}".rstrip()


def _clock(at: float, length_s: float) -> str:
    if length_s <= 180:
        return f"{at:g} s"
    return f"{at / 60:g} min" if length_s <= 3 * 3600 else f"{at / 3600:g} h"


def _when(stretch: Stretch) -> str:
    highest = f" (highest of {stretch.windows} stretches)" if stretch.windows > 1 else ""
    return f"{stretch.start_s:g} to {round(stretch.end_s, 2):g} s{highest}"


def _times_text(times: Percentiles) -> str:
    shown = [n for n in ("p50", "p95", "p99", "max") if n in times]
    return "\n".join(f"{n} {units.duration(times[n])}" for n in shown) or "nothing succeeded"


def _rates_text(stretch: Stretch) -> str:
    lines = [
        f"asked {units.rate(stretch.asked)}",
        f"sent {units.rate(stretch.sent)}",
        f"ended {units.rate(stretch.ended)}",
    ]
    if stretch.dropped:
        lines.append(f"{stretch.dropped:,} arrivals dropped")
    if stretch.failed:
        lines.append(f"{stretch.failed:,} requests failed")
    return "\n".join(lines)


def _describe_times(series: Sequence[SeriesWindow]) -> str:
    told = []
    for name in ("p50", "p95", "p99", "max"):
        values = [
            (value, window.start_s)
            for window in series
            if (value := window.total.response_time_ms.get(name)) is not None
        ]
        if values:
            high, start = max(values)
            low = min(values)[0]
            told.append(
                f"{name} from {units.duration(low)} to {units.duration(high)}, then at {start:g} s"
            )
    return "; ".join(told) + "." if told else "Nothing succeeded."
