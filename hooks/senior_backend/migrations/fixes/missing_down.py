"""Why no way back is written for a migration that has none."""

from typing import Final

from senior_backend.migrations.fixes.remedy import Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step

RULES: Final = ("missing-down",)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """A word only: DROP COLUMN is the opposite of ADD COLUMN, but not of what was written since."""
    return Remedy(
        reason="a way back throws away what was written since, so none is made unasked: "
        "`senior-backend migrations rollback --write` makes one that is proved; or say in it that "
        "there is none"
    )
