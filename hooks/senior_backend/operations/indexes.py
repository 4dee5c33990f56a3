"""Indexes."""

from dataclasses import dataclass
from typing import Literal

from senior_backend.operations.names import Expression, Name
from senior_backend.operations.operation import Operation, operation


@dataclass(frozen=True, slots=True)
class IndexKey:
    """A column, or the SQL of an expression; with what makes it differ from another.

    Of an expression, ``reads`` are the columns in it, and ``label`` is what stands for it in the
    name of an index that the server names.
    """

    column: str | None
    expression: str | None = None
    descending: bool = False
    nulls_first: bool | None = None
    operator_class: str | None = None
    collation: str | None = None
    reads: tuple[str, ...] = ()
    label: str = "expr"


@operation
class CreateIndex(Operation):
    """CREATE INDEX. ``name`` is None where the server chooses; ``only`` is ON ONLY."""

    name: str | None
    table: Name
    keys: tuple[IndexKey, ...] = ()
    include: tuple[str, ...] = ()
    method: str = "btree"
    unique: bool = False
    concurrently: bool = False
    if_not_exists: bool = False
    only: bool = False
    where: Expression | None = None
    nulls_not_distinct: bool = False
    abridged: bool = False
    """Whether it has storage parameters, a tablespace or parameters of an operator class."""


@operation
class DropIndex(Operation):
    """DROP INDEX, one operation for each index named."""

    index: Name
    concurrently: bool = False
    if_exists: bool = False
    cascade: bool = False


@operation
class Reindex(Operation):
    """REINDEX; ``name`` is None for REINDEX DATABASE and SYSTEM without one."""

    kind: Literal["index", "table", "schema", "database", "system"]
    name: Name | None
    concurrently: bool = False


@operation
class AttachIndex(Operation):
    """ALTER INDEX parent ATTACH PARTITION child."""

    index: Name
    child: Name


@operation
class SetIndexOptions(Operation):
    """ALTER INDEX ... SET (fillfactor = ...), RESET, ALTER COLUMN ... SET STATISTICS."""

    index: Name
    names: tuple[str, ...] = ()
