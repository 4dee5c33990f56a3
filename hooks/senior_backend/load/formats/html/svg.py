"""SVG as text: elements, escaped, and short paths.

Paths are drawn on a grid of ``WIDTH`` by ``HEIGHT`` that is stretched to the chart, whose lines and
letters keep their size: so a chart is as wide as its place, on a telephone and in print, without
a script.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

WIDTH: Final = 1200
HEIGHT: Final = 1000

Point = tuple[float, float | None]
"""Places from 0 to 1, left to right and bottom to top; None where nothing was measured."""


def element(name: str, *children: str | Markup, **attributes: str | float | None) -> Markup:
    """An element; ``class_`` is ``class``, underscores are hyphens, None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(escape(child) for child in children)
    # Every part of it has just been escaped.
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")  # noqa: S704


def number(value: str | float) -> str:
    """With no more digits than can be seen."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def percent(place: float) -> str:
    """A place from 0 to 1 as a length."""
    return f"{number(place * 100)}%"


def _on_grid(x: float, y: float) -> tuple[int, int]:
    return round(x * WIDTH), round((1 - y) * HEIGHT)


def _runs(points: Iterable[Point]) -> Iterator[list[tuple[int, int]]]:
    """The unbroken parts of a line."""
    run: list[tuple[int, int]] = []
    for x, y in points:
        if y is None:
            if run:
                yield run
            run = []
        else:
            run.append(_on_grid(x, y))
    if run:
        yield run


def _steps(run: Sequence[tuple[int, int]]) -> str:
    """From the first point to the last, relative: about six characters a point.

    Level steps that follow each other are one, and those that lead nowhere none.
    """
    steps: list[tuple[int, int]] = []
    for (x, y), (to_x, to_y) in pairwise(run):
        across, down = to_x - x, to_y - y
        if steps and down == 0 == steps[-1][1] and across * steps[-1][0] >= 0:
            steps[-1] = (steps[-1][0] + across, 0)
        elif across or down:
            steps.append((across, down))
    return " ".join(f"{across},{down}" for across, down in steps)


def line(points: Iterable[Point]) -> str:
    """The path of a line; a point between two gaps becomes a dot (with round caps)."""
    return "".join(f"M{run[0][0]},{run[0][1]}l{_steps(run) or '0,0'}" for run in _runs(points))


def area(upper: Sequence[Point], lower: Sequence[Point]) -> str:
    """The path of the area between two lines over the same x."""
    both = [
        (x, None if y is None or low is None else (y, low))
        for (x, y), (_, low) in zip(upper, lower, strict=True)
    ]
    over = _runs([(x, pair[0] if pair else None) for x, pair in both])
    under = _runs([(x, pair[1] if pair else None) for x, pair in both])
    outlines = [[*run, *reversed(back)] for run, back in zip(over, under, strict=True)]
    return "".join(f"M{run[0][0]},{run[0][1]}l{_steps(run)}z" for run in outlines)


def stairs(spans: Iterable[tuple[float, float, float | None]]) -> list[Point]:
    """Points of a line that is level from each start to each end: amounts of a stretch."""
    points: list[Point] = []
    for start, end, y in spans:
        points += [(start, y), (end, y)]
    return points
