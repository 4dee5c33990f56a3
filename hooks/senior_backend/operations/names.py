"""Names of things in a database, and types of columns."""

from typing import NamedTuple


class Name(NamedTuple):
    """A possibly qualified name, as the server stores it (folded, without quotes)."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        """As people write it; see ``sql.identifiers`` for SQL."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class TypeName(NamedTuple):
    """A type: its SQL spelling (``character varying``), modifiers ``(20,)``, and whether array."""

    schema: str | None
    name: str
    modifiers: tuple[int, ...] = ()
    array: bool = False

    def __str__(self) -> str:
        """As format_type() prints it."""
        text = f"{self.schema}.{self.name}" if self.schema else self.name
        if self.modifiers:
            arguments = ",".join(map(str, self.modifiers))
            head, _, tail = text.partition(" with")  # timestamp(3) with time zone
            text = f"{head}({arguments})" + (f" with{tail}" if tail else "")
        return text + ("[]" if self.array else "")


class ColumnRead(NamedTuple):
    """A column that a query reads, ``*`` for all; ``of`` is its relation where its prefix tells."""

    column: str
    of: Name | None = None


class Expression(NamedTuple):
    """An expression of a definition.

    ``sql`` is PostgreSQL's own deparse of it, ``functions`` what it calls (``now()`` and the
    keywords such as CURRENT_TIMESTAMP included, in lower case), ``columns`` what it reads.
    ``casts`` is set when it is a column and casts of it: the types, innermost first.
    """

    sql: str
    functions: tuple[Name, ...] = ()
    columns: tuple[str, ...] = ()
    constant: bool = False
    """A literal, possibly cast."""
    casts: tuple[TypeName, ...] | None = None
