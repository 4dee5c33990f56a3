"""Indexes."""

from collections.abc import Iterable
from typing import Any

from senior_backend.operations.indexes import CreateIndex, IndexKey, Reindex
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation
from senior_backend.operations.readers.expressions import expression
from senior_backend.operations.readers.nodes import (
    Node,
    Reader,
    is_true,
    of_parts,
    of_range,
    options,
    word,
)
from senior_backend.sql.script import Statement

_REINDEX: dict[str, Any] = {
    "REINDEX_OBJECT_INDEX": "index",
    "REINDEX_OBJECT_TABLE": "table",
    "REINDEX_OBJECT_SCHEMA": "schema",
    "REINDEX_OBJECT_SYSTEM": "system",
    "REINDEX_OBJECT_DATABASE": "database",
}
_NULLS = {"SORTBY_NULLS_FIRST": True, "SORTBY_NULLS_LAST": False}


def index_key(node: Node) -> IndexKey:
    """An ``IndexElem``."""
    column = node.name or None
    read = None if column else expression(node.expr)
    return IndexKey(
        column,
        read.sql if read else None,
        word(node, "ordering") == "SORTBY_DESC",
        _NULLS.get(word(node, "nulls_ordering")),
        str(of_parts(node.opclass)) if node.opclass else None,
        str(of_parts(node.collation)) if node.collation else None,
        read.columns if read else (),
        (_label(node.expr) if read else None) or "expr",
    )


def _label(node: Node) -> str | None:
    """The name of an expression (FigureIndexColname in parse_target.c, its common cases)."""
    form = node.WhichOneof("node")
    inner = getattr(node, form)
    if form == "column_ref":
        return of_parts(inner.fields).name or None
    if form == "func_call":
        return of_parts(inner.funcname).name
    if form == "type_cast":
        return _label(inner.arg) or of_parts(inner.type_name.names).name
    if form == "collate_clause":
        return _label(inner.arg)
    if form == "case_expr":
        return (_label(inner.defresult) if inner.HasField("defresult") else None) or "case"
    if form == "a_expr":
        return "nullif" if word(inner, "kind") == "AEXPR_NULLIF" else None
    if form == "min_max_expr":
        return word(inner, "op").removeprefix("IS_").lower()
    return _LABELS.get(form)


_LABELS = {
    "coalesce_expr": "coalesce",
    "a_array_expr": "array",
    "row_expr": "row",
}


def create_index(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE INDEX."""
    yield CreateIndex(
        name=node.idxname or None,
        table=of_range(node.relation),
        keys=tuple(index_key(key.index_elem) for key in node.index_params),
        include=tuple(key.index_elem.name for key in node.index_including_params),
        method=node.access_method or "btree",
        unique=node.unique,
        concurrently=node.concurrent,
        if_not_exists=node.if_not_exists,
        only=not node.relation.inh,
        where=expression(node.where_clause) if node.HasField("where_clause") else None,
        nulls_not_distinct=node.nulls_not_distinct,
        abridged=bool(
            node.options
            or node.table_space
            or any(key.index_elem.opclassopts for key in node.index_params)
        ),
    )


def reindex(node: Node, statement: Statement) -> Iterable[Operation]:
    """REINDEX."""
    name = of_range(node.relation) if node.HasField("relation") else None
    if name is None and node.name:
        name = Name(None, node.name)
    yield Reindex(
        kind=_REINDEX[word(node, "kind")],
        name=name,
        concurrently=is_true(options(node.params).get("concurrently")),
    )


TABLE: dict[str, Reader] = {"IndexStmt": create_index, "ReindexStmt": reindex}
