"""Rows changed in batches: what several fixes have in common."""

from senior_backend.migrations.fixes.remedy import Phase
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.names import Name

WITHOUT_KEY = "No primary key is known to go by, so all rows are changed at once."


def key_of(step: Step, table: Name) -> tuple[str, ...]:
    """The columns of the primary key by which rows can be visited; empty when none is known."""
    known = step.catalog.table(table)
    if known is None or known.kind != "table":
        return ()
    keys = (c.columns for c in known.constraints.values() if c.kind == "primary_key")
    return next(keys, ())


def fill(step: Step, table: Name, column: str, value: str, missing: str, note: str = "") -> Phase:
    """Set ``column`` to ``value`` in the rows that were there, where ``missing``, in batches.

    Once more after a failure it goes on with the rows that are left.
    """
    known = step.catalog.table(table)
    if known is not None and known.triggers:
        fired = ", ".join(sorted(known.triggers))
        note = f"{note}\nFires the triggers of {table.name} for every row: {fired}.".strip()
    change = f"UPDATE {recipes.name(table)} SET {recipes.names([column])} = {value}"
    name, key = f"fill_{table.name}_{column}", key_of(step, table)
    if not key:
        return Phase(name, (f"{change} WHERE {missing}",), note=f"{note}\n{WITHOUT_KEY}".strip())
    before, after = f"{change}\n        WHERE {missing}\n          AND ", ""
    batches = recipes.in_batches(table, key, before, after)
    return Phase(name, (batches,), transactional=False, note=note)
