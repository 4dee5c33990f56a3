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
from senior_backend.operations.columns import ColumnOperation, DropColumn, DropNotNull
from senior_backend.operations.constraints import ConstraintOperation, DropConstraint
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import TableOperation

EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    **columns.EFFECTS,
    **constraints.EFFECTS,
    **data.EFFECTS,
    **indexes.EFFECTS,
    **objects.EFFECTS,
    **tables.EFFECTS,
}

_WITH_ONLY: Final = (ConstraintOperation, ColumnOperation, TableOperation)
_LOCKING_ALL: Final = (DropColumn, DropConstraint, DropNotNull)
"""They lock what is below the table even with ONLY; seen on 18."""


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
    only: Name | None = None
    if (
        isinstance(operation, _WITH_ONLY)
        and operation.only
        and not isinstance(operation, _LOCKING_ALL)
    ):
        only = catalog.key(operation.table)
    return merged(function(operation, Database(catalog, assumptions.major, timezone, only)))
