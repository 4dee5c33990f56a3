"""``senior-backend check``: one sub-command a check, all with the same arguments."""

import os
from pathlib import Path

import click

from senior_backend import config, git, report
from senior_backend.checks import env_example_in_sync, no_conflict_markers
from senior_backend.checks.check import Check, Settings, Tree
from senior_backend.errors import InputError
from senior_backend.findings import Finding, NotAnalyzed, Outcome

CHECKS: tuple[Check, ...] = (no_conflict_markers, env_example_in_sync)


@click.group()
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


for _module in CHECKS:
    check.add_command(_command(_module))
