"""``senior-backend new`` and ``senior-backend update``."""

import shlex
import sys
from pathlib import Path
from typing import get_args

import click

from senior_backend import bundle
from senior_backend.errors import InputError
from senior_backend.scaffold import flags, questions, source, styles
from senior_backend.scaffold import new as creation
from senior_backend.scaffold import update as updating
from senior_backend.scaffold.questions import Question


def asked() -> dict[str, Question]:
    """The questions of the template that belongs to this code."""
    path = bundle.path("copier.yml")
    return questions.parse(path.read_text(encoding="utf-8"), str(path))


class New(click.Command):
    """A command with one flag more for each question of the template."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The question flags come first, since they are what people look for."""
        argument, *own = super().get_params(ctx)
        return [argument, *flags.options(asked().values()), *own]


@click.command(cls=New)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--style", help="Kind of API; must fit the framework: rest, or graphql.")
@click.option("--answer", "pairs", metavar="KEY=VALUE", multiple=True, help="Any other answer.")
@click.option("--defaults", is_flag=True, help="Ask nothing, also in a terminal.")
@click.option(
    "--from", "address", metavar="SOURCE", help="Another template: gh:OWNER/NAME, URL or folder."
)
@click.option("--ref", help="Tag, branch or commit of the template.")
@click.option(
    "--git",
    "git_step",
    type=click.Choice(get_args(creation.GitStep)),
    default="init",
    show_default=True,
    help="Make a Git repository, also commit, or neither; never inside an existing one.",
)
def new(
    directory: Path,
    style: str | None,
    pairs: tuple[str, ...],
    defaults: bool,
    address: str | None,
    ref: str | None,
    git_step: creation.GitStep,
    **answered: str | None,
) -> None:
    """Generate a service in DIR, a directory that is empty or does not exist.

    In a terminal, the questions that no flag answers are asked; otherwise their defaults count.
    """
    directory = Path.cwd() / directory
    known = asked()
    answers = {name: value for name, value in answered.items() if value is not None}
    for name, value in questions.parse_answers(pairs).items():
        if not address:  # another template may ask other questions
            questions.refuse_unknown(name, known)
        if name in answers:
            raise InputError(f"'{name}' is answered twice; keep one")
        answers[name] = value
    if style:
        default = known["framework"].default
        answers["framework"] = styles.framework_for(style, answers.get("framework"), default)
    folder = directory.resolve().name
    of_the_folder = "project_name" not in answers
    answers.setdefault("project_name", folder)
    template = source.named(address, ref) if address else source.find(ref)
    try:
        created = creation.create(
            directory,
            template,
            answers,
            known,
            interactive=not defaults and sys.stdin.isatty() and sys.stdout.isatty(),
            git_step=git_step,
        )
    except InputError as error:
        if of_the_folder and str(error).startswith("--project-name: "):
            raise InputError(
                f"{error}. The folder's name {folder!r} cannot be it: give --project-name"
            ) from None
        raise
    _report_new(created, template)


def _report_new(created: creation.Created, template: source.Source) -> None:
    here = Path.cwd()
    place = created.directory
    shown = place.relative_to(here) if place.is_relative_to(here) else place
    click.echo(
        f"{created.files} files in {shown} from {template.address}, version {created.version}\n"
    )
    if template.note:
        click.echo(f"senior-backend: note: {template.note}", err=True)
    click.echo("Next:")
    steps = [] if place == here else [(f"cd {shlex.quote(str(shown))}", "")]
    if created.repository == "none":
        steps.append(("git init -b main", "updates need a repository"))
    if created.repository != "committed":
        name = place.resolve().name
        steps.append((f"git add . && git commit -m 'Start {name}'", "updates need a commit"))
    has_makefile = (place / "Makefile").is_file()
    if has_makefile:
        steps += [
            ("make setup", "the locked dependencies"),
            ("make dev", "database, migrations, server"),
            ("make test", "on a real PostgreSQL"),
        ]
    # pre-commit reads the configuration in a repository's top folder only.
    is_top = created.repository != "existing" or (place / ".git").exists()
    if is_top and (place / ".pre-commit-config.yaml").is_file():
        hooks = "make hooks" if has_makefile else "pre-commit install"
        steps.append((hooks, "its checks on every commit"))
    width = max(len(command) for command, _ in steps)
    for command, why in steps:
        click.echo(f"  {command:<{width}}  # {why}" if why else f"  {command}")


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--ref", help="Tag, branch or commit of the template.  [the newest release]")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="Change an answer.")
@click.pass_context
def update(ctx: click.Context, directory: Path, ref: str | None, pairs: tuple[str, ...]) -> None:
    """Merge a newer template into the service in DIR; your edits are kept.

    Nothing is committed. Conflicts are listed by file and line, and the exit code is 1 while any
    remain.
    """
    service = updating.open_service(directory)
    answers = questions.parse_answers(pairs)
    template = updating.target(service, ref)
    updating.refuse_unknown(answers, service, template)
    click.echo(f"{template.address}: {service.version} -> {template.ref}", err=True)
    updated = updating.apply(directory, service, template, answers)
    for conflict in updated.conflicts:
        click.echo(f"{directory / conflict.path}:{conflict.line}: {conflict.text}")
    if updated.conflicts:
        files = len({c.path for c in updated.conflicts})
        click.echo(
            f"{updated.before} -> {updated.after}: {len(updated.changed)} files changed, "
            f"{files} with conflicts; keep what is right, delete the markers, then commit"
        )
        ctx.exit(1)
    if not updated.changed:
        click.echo(f"{updated.after} is current; nothing changed")
        return
    click.echo(
        f"{updated.before} -> {updated.after}: {len(updated.changed)} files changed, no conflicts; "
        "see git diff, run make setup lint test, then commit"
    )
