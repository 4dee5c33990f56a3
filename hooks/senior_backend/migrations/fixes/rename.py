"""Renames: nothing that can be written keeps both names, so the steps are told."""

from typing import Final

from senior_backend.migrations.fixes.remedy import Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import Drop, Rename

RULES: Final = ("rename-column", "rename-table")


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """What to do by hand. A view under the old name would break whatever else names the table:
    other migrations, grants, references, TRUNCATE and COPY.
    """
    operation = step.operation
    if not isinstance(operation, Rename):
        return None
    if _is_a_step(step, operation):
        return Remedy(reason="one step of several: run it when no code needs the old form")
    old, new = operation.old, operation.new
    if operation.kind == "column":
        return Remedy(
            reason=f"by hand, with deploys in between: add {new}, write both, fill the rows that "
            f"are there in batches, read {new}, then drop {old}; or leave the column its name and "
            "rename it in the code only"
        )
    return Remedy(reason=f"leave the table its name {old}, and rename it in the code only")


def _is_a_step(step: Step, rename: Rename) -> bool:
    """Whether another takes the old name, or gives up the new one, in the same migration."""
    gone = any(
        isinstance(o, Drop) and o.kind == "view" and o.name.name in (rename.of.name, rename.new)
        for o in step.earlier
    )
    return gone or any(
        isinstance(o, Rename)
        and o is not rename
        and o.kind == rename.kind
        and (o.new == rename.old or o.old == rename.new)
        for o in step.operations
    )
