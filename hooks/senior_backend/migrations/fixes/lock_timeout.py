"""A lock_timeout before the first statement that waits for a strong lock."""

from typing import Final

from senior_backend.migrations.fixes.remedy import Edit, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step

RULES: Final = ("missing-lock-timeout",)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """SET LOCAL in a transaction, SET outside of one; nothing where it would open one."""
    if step.transaction is None and step.migration.up:
        segments = step.migration.up if step.direction == "up" else step.migration.down or ()
        if any(segment.transaction == "implicit" for segment in segments):
            return None  # a second statement would make the message an implicit transaction
    start = step.statement.start
    if "lock_timeout" in step.session.variables:
        return None  # set, but to something that does not help: a person decides
    local = "LOCAL " if step.transaction is not None else ""
    return Remedy((Edit(start, start, f"SET {local}lock_timeout = '5s';\n"),), safe=True)
