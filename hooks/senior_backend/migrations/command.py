"""``senior-backend migrations``: the command line of the migration tool."""

import re
from collections.abc import Iterable
from pathlib import Path

import click

from senior_backend import git, report
from senior_backend.errors import InputError, NotRunError
from senior_backend.findings import Class, NotAnalyzed, Outcome
from senior_backend.migrations.lint import Linted, Selection, lint, not_read
from senior_backend.migrations.step import Assumptions
from senior_backend.sources import discovery

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


@click.group()
def migrations() -> None:
    """Say what migrations lock and break, and write the safe form."""


@migrations.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--pg", "major", type=click.IntRange(14, 18), default=14, show_default=True)
@click.option("--rows", "rows", multiple=True, metavar="TABLE=N")
@click.option("--format", "output_format", type=click.Choice(report.FORMATS), default="terminal")
@click.option("--fail-on", type=click.Choice(["gate", "hygiene", "style", "note"]), default="gate")
@click.pass_context
def lint_command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    major: int,
    rows: tuple[str, ...],
    output_format: str,
    fail_on: Class,
) -> None:
    """Lint migration folders and files."""
    assumptions = Assumptions(major=major, rows=dict(map(_rows, rows)))
    outcome = run(paths or (Path(),), assumptions)
    if text := report.render(outcome, output_format):
        click.echo(text)
    ctx.exit(outcome.exit_code(fail_on))


def run(paths: Iterable[Path], assumptions: Assumptions) -> Outcome:
    """Lint everything below ``paths``."""
    try:
        root = git.root(Path.cwd())
    except (InputError, NotRunError):
        root = Path.cwd()
    found = discovery.discover(list(paths), root)
    linted: list[Linted] = []
    missing = [NotAnalyzed(n.path, n.line, n.reason, n.whole) for n in found.not_read]
    for part in found.found:
        asked = frozenset(m.path for m in part.asked)
        selection = Selection(asked=lambda m, asked=asked: m.path in asked)  # type: ignore[misc]
        linted += lint(part.folder, selection, assumptions)
        missing += not_read(part.folder, part.asked)
    return Outcome(
        tool="migrations lint",
        findings=tuple(p.finding for one in linted for p in one.problems),
        checked=sum(one.statements for one in linted),
        unit="statement",
        not_analyzed=(*missing, *(n for one in linted for n in one.not_analyzed)),
    )


def _rows(given: str) -> tuple[str, int]:
    match = re.fullmatch(r"(?P<table>[^=]+)=(?P<number>\d+(?:\.\d+)?)(?P<unit>[kKmMbB]?)", given)
    if not match:
        raise InputError(f"--rows {given}: write TABLE=NUMBER, such as orders=50M")
    return match["table"], int(float(match["number"]) * _UNITS[match["unit"].lower()])
