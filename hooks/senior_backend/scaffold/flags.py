"""Questions as command-line flags: a new question in ``copier.yml`` is a new flag."""

import difflib
from collections.abc import Iterable

import click

from senior_backend.errors import InputError
from senior_backend.scaffold.questions import Question


class Answer(click.ParamType[str]):
    """A value that the question accepts; free text is left to the template's own validator."""

    name = "text"

    def __init__(self, question: Question) -> None:
        self.question = question

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """``[a|b]``, as click shows a choice."""
        return f"[{'|'.join(self.question.choices)}]" if self.question.choices else "TEXT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is not one of the choices, with the nearest that is."""
        choices = self.question.choices
        if choices and value not in choices:
            near = difflib.get_close_matches(value, choices, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise InputError(
                f"{self.question.flag} {value}: there is no such choice; "
                f"{hint}choose from: {', '.join(choices)}"
            )
        return value


def options(questions: Iterable[Question]) -> list[click.Option]:
    """One option a question, without a default: what is not given is asked, or left to Copier."""
    return [click.Option([q.flag, q.name], type=Answer(q), help=q.help or None) for q in questions]
