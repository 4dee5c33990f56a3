"""What the columns of a query are called.

Source: PostgreSQL docs, 7.3.2 "Column Labels" and SELECT, "SELECT List"; the names of expressions
were observed on PostgreSQL 14 to 18.
"""

from collections.abc import Iterator
from typing import Final

from senior_backend.operations.readers.nodes import Node, word

NAMELESS: Final = "?column?"

_FIXED: Final = {
    "a_array_expr": "array",
    "coalesce_expr": "coalesce",
    "grouping_func": "grouping",
    "row_expr": "row",
    "xml_serialize": "xmlserialize",
}
_PLAIN: Final = frozenset({"a_const", "bool_expr", "null_test", "boolean_test", "param_ref"})


def names(select: Node) -> Iterator[str | None]:
    """The name of each entry of a query's list; None for ``*`` and what is not known.

    Of UNION and the like those of its first query count.
    """
    while select.HasField("larg"):
        select = select.larg
    for item in select.target_list:
        yield item.res_target.name or _of_expression(item.res_target.val)


def _of_expression(node: Node) -> str | None:
    """``?column?`` for what has no name of its own."""
    form = node.WhichOneof("node")
    if form == "column_ref":
        last = node.column_ref.fields[-1]
        return str(last.string.sval) if last.HasField("string") else None
    if form == "func_call":
        return str(node.func_call.funcname[-1].string.sval)
    if form == "type_cast":
        return _own(node.type_cast.arg) or str(node.type_cast.type_name.names[-1].string.sval)
    if form == "case_expr":
        return _own(node.case_expr.defresult) or "case"
    if form == "collate_clause":
        return _of_expression(node.collate_clause.arg)
    if form == "min_max_expr":
        return "greatest" if word(node.min_max_expr, "op") == "IS_GREATEST" else "least"
    if form == "a_expr":
        return "nullif" if word(node.a_expr, "kind") == "AEXPR_NULLIF" else NAMELESS
    if form == "sub_link":
        return _of_sub_link(node.sub_link)
    if form == "a_indirection":
        return _of_indirection(node.a_indirection)
    if form == "sqlvalue_function":
        return word(node.sqlvalue_function, "op").removeprefix("SVFOP_").removesuffix("_N").lower()
    return NAMELESS if form in _PLAIN else _FIXED.get(form)


def _own(node: Node) -> str | None:
    """A name that is stronger than that of the type, or the CASE, around it."""
    form = node.WhichOneof("node")
    if form == "type_cast":
        return _own(node.type_cast.arg)
    if form == "case_expr":
        return _own(node.case_expr.defresult)
    if form == "a_expr":
        return "nullif" if word(node.a_expr, "kind") == "AEXPR_NULLIF" else None
    return None if form in _PLAIN else _of_expression(node)


def _of_indirection(node: Node) -> str | None:
    """The last field of ``(order).items[1]``."""
    for part in reversed(node.indirection):
        if part.HasField("a_star"):
            return None
        if part.HasField("string"):
            return str(part.string.sval)
    return _of_expression(node.arg)


def _of_sub_link(link: Node) -> str | None:
    kind = word(link, "sub_link_type")
    if kind == "EXISTS_SUBLINK":
        return "exists"
    if kind == "ARRAY_SUBLINK":
        return "array"
    if kind == "EXPR_SUBLINK":
        return next(names(link.subselect.select_stmt), None)
    return NAMELESS
