"""``effects``: what PostgreSQL does for an operation, given the schema before it.

One module a subject, each with a table from operation type to function. An operation that stands
in none of them locks no table.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.lock_model import (
    columns,
    constraints,
    data,
    indexes,
    objects,
    tables,
)
from senior_backend.migrations.lock_model.database import Database, merged
from senior_backend.migrations.lock_model.effect import Effect
from senior_backend.migrations.step import Assumptions, Session
from senior_backend.operations.operation import Operation

EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    **columns.EFFECTS,
    **constraints.EFFECTS,
    **data.EFFECTS,
    **indexes.EFFECTS,
    **objects.EFFECTS,
    **tables.EFFECTS,
}


def effects(
    operation: Operation,
    catalog: Catalog,
    assumptions: Assumptions,
    session: Session | None = None,
) -> tuple[Effect, ...]:
    """The effect on each relation that exists before the operation, the operation's own first.

    A table of which nothing is known is taken to exist. ``session`` may have set TimeZone.
    """
    function = EFFECTS.get(type(operation))
    if function is None:
        return ()
    timezone = assumptions.timezone
    if session is not None:
        timezone = session.variables.get("timezone", timezone)
    return merged(function(operation, Database(catalog, assumptions.major, timezone)))
