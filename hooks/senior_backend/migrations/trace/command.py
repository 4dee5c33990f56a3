"""``senior-backend migrations trace``: run migrations on a real PostgreSQL and say what it did."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from senior_backend.errors import NotRunError
from senior_backend.findings import CLEAN, FOUND
from senior_backend.migrations.trace import options

if TYPE_CHECKING:
    from senior_backend.migrations.run import Request
    from senior_backend.migrations.trace.observed import Trace
    from senior_backend.migrations.trace.scratch.server import Where
    from senior_backend.migrations.trace.selection import Selection
    from senior_backend.migrations.trace.sizes.statistics import Size
    from senior_backend.migrations.trace.verdict import Blocking, FailOn


@click.command()
@options.which
@options.where
@click.option("--down", is_flag=True, help="The ways down too, after all ups, newest first.")
@click.option(
    "--rows",
    multiple=True,
    metavar="TABLE=N",
    help="How big a table is there, such as orders=50M: estimate how long locks would be held.",
)
@click.option(
    "--from",
    "source",
    metavar="DSN|FILE",
    help="The same of all tables from production's statistics (only catalogs are read).",
)
@click.option(
    "--write-statistics",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the sizes that --from read, for where production cannot be reached.",
)
@options.output_format("what was observed")
@click.option(
    "--fail-on",
    type=click.Choice(["failed", "blocking"]),
    default="failed",
    show_default=True,
    help="What fails the run; blocking: also traffic that was seen to wait while a table is read, "
    "written or indexed as a whole.",
)
@click.pass_context
def trace(
    ctx: click.Context,
    /,
    paths: tuple[Path, ...],
    where: "Where",
    timeout: float,
    since: str | None,
    changed: bool,
    down: bool,
    schema: Path | None,
    rows: tuple[str, ...],
    source: str | None,
    write_statistics: Path | None,
    python: str | None,
    output_format: str,
    fail_on: "FailOn",
) -> None:
    """Run migrations on a PostgreSQL of their own, and say what each statement locks and does.

    Without PATHS, those of the settings, else the working directory. Those before the ones to trace
    build the schema; each statement then runs as its tool runs it, and what the server holds, what
    a second session waits for, what is rewritten, read and indexed is looked up there. Exit codes:
    0 clean, 1 a statement failed (or what --fail-on says), 2 bad usage or unreadable input, 3 it
    could not be run.
    """
    from senior_backend.migrations import sizes
    from senior_backend.migrations.command import read_rows
    from senior_backend.migrations.trace.selection import select

    request = request_of(paths, since, (), schema, changed=changed)
    known = sizes.known(request.settings.rows, source, rows, write_statistics)
    request = sizes.with_rows(request, known)
    selection = select(request, down=down)
    for note in selection.notes:
        click.echo(f"note: {note}", err=True)
    for problem in selection.unreadable:
        click.echo(f"{problem}", err=True)
    unreadable = NotRunError.exit_code if selection.is_unreadable else CLEAN
    if not selection.parts:
        say_nothing_to_do("trace", selection, paths, narrowed=changed or since is not None)
        if output_format == "json":
            click.echo(json.dumps({"version": 1, "traces": []}))
        ctx.exit(unreadable)
    python = python or project_python()
    told = [read_rows(one)[0] for one in rows]
    traces = _traces(selection, request, where, timeout, python, known.tables, told)
    found = _blocking(traces, request) if fail_on == "blocking" else []
    click.echo(_rendered(traces, found, output_format))
    from senior_backend.migrations.trace import verdict

    if found or any(verdict.failed(one) for one in traces):
        ctx.exit(FOUND)
    ctx.exit(unreadable)


def _traces(
    selection: "Selection",
    request: "Request",
    where: "Where",
    timeout: float,
    python: str,
    sizes: "Mapping[str, Size]",
    told: "Sequence[str]",
) -> "list[Trace]":
    from senior_backend.migrations.trace import side_by_side
    from senior_backend.migrations.trace.interrupts import cleaning_up
    from senior_backend.migrations.trace.progress import ProgressLine

    schema = Path(request.settings.schema) if request.settings.schema else None
    with cleaning_up(), ProgressLine() as line:
        return side_by_side.run(
            selection.parts,
            _as_told(where, request),
            timeout,
            (python,),
            schema,
            line.say,
            sizes,
            told=told,
            together=selection.together,
        )


def _as_told(where: "Where", request: "Request") -> "Where":
    """With the time zone of the settings, where the command line says none."""
    from dataclasses import replace

    timezone = where.production.timezone or request.settings.timezone or None
    return replace(where, production=replace(where.production, timezone=timezone))


def _rendered(traces: "Sequence[Trace]", found: "Sequence[Blocking]", output_format: str) -> str:
    if output_format == "json":
        from senior_backend.migrations.trace.formats import document

        return json.dumps(document.of(traces), indent=2, ensure_ascii=False)
    if output_format == "markdown":
        from senior_backend.migrations.trace.formats import markdown

        return markdown.render(traces, found)
    from senior_backend.migrations.trace.formats import terminal

    return terminal.printable(terminal.render(traces, found, terminal.width()))


def _blocking(traces: "Sequence[Trace]", request: "Request") -> "list[Blocking]":
    """What blocks on any major, once, unless it is excused."""
    from senior_backend.migrations.trace import verdict

    rows = request.settings.rows
    if not any(verdict.blocking(one, rows) for one in traces):
        return []
    from senior_backend.migrations.trace.excused import excused

    is_excused = excused(request, {m.path for one in traces for m in one.migrations})
    found = [each for one in traces for each in verdict.blocking(one, rows, is_excused)]
    return list(dict.fromkeys(found))


def request_of(
    paths: tuple[Path, ...],
    since: str | None,
    rows: tuple[str, ...],
    schema: Path | None,
    *,
    changed: bool,
) -> "Request":
    """What the command line asks for, with the settings of the repository."""
    from dataclasses import replace

    from senior_backend.migrations import settings
    from senior_backend.migrations.command import read_rows, root_of_work
    from senior_backend.migrations.run import Request, paths_or_default

    root = root_of_work()
    chosen = settings.load(root)
    chosen = replace(
        chosen,
        rows={**chosen.rows, **dict(map(read_rows, rows))},
        schema=str(schema or (root / chosen.schema if chosen.schema else "")),
    )
    return Request(root, paths_or_default(paths, root, chosen), chosen, changed, since)


def say_nothing_to_do(
    command: str, selection: "Selection", paths: tuple[Path, ...], *, narrowed: bool
) -> None:
    """Quiet for hooks, which name files; a person who named none is told."""
    for problem in selection.left_out:
        click.echo(f"left out: {problem}", err=True)
    if not (selection.left_out or selection.notes or selection.unreadable):
        what = "no migration is changed" if narrowed else "no migrations here"
        remedy = "" if narrowed else "; name a folder that holds some"
        click.echo(f"migrations {command}: {what}{remedy}", err=True)


def project_python() -> str:
    """The interpreter that has the project installed, as far as is known."""
    environment = Path(".venv/bin/python")
    return str(environment.absolute()) if environment.exists() else "python"
