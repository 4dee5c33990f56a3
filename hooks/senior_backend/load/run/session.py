"""One ``load run``: from its options to its files, its report and its exit code."""

import math
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from senior_backend.errors import InputError, NotRunError
from senior_backend.load import arrivals, live, output, thresholds
from senior_backend.load.arrivals import Schedule, schedule_of
from senior_backend.load.compare import compare, read
from senior_backend.load.comparison.document import Comparison
from senior_backend.load.formats import comparison as comparison_formats
from senior_backend.load.formats import render, terminal, units
from senior_backend.load.formats.verdict import mostly_failed
from senior_backend.load.result import Result
from senior_backend.load.run.conduct import peak_rate, run
from senior_backend.load.run.interrupts import (
    NOTHING_MEASURED,
    Interrupts,
    saying_nothing_was_measured,
)
from senior_backend.load.run.preparation import place_of, prepare
from senior_backend.load.scenario.compile import names
from senior_backend.load.scenario.file import Problems
from senior_backend.load.scenario.flags import Flags, Loaded
from senior_backend.load.scenario.flags import read as read_flags
from senior_backend.load.scenario.model import Scenario
from senior_backend.load.target import Target, choose, choose_proxy

_PASSED, _FAILED, _INVALID, _INTERRUPTED = 0, 1, 3, 130
_NONCE_BITS: Final = 64
_NAMED: Final = 3
"""Thresholds that the last line names."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    flags: Flags
    output: Path | None = None
    html: Path | None = None
    output_format: str = "terminal"
    baseline: Path | None = None
    tolerance: float | None = None
    quiet: bool = False

    @property
    def name(self) -> str:
        """What errors call the scenario."""
        return str(self.flags.scenario or "the command line")


def checked(options: Options) -> str:
    """What the scenario comes to; nothing is resolved, nothing sent, no file made."""
    loaded = _loaded(options)
    scenario = loaded.scenario
    if scenario.target is not None:
        _target(loaded, options)
    _proxy(loaded, options)
    _baseline(options)
    schedule = schedule_of(scenario.load)
    count = schedule.count - schedule.warm
    endpoints = len(names(scenario))
    return (
        f"{options.name}: {endpoints} endpoint{'s' * (endpoints != 1)}, {count:,} arrivals in "
        f"{units.span(schedule.duration_ns / 1e9)}; nothing was sent"
    )


def _loaded(options: Options) -> Loaded:
    return read_flags(options.flags, _problems)


def _problems(scenario: Scenario) -> Problems:
    yield from arrivals.problems(scenario.load)
    yield from thresholds.problems(scenario)


def _target(loaded: Loaded, options: Options) -> Target:
    """The target, consented to."""
    given = loaded.scenario.target
    path = options.name if given is None else loaded.place(("target",))
    target = choose(given, options.flags.target, path=path)
    if not target.tls and (flag := options.flags.for_tls):
        raise InputError(
            f"{flag} is for https://, and the target is {target.url}; write https://, or leave "
            f"{flag} out"
        )
    return target


def _proxy(loaded: Loaded, options: Options) -> Target | None:
    """The proxy, consented to."""
    given = loaded.scenario.proxy
    path = options.name if given is None else loaded.place(("proxy",))
    return choose_proxy(given, options.flags.proxy, path=path)


def session(options: Options) -> int:
    """Run, report, and return the exit code."""
    with saying_nothing_was_measured():
        loaded = _loaded(options)
        scenario = loaded.scenario
        target, proxy = _target(loaded, options), _proxy(loaded, options)
        place = place_of(scenario, target, proxy)
        schedule = schedule_of(scenario.load)
        before = _baseline(options)
        files = _files(options)
    machine = options.output_format != "terminal"
    if not options.quiet and (not machine or sys.stderr.isatty()):
        click.echo(announcement(scenario, schedule, target), err=machine)
    shown = not options.quiet and live.wanted(sys.stderr.isatty())
    with Interrupts() as interrupts:
        with saying_nothing_was_measured():
            prepared = prepare(scenario, schedule, place, secrets.randbits(_NONCE_BITS))
            result = run(prepared, interrupts, live=shown)  # which counts Ctrl-C from the start on
        # An earlier result is worth more than one of nothing.
        nothing = interrupts.count > 0 and not result.duration_s
        failures = [] if nothing else _write(result, before, files)
        code, reason = judged(result, interrupts.count)
        comparison = None
        if before is not None and options.tolerance is not None and result.valid:
            comparison = compare([before], [result], tolerance=options.tolerance)
        text = rendered(result, options.output_format, before)
        if text:
            click.echo(text)
        if comparison is not None:
            code, reason = _with_comparison(code, reason, comparison, err=machine)
    for failure in failures:
        click.echo(f"senior-backend: {failure}", err=True)
    if failures and code in (_PASSED, _FAILED):
        return _INVALID
    if reason:
        click.echo(_last(code, reason, options), err=True)
    return code


def _last(code: int, reason: str, options: Options) -> str:
    """The last line. Who has just been shown the report on the same terminal knows the reason."""
    shown = options.output_format == "terminal" and sys.stdout.isatty() and sys.stderr.isatty()
    if shown and reason != NOTHING_MEASURED:
        return f"exit code {code}, for the reason above"
    return reason


def announcement(scenario: Scenario, schedule: Schedule, target: Target) -> str:
    """``500 rps for 60 s to staging.example.com``."""
    stages = scenario.load.shape
    rate = f"{peak_rate(scenario):,.10g} rps"
    if len(stages) > 1 or not hasattr(stages[0], "rate"):
        rate = f"up to {rate}"
    length = units.span(schedule.duration_ns / 1e9)
    warm = schedule.warm_ns / 1e9
    after = f", after {units.span(warm)} of warm-up" if warm else ""
    return f"{rate} for {length} to {target.authority}{after}"


def rendered(result: Result, name: str, before: Result | None, *, colour: bool = True) -> str:
    """The report; in colour, and as wide as it is, on a terminal."""
    if name == "terminal" and colour and sys.stdout.isatty():
        width = min(_columns(), 2 * terminal.WIDTH)
        return terminal.render(result, before, colour=True, width=width)
    return render(result, name, before)


def judged(result: Result, signals: int) -> tuple[int, str]:
    """The exit code, and why it is not 0."""
    if signals and not result.duration_s:
        return _INTERRUPTED, NOTHING_MEASURED
    if signals:
        length = f"{units.span(result.duration_s)} of {units.span(result.planned_duration_s)}"
        invalid = f"; INVALID: {result.invalid_reasons[0]}" if not result.valid else ""
        return _INTERRUPTED, f"interrupted: measured {length}{invalid}"
    if not result.valid:
        more = len(result.invalid_reasons) - 1
        reasons = (mostly_failed(result), result.invalid_reasons[0])
        return _INVALID, "INVALID: " + "; ".join(reason for reason in reasons if reason) + (
            f" (and {more} more)" * (more > 0)
        )
    failed = [threshold for threshold in result.thresholds if not threshold.passed]
    if result.total.count and result.total.count == result.total.failed:
        return _FAILED, mostly_failed(result)
    if failed:
        names = ", ".join(f"{t.metric}: {t.expression}" for t in failed[:_NAMED])
        more_names = ", …" * (len(failed) > _NAMED)
        return _FAILED, (
            f"thresholds: {len(failed)} of {len(result.thresholds)} failed: {names}{more_names}"
        )
    if not result.total.count:
        return _FAILED, "no request came to an end"
    return _PASSED, ""


def _with_comparison(
    code: int, reason: str, comparison: Comparison, *, err: bool
) -> tuple[int, str]:
    """The verdict of the comparison, shown after the report."""
    click.echo("\n" + comparison_formats.render(comparison, "terminal"), err=err)
    if comparison.exit_code and code == _PASSED:
        word, sentence = comparison_formats.headline(comparison)
        return comparison.exit_code, f"baseline: {word}: {sentence}"
    return code, reason


def _baseline(options: Options) -> Result | None:
    if options.baseline is None:
        if options.tolerance is not None:
            raise InputError("--tolerance is how much slower than --baseline FILE: name one")
        return None
    if options.tolerance is not None and math.isnan(options.tolerance):
        raise InputError("--tolerance nan: write a share such as 0.1")
    before = read(options.baseline)
    if options.tolerance is not None and not before.valid:
        raise InputError(f"--baseline {options.baseline}: that run is INVALID; name a valid one")
    return before


@dataclass(frozen=True, slots=True)
class _Files:
    result: output.Destination | None
    html: output.Destination | None


def _files(options: Options) -> _Files:
    """Where to write, known to be writable."""
    result = html = None
    if options.output is not None:
        result = output.prepare("--output", options.output, "result")
    if options.html is not None:
        html = output.prepare("--html", options.html, "html")
    output.apart([file for file in (result, html) if file is not None])
    return _Files(result, html)


def _write(result: Result, before: Result | None, files: _Files) -> list[str]:
    """Write what was asked for; what could not be written is told, and does not stop the rest."""
    failures = []
    for file, name in ((files.result, "json"), (files.html, "html")):
        if file is not None:
            try:
                output.write(file, render(result, name, before) + "\n")
            except NotRunError as error:
                failures.append(str(error))
    return failures


def _columns() -> int:
    return shutil.get_terminal_size((terminal.WIDTH, 24)).columns
