"""No short timeout on statements that wait by design."""

from typing import Final

from senior_backend.migrations.fixes.remedy import Edit, Remedy
from senior_backend.migrations.rules.lock_timeout_with_concurrently import ENOUGH_MS
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations.recipes import literal

RULES: Final = ("lock-timeout-with-concurrently",)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The timeouts off before it, and as they were behind it where more statements follow."""
    short = {
        name: step.session.variables[name]
        for name, enough in ENOUGH_MS.items()
        if (limit := step.session.timeout_ms(name)) is not None and limit < enough
    }
    if not short:
        return None
    start, end = step.statement.start, step.statement.end
    edits = [Edit(start, start, "".join(f"SET {name} = 0;\n" for name in short))]
    if any(True for _ in step.later):
        again = "".join(f";\nSET {name} = {literal(value)}" for name, value in short.items())
        edits.append(Edit(end, end, again))
    return Remedy(tuple(edits), safe=True)
