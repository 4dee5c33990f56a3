"""Materialized views refreshed while they are read."""

from typing import Final

from senior_backend.catalog.replay import said
from senior_backend.migrations.fixes.remedy import Edit, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import RefreshMaterializedView
from senior_backend.sql import keywords

RULES: Final = ("refresh-materialized-view-not-concurrent",)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """CONCURRENTLY, which needs a unique index over all rows and a view that has been filled."""
    operation = step.operation
    if not isinstance(operation, RefreshMaterializedView):
        return None
    if not operation.with_data:
        return Remedy(reason="WITH NO DATA empties the view: refresh it with data instead")
    known = step.catalog.table(operation.name)
    if known is not None and said.UNFILLED in known.said:
        return Remedy(reason="it was created WITH NO DATA: nobody can read it before this ends")
    unique = any(
        index.unique and index.where is None and all(key.column for key in index.keys)
        for index in step.catalog.indexes_of(operation.name)
    )
    if not unique:
        return Remedy(
            reason="CONCURRENTLY needs a unique index on plain columns without WHERE: create one "
            "first (CREATE UNIQUE INDEX CONCURRENTLY)"
        )
    found = keywords.find(step.statement.sql.encode(), ("materialized", "view"))
    if found is None:
        return None
    end = step.statement.start + found[1]
    return Remedy((Edit(end, end, " CONCURRENTLY"),), safe=True)
