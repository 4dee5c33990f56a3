"""One statement to the operations it does."""

from collections.abc import Iterable

from senior_backend.operations.objects import CreateSchema, Other
from senior_backend.operations.operation import Operation
from senior_backend.operations.readers import (
    alter_table,
    data,
    indexes,
    objects,
    session,
    tables,
)
from senior_backend.operations.readers.nodes import Node, Reader, role
from senior_backend.sql.script import Statement


def read(statement: Statement) -> tuple[Operation, ...]:
    """The operations of a statement in their order; at least one, of whatever kind it is."""
    found = tuple(_read(statement.kind, statement.node, statement))
    for operation in found:
        if not operation.end:
            operation.place(statement.start, statement.end)
    return found


def _read(kind: str, node: Node, statement: Statement) -> Iterable[Operation]:
    reader = _TABLE.get(kind)
    return reader(node, statement) if reader else (Other(kind=kind),)


def _create_schema(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE SCHEMA and the objects it lists, which stand in it unless said otherwise."""
    name = node.schemaname or role(node.authrole)
    yield CreateSchema(name=name, if_not_exists=node.if_not_exists)
    for item in node.schema_elts:
        element = getattr(item, item.WhichOneof("node"))
        for holder in ("relation", "view", "sequence"):
            if holder in element.DESCRIPTOR.fields_by_name:
                relation = getattr(element, holder)
                relation.schemaname = relation.schemaname or name
        yield from _read(type(element).__name__, element, statement)


def _explain(node: Node, statement: Statement) -> Iterable[Operation]:
    """EXPLAIN ANALYZE does what it explains; a plain EXPLAIN does nothing."""
    if any(item.def_elem.defname == "analyze" for item in node.options):
        inner = getattr(node.query, node.query.WhichOneof("node"))
        return _read(type(inner).__name__, inner, statement)
    return (Other(kind="ExplainStmt"),)


_TABLE: dict[str, Reader] = {
    **tables.TABLE,
    **alter_table.TABLE,
    **indexes.TABLE,
    **objects.TABLE,
    **data.TABLE,
    **session.TABLE,
    "CreateSchemaStmt": _create_schema,
    "ExplainStmt": _explain,
}
