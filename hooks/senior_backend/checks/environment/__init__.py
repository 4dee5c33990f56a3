"""Which environment variables a source file reads, found without running it.

A reader is a function from the text of a file to its ``Read`` s; ``READERS`` says which files it
understands. Readers would rather miss a read than invent one.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from senior_backend.checks.environment import compose, go, javascript, python
from senior_backend.checks.environment.read import Read

Reader = Callable[[str], Iterable[Read]]

READERS: Final[tuple[tuple[re.Pattern[str], Reader], ...]] = (
    (re.compile(r"\.pyi?$"), python.reads),
    (re.compile(r"(?<!\.d)\.[cm]?[jt]sx?$|\.(vue|svelte)$"), javascript.reads),
    (re.compile(r"\.go$"), go.reads),
    (re.compile(r"(^|/)(docker-)?compose([.-][^/]*)?\.ya?ml$"), compose.reads),
)

_TESTS: Final = re.compile(
    r"(^|/)(tests?|__tests__|__mocks__|specs?|e2e|testdata|fixtures)/"
    r"|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$"
    r"|_test\.go$"
    r"|\.(test|spec|e2e)\.[cm]?[jt]sx?$"
)


def reader(path: str) -> Reader | None:
    """The reader for a file of the product, or None: another language, or a test."""
    if _TESTS.search(path):
        return None
    return next((read for pattern, read in READERS if pattern.search(path)), None)


__all__ = ["READERS", "Read", "Reader", "reader"]
