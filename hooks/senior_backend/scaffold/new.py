"""Generating a service: checks first, then Copier, then a Git repository around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from senior_backend import git
from senior_backend.errors import InputError
from senior_backend.scaffold import answers as recorded
from senior_backend.scaffold import copier_process
from senior_backend.scaffold.destination import prepared
from senior_backend.scaffold.questions import Question
from senior_backend.scaffold.source import Source

GitStep = Literal["init", "commit", "none"]
"""What happens after generating: a new repository, also its first commit, or neither."""


Repository = Literal["new", "committed", "existing", "none"]
"""The Git repository that the service is in now: made by us, with its first commit, or older."""


@dataclass(frozen=True, slots=True)
class Created:
    """What a run made."""

    directory: Path
    version: str
    """The template's version."""
    files: int
    repository: Repository


def create(
    directory: Path,
    source: Source,
    answers: Mapping[str, str],
    questions: Mapping[str, Question],
    *,
    interactive: bool,
    git_step: GitStep,
) -> Created:
    """Generate a service in ``directory`` (absolute) from ``source``.

    Raises:
        InputError: the directory or an answer is refused; nothing is left behind.
        NotRunError: Copier or Git could not do their part; nothing is left behind.
    """
    with prepared(directory):
        existing = _belongs_to_repository(directory, source)
        if git_step == "commit" and not existing:
            # Asked before the work: Git refuses a commit by nobody.
            git.run(["var", "GIT_COMMITTER_IDENT"], directory)
        copier_process.copy(source, directory, answers, interactive=interactive)
        result = recorded.read(directory)
        _refuse_ignored(answers, result, questions, source)
        files = [p for p in directory.rglob("*") if p.is_file() and ".git" not in p.parts]
        repository: Repository = "existing"
        if not existing:
            message = f"Start from {source.address} {result.version}"
            repository = _make_repository(directory, git_step, message)
    return Created(directory, result.version, len(files), repository)


def _make_repository(directory: Path, step: GitStep, message: str) -> Repository:
    if step == "none":
        return "none"
    git.run(["init", "--quiet", "--initial-branch", "main"], directory)
    if step == "init":
        return "new"
    git.run(["add", "--all"], directory)
    git.run(["commit", "--quiet", "--message", message], directory)
    return "committed"


def _belongs_to_repository(directory: Path, source: Source) -> bool:
    """Whether a repository is there already, such as that of a company's services.

    That of the template is none: a service would be committed to it, and follow its own commit.
    """
    try:
        return git.root(directory) != source.local
    except InputError:
        return False


def _refuse_ignored(
    answers: Mapping[str, str],
    result: recorded.Answers,
    questions: Mapping[str, Question],
    source: Source,
) -> None:
    """Copier passes over an answer to a question that it does not ask; the user would not know."""
    for name in answers:
        if name not in result.values and not (name in questions and questions[name].secret):
            raise InputError(
                f"{source.address} at {result.version} does not ask '{name}' here; "
                f"it asks: {', '.join(sorted(result.values))}"
            )
