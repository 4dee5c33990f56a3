"""Statements that read or change rows, and calls."""

from collections.abc import Iterable, Iterator
from typing import Literal

from senior_backend.operations.data import Call, ChangeRows, Do, Select
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation
from senior_backend.operations.readers.expressions import Found, look, of_function
from senior_backend.operations.readers.nodes import (
    Node,
    Reader,
    constant,
    of_parts,
    of_range,
    options,
    value,
    word,
)
from senior_backend.operations.session import SetVariable
from senior_backend.operations.tables import CreateTable
from senior_backend.sql.script import Statement

_ACTIONS: dict[str, Literal["insert", "update", "delete", "merge"]] = {
    "InsertStmt": "insert",
    "UpdateStmt": "update",
    "DeleteStmt": "delete",
    "MergeStmt": "merge",
}
# Rows of INSERT ... VALUES that are looked through for literals: the types of all are the same.
_MOST_ROWS = 1_000


def changes(found: Found) -> Iterator[Operation]:
    """An operation for every data-modifying statement that was found, in order."""
    for node in found.changes:
        yield _change(node, _look_at_change(node))


def change(node: Node, statement: Statement) -> Iterable[Operation]:
    """INSERT, UPDATE, DELETE, MERGE; those inside its WITH come before it."""
    found = _look_at_change(node)
    yield from changes(found)
    yield _change(node, found)


def _look_at_change(node: Node) -> Found:
    """What is below a data-modifying statement, without itself and the table it changes."""
    parts = []
    for descriptor, content in node.ListFields():
        if descriptor.message_type is None or descriptor.name in ("relation", "with_clause"):
            continue
        parts += [*content] if descriptor.is_repeated else [content]
    select = node.select_stmt.select_stmt if type(node).__name__ == "InsertStmt" else None
    if select is not None and len(select.values_lists) > _MOST_ROWS:
        parts = [*node.cols, *select.values_lists[:_MOST_ROWS]]
        if node.HasField("on_conflict_clause"):
            parts.append(node.on_conflict_clause)
    return look(*parts, with_clause=node.with_clause if node.HasField("with_clause") else None)


def _change(node: Node, found: Found) -> ChangeRows:
    action = _ACTIONS[type(node).__name__]
    where = None
    rows = None
    equals: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    bounded = False
    if action == "insert":
        columns = tuple(item.res_target.name for item in node.cols)
        select = node.select_stmt.select_stmt
        if not node.HasField("select_stmt"):  # DEFAULT VALUES
            rows = 1
        elif select.values_lists:
            rows = len(select.values_lists)
        elif not select.from_clause and word(select, "op") == "SETOP_NONE":
            rows = 1
        bounded = rows is not None or _limited(select)
    elif action != "merge":
        where = node.where_clause if node.HasField("where_clause") else None
        if action == "update":
            columns = tuple(item.res_target.name for item in node.target_list)
        if where is not None:
            equals = tuple(_equals(where))
            bounded = bool(equals) or _has_limit(where) or _is_range(where) or _joins_values(node)
    return ChangeRows(
        action=action,
        table=of_range(node.relation),
        has_where=where is not None,
        bounded=bounded,
        equals=equals,
        rows=rows,
        columns=columns,
        reads=tuple(found.relations),
        functions=tuple(found.functions),
        joins=_joins(node, action),
        literals=tuple(found.literals),
    )


def _joins(node: Node, action: str) -> bool:
    if action == "update":
        return bool(node.from_clause)
    return action == "delete" and bool(node.using_clause)


def _equals(node: Node) -> Iterator[str]:
    """Columns compared with a constant in the top-level AND."""
    form = node.WhichOneof("node")
    if form == "bool_expr":
        if word(node.bool_expr, "boolop") == "AND_EXPR":
            for part in node.bool_expr.args:
                yield from _equals(part)
    elif form == "a_expr":
        compared = node.a_expr
        if compared.name[-1].string.sval != "=":
            return
        kind = word(compared, "kind")
        if kind in ("AEXPR_OP", "AEXPR_IN"):
            for side, other in (
                (compared.lexpr, compared.rexpr),
                (compared.rexpr, compared.lexpr),
            ):
                if side.HasField("column_ref") and _is_constant(other):
                    last = side.column_ref.fields[-1]
                    if last.HasField("string"):
                        yield last.string.sval


def _is_constant(node: Node) -> bool:
    form = node.WhichOneof("node")
    if form == "type_cast":
        return _is_constant(node.type_cast.arg)
    if form == "list":
        return all(map(_is_constant, node.list.items))
    return form in ("a_const", "param_ref")


