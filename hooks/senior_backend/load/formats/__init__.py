"""How a result is shown. A format is a module with one pure function ``render(result, baseline)``.

``units``, ``verdict`` and ``tables`` hold what several of them say, so that all say the same.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from senior_backend.load.result import Result

FORMATS: Final = ("terminal", "json", "html", "markdown", "junit", "csv", "prometheus", "github")


def render(result: "Result", name: str, baseline: "Result | None" = None) -> str:
    """``result`` in one of ``FORMATS``, without a final newline; ``baseline`` is what it was.

    What people read shows the difference to the baseline; what programs read leaves it out.
    """
    module = importlib.import_module(f"senior_backend.load.formats.{name}")
    text: str = module.render(result, baseline)
    return text
