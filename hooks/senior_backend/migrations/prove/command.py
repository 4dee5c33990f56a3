"""``senior-backend migrations lint --prove``: from the findings to what is printed."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from senior_backend import git
from senior_backend.catalog.model import Catalog
from senior_backend.errors import InputError, NotRunError
from senior_backend.findings import CLEAN, FOUND, Class
from senior_backend.migrations.prove.proof import Proof
from senior_backend.migrations.run import Request, Result, run
from senior_backend.postgres.package import INSTALL

if TYPE_CHECKING:
    from senior_backend.migrations.trace.scratch.server import Scratch, Where

FORMATS: Final = ("terminal", "markdown", "json")
_WIDTH_OF_PIPES: Final = 80


def prove(
    request: Request,
    catalog: Catalog | None,
    *,
    major: int | None,
    server: str | None,
    output_format: str,
    fail_on: Class,
) -> int:
    """Prove what ``request`` names, print it, and return the exit code.

    ``major`` is the PostgreSQL to run on (None: what is at hand), ``server`` one that runs.

    Raises:
        InputError: the format is not one of ``FORMATS``, or a file cannot be read.
        NotRunError: something that is needed is not installed, or no server starts.
    """
    if output_format not in FORMATS:
        raise InputError(f"--prove prints {', '.join(FORMATS)}; --format {output_format} cannot")
    if output_format == "terminal":
        _require_rich()
    from senior_backend.migrations.trace.interrupts import cleaning_up
    from senior_backend.migrations.trace.progress import ProgressLine
    from senior_backend.migrations.trace.scratch.production import Production
    from senior_backend.migrations.trace.scratch.server import Where

    majors = (major,) if major is not None else ()
    timezone = request.settings.timezone or None
    with (
        cleaning_up(),
        _starting(Where(majors, server, None, Production(timezone=timezone))) as scratch,
    ):
        request, result = _linted(request, catalog)
        if not any(folder.linted for folder in result.folders):
            raise InputError(_nothing(result))
        with ProgressLine() as line:
            line.say("starting PostgreSQL")
            found = _proofs(result, request, scratch, catalog, line.say)
            code = _print(found, output_format, line.say, request.root)
    return max(code, result.outcome().exit_code(fail_on))


def _require_rich() -> None:
    try:
        import rich  # noqa: F401
    except ImportError:
        raise NotRunError(f"the package that draws tables is missing: {INSTALL}") from None


@contextmanager
def _starting(where: "Where") -> "Iterator[Callable[[], Scratch]]":
    """A server that starts while something else is done; stopped when the block ends."""
    with ThreadPoolExecutor(1, "start") as pool:
        from senior_backend.migrations.trace.scratch.server import open_scratch

        started: Future[Scratch] = pool.submit(open_scratch, where)
        try:
            yield started.result
        finally:
            if started.exception() is None:
                started.result().close()


def _linted(request: Request, catalog: Catalog | None) -> tuple[Request, Result]:
    """What is found, with a root around the files: fixes are written below a copy of it."""
    result = run(request, catalog)
    top = request.root.resolve()
    homes = [one.folder.root.resolve() for one in result.folders]
    if all(home.is_relative_to(top) for home in homes):
        return request, result
    try:
        root = git.repository_of(homes[0])
    except (InputError, NotRunError):
        root = homes[0].parent
    if not all(home.is_relative_to(root) for home in homes):
        raise InputError("--prove takes migrations of one repository at a time")
    request = replace(request, root=root)
    return request, run(request, catalog)


def _nothing(result: Result) -> str:
    named = next(iter(result.not_analyzed), None)
    if named is not None:
        return f"{named.path}:{named.line}: {named.reason}"
    return "--prove: there is no migration here; name the file of one"


def _proofs(
    result: Result,
    request: Request,
    scratch: "Callable[[], Scratch]",
    catalog: Catalog | None,
    progress: Callable[[str], None],
) -> Iterator[Proof]:
    # All of it while the server starts.
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise NotRunError(f"the PostgreSQL driver is missing: {INSTALL}") from None

    from senior_backend.migrations.prove.flow import proofs
    from senior_backend.migrations.trace.flow import session_settings
    from senior_backend.migrations.trace.options import TIMEOUT_S
    from senior_backend.migrations.trace.scratch.production import Production

    settings = session_settings(Production(timezone=request.settings.timezone or None), TIMEOUT_S)
    yield from proofs(result, request, scratch(), settings, catalog, progress=progress)


def _print(
    proofs: Iterator[Proof], output_format: str, progress: Callable[[str], None], root: Path
) -> int:
    """Print each as soon as it is there, where the format allows it; 1 when one does not hold."""
    code, kept = CLEAN, []
    for number, proof in enumerate(proofs):
        kept.append(proof)
        progress("")
        if output_format == "terminal":
            _print_in_terminal(proof, root, first=number == 0)
        if not proof.holds:
            code = FOUND
    if output_format == "terminal" and not kept:
        click.echo("nothing was found, so nothing is proved; name one file to see its trace")
    if output_format == "json":
        from senior_backend.migrations.prove import document

        click.echo(json.dumps(document.of_all(kept), indent=2))
    if output_format == "markdown":
        from senior_backend.migrations.prove import markdown

        click.echo(markdown.render(kept).encode("utf-8", "backslashreplace"))
    return code


def _print_in_terminal(proof: Proof, root: Path, *, first: bool) -> None:
    from senior_backend.migrations.prove import terminal

    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((_WIDTH_OF_PIPES, 24)).columns
    text = terminal.render(
        proof,
        width=width,
        colour=is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        unicode=_takes_lines(),
        path=os.path.relpath(root.resolve() / proof.path),
    )
    click.echo(text if first else f"\n{text}", color=is_terminal)


def _takes_lines() -> bool:
    """Whether the terminal's encoding has lines and arrows."""
    try:
        "│─→✓✗·…≈".encode(sys.stdout.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True
