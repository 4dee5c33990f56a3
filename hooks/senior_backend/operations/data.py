"""Statements that read or change rows, and calls."""

from typing import Literal

from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation, operation


@operation
class ChangeRows(Operation):
    """INSERT, UPDATE, DELETE, MERGE, COPY FROM; also inside WITH (one operation for each).

    ``bounded`` is whether it is visibly limited to few rows: INSERT ... VALUES, an equality with a
    constant on a column (``equals``), a LIMIT in a sub-select. ``reads`` are the other tables.
    """

    action: Literal["insert", "update", "delete", "merge", "copy"]
    table: Name
    has_where: bool = False
    bounded: bool = False
    equals: tuple[str, ...] = ()
    """Columns compared with constants in the top-level AND of WHERE."""
    rows: int | None = None
    """Of INSERT ... VALUES."""
    columns: tuple[str, ...] = ()
    """What INSERT lists or UPDATE assigns, in order, repetitions kept."""
    reads: tuple[Name, ...] = ()
    functions: tuple[Name, ...] = ()
    joins: bool = False
    """UPDATE ... FROM, DELETE ... USING: how much is read is up to the other side."""
    literals: tuple[str, ...] = ()
    """String constants in it (an enum label may be among them); at most 1,000."""


@operation
class Select(Operation):
    """A SELECT: the tables it reads, the functions it calls (``SELECT backfill()``)."""

    reads: tuple[Name, ...] = ()
    functions: tuple[Name, ...] = ()
    for_update: bool = False


@operation
class Call(Operation):
    """CALL procedure(...)."""

    procedure: Name


@operation
class Do(Operation):
    """A DO block; what stands in it is read with ``sql.bodies``."""

    language: str = "plpgsql"
