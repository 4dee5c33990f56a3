"""The safe form of each dangerous operation, as edits or as a plan of several migrations.

A fix is a module with the ids of the rules that it answers, ``RULES``, and
``remedy(step, hazard)``.
"""

from dataclasses import replace

from senior_backend.migrations.fixes.remedy import Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step


def remedy(rule_id: str, step: Step, hazard: Hazard) -> Remedy | None:
    """The safe form of what ``rule_id`` found at ``step``, or None when only people can decide."""
    from senior_backend.migrations.fixes import registry

    maker = registry.by_rule().get(rule_id)
    found = maker(step, hazard) if maker else None
    if found is not None and found.phases and "search_path" in step.session.variables:
        return replace(found, by_search_path=True)
    return found
