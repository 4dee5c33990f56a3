"""``.copier-answers.yml``: what a service was generated from. Read here, written by Copier only."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from senior_backend.errors import InputError

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True, slots=True)
class Answers:
    """The recorded answers of one service."""

    source: str
    """The template's address as it was given to Copier."""
    version: str
    """The tag, or what ``git describe`` says of the commit."""
    values: Mapping[str, Any]
    """Question -> answer."""


def read(directory: Path) -> Answers:
    """The answers of the service in ``directory``.

    Raises:
        InputError: there are none, or they do not say which template and version it was.
    """
    import yaml

    path = directory / ANSWERS_FILE
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{directory} has no {ANSWERS_FILE}; run this in the top folder of a generated service"
        ) from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or not {"_src_path", "_commit"} <= document.keys():
        raise InputError(
            f"{path}: does not name the template's Git address and version (_src_path, _commit); "
            "restore the file from Git"
        )
    return Answers(
        source=str(document["_src_path"]),
        version=str(document["_commit"]),
        values={str(k): v for k, v in document.items() if not str(k).startswith("_")},
    )
