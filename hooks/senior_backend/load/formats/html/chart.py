"""A chart: lines and areas on two axes, a legend, and what to read instead of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from senior_backend.load.formats.html import svg
from senior_backend.load.formats.html.scale import Scale

AXIS: Final = 22
"""Pixels below the plot, for the marks of the x axis."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A line, or an area; ``style`` is its class, which gives the colour."""

    style: str
    path: str
    filled: bool = False
    name: str = ""
    """In the legend; without one it is not there."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis; ``minor`` ones go where there is little room."""

    place: float
    label: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """A part of the x axis that tells more when it is pointed at."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn."""

    title: str
    description: str
    """What a reader sees in it, in words; for those who do not see it."""
    shapes: Sequence[Shape]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    strips: Sequence[Strip] = ()
    note: str = ""
    height: int = 220
    end: float | None = None
    """Where on the x axis the measured part ends, if something follows."""
    void: bool = False
    """Of an INVALID run."""

    @property
    def legend(self) -> list[tuple[str, Markup]]:
        """Name and sample of each shape that has a name, what is drawn on top first."""
        return [(shape.name, _sample(shape)) for shape in reversed(self.shapes) if shape.name]

    def draw(self) -> Markup:
        """The SVG element."""
        bottom = self.height
        parts: list[Markup] = [_y_tick(tick, bottom) for tick in self.y_ticks]
        parts += [_x_tick(tick, bottom) for tick in self.x_ticks]
        if self.end is not None:
            x = svg.percent(self.end)
            parts.append(svg.element("line", x1=x, x2=x, y1=0, y2=bottom, class_="end"))
        parts.append(self._plot())
        if self.void:
            mark = {"text_anchor": "middle", "dominant_baseline": "central", "class_": "void"}
            parts.append(svg.element("text", "INVALID", x="50%", y=bottom / 2, **mark))
        parts += [_strip(strip, bottom) for strip in self.strips]
        return svg.element(
            "svg",
            *parts,
            class_="chart",
            width="100%",
            height=bottom + AXIS,
            overflow="visible",
            role="img",
            aria_label=f"{self.title}. {self.description}",
        )

    def _plot(self) -> Markup:
        """Stretched to the chart, as the only part of it."""
        return svg.element(
            "svg",
            *(_shape(shape) for shape in self.shapes),
            x=0,
            y=0,
            width="100%",
            height=self.height,
            viewBox=f"0 0 {svg.WIDTH} {svg.HEIGHT}",
            preserveAspectRatio="none",
            overflow="visible",
        )


def _shape(shape: Shape) -> Markup:
    if shape.filled:
        # The colours are in the style sheet; where a viewer forbids it, the shapes still show.
        style = f"area {shape.style}"
        return svg.element(
            "path", d=shape.path, class_=style, fill="currentColor", fill_opacity=0.3
        )
    return svg.element(
        "path",
        d=shape.path,
        class_=f"line {shape.style}",
        fill="none",
        stroke="currentColor",
        vector_effect="non-scaling-stroke",
    )


def _sample(shape: Shape) -> Markup:
    if shape.filled:
        inside = svg.element("rect", width=18, height=10, class_=f"area {shape.style}")
    else:
        inside = svg.element(
            "path", d="M1,5h18", class_=f"line {shape.style}", stroke="currentColor"
        )
    return svg.element("svg", inside, width=20, height=10, aria_hidden="true")


def _y_tick(tick: Tick, bottom: int) -> Markup:
    y = (1 - tick.place) * bottom
    return svg.element("line", x1=0, x2="100%", y1=y, y2=y, class_="grid") + svg.element(
        "text", tick.label, x=-8, y=y, dy="0.32em", text_anchor="end"
    )


def _x_tick(tick: Tick, bottom: int) -> Markup:
    anchor = "end" if tick.place > 0.97 else "middle"
    return svg.element(
        "text",
        tick.label,
        x=svg.percent(tick.place),
        y=bottom + AXIS - 5,
        text_anchor=anchor,
        class_="minor" if tick.minor else None,
    )


def _strip(strip: Strip, bottom: int) -> Markup:
    return svg.element(
        "rect",
        svg.element("title", strip.text),
        x=svg.percent(strip.start),
        y=0,
        width=svg.percent(max(0.0, strip.end - strip.start)),
        height=bottom,
        class_="strip",
        fill="transparent",
    )


def x_ticks(scale: Scale, values: Sequence[float], labels: Sequence[str]) -> list[Tick]:
    """Marks of which every second may go."""
    return [
        Tick(scale.place(value), label, minor=number % 2 == 1)
        for number, (value, label) in enumerate(zip(values, labels, strict=True))
    ]


def y_ticks(scale: Scale, labels: Sequence[tuple[float, str]]) -> list[Tick]:
    """Marks of the other axis."""
    return [Tick(scale.place(value), label) for value, label in labels]
