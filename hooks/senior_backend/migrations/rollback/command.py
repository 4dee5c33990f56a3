"""``senior-backend migrations rollback``: prove on a PostgreSQL that downs undo their ups."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from senior_backend.errors import InputError, NotRunError
from senior_backend.findings import CLEAN, FOUND
from senior_backend.migrations.trace import options

if TYPE_CHECKING:
    from senior_backend.migrations.rollback.verdict import Report
    from senior_backend.migrations.run import Request
    from senior_backend.migrations.trace.scratch.server import Where
    from senior_backend.migrations.trace.selection import Selection

_ROWS = 20


@click.command()
@options.which
@options.where
@click.option(
    "--resume",
    is_flag=True,
    help="Also cut each migration off at every statement, and run it again.",
)
@click.option("--write", is_flag=True, help="Write the downs that are missing, where one exists.")
@click.option(
    "--sample-rows",
    type=click.IntRange(0, 10_000),
    default=_ROWS,
    show_default=True,
    help="Rows made up in each table before a migration is tried; 0: on empty tables.",
)
@options.output_format("what was proved")
@click.pass_context
def rollback(
    ctx: click.Context,
    /,
    paths: tuple[Path, ...],
    where: "Where",
    timeout: float,
    since: str | None,
    changed: bool,
    resume: bool,
    write: bool,
    schema: Path | None,
    sample_rows: int,
    python: str | None,
    output_format: str,
) -> None:
    """Run each migration up and down on a PostgreSQL of their own, and compare with before.

    Without PATHS, those of the settings, else the working directory. Two comparisons that know
    nothing of each other, of the catalogs and of pg_dump, say whether the down gives back the
    schema; a hash of made-up rows says whether it gives back their values. Some rows are made to
    meet the conditions of an UPDATE or DELETE; where none does, a note says so. Roles are shared by
    a server: an up that drops one an earlier migration made is not proved. Exit codes: 0 clean, 1 a
    down fails, or leaves the schema or rows other than before (with --resume: or a migration cannot
    be run again), 2 bad usage or unreadable input, 3 it could not be run.
    """
    from senior_backend.migrations.trace.command import (
        project_python,
        request_of,
        say_nothing_to_do,
    )
    from senior_backend.migrations.trace.selection import select

    if write and resume:
        raise InputError("--write and --resume each end in another way: choose one")
    request = request_of(paths, since, (), schema, changed=changed)
    selection = select(request, down=True)
    for note in selection.notes:
        click.echo(f"note: {note}", err=True)
    for problem in selection.unreadable:
        click.echo(f"{problem}", err=True)
    unreadable = NotRunError.exit_code if selection.unreadable else CLEAN
    if not selection.parts:
        say_nothing_to_do("rollback", selection, paths, narrowed=changed or since is not None)
        if output_format == "json":
            click.echo(json.dumps({"version": 1, "reports": []}))
        ctx.exit(unreadable)
    if write:
        ctx.exit(
            _write(selection, request, where, timeout, python or project_python()) or unreadable
        )
    found = _reports(
        selection,
        request,
        where,
        timeout,
        python or project_python(),
        sample_rows,
        resume=resume,
    )
    click.echo(_rendered(found, output_format))
    ctx.exit(FOUND if any(one.fails for one in found) else unreadable)


def _reports(
    selection: "Selection",
    request: "Request",
    where: "Where",
    timeout: float,
    python: str,
    sample_rows: int,
    *,
    resume: bool,
) -> "list[Report]":
    from senior_backend.migrations.rollback import flow
    from senior_backend.migrations.rollback.proof import Options
    from senior_backend.migrations.trace.progress import ProgressLine

    chosen = Options(
        rows=sample_rows,
        resume=resume,
        schema=Path(request.settings.schema) if request.settings.schema else None,
        root=request.root,
        findings=flow.findings_of_downs(request),
    )
    with ProgressLine() as line:
        return flow.reports(selection.parts, where, timeout, (python,), chosen, line.say)


def _rendered(found: "Sequence[Report]", output_format: str) -> str:
    if output_format == "json":
        from senior_backend.migrations.rollback.formats import document

        return json.dumps(document.of(found), indent=2, ensure_ascii=False)
    if output_format == "markdown":
        from senior_backend.migrations.rollback.formats import markdown

        return markdown.render(found)
    from senior_backend.migrations.rollback.formats import terminal
    from senior_backend.migrations.trace.formats.terminal import printable

    return printable(terminal.render(found))


def _write(
    selection: "Selection", request: "Request", where: "Where", timeout: float, python: str
) -> int:
    """Write the downs that are missing and can be proved; say of the others why there is none."""
    from senior_backend.migrations.rollback.downs import missing
    from senior_backend.migrations.trace.progress import ProgressLine

    with ProgressLine() as line:
        written = missing.for_all(selection.parts, request, where, timeout, (python,), line.say)
    missing.save(written, request.root)
    for path, (before, _after) in written.files.items():
        click.echo(f"{'changed' if before else 'added'} {path}")
    for path, verdict in written.proved.items():
        click.echo(f"proved {path}: after up and down the schema is {verdict}", err=True)
    for text in written.refused:
        click.echo(f"no down: {text}", err=True)
    for text in written.recipes:
        click.echo(f"note: {text}", err=True)
    if not written.files and not written.refused:
        click.echo("no down is missing", err=True)
    return FOUND if written.refused else CLEAN
