"""Columns: their definition and what ALTER TABLE does to them."""

from dataclasses import dataclass
from typing import Literal

from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Expression, Name, TypeName
from senior_backend.operations.operation import Operation, operation


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column as it is written in CREATE TABLE or ADD COLUMN.

    ``serial`` types have type ``integer`` (and so on) and ``serial`` set; like an identity they
    imply ``not_null``. ``constraints`` are the inline ones: check, foreign_key, unique,
    primary_key, and not_null where it has a name or an attribute.
    """

    name: str
    type: TypeName
    not_null: bool = False
    default: Expression | None = None
    serial: bool = False
    identity: Literal["always", "by default"] | None = None
    generated: Literal["stored", "virtual"] | None = None
    generation: Expression | None = None
    collation: Name | None = None
    constraints: tuple[Constraint, ...] = ()
    abridged: bool = False
    """Whether more is said of it than is kept here: storage, compression, options."""


@operation
class ColumnOperation(Operation):
    """What happens to one column of a table.

    ``only`` and ``if_table_exists`` as in ALTER TABLE IF EXISTS ONLY.
    """

    table: Name
    column: str
    only: bool = False
    if_table_exists: bool = False


@operation
class AddColumn(ColumnOperation):
    """ALTER TABLE ... ADD COLUMN."""

    definition: ColumnDefinition
    if_not_exists: bool = False


@operation
class DropColumn(ColumnOperation):
    """ALTER TABLE ... DROP COLUMN."""

    cascade: bool = False
    if_exists: bool = False


@operation
class AlterColumnType(ColumnOperation):
    """ALTER TABLE ... ALTER COLUMN ... TYPE."""

    type: TypeName
    using: Expression | None = None
    collation: Name | None = None


@operation
class SetDefault(ColumnOperation):
    """SET DEFAULT."""

    default: Expression


@operation
class DropDefault(ColumnOperation):
    """DROP DEFAULT."""


@operation
class SetNotNull(ColumnOperation):
    """SET NOT NULL."""


@operation
class DropNotNull(ColumnOperation):
    """DROP NOT NULL."""


@operation
class SetExpression(ColumnOperation):
    """SET EXPRESSION of a generated column (PostgreSQL 17)."""

    expression: Expression


@operation
class DropExpression(ColumnOperation):
    """DROP EXPRESSION of a generated column."""

    if_exists: bool = False


@operation
class AlterIdentity(ColumnOperation):
    """ADD GENERATED ... AS IDENTITY, SET GENERATED, DROP IDENTITY."""

    action: Literal["add", "set", "drop"]


@operation
class SetColumnStatistics(ColumnOperation):
    """SET STATISTICS. ``column`` is empty when it is named by number (an index expression)."""


@operation
class SetColumnOptions(ColumnOperation):
    """SET (n_distinct = ...) and RESET of attribute options."""

    options: tuple[str, ...] = ()


@operation
class SetStorage(ColumnOperation):
    """SET STORAGE."""

    storage: str


@operation
class SetCompression(ColumnOperation):
    """SET COMPRESSION."""

    method: str
