"""SQL text of operations: the pieces from which safe forms are written."""

from collections.abc import Iterable
from typing import Final

from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.names import Name, TypeName
from senior_backend.sql.identifiers import quote_identifier

LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '5s'"
"""For statements that need a strong lock for an instant: give up rather than queue."""


def name(of: Name) -> str:
    """A qualified name as SQL."""
    quoted = quote_identifier(of.name)
    return f"{quote_identifier(of.schema)}.{quoted}" if of.schema else quoted


def beside(table: Name, other: str) -> Name:
    """A relation in the same schema, as it has to be written."""
    return Name(table.schema, other)


def names(columns: Iterable[str]) -> str:
    """Column names as a list in SQL."""
    return ", ".join(map(quote_identifier, columns))


def type_name(of: TypeName) -> str:
    """A type as SQL."""
    if of.schema is None:
        return str(of)
    return f"{quote_identifier(of.schema)}.{of._replace(schema=None)}"


def column(definition: ColumnDefinition, *, default: bool = True, not_null: bool = True) -> str:
    """A column without its inline constraints, as after ADD COLUMN."""
    parts = [quote_identifier(definition.name), type_name(definition.type)]
    if definition.collation:
        parts.append(f"COLLATE {name(definition.collation)}")
    if default and definition.default:
        parts.append(f"DEFAULT {definition.default.sql}")
    if not_null and definition.not_null:
        parts.append("NOT NULL")
    return " ".join(parts)


def alter(table: Name, *actions: str) -> str:
    """ALTER TABLE with its actions."""
    return f"ALTER TABLE {name(table)} {', '.join(actions)}"


def validate(table: Name, constraint: str) -> str:
    """VALIDATE CONSTRAINT: reads the table under SHARE UPDATE EXCLUSIVE, writes go on."""
    return alter(table, f"VALIDATE CONSTRAINT {quote_identifier(constraint)}")


def drop_constraint(table: Name, constraint: str) -> str:
    """DROP CONSTRAINT."""
    return alter(table, f"DROP CONSTRAINT {quote_identifier(constraint)}")


def drop_index_concurrently(index: Name, *, if_exists: bool = False) -> str:
    """DROP INDEX CONCURRENTLY."""
    return f"DROP INDEX CONCURRENTLY {'IF EXISTS ' if if_exists else ''}{name(index)}"


def unique_index_concurrently(index: str, table: Name, columns: Iterable[str]) -> str:
    """CREATE UNIQUE INDEX CONCURRENTLY."""
    target = f"{quote_identifier(index)} ON {name(table)}"
    return f"CREATE UNIQUE INDEX CONCURRENTLY {target} ({names(columns)})"
