"""All rules, found by their modules."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, Final

from senior_backend.migrations import rules
from senior_backend.migrations.rules.rule import Rule

_FRAME: Final = frozenset({"rule", "registry", "pages"})
"""Modules of the package that are not rules."""


@cache
def modules() -> Mapping[str, ModuleType]:
    """The modules by rule id, in alphabetical order."""
    names = sorted(m.name for m in pkgutil.iter_modules(rules.__path__) if m.name not in _FRAME)
    found = (importlib.import_module(f"{rules.__name__}.{name}") for name in names)
    return {module.RULE.id: module for module in found}


@cache
def ids() -> frozenset[str]:
    """The ids of all rules, without importing one: a module is named after its rule."""
    names = (m.name for m in pkgutil.iter_modules(rules.__path__) if m.name not in _FRAME)
    return frozenset(name.replace("_", "-") for name in names)


def rule(rule_id: str) -> Rule:
    """What is told about a rule.

    Raises:
        KeyError: there is none of that id.
    """
    found: Rule = modules()[rule_id].RULE
    return found


@cache
def by_operation() -> Mapping[type, tuple[Any, ...]]:
    """The modules that check operations, by the type of operation."""
    table: dict[type, list[ModuleType]] = {}
    for module in modules().values():
        if hasattr(module, "check"):
            for kind in module.RULE.operations:
                table.setdefault(kind, []).append(module)
    return {kind: tuple(found) for kind, found in table.items()}


@cache
def of_migrations() -> tuple[Any, ...]:
    """The modules that check a migration as a whole."""
    return tuple(m for m in modules().values() if hasattr(m, "check_migration"))
