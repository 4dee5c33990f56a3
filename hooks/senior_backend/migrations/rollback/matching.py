"""Rows for statements that change only some: random values are seldom those they ask for.

``UPDATE ... WHERE status = 'x'`` finds a row only where one has that status. A part of the rows is
given what a migration's own conditions compare columns with. Conditions that are no such comparison
are left to chance; ``unmatched`` says which statements found nothing.
"""

from collections.abc import Iterator
from typing import Any, Final

from senior_backend.errors import NotRunError
from senior_backend.migrations.rollback.unmatched import changing
from senior_backend.postgres.session import Session, quoted
from senior_backend.sources.migration import Migration

_PART: Final = 4
"""One row of so many is given the values."""
_SESSION: Final = "set statement_timeout = '10s'; set lock_timeout = '5s'"


def match(url: str, migration: Migration, rows: int) -> None:
    """Change some of the ``rows`` of tables so that the up finds rows to change.

    Constraints and triggers are in force: what they refuse is left as it was.
    """
    wanted = [
        (table, values)
        for piece in changing(migration)
        if piece.kind != "MergeStmt" and piece.statement is not None
        for table, values in [_wanted(piece.statement.node)]
        if values
    ]
    if not wanted:
        return
    with Session(url) as session:
        session.execute(_SESSION)
        part = max(1, rows // _PART)
        for number, (table, values) in enumerate(wanted):
            for count in dict.fromkeys((part, 1)):  # a column may be unique
                try:
                    session.execute(_update(table, values, count, number * part % max(rows, 1)))
                except NotRunError:
                    continue
                break


def _update(table: str, values: dict[str, str], count: int, offset: int) -> str:
    given = ", ".join(f"{quoted(column)} = {value}" for column, value in values.items())
    return (
        f"update {table} set {given} where (tableoid, ctid) in (select tableoid, ctid "  # noqa: S608
        f"from {table} order by tableoid, ctid limit {count} offset {offset})"
    )


def _wanted(node: Any) -> tuple[str, dict[str, str]]:  # noqa: ANN401 - a generated message
    """The table that UPDATE or DELETE changes, and the values with which a row is meant."""
    relation = node.relation
    names = {relation.relname, relation.alias.aliasname} - {""}
    name = quoted(relation.relname)
    table = f"{quoted(relation.schemaname)}.{name}" if relation.schemaname else name
    return table, dict(_values(node.where_clause, names))


def _values(node: Any, tables: set[str]) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    kind = node.WhichOneof("node")
    if kind == "bool_expr":
        expression = node.bool_expr
        parts = list(expression.args)
        if expression.boolop == 1:  # AND
            for part in parts:
                yield from _values(part, tables)
        elif expression.boolop == 2:  # OR
            yield from _values(parts[0], tables)
        elif (column := _column(parts[0], tables)) is not None:
            yield column, "false"
    elif kind == "column_ref":
        if (column := _column(node, tables)) is not None:
            yield column, "true"
    elif kind == "null_test":
        column = _column(node.null_test.arg, tables)
        if column is not None and node.null_test.nulltesttype == 1:  # IS NULL
            yield column, "null"
    elif kind == "a_expr":
        yield from _compared(node.a_expr, tables)


def _compared(expression: Any, tables: set[str]) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    column = _column(expression.lexpr, tables)
    operator = expression.name[-1].string.sval if expression.name else ""
    right = expression.rexpr
    if right.WhichOneof("node") == "list":  # IN
        items = list(right.list.items)
        if column is not None and operator == "=" and items:
            value = _constant(items[0])
            if value is not None:
                yield column, value
        return
    value = _constant(right)
    if column is None or value is None:
        return
    is_text = value.startswith("'")
    if operator in ("=", "<=", ">="):
        yield column, value
    elif operator in ("<", ">") and not is_text:
        yield column, f"{value} {'-' if operator == '<' else '+'} 1"
    elif operator in ("~~", "~~*") and is_text:
        yield column, value.replace("%", "").replace("_", "x")


def _column(node: Any, tables: set[str]) -> str | None:  # noqa: ANN401
    """The column of one of ``tables`` that a node is, without its table."""
    if node.WhichOneof("node") != "column_ref":
        return None
    names = [field.string.sval for field in node.column_ref.fields]
    if not names or not names[-1] or (len(names) > 1 and names[-2] not in tables):
        return None
    return str(names[-1])


def _constant(node: Any) -> str | None:  # noqa: ANN401
    """A literal as SQL, without its cast: the column gives it its type."""
    if node.WhichOneof("node") == "type_cast":
        return _constant(node.type_cast.arg)
    if node.WhichOneof("node") != "a_const":
        return None
    constant = node.a_const
    kind = constant.WhichOneof("val")
    if constant.isnull or kind is None:
        return None
    if kind == "ival":
        return str(constant.ival.ival)
    if kind == "fval":
        return str(constant.fval.fval)
    if kind == "boolval":
        return "true" if constant.boolval.boolval else "false"
    if kind == "sval":
        text = constant.sval.sval
        return None if "\\" in text else "'" + text.replace("'", "''") + "'"
    return None
