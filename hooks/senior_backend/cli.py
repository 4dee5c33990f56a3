"""The command line: one table of tools, each imported only when it is called.

Hooks start on every commit, so nothing but click may be imported before the tool is known.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from senior_backend import __version__
from senior_backend.command_table import CommandTable
from senior_backend.errors import InputError, NotRunError, SeniorBackendError

_INTERRUPTED = 130  # what a shell reports for SIGINT; 1 would mean findings

# Command -> where its click command is. A further tool is a folder with command.py and a line here.
TOOLS = {
    "new": "senior_backend.scaffold.command:new",
    "update": "senior_backend.scaffold.command:update",
    "check": "senior_backend.checks.command:check",
    "migrations": "senior_backend.migrations.command:migrations",
    "load": "senior_backend.load.command:load",
    "explain": "senior_backend.explain:explain",
    "postgres": "senior_backend.postgres.command:postgres",
}

# Commands whose output is kept (``__main__`` asks for it first) -> what runs them.
KEPT = {"migrations lint": "senior_backend.migrations.cache:keep"}


@click.group(
    cls=CommandTable, table=TOOLS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="senior-backend")
def cli() -> None:
    """Senior backend judgment as tools.

    Exit codes, everywhere: 0 nothing to report, 1 findings, 2 bad usage or unreadable input,
    3 the check itself could not run.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the documented codes, or 130 after Ctrl-C."""
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except SeniorBackendError as error:
        _stop(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(InputError.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "senior-backend"
        _stop(
            f"{error.format_message().removesuffix('.')}; see {command} --help",
            InputError.exit_code,
        )
    except click.ClickException as error:
        _stop(error.format_message(), InputError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(NotRunError.exit_code)
    except Exception as error:  # a bug; Python's own exit code for it, 1, would mean findings
        # Python 3.11 wraps what comes while a class is made, as when a module is imported.
        if isinstance(error.__cause__, KeyboardInterrupt):
            sys.exit(_INTERRUPTED)
        traceback.print_exc()
        sys.exit(NotRunError.exit_code)
    sys.exit(code)


def _run(arguments: Sequence[str]) -> int:
    def command() -> int:
        code: int = cli.main(args=arguments, prog_name="senior-backend", standalone_mode=False)
        return code

    name = " ".join(arguments[:2])
    if name not in KEPT:
        return command()
    module, attribute = KEPT[name].split(":")
    code: int = getattr(importlib.import_module(module), attribute)(arguments, command)
    return code


def _stop(message: str, code: int) -> NoReturn:
    click.echo(f"senior-backend: {' '.join(message.split())}", err=True)
    sys.exit(code)
