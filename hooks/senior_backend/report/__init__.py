"""How an outcome is shown. A format is a module with one pure function ``render(outcome)``."""

import importlib
from typing import Final

from senior_backend.findings import Outcome

FORMATS: Final = ("terminal", "json", "sarif", "github", "gitlab", "junit", "markdown")


def render(outcome: Outcome, output_format: str) -> str:
    """``outcome`` in one of ``FORMATS``, ready for standard output, without a final newline."""
    module = importlib.import_module(f"senior_backend.report.{output_format}")
    text: str = module.render(outcome)
    if text.isascii():
        return text
    # A file name may hold bytes that are not UTF-8; Python has them as lone surrogates, which no
    # stream takes. As escapes they are valid JSON too.
    return text.encode("utf-8", "backslashreplace").decode()
