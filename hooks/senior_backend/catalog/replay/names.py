"""The names that PostgreSQL gives to constraints, indexes and sequences without one.

makeObjectName and ChooseRelationName in commands/indexcmds.c, ChooseConstraintName in
catalog/pg_constraint.c.
"""

from collections.abc import Iterable, Sequence

from senior_backend.catalog.model import Catalog
from senior_backend.operations.names import Name

_MOST = 63
"""Bytes of a name (NAMEDATALEN - 1)."""


def joined(first: str, second: str | None, label: str) -> str:
    """``first_second_label`` in at most 63 bytes: the longer of the first two is cut."""
    one, two = first.encode(), (second or "").encode()
    room = _MOST - len(label.encode()) - (1 if second is None else 2)
    while len(one) + len(two) > room:
        if len(one) > len(two):
            one = one[:-1]
        else:
            two = two[:-1]
    parts = [part.decode("utf-8", "ignore") for part in (one, two)]
    return "_".join([parts[0], label] if second is None else [*parts, label])


def key_names(columns: Iterable[str]) -> str:
    """The columns of an index as they stand in its name; a second ``expr`` becomes ``expr1``."""
    found: list[str] = []
    for column in columns:
        name, number = column, 0
        while name in found:
            number += 1
            name = f"{column}{number}"
        found.append(name)
    return "_".join(found)


def relation(
    catalog: Catalog, table: Name, second: str | None, label: str, *, constraint: bool = False
) -> str:
    """A name that no relation in the table's schema has (nor, for one, a constraint)."""
    number = 0
    while True:
        name = joined(table.name, second, f"{label}{number}" if number else label)
        key = Name(table.schema, name)
        taken = key in catalog.tables or key in catalog.indexes
        if not taken and not (constraint and _constrains(catalog, key)):
            return name
        number += 1


def constraint(
    catalog: Catalog, table: Name, second: str | None, label: str, taken: Sequence[str] = ()
) -> str:
    """A name that no constraint in the table's schema has."""
    number = 0
    while True:
        name = joined(table.name, second, f"{label}{number}" if number else label)
        if name not in taken and not _constrains(catalog, Name(table.schema, name)):
            return name
        number += 1


def _constrains(catalog: Catalog, key: Name) -> bool:
    return any(
        key.name in table.constraints and table.name.schema == key.schema
        for table in catalog.tables.mentioning(key.name)
    )
