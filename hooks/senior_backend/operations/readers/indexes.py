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
from senior_backend.sql.libpg_query import deparse_expression
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
    return IndexKey(
        column,
        None if column else deparse_expression(node.expr),
        word(node, "ordering") == "SORTBY_DESC",
        _NULLS.get(word(node, "nulls_ordering")),
        str(of_parts(node.opclass)) if node.opclass else None,
        str(of_parts(node.collation)) if node.collation else None,
    )


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
