"""The options of every command that runs migrations on a PostgreSQL: where, and as in production.

Nothing but click is imported before a command is called.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from senior_backend.errors import InputError
from senior_backend.migrations.settings import MAJORS

ALL: Final = "all"
TIMEOUT_S: Final = 30.0

_OPTIONS: Final = (
    click.option(
        "--pg",
        metavar="14..18|all",
        help="The PostgreSQL major to run on, fetched where it is not here; all: side by side.",
    ),
    click.option(
        "--server",
        metavar="DSN",
        help="Run in a database of our own on this server; it is dropped afterwards.",
    ),
    click.option(
        "--pg-bin",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Run the `postgres` of this folder.",
    ),
    click.option(
        "--like",
        metavar="DSN",
        help="Read the settings that matter from this server, and its major (nothing is written).",
    ),
    click.option("--timezone", metavar="NAME", help="TimeZone of the sessions that migrate."),
    click.option(
        "--table-access-method", metavar="NAME", help="default_table_access_method there."
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0.1, max=86_400),
        default=TIMEOUT_S,
        show_default=True,
        help="Seconds after which a statement is cancelled.",
    ),
)

_WHICH: Final = (
    click.argument("paths", nargs=-1, type=click.Path(path_type=Path)),
    click.option(
        "--since",
        metavar="REV|FILE",
        help="Only what changed since a Git revision, or after a file.",
    ),
    click.option("--changed", is_flag=True, help="Only what is not committed yet."),
    click.option(
        "--schema",
        type=click.Path(path_type=Path),
        help="What was there before the first migration: a dump made with pg_dump --schema-only.",
    ),
    click.option(
        "--python",
        help="The interpreter that has Alembic and the project.  "
        "[default: .venv/bin/python, python]",
    ),
)
FORMATS: Final = ("terminal", "json", "markdown")


def which(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command PATHS and the options that say which migrations are meant."""
    for option in reversed(_WHICH):
        command = option(command)
    return command


def output_format(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--format``; ``what`` is shown in it, such as ``what was proved``."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(FORMATS),
        default="terminal",
        show_default=True,
        help=f"How to show {what}.",
    )


def where(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options, as its arguments ``where`` and ``timeout`` (seconds)."""

    @functools.wraps(command)
    def run(
        *arguments: Any,  # noqa: ANN401 - what click passes
        pg: str | None,
        server: str | None,
        pg_bin: Path | None,
        like: str | None,
        timezone: str | None,
        table_access_method: str | None,
        **rest: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        from senior_backend.migrations.trace.scratch import production
        from senior_backend.migrations.trace.scratch.server import Where
        from senior_backend.postgres.session import require_driver

        require_driver()
        majors = majors_of(pg)
        if pg_bin is not None and server is not None:
            raise InputError("--pg-bin and --server name two servers: leave one out")
        if len(majors) > 1 and (pg_bin is not None or server is not None):
            raise InputError("--pg all starts servers of every major: leave out --server, --pg-bin")
        chosen = Where(
            majors, server, pg_bin, production.chosen(like, timezone, table_access_method)
        )
        return command(*arguments, where=chosen, **rest)

    decorated: Callable[..., Any] = run
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def majors_of(given: str | None) -> tuple[int, ...]:
    """What ``--pg`` asks for; nothing without it.

    Raises:
        InputError: it is no major that can be had.
    """
    if given is None:
        return ()
    if given == ALL:
        return tuple(reversed(MAJORS))
    if given.isdecimal() and int(given) in MAJORS:
        return (int(given),)
    raise InputError(f"--pg {given}: {MAJORS.start} to {MAJORS.stop - 1}, or all")
