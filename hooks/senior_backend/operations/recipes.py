"""SQL text of operations: the pieces from which safe forms are written."""

from collections.abc import Iterable, Sequence
from typing import Final

from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name, TypeName
from senior_backend.sql.identifiers import quote_identifier

LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '5s'"
"""For statements that need a strong lock for an instant: give up rather than queue."""


BATCH: Final = 5000
"""Rows of one batch: locked for a moment, and few commits."""


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


def unique_index_concurrently(
    index: str, table: Name, columns: Iterable[str], include: Sequence[str] = ()
) -> str:
    """CREATE UNIQUE INDEX CONCURRENTLY."""
    target = f"{quote_identifier(index)} ON {name(table)} ({names(columns)})"
    included = f" INCLUDE ({names(include)})" if include else ""
    return f"CREATE UNIQUE INDEX CONCURRENTLY {target}{included}"


def literal(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def constraint(of: Constraint, name_of: str, *, not_valid: bool = False) -> str:
    """ADD CONSTRAINT of a check or a foreign key, as an action of ALTER TABLE."""
    parts = [f"ADD CONSTRAINT {quote_identifier(name_of)}"]
    if of.kind == "check" and of.expression is not None:
        parts.append(f"CHECK ({of.expression.sql})")
        parts += ["NO INHERIT"] if of.no_inherit else []
    elif of.references is not None:
        referenced = f" ({names(of.referenced_columns)})" if of.referenced_columns else ""
        parts.append(
            f"FOREIGN KEY ({names(of.columns)}) REFERENCES {name(of.references)}{referenced}"
        )
        parts += [f"ON DELETE {of.on_delete.upper()}"] if of.on_delete else []
        parts += [f"ON UPDATE {of.on_update.upper()}"] if of.on_update else []
        parts += ["DEFERRABLE"] if of.deferrable else []
        parts += ["INITIALLY DEFERRED"] if of.initially_deferred else []
    else:
        raise ValueError(of.kind)
    return " ".join([*parts, "NOT VALID"] if not_valid else parts)


def in_batches(
    table: Name, key: Sequence[str], before: str, after: str = "", *, called: str = ""
) -> str:
    """A DO block that changes rows by ranges of a key and commits after each (PL/pgSQL, 41.8).

    The statement is ``before``, the range, ``after``; the table is known in it as ``called``. Each
    row is visited once, so what is changed is what the statement changes without the range.
    """
    numbered = [""] if len(key) == 1 else [f"_{n}" for n in range(1, len(key) + 1)]
    quoted = [quote_identifier(column) for column in key]
    prefix = quote_identifier(called or table.name)
    # Named by its block, a variable is none of the columns.
    first, last = ([f"batch.{end}{n}" for n in numbered] for end in ("first", "last"))
    types = [f"{name(table)}.{column}%TYPE" for column in quoted]
    declared = [
        f"    {v.removeprefix('batch.')} {t};"
        for vs in (first, last)
        for v, t in zip(vs, types, strict=True)
    ]
    columns, backwards = ", ".join(quoted), ", ".join(f"{column} DESC" for column in quoted)
    begin, end, here = (_row(part) for part in (first, last, quoted))
    own = _row([f"{prefix}.{column}" for column in quoted])
    starts, ends = ", ".join(first), ", ".join(last)
    lines = [
        "<<batch>>",
        "DECLARE",
        *declared,
        "BEGIN",
        f"    SELECT {columns} INTO {starts} FROM {name(table)} ORDER BY {columns} LIMIT 1;",
        f"    WHILE {first[0]} IS NOT NULL LOOP",
        f"        SELECT {columns} INTO {ends}",
        f"        FROM (SELECT {columns} FROM {name(table)} WHERE {here} >= {begin}",
        f"              ORDER BY {columns} LIMIT {BATCH}) AS part",
        f"        ORDER BY {backwards} LIMIT 1;",
        f"        {before}{own} >= {begin} AND {own} <= {end}{after};",
        "        COMMIT;",
        f"        SELECT {columns} INTO {starts} FROM {name(table)} WHERE {here} > {end}",
        f"        ORDER BY {columns} LIMIT 1;",
        "    END LOOP;",
        "END",
    ]
    return do("\n".join(lines))


def do(body: str) -> str:
    """A DO block."""
    return f"DO {dollar_quoted(body)}"


def dollar_quoted(body: str) -> str:
    """A body between dollar signs that do not occur in it."""
    mark, number = "$$", 0
    while mark in body:
        number += 1
        mark = f"$body{number}$"
    return f"{mark}\n{body}\n{mark}"


def _row(columns: Sequence[str]) -> str:
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def trigger_function(function: Name, body: str) -> str:
    """CREATE FUNCTION of a trigger in PL/pgSQL."""
    quoted = dollar_quoted(f"BEGIN\n{body}\n    RETURN NEW;\nEND")
    return f"CREATE FUNCTION {name(function)}() RETURNS trigger LANGUAGE plpgsql AS {quoted}"


def trigger(trigger_name: str, table: Name, function: Name) -> str:
    """CREATE TRIGGER before every row that is written."""
    return (
        f"CREATE TRIGGER {quote_identifier(trigger_name)} BEFORE INSERT OR UPDATE ON {name(table)} "
        f"FOR EACH ROW EXECUTE FUNCTION {name(function)}()"
    )


def drop_trigger(trigger_name: str, table: Name, function: Name) -> tuple[str, str]:
    """DROP TRIGGER, and DROP FUNCTION of what it calls."""
    return (
        f"DROP TRIGGER {quote_identifier(trigger_name)} ON {name(table)}",
        f"DROP FUNCTION {name(function)}()",
    )
