"""``senior-backend check``: one sub-command a check, all with the same arguments."""

import importlib
import os
from pathlib import Path

import click

from senior_backend import config, git, report
from senior_backend.checks.check import Check, Settings, Tree
from senior_backend.errors import InputError
from senior_backend.findings import Finding, NotAnalyzed, Outcome

# Each is a module of the shape check.Check, named as its id with underscores.
CHECKS = ("no-conflict-markers", "env-example-in-sync")


class Checks(click.Group):
    """A click group whose commands are ``CHECKS``; a hook imports only its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(CHECKS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one check that is wanted."""
        return _command(load(cmd_name)) if cmd_name in CHECKS else None


def load(check_id: str) -> Check:
    """The module of a check."""
    module: Check = importlib.import_module(f"senior_backend.checks.{check_id.replace('-', '_')}")
    return module


@click.group(cls=Checks)
def check() -> None:
    """Check files of a repository, as the pre-commit hooks of the same names do.

    Without FILES, all files that Git tracks are checked.
    """


def _tree(files: tuple[Path, ...]) -> Tree:
    root = git.root(Path.cwd())
    asked = []
    for file in files:
        absolute = Path(os.path.abspath(file))  # noqa: PTH100 - resolve() would follow a link
        place = absolute.parent.resolve() / absolute.name
        if not place.is_relative_to(root):
            raise InputError(f"{file}: lies outside the repository {root}; run this inside its own")
        asked.append(place.relative_to(root))
    return Tree(root, config.load(root, "checks", Settings), tuple(asked))


def _command(module: Check) -> click.Command:
    @click.command(module.ID, short_help=module.SUMMARY, help=module.SUMMARY)
    @click.argument("files", nargs=-1, type=click.Path(path_type=Path))
    @click.option(
        "--format",
        "output_format",
        type=click.Choice(report.FORMATS),
        default="terminal",
        show_default=True,
        help="How to show what was found.",
    )
    @click.pass_context
    def command(ctx: click.Context, files: tuple[Path, ...], output_format: str) -> None:
        tree = _tree(files)
        found = list(module.check(tree))
        outcome = Outcome(
            tool=module.ID,
            findings=tuple(f for f in found if isinstance(f, Finding)),
            checked=len(tree.selected),
            not_analyzed=tuple(f for f in found if isinstance(f, NotAnalyzed)),
        )
        if text := report.render(outcome, output_format):
            click.echo(text)
        ctx.exit(outcome.exit_code())

    return command
