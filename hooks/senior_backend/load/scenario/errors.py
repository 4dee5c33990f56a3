"""An error in a scenario, by the way to the value: whoever knows the file adds line and column."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path as FilePath

from senior_backend.errors import InputError
from senior_backend.load.scenario.source import Path


class ScenarioError(InputError):
    """What is wrong and how to mend it, at ``path``; ``within`` is the part of a text meant."""

    def __init__(self, path: Path, message: str, within: str = "") -> None:
        super().__init__(f"{dotted(path)}: {message}" if path else message)
        self.path = path
        self.message = message
        self.within = within


def dotted(path: Path) -> str:
    """``endpoints[0].headers.X-Trace``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def suggestion(name: str, known: Iterable[str], *, what: str = "known") -> str:
    """``did you mean 'x'?`` where something is near, else what there is."""
    names = list(known)
    if near := difflib.get_close_matches(name, names, n=1):
        return f"did you mean '{near[0]}'?"
    return f"{what}: {', '.join(names)}" if names else "there are none here"


def shown(file: FilePath) -> str:
    """A file as the user would name it: from the working directory, where it is below that."""
    relative = os.path.relpath(file)
    return str(file) if relative.startswith("..") else relative
