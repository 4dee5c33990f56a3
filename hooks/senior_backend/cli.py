"""The command line: one table of tools, each imported only when it is called.

Hooks start on every commit, so nothing but click may be imported before the tool is known.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from senior_backend import __version__
from senior_backend.errors import SeniorBackendError

# Command -> where its click command is. A further tool is a folder with command.py and a line here.
TOOLS = {
    "new": "senior_backend.scaffold.command:new",
    "update": "senior_backend.scaffold.command:update",
    "check": "senior_backend.checks.command:check",
    "explain": "senior_backend.explain:explain",
    "postgres": "senior_backend.postgres.command:postgres",
}


class Tools(click.Group):
    """A click group whose commands are the entries of ``TOOLS``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is the order in which people meet the tools."""
        return list(TOOLS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one module that is wanted."""
        if cmd_name not in TOOLS:
            return None
        module, attribute = TOOLS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=Tools, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="senior-backend")
def cli() -> None:
    """Senior backend judgment as tools.

    Exit codes, everywhere: 0 nothing to report, 1 findings, 2 bad usage or unreadable input,
    3 the check itself could not run.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the documented codes."""
    try:
        cli.main(args=arguments, prog_name="senior-backend")
    except SeniorBackendError as error:
        click.echo(f"senior-backend: {error}", err=True)
        sys.exit(error.exit_code)
    raise AssertionError("click exits by itself")
