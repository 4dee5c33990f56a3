"""``senior-backend migrations run``: the command line."""

import contextlib
import os
import sys

import click

from senior_backend.errors import InputError
from senior_backend.migrations.deploy.duration import duration


@click.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option(
    "--database",
    metavar="DSN",
    help="The database; the command finds it in the variable of --database-env.",
)
@click.option(
    "--database-env",
    "variable",
    metavar="NAME",
    default="DATABASE_URL",
    show_default=True,
    help="The environment variable with the database's address.",
)
@click.option(
    "--lock-timeout",
    type=duration,
    default="2s",
    show_default=True,
    help="How long a statement may wait for a lock while traffic queues behind it.",
)
@click.option(
    "--concurrent-timeout",
    type=duration,
    default="10min",
    show_default=True,
    help="How long CONCURRENTLY may wait for older transactions; nobody queues behind that.",
)
@click.option(
    "--concurrently",
    is_flag=True,
    help="The migrations hold CONCURRENTLY: give it that time from the first attempt on.",
)
@click.option(
    "--attempts",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="How often to run the command; again only after a lock timeout.",
)
@click.option(
    "--delay",
    type=duration,
    default="2s",
    show_default=True,
    help="Before the second attempt; doubles from one to the next, less up to half by chance.",
)
@click.option(
    "--max-wait",
    type=duration,
    default="15min",
    show_default=True,
    help="No further attempt begins after this time.",
)
@click.option(
    "--max-transaction-age",
    type=duration,
    default="1min",
    show_default=True,
    help="Refuse while an older transaction is open; 0: never.",
)
@click.option(
    "--wait",
    type=duration,
    default="0",
    show_default=True,
    help="How long to wait for what stands in the way to go, instead of refusing at once.",
)
@click.option("--clean-invalid", is_flag=True, help="Drop all INVALID indexes first.")
@click.option("--force", is_flag=True, help="Run whatever stands in the way.")
@click.option(
    "--enforce",
    is_flag=True,
    help="Cancel statements that wait beyond --lock-timeout because it is not in effect.",
)
@click.option(
    "--in-address",
    is_flag=True,
    help="Put lock_timeout into the address too, for clients that take no PGOPTIONS.",
)
@click.option(
    "--rerunnable",
    is_flag=True,
    help="The command may run again after it failed half way.",
)
@click.option("--verbose", is_flag=True, help="Show the statements of those who are in the way.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
    help="json: the report on standard output, the command's output on standard error.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
@click.pass_context
def run(
    ctx: click.Context,
    /,
    database: str | None,
    variable: str,
    output_format: str,
    command: tuple[str, ...],
    lock_timeout: float,
    concurrent_timeout: float,
    delay: float,
    max_wait: float,
    max_transaction_age: float,
    wait: float,
    attempts: int,
    *,
    concurrently: bool,
    clean_invalid: bool,
    force: bool,
    enforce: bool,
    in_address: bool,
    rerunnable: bool,
    verbose: bool,
) -> None:
    """Run a framework's own migrate COMMAND without stopping traffic.

    \b
    senior-backend migrations run -- alembic upgrade head
    senior-backend migrations run -- npx prisma migrate deploy
    senior-backend migrations run -- goose -dir migrations up

    Its connections get a lock_timeout, and after a lock timeout it is run again, later and later.
    It is not run while long transactions or INVALID indexes stand in the way; INVALID indexes that
    it leaves behind are dropped. No ledger of another tool is written.

    Exit codes: 0 the command succeeded, 1 it failed, 2 bad usage or no such command, 3 nothing was
    run: something stands in the way, or the database cannot be reached; 128 + N after signal N.
    """
    if command[0].startswith("-"):
        raise InputError(f"no such option: {command[0]}; the command comes after --")
    if not lock_timeout:
        raise InputError("--lock-timeout 0 would wait for ever: write 200ms, 2s or the like")
    if "=" in variable or not variable:
        raise InputError(f"--database-env {variable!r} is no name of a variable")
    from senior_backend.migrations.deploy import connection, flow

    url, address = connection.address_of(database, variable, os.environ)
    as_json = output_format == "json"
    order = flow.Order(
        command=command,
        url=url,
        address=address,
        variable=variable,
        environment=dict(os.environ),
        lock_timeout=lock_timeout,
        concurrent_timeout=concurrent_timeout,
        concurrently=concurrently,
        attempts=attempts,
        delay=delay,
        max_wait=max_wait,
        max_transaction_age=max_transaction_age,
        wait=wait,
        clean_invalid=clean_invalid,
        force=force,
        enforce=enforce,
        in_address=in_address,
        rerunnable=rerunnable,
        verbose=verbose,
        stdout=sys.stderr if as_json else None,
    )
    report = flow.run(order, _say)
    _say(report.summary())
    if as_json:
        try:
            click.echo(report.as_json())
        except OSError as error:  # what the command did stays as it is
            _say(f"the report could not be written: {error.strerror}")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that leaving does not fail on it
    ctx.exit(report.exit_code)


def _say(line: str) -> None:
    # Nobody may be reading any more; that is no reason to leave migrations half way.
    with contextlib.suppress(OSError):
        click.echo(f"senior-backend: {line}", err=True)
