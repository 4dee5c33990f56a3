"""For GitHub Actions: annotations for what failed, and one notice for what held.

GitHub shows ten errors and ten warnings of a step: what is behind them is counted in the last.
"""

from collections.abc import Sequence
from typing import Final, Literal

from senior_backend.load.formats import tables, units
from senior_backend.load.formats.verdict import mostly_failed, verdict
from senior_backend.load.result import Result
from senior_backend.report.github import attribute, data

_MOST: Final = 10

_Kind = Literal["error", "warning", "notice"]


def render(result: Result, baseline: Result | None = None) -> str:
    """``::error`` for reasons and thresholds, ``::warning`` for warnings, else ``::notice``."""
    found = verdict(result)
    title = f"Load test {result.scenario}: {found.word}"
    errors = [f"INVALID: {reason}" for reason in found.reasons]
    if failures := mostly_failed(result):
        errors.insert(0, failures)
    if result.valid:
        errors += [
            tables.broken(threshold) for threshold in result.thresholds if not threshold.passed
        ]
    warnings = [*result.warnings]
    if found.word == "INTERRUPTED":
        warnings.insert(0, found.sentence)
    lines = [*_commands("error", title, errors), *_commands("warning", title, warnings)]
    if not errors:
        lines.append(_command("notice", title, _summary(result, found.sentence)))
    return "\n".join(lines)


def _summary(result: Result, sentence: str) -> str:
    times = result.total.response_time_ms
    shown = ", ".join(f"{p} {units.duration(times.get(p))}" for p in ("p50", "p95", "p99"))
    load = f"{units.rate(result.achieved_rate)} for {units.span(result.duration_s)}"
    return f"{sentence}: {load}, {shown}"


def _commands(kind: _Kind, title: str, messages: Sequence[str]) -> list[str]:
    shown = list(messages)
    if len(shown) > _MOST:
        shown[_MOST - 1 :] = [f"and {len(messages) - _MOST + 1} more"]
    return [_command(kind, title, message) for message in shown]


def _command(kind: _Kind, title: str, message: str) -> str:
    return f"::{kind} title={attribute(title)}::{data(message)}"
