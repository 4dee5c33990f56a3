"""All fixes, found by their modules, by the rules that they answer."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from senior_backend.migrations import fixes
from senior_backend.migrations.fixes import missing_down, rename
from senior_backend.migrations.fixes.remedy import Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step

Maker = Callable[[Step, Hazard], Remedy | None]

_FRAME: Final = frozenset(
    {"remedy", "registry", "placement", "files", "present", "filling", "partitioned_index"}
)
"""Modules of the package that are not fixes."""


@cache
def by_rule() -> Mapping[str, Maker]:
    """What makes the remedy, by rule id."""
    table: dict[str, Maker] = {}
    for found in pkgutil.iter_modules(fixes.__path__):
        if found.name not in _FRAME:
            module = importlib.import_module(f"{fixes.__name__}.{found.name}")
            table.update(dict.fromkeys(module.RULES, module.remedy))
    return table


def written() -> frozenset[str]:
    """The rules whose safe form is written, not only told."""
    return frozenset(by_rule()) - {*rename.RULES, *missing_down.RULES}
