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
        """``[a|b]``, as click shows a choice; ``[a|b],...`` where several may be taken."""
        if not self.question.choices:
            return "TEXT"
        return f"[{'|'.join(self.question.choices)}]" + ",..." * self.question.multiple

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is not one of the choices, with the nearest that is."""
        choices = self.question.choices
        taken = [part.strip() for part in value.split(",")] if self.question.multiple else [value]
        for part in taken if choices else ():
            if part not in choices:
                near = difflib.get_close_matches(part, choices, n=1)
                hint = f"did you mean '{near[0]}'? " if near else ""
                raise InputError(
                    f"{self.question.flag} {part}: there is no such choice; "
                    f"{hint}choose from: {', '.join(choices)}"
                )
        return f"[{', '.join(taken)}]" if self.question.multiple else value


def options(questions: Iterable[Question]) -> list[click.Option]:
    """One option a question, without a default: what is not given is asked, or left to Copier."""
    return [click.Option([q.flag, q.name], type=Answer(q), help=q.help or None) for q in questions]
