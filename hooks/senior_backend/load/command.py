"""``senior-backend load``: run a load test, show its result, compare results."""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from senior_backend.errors import InputError, NotRunError
from senior_backend.load.formats import FORMATS
from senior_backend.load.run.interrupts import saying_nothing_was_measured

# By its address: the name alone is nobody's in the package index.
_INSTALL: Final = 'pip install "senior-backend[load] @ git+https://github.com/org/senior-backend"'
_EXTRA: Final = {"httptools", "jinja2", "jmespath", "markupsafe", "pydantic", "rich", "yaml"}
_FOR_PEOPLE: Final = ("terminal", "markdown", "github")
"""Formats of which several may follow each other."""
_FILE: Final = click.Path(path_type=Path)


@click.group()
def load() -> None:
    """Load a service in an open model, and say honestly how it held."""


@contextlib.contextmanager
def _extra() -> Iterator[None]:
    """One line instead of a traceback where the packages of the extra are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        raise NotRunError(
            f"load tests need {missing}, which is not installed: {_INSTALL}"
        ) from None


_FORMAT = click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    default="terminal",
    show_default=True,
    help="How to show the result on standard output.",
)
_BASELINE = click.option(
    "--baseline", type=_FILE, metavar="FILE", help="An earlier result to show the difference to."
)


@load.command("run")
@click.argument("scenario_file", metavar="[SCENARIO.yml]", required=False, type=str)
@click.option("--target", metavar="URL", help="What to load; naming a host is the consent to it.")
@click.option("--rps", "--rate", "rate", metavar="RATE", help="Arrivals a second: 500, or 30/m.")
@click.option("--duration", metavar="TIME", help="How long to measure: 60s, 5m, 1h30m.")
@click.option("--warm-up", metavar="TIME", help="Before that, in no statistic.  [default: 0s]")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    metavar="STAGE",
    help="Instead of rate and duration, in order: 50:30s, ramp:500:1m, spike:2000:10s.",
)
@click.option("-X", "--method", metavar="METHOD", help="[default: GET, with a body POST]")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header. Repeat."
)
@click.option("-d", "--body", "--data", "body", metavar="TEXT|@FILE", help="A body, as it is.")
@click.option(
    "--json", "json_body", metavar="JSON|@FILE", help="A JSON body, with its Content-Type."
)
@click.option("--connections", metavar="N", help="Open at most.  [default: 500]")
@click.option("--timeout", metavar="TIME", help="For a whole response.  [default: 30s]")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="THRESHOLD",
    help="What must hold, in k6's grammar: 'http_req_duration: p(95)<200'. Repeat.",
)
@click.option("--arrivals", type=click.Choice(["constant", "poisson"]), help="[default: constant]")
@click.option("--seed", metavar="N", help="The same seed repeats a run.  [default: 1]")
@click.option("--workers", metavar="N", help="Processes.  [default: by rate and cores]")
@click.option("--precise", is_flag=True, help="Spin before each send: steadier, a busy core each.")
@click.option("--max-pacing-error", metavar="TIME", help="INVALID above that.  [default: 10ms]")
@click.option("--cacert", metavar="FILE", help="Authorities to trust, in PEM.")
@click.option("--cert", metavar="FILE", help="A client certificate, in PEM.")
@click.option("--key", metavar="FILE", help="Its key, where that is not in --cert.")
@click.option("--insecure", is_flag=True, help="Take any certificate.")
@click.option("--proxy", metavar="URL", help="An HTTP proxy; never taken from the environment.")
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Where the result goes, as JSON.")
@click.option("--html", type=_FILE, metavar="FILE", help="A page with charts; works offline.")
@_FORMAT
@_BASELINE
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 10, max_open=True),
    metavar="SHARE",
    help="With --baseline: fail if an endpoint is slower by more than that, such as 0.1.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the report, and why it failed.")
@click.option("--check", is_flag=True, help="Judge the scenario; resolve and send nothing.")
@click.pass_context
def run_command(
    ctx: click.Context,
    /,
    scenario_file: str | None,
    output: Path | None,
    html: Path | None,
    output_format: str,
    baseline: Path | None,
    tolerance: float | None,
    quiet: bool,
    check: bool,
    **given: Any,  # noqa: ANN401 - what the scenario takes
) -> None:
    """Send requests when they are due, whatever the target does, and report.

    Without SCENARIO.yml, --target, --rps and --duration are a whole test of one URL; with it, flags
    go before what the file says. Exit codes: 0 all thresholds hold, 1 a threshold failed, 2 bad
    usage or an unreadable scenario, 3 the run is INVALID or could not start, 130 interrupted.
    """
    if scenario_file is not None and "://" in scenario_file:
        from senior_backend.load.target import without_secrets

        url = without_secrets(scenario_file)
        raise InputError(f"{url}: that is a URL, not a scenario file: --target {url}")
    with _extra():
        with saying_nothing_was_measured():
            from senior_backend.load.run.session import Options, checked, session
            from senior_backend.load.scenario.flags import Flags

        options = Options(
            flags=Flags(scenario=Path(scenario_file) if scenario_file else None, **given),
            output=output,
            html=html,
            output_format=output_format,
            baseline=baseline,
            tolerance=tolerance,
            quiet=quiet,
        )
        if check:
            click.echo(checked(options))
            return
        ctx.exit(session(options))


@load.command("report")
@click.argument("results", metavar="RESULT...", nargs=-1, required=True, type=_FILE)
@_FORMAT
@_BASELINE
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Write it there instead.")
def report_command(
    results: tuple[Path, ...], output_format: str, baseline: Path | None, output: Path | None
) -> None:
    """Show results of earlier runs, in any format."""
    if len(results) > 1 and output_format not in _FOR_PEOPLE:
        raise InputError(
            f"--format {output_format} is one document: name one RESULT, or use "
            f"{', '.join(_FOR_PEOPLE)}"
        )
    with _extra():
        from senior_backend.load import output as files
        from senior_backend.load.compare import read
        from senior_backend.load.run.session import rendered

        before = read(baseline) if baseline is not None else None
        kind: files.Kind = {"html": "html", "json": "result"}.get(output_format, "report")  # type: ignore[assignment]
        destination = files.prepare("--output", output, kind) if output is not None else None
        text = "\n\n".join(
            rendered(read(path), output_format, before, colour=output is None) for path in results
        )
        if destination is None:
            click.echo(text)
        else:
            files.write(destination, text + "\n")


@load.command("compare")
@click.argument("base", metavar="BASE", type=_FILE)
@click.argument("new", metavar="NEW...", nargs=-1, required=True, type=_FILE)
@click.option("--base", "more_base", multiple=True, type=_FILE, help="A further run of the base.")
@click.option(
    "--metric",
    default="p95",
    show_default=True,
    metavar="METRIC",
    help="Of the response time: p50, p90, p95, p99 or mean.",
)
@click.option(
    "--tolerance",
    type=float,
    default=0.05,
    show_default=True,
    metavar="SHARE",
    help="How much slower is still accepted.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["terminal", "json", "markdown", "github"]),
    default="terminal",
    show_default=True,
)
@click.pass_context
def compare_command(
    ctx: click.Context,
    /,
    base: Path,
    new: tuple[Path, ...],
    more_base: tuple[Path, ...],
    metric: Any,  # noqa: ANN401 - judged below
    tolerance: float,
    output_format: str,
) -> None:
    """Say for each endpoint whether it became slower, and not only by chance.

    BASE and NEW are results, or folders of results (repeated runs). Exit codes: 0 nothing is slower
    beyond the tolerance, 1 something is, 2 a file is no result, 3 the results cannot be compared.
    """
    with _extra():
        from senior_backend.load.compare import run_compare

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text, code = run_compare(
            [base, *more_base], new, metric, tolerance, output_format, width=width
        )
    click.echo(text)
    ctx.exit(code)


@load.command("schema")
@click.argument("document", type=click.Choice(["scenario", "result", "comparison"]))
def schema_command(document: str) -> None:
    """Print the JSON schema of a scenario file (for editors), of a result or of a comparison."""
    path = Path(__file__).parents[1] / "schemas" / f"load-{document}.json"
    sys.stdout.write(path.read_text(encoding="utf-8"))
