"""Docker Compose files: ``${NAME}`` and ``$NAME``, filled from the environment and ``.env``."""

import re
from collections.abc import Iterator

from senior_backend.checks.environment.read import Read

# `$$` is a literal dollar sign; taking it first keeps `$${NAME}` from matching.
_INTERPOLATION = re.compile(r"\$\$|\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_COMMENT = re.compile(r"(^|\s)#.*")


def reads(text: str) -> Iterator[Read]:
    """Every interpolation outside comments."""
    for number, line in enumerate(text.split("\n"), start=1):
        for match in _INTERPOLATION.finditer(_COMMENT.sub("", line)):
            if match[1]:
                yield Read((match[1],), number)
