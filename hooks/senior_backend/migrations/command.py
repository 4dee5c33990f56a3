"""``senior-backend migrations``: the command line of the migration tool."""

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from senior_backend import git, report
from senior_backend.catalog.model import Catalog
from senior_backend.command_table import CommandTable
from senior_backend.errors import InputError, NotRunError
from senior_backend.findings import CLEAN, FOUND, Class, Outcome
from senior_backend.migrations import baseline, repair, settings
from senior_backend.migrations.run import Request, Result, explain_fixes, paths_or_default, run
from senior_backend.migrations.settings import Settings
from senior_backend.migrations.sizes import unquoted
from senior_backend.report.terminal import on_one_line

_SHOW_FIXES = ("terminal", "json", "markdown")
_FIX_ROUNDS = 5
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


# Sub-commands that hooks do not need on every commit -> where their click command is.
COMMANDS = {
    "trace": "senior_backend.migrations.trace.command:trace",
    "rollback": "senior_backend.migrations.rollback.command:rollback",
    "run": "senior_backend.migrations.deploy.command:run",
}


@click.group(cls=CommandTable, table=COMMANDS)
def migrations() -> None:
    """Say what migrations lock and break, prove it, and write the safe form."""


def _common(command: Any) -> Any:  # noqa: ANN401 - what click decorates
    """The options of every command that lints."""
    for option in reversed(
        (
            click.argument("paths", nargs=-1, type=click.Path(path_type=Path)),
            click.option(
                "--pg",
                "major",
                type=click.IntRange(settings.MAJORS.start, settings.MAJORS.stop - 1),
                help="The oldest PostgreSQL major that must be safe.  [default: 14]",
            ),
            click.option(
                "--rows",
                multiple=True,
                metavar="TABLE=N",
                help="How big a table is, such as orders=50M; may be repeated.",
            ),
            click.option(
                "--from",
                "source",
                metavar="DSN|FILE",
                help="How big all tables are: from production's statistics (only catalogs are "
                "read), or from a file of `trace --write-statistics`.",
            ),
            click.option(
                "--schema",
                type=click.Path(path_type=Path),
                help="What was there before the first migration: a schema dump or schema.prisma.",
            ),
            click.option("--since", metavar="REV", help="Only what changed since a Git revision."),
            click.option("--changed", is_flag=True, help="Only what is not committed yet."),
            click.option("--disable", multiple=True, metavar="RULE", help="Switch a rule off."),
        )
    ):
        command = option(command)
    return command