def _is_range(node: Node) -> bool:
    """Whether the top-level AND holds a column between two whole numbers."""
    form = node.WhichOneof("node")
    if form == "bool_expr" and word(node.bool_expr, "boolop") == "AND_EXPR":
        parts = node.bool_expr.args
        if any(map(_is_range, parts)):
            return True
        marks = {mark for part in parts for mark in _whole_number_bounds(part)}
        return any((column, "above") in marks for column, side in marks if side == "below")
    if form != "a_expr" or word(node.a_expr, "kind") != "AEXPR_BETWEEN":
        return False
    return all(item.a_const.HasField("ival") for item in node.a_expr.rexpr.list.items)


def _whole_number_bounds(node: Node) -> Iterator[tuple[str, str]]:
    """``column < 1000`` bounds the column from above, ``column >= 1`` from below."""
    compared = node.a_expr
    if word(compared, "kind") == "AEXPR_OP" and compared.rexpr.a_const.HasField("ival"):
        fields = compared.lexpr.column_ref.fields
        side = {"<": "above", "<=": "above", ">": "below", ">=": "below"}.get(
            compared.name[-1].string.sval
        )
        if side and fields:
            yield fields[-1].string.sval, side


def _joins_values(node: Node) -> bool:
    """UPDATE ... FROM (VALUES ...) and DELETE ... USING (VALUES ...): as many rows as written."""
    sources = node.from_clause if type(node).__name__ == "UpdateStmt" else node.using_clause
    return any(source.range_subselect.subquery.select_stmt.values_lists for source in sources)


def _has_limit(node: Node) -> bool:
    """Whether a sub-select in WHERE is limited."""
    stack = [node]
    while stack:
        item = stack.pop()
        if type(item).__name__ == "SelectStmt" and _limited(item):
            return True
        for descriptor, content in item.ListFields():
            if descriptor.message_type is not None:
                stack += content if descriptor.is_repeated else [content]
    return False


def _limited(select: Node) -> bool:
    return bool(select.HasField("limit_count"))


def select(node: Node, statement: Statement) -> Iterable[Operation]:
    """SELECT; set_config() with constants is SET, INTO is CREATE TABLE AS."""
    found = look(node)
    yield from changes(found)
    yield from _settings(node)
    into = _into(node)
    if into is not None:
        from senior_backend.operations.readers.tables import persistence

        target = of_range(into)
        yield CreateTable(
            table=target,
            persistence=persistence(into),
            as_query=True,
            reads=tuple(name for name in found.relations if name != target),
        )
        return
    changed = {of_range(inner.relation) for inner in found.changes}
    yield Select(
        reads=tuple(name for name in found.relations if name not in changed),
        functions=tuple(found.functions),
        for_update=found.for_update,
    )


def _into(node: Node) -> Node:
    while not node.HasField("into_clause"):
        if not node.HasField("larg"):
            return None
        node = node.larg
    return node.into_clause.rel


def _settings(node: Node) -> Iterator[Operation]:
    for target in node.target_list:
        item = target.res_target.val
        if not item.HasField("func_call") or len(item.func_call.args) != 3:
            continue
        if of_function(item.func_call) == Name(None, "set_config"):
            name, content, local = item.func_call.args
            if name.HasField("a_const") and content.HasField("a_const"):
                yield SetVariable(
                    name=constant(name.a_const).lower(),
                    value=constant(content.a_const),
                    local=value(local) == "true",
                )


def copy(node: Node, statement: Statement) -> Iterable[Operation]:
    """COPY FROM changes rows, COPY TO reads them."""
    if node.is_from:
        yield ChangeRows(
            action="copy",
            table=of_range(node.relation),
            columns=tuple(item.string.sval for item in node.attlist),
        )
    elif node.HasField("query"):
        found = look(node.query)
        yield from changes(found)
        yield Select(reads=tuple(found.relations), functions=tuple(found.functions))
    else:
        yield Select(reads=(of_range(node.relation),))


def call(node: Node, statement: Statement) -> Iterable[Operation]:
    """CALL."""
    yield Call(procedure=of_parts(node.funccall.funcname))


def do(node: Node, statement: Statement) -> Iterable[Operation]:
    """DO."""
    yield Do(language=options(node.args).get("language", "plpgsql").lower())


TABLE: dict[str, Reader] = {
    "InsertStmt": change,
    "UpdateStmt": change,
    "DeleteStmt": change,
    "MergeStmt": change,
    "SelectStmt": select,
    "CopyStmt": copy,
    "CallStmt": call,
    "DoStmt": do,
}
