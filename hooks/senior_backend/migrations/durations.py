"""How long a lock would be held on a table of known size, from rates that were measured.

The linter has no server. ``durations.json`` holds what ``benchmarks/lock_durations.py`` measured on
one (docs/benchmarks/lock_durations.md); production is another machine, so the range is wide.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import log2
from pathlib import Path
from typing import Any, Final, Literal

from senior_backend.migrations.lock_model.effect import Effect
from senior_backend.migrations.lock_model.wording import rows_phrase
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.indexes import Reindex
from senior_backend.operations.names import Name

Kind = Literal["scan", "rewrite", "index build", "foreign key check"]

PAGE: Final = "docs/benchmarks/lock_durations.md"
BRIEF_S: Final = 1.0
"""Held for less, requests are slow and do not pile up."""
FASTER: Final = 2.0
SLOWER: Final = 4.0
"""As in ``trace.growth``: how much faster and slower production may be than what measured."""
_FILE: Final = Path(__file__).with_name("durations.json")


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds for each unit of work (``_units``): the median, and the least and most measured."""

    seconds: float
    least: float
    most: float
    sorts: bool
    """Whether the work grows with n·log n."""

    def units(self, rows: int) -> float:
        """The work on so many rows, in no unit."""
        return rows * log2(max(rows, 2)) if self.sorts else rows

    def per_second(self, rows: int) -> float:
        """Rows a second on a table of so many rows."""
        return rows / (self.seconds * self.units(rows)) if rows else 0.0


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds that a lock on ``relation`` would be held, between ``low`` and ``high``."""

    relation: str
    rows: int
    seconds: float
    low: float
    high: float
    basis: str

    def __str__(self) -> str:
        """The sentence that a finding says it with."""
        return (
            f"An estimated {_spoken(self.seconds)} ({_spoken(self.low)} to "
            f"{_spoken(self.high)}; {self.basis}, {PAGE})."
        )

    def as_json(self) -> dict[str, Any]:
        """The form of ``details.estimates`` in the published findings, as in a trace."""
        return {
            "relation": self.relation,
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "low": round(self.low, 3),
            "high": round(self.high, 3),
            "basis": f"{self.basis}, {PAGE}",
        }


@cache
def rates() -> Mapping[str, Rate]:
    """Those that were measured, by kind."""
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        kind: Rate(
            rate["seconds_per_unit"], rate["least"], rate["most"], rate["growth"] == "n·log n"
        )
        for kind, rate in document["kinds"].items()
    }


def held(step: Step, table: Name) -> Duration | None:
    """How long the statement would hold its lock while it works through ``table``.

    What cannot be known is taken to happen. None where the size of the table was not told, or there
    is no work in proportion to it.
    """
    rows = step.rows(table)
    works = _works(step, table)
    if rows is None or not works:
        return None
    seconds, least, most = measured(works, rows)
    low, high = least / FASTER, most * SLOWER
    width = step.assumptions.row_bytes.get(str(step.catalog.key(table))) or (
        step.assumptions.row_bytes.get(table.name)
    )
    basis = _basis(works, rows)
    if width:
        ratio = width / row_bytes()
        low, high = low * min(1.0, ratio), high * max(1.0, ratio)
        if set(works) != {"index build"}:  # what is sorted is the key, not the row
            seconds *= (1 + ratio) / 2
        basis += f", {width:.0f} bytes each where {row_bytes():.0f} were measured"
    return Duration(step.label(table), rows, seconds, low, high, basis)


def measured(works: Mapping[Kind, int], rows: int) -> tuple[float, float, float]:
    """Seconds for some work at the rates that were measured: the median, the least, the most."""
    known = rates()
    done = [(known[kind], known[kind].units(rows) * times) for kind, times in works.items()]
    return (
        sum(rate.seconds * units for rate, units in done),
        sum(rate.least * units for rate, units in done),
        sum(rate.most * units for rate, units in done),
    )


@cache
def row_bytes() -> float:
    """Of the table that was measured."""
    return float(json.loads(_FILE.read_text(encoding="utf-8"))["bytes_per_row"])


def _works(step: Step, table: Name) -> dict[Kind, int]:
    """What is done to the rows, and how many times."""
    effects: tuple[Effect, ...] = step.effects
    indexes = len(step.catalog.indexes_of(table))
    if any(effect.rewrite is not False for effect in effects):
        return {"rewrite": 1, **({"index build": indexes} if indexes else {})}
    works: dict[Kind, int] = {}
    if any(effect.index_build is not False for effect in effects):
        whole = isinstance(step.operation, Reindex) and step.operation.kind != "index"
        works["index build"] = max(indexes, 1) if whole else 1
    elif any(effect.scan is not False for effect in effects):
        works["foreign key check" if _is_reference(step) else "scan"] = 1
    return works


def _is_reference(step: Step) -> bool:
    operation = step.operation
    if isinstance(operation, AddConstraint):
        return operation.constraint.kind == "foreign_key"
    return isinstance(operation, AddColumn) and any(
        constraint.kind == "foreign_key" for constraint in operation.definition.constraints
    )


def _basis(works: Mapping[Kind, int], rows: int) -> str:
    known = rates()
    parts = []
    for kind, times in works.items():
        what = f"{times} {kind}s" if times > 1 else kind
        parts.append(f"{what} at {known[kind].per_second(rows) / 1e6:.2g} M rows/s")
    return f"{rows_phrase(rows)}, {' and '.join(parts)}"


def _spoken(seconds: float) -> str:
    """``0.4 s``, ``35 s``, ``12 min``, ``3.5 h``."""
    if seconds < 10:
        return f"{max(seconds, 0.01):.1g} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
