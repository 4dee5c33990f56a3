"""The questions of a template, as its ``copier.yml`` asks them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from senior_backend.errors import InputError


@dataclass(frozen=True, slots=True)
class Question:
    """One question that a person may answer."""

    name: str
    help: str = ""
    choices: tuple[str, ...] = ()
    """The values to choose from; none means free text."""
    default: str = ""
    """Empty, or a Jinja expression that Copier evaluates."""
    multiple: bool = False
    """Several choices may be taken."""
    secret: bool = False
    """Copier does not record the answer."""

    @property
    def flag(self) -> str:
        """The command-line flag that answers it."""
        return "--" + self.name.replace("_", "-")


def parse(text: str, name: str) -> dict[str, Question]:
    """The questions in the text of a ``copier.yml`` called ``name``, without computed values.

    Raises:
        InputError: the text is not a mapping in YAML.
    """
    import yaml

    try:
        document = yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{name}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise InputError(f"{name}: holds no questions; a Copier template has some")
    return {
        str(key): _question(str(key), value)
        for key, value in document.items()
        if not str(key).startswith("_")
        and not (isinstance(value, dict) and value.get("when") is False)
    }


def _question(name: str, definition: object) -> Question:
    if not isinstance(definition, dict):  # the short form, `name: default`
        return Question(name, default=str(definition))
    return Question(
        name=name,
        help=" ".join(str(definition.get("help", "")).split()),
        choices=tuple(_choices(definition.get("choices"))),
        default=str(definition.get("default", "")),
        multiple=bool(definition.get("multiselect")),
        secret=bool(definition.get("secret")),
    )


def _choices(choices: object) -> Iterable[str]:
    """The values of a list, of ``label: value`` pairs, or of ``label: {value: ...}``."""
    if isinstance(choices, dict):
        values = list(choices.values())
    elif isinstance(choices, list):
        values = [c[1] if isinstance(c, list) and len(c) == 2 else c for c in choices]
    else:  # a Jinja expression: known only while Copier asks
        values = []
    for value in values:
        yield str(value["value"] if isinstance(value, dict) else value)


def refuse_unknown(name: str, known: Iterable[str]) -> None:
    """Raise the error for an answer to a question that does not exist.

    Raises:
        InputError: ``name`` is none of ``known``.
    """
    names = sorted(known)
    if name in names:
        return
    near = difflib.get_close_matches(name.replace("-", "_"), names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"it asks: {', '.join(names)}"
    raise InputError(f"the template has no question '{name}'; {hint}")


def parse_answers(pairs: Iterable[str]) -> dict[str, str]:
    """``KEY=VALUE`` arguments as a mapping.

    Raises:
        InputError: an argument has no ``=``, or a key is given twice.
    """
    answers: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InputError(f"'{pair}' is no answer; write it as KEY=VALUE")
        if name in answers:
            raise InputError(f"'{name}' is answered twice; keep one")
        answers[name] = value
    return answers
