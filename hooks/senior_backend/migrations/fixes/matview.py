"""Materialized views refreshed while they are read."""

import re
from typing import Final

from senior_backend.migrations.fixes.remedy import Edit, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import RefreshMaterializedView

RULES: Final = ("refresh-materialized-view-not-concurrent",)

_REFRESH: Final = re.compile(rb"refresh\s+materialized\s+view\b", re.IGNORECASE)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """CONCURRENTLY, which needs a unique index over all rows and a view that has been filled."""
    operation = step.operation
    if not isinstance(operation, RefreshMaterializedView):
        return None
    if not operation.with_data:
        return Remedy(reason="WITH NO DATA empties the view: refresh it with data instead")
    unique = any(
        index.unique and index.where is None and all(key.column for key in index.keys)
        for index in step.catalog.indexes_of(operation.name)
    )
    if not unique:
        return Remedy(
            reason="CONCURRENTLY needs a unique index on plain columns without WHERE: create one "
            "first (CREATE UNIQUE INDEX CONCURRENTLY)"
        )
    found = _REFRESH.search(step.statement.text.data, step.statement.start, step.statement.end)
    if found is None:
        return None
    return Remedy((Edit(found.end(), found.end(), " CONCURRENTLY"),), safe=True)