@migrations.command("lint")
@_common
@click.option(
    "--format",
    "output_format",
    type=click.Choice(report.FORMATS),
    default="terminal",
    show_default=True,
    help="How to show what was found.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["gate", "hygiene", "style", "note"]),
    default="gate",
    show_default=True,
    help="The mildest class of finding that fails the run.",
)
@click.option(
    "--baseline",
    "known",
    type=click.Path(path_type=Path),
    help="A file of known findings, which do not count.",
)
@click.option(
    "--write-baseline", type=click.Path(path_type=Path), help="Write today's findings as known."
)
@click.option("--fix", is_flag=True, help="Apply the fixes that keep the meaning, then lint again.")
@click.option("--diff", is_flag=True, help="Print those fixes as a diff for `git apply`.")
@click.option(
    "--render",
    is_flag=True,
    help="Run Alembic (--sql), and so the project's env.py, for what its revisions do not show.",
)
@click.option(
    "--python",
    help="The interpreter that has Alembic and the project.  [default: .venv/bin/python, python]",
)
@click.option("--verbose", is_flag=True, help="Also print what became of every table, and how.")
@click.option(
    "--no-cache",
    is_flag=True,
    expose_value=False,
    help="Lint anew, also where nothing has changed since the last time.",
)
@click.option(
    "--prove",
    is_flag=True,
    help="Run the migration and its fix on a PostgreSQL of their own; show both side by side.",
)
@click.option(
    "--server",
    metavar="DSN",
    help="With --prove: run in databases of our own on this server; they are dropped afterwards.",
)
@click.option("--stdin", is_flag=True, help="Read SQL from standard input.")
@click.option("--stdin-filename", default="stdin.sql", help="What to call it.")
@click.pass_context
def lint_command(
    ctx: click.Context,
    /,
    paths: tuple[Path, ...],
    output_format: str,
    fail_on: Class,
    known: Path | None,
    write_baseline: Path | None,
    fix: bool,
    diff: bool,
    render: bool,
    python: str | None,
    verbose: bool,
    prove: bool,
    server: str | None,
    stdin: bool,
    stdin_filename: str,
    **options: Any,  # noqa: ANN401 - those of _common
) -> None:
    """Lint migration folders and files.

    Without PATHS, those of the settings, else the working directory. A single file is linted with
    the migrations before it replayed. --fix changes no migration that may have run: none that the
    last commit holds (with --since: that was there where the branch left REV), and where Git knows
    none of the folder, only the newest. Exit codes: 0 clean, 1 findings, 2 bad usage or unreadable
    input, 3 something could not be checked.
    """
    narrowed = options["changed"] or options["since"] is not None
    if fix and stdin:
        raise InputError("--fix with --stdin: there is no file to mend; use --diff")
    if stdin and (paths or narrowed):
        raise InputError("--stdin reads nothing else: leave out PATHS, --since and --changed")
    if fix + diff + (write_baseline is not None) > 1:
        raise InputError("--fix, --diff and --write-baseline each end in another way: choose one")
    if write_baseline is not None and (narrowed or stdin):
        raise InputError("--write-baseline needs all files: leave out --since, --changed, --stdin")
    if paths and stdin:
        raise InputError("--stdin reads standard input alone: name no paths beside it")
    if prove and (fix or diff or stdin or verbose or write_baseline is not None):
        raise InputError(
            "--prove writes nothing and needs a file: leave out --fix, --diff, --stdin, --verbose "
            "and --write-baseline"
        )
    if server is not None and not prove:
        raise InputError("--server is for --prove: linting needs no server")
    request = replace(
        _request(paths, **options),
        with_history=verbose,
        render_with=(python or _project_python()) if render else None,
    )
    if known is not None:
        chosen = replace(request.settings, baseline=str(Path.cwd() / known))
        request = replace(request, settings=chosen)
    if prove:
        from senior_backend.migrations.prove.command import prove as prove_all

        ctx.exit(
            prove_all(
                request,
                _catalog(request),
                major=options["major"],
                server=server,
                output_format=output_format,
                fail_on=fail_on,
            )
        )
    if write_baseline is not None:
        request = replace(request, settings=replace(request.settings, baseline=""))
    result = _lint(request, stdin_filename if stdin else None)
    if write_baseline is not None:
        count = baseline.write(write_baseline, result.problems, result.files, request.root)
        click.echo(f"{write_baseline}: {count} findings written", err=True)
        return
    if diff:
        patch = repair.automatic(result, request.root, datetime.now(UTC)).diff()
        click.echo(patch.encode("utf-8", "surrogateescape"), nl=False)
        ctx.exit(result.outcome().exit_code(fail_on))
    if fix:
        result = _fixed(request, result)
    explained = explain_fixes(result, request.root) if output_format in _SHOW_FIXES else result
    outcome = explained.outcome()
    if verbose:
        _print_tables(explained, to_stderr=output_format != "terminal")
    if text := report.render(outcome, output_format):
        click.echo(text)
    if output_format == "terminal":
        _hint(outcome, narrowed=narrowed)
    ctx.exit(outcome.exit_code(fail_on))


def _hint(outcome: Outcome, *, narrowed: bool) -> None:
    """What to do next, for those who see the tool for the first time."""
    open_ = [f for f in outcome.ordered() if f.suppressed is None]
    if open_:
        # What only has a reason is for a person to do: neither command writes anything for it.
        fixes = [f.fix.kind for f in open_ if f.fix and (f.fix.diff or f.fix.files)]
        parts = [f"`senior-backend explain {open_[0].rule}` says why"]
        if "safe" in fixes:
            parts.append(f"--fix mends {fixes.count('safe')}")
        if "plan" in fixes:
            parts.append(f"`senior-backend migrations plan` writes {fixes.count('plan')} in steps")
        if any(f.rule == "missing-down" for f in open_):
            parts.append(
                "`senior-backend migrations rollback --write` writes the downs that can be proved"
            )
        click.echo("; ".join(parts))
    elif not outcome.extra.get("migrations") and not outcome.not_analyzed:
        click.echo(
            "no migration is changed"
            if narrowed
            else "no migrations here; name a folder that holds some"
        )


def _print_tables(result: Result, *, to_stderr: bool) -> None:
    """The tables before the findings; a machine's format has standard output for itself."""
    from senior_backend.migrations import history

    for folder in result.folders:
        if folder.history is not None:
            findings = [p.finding for p in folder.problems]
            text = history.render(folder.history, findings)
            click.echo(f"{text}\n" if text else "no tables\n", err=to_stderr)


def _fixed(request: Request, result: Result) -> Result:
    """What is found after all that can be mended is; says on standard error what it did.

    Once more for as long as something was mended: a fix may uncover another.
    """
    told: set[str] = set()
    for _ in range(_FIX_ROUNDS):
        done = repair.automatic(result, request.root, datetime.now(UTC))
        said = [
            *(
                f"{'fixed' if before else 'added'} {on_one_line(path)}"
                for path, (before, _after) in done.contents.items()
                if f"added {on_one_line(path)}" not in told
            ),
            *(f"note: {remark}" for remark in done.remarks),
        ]
        for line in said:
            if line not in told:
                click.echo(line, err=True)
        told.update(said)
        if not done.contents:
            break
        done.save(request.root)
        new = [path for path, (old, _) in done.contents.items() if not old]
        paths = (request.root / path for path in new)
        added = request.added.union(new)
        request = replace(request, paths=(*request.paths, *paths), added=added)
        result = _lint(request, None)
    return result


@migrations.command("plan")
@_common
@click.option("--write", is_flag=True, help="Write the files instead of printing them.")
@click.pass_context
def plan_command(
    ctx: click.Context,
    /,
    paths: tuple[Path, ...],
    write: bool,
    **options: Any,  # noqa: ANN401 - those of _common
) -> None:
    """Write dangerous statements as safe migrations, in steps, with what to deploy between.

    Prints a diff: each dangerous statement leaves its file, and the files of its steps are added in
    the form of the migration tool. Nothing is written without --write.
    """
    request = _request(paths, **options)
    result = _lint(request, None)
    done = repair.planned(result, request.root, datetime.now(UTC))
    if write:
        done.save(request.root)
        _excuse_steps(request, done)
        for path, (before, after) in done.contents.items():
            click.echo(f"{'changed' if before else 'added'} {on_one_line(path)}")
            for wait in re.findall(rb"^-- (Deploy first: .*)", after, re.MULTILINE):
                text = wait.decode("utf-8", "replace").strip()
                click.echo(f"WAIT: keep {on_one_line(path)} back. {text}", err=True)
    else:
        click.echo(done.diff().encode("utf-8", "surrogateescape"), nl=False)
    for remark in done.remarks:
        click.echo(f"note: {remark}", err=True)
    left = [
        p
        for p in result.problems
        if p.finding.class_ == "gate"
        and p.finding.suppressed is None
        and not any(p is mended for mended in done.repaired)
    ]
    for problem in left:
        if any(problem is known for known in done.told):
            continue
        finding = problem.finding
        click.echo(
            f"no plan: {on_one_line(finding.path)}:{finding.line}: {finding.message}", err=True
        )
    ctx.exit(FOUND if left else CLEAN)


def _excuse_steps(request: Request, done: repair.Repair) -> None:
    """Say in the new files of a plan what the linter would: it has been planned, in this order."""
    new = [path for path, (before, _after) in done.contents.items() if not before]
    if not new:
        return
    result = _lint(replace(request, paths=tuple(request.root / path for path in new)), None)
    rules: dict[str, set[str]] = {}
    for problem in result.problems:
        finding = problem.finding
        if finding.class_ == "gate" and finding.suppressed is None and finding.path in new:
            rules.setdefault(finding.path, set()).add(finding.rule)
    for path, names in rules.items():
        if path.endswith(".sql"):
            file = request.root / path
            comment = f"-- senior-backend-ignore-file {', '.join(sorted(names))}: a planned step\n"
            file.write_bytes(comment.encode() + file.read_bytes())


def _request(
    paths: tuple[Path, ...],
    *,
    major: int | None,
    rows: tuple[str, ...],
    source: str | None,
    since: str | None,
    changed: bool,
    disable: tuple[str, ...],
    schema: Path | None,
) -> Request:
    root = root_of_work()
    chosen: Settings = settings.load(root)
    settings.check_rules(disable, "--disable")
    before = chosen.rows
    chosen = replace(
        chosen,
        postgres=major or chosen.postgres,
        rows={**chosen.rows, **dict(map(read_rows, rows))},
        disable=(*chosen.disable, *disable),
        schema=str(schema or (root / chosen.schema if chosen.schema else "")),
    )
    request = Request(root, paths_or_default(paths, root, chosen), chosen, changed, since)
    if source is None:
        return request
    from senior_backend.migrations import sizes

    return sizes.with_rows(request, sizes.known(before, source, rows))


def _project_python() -> str:
    environment = Path(".venv/bin/python")
    return str(environment.absolute()) if environment.exists() else "python"


def root_of_work() -> Path:
    """The repository, or where there is none the working directory."""
    try:
        return git.root(Path.cwd())
    except (InputError, NotRunError):
        return Path.cwd()


def _catalog(request: Request) -> Catalog | None:
    """The schema before the first migration, where the settings name one."""
    if not request.settings.schema:
        return None
    from senior_backend.catalog import load

    return load.from_file(Path(request.settings.schema))


def _lint(request: Request, stdin_filename: str | None) -> Result:
    before = _catalog(request)
    if stdin_filename is not None:
        from senior_backend.migrations.run import run_text

        return run_text(request, stdin_filename, sys.stdin.buffer.read(), before)
    return run(request, before)


def read_rows(given: str) -> tuple[str, int]:
    """``TABLE=N`` of --rows, N such as 50M.

    Raises:
        InputError: it is not of that form.
    """
    match = re.fullmatch(
        r"(?P<table>[^=]+)=(?P<number>[0-9]{1,18}(?:\.[0-9]{1,18})?)(?P<unit>[kKmMbB]?)", given
    )
    if not match:
        raise InputError(f"--rows {given}: write TABLE=NUMBER, such as orders=50M")
    return unquoted(match["table"]) or match["table"], int(
        float(match["number"]) * _UNITS[match["unit"].lower()]
    )
