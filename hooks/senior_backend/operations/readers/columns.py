"""Column definitions."""

from typing import Literal

from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Expression, Name
from senior_backend.operations.readers.constraints import constraint
from senior_backend.operations.readers.expressions import expression
from senior_backend.operations.readers.nodes import Node, of_parts, of_serial, of_type, word

_IDENTITY: dict[str, Literal["always", "by default"]] = {"a": "always", "d": "by default"}


def column(node: Node) -> ColumnDefinition:
    """A ``ColumnDef``."""
    type_name = of_type(node.type_name)
    integer = of_serial(type_name)
    collation = _collation(node)
    if not node.constraints and not integer:
        return ColumnDefinition(
            node.colname, type_name, node.is_not_null, collation=collation, abridged=_abridged(node)
        )
    not_null = node.is_not_null or integer is not None
    default: Expression | None = None
    identity: Literal["always", "by default"] | None = None
    generated: Literal["stored", "virtual"] | None = None
    generation: Expression | None = None
    constraints: list[Constraint] = []
    nodes = [item.constraint for item in node.constraints]
    for at, item in enumerate(nodes):
        kind = word(item, "contype")
        if kind == "CONSTR_DEFAULT":
            default = expression(item.raw_expr)
        elif kind == "CONSTR_IDENTITY":
            identity, not_null = _IDENTITY.get(item.generated_when, "always"), True
        elif kind == "CONSTR_GENERATED":
            generated = "virtual" if item.generated_kind == "v" else "stored"
            generation = expression(item.raw_expr)
        elif kind == "CONSTR_NOTNULL":
            not_null = True
            if item.conname or item.is_no_inherit:
                constraints += filter(None, [constraint(item, node.colname)])
        else:
            constraints += filter(None, [constraint(item, node.colname, _attributes(nodes, at))])
    return ColumnDefinition(
        node.colname,
        integer or type_name,
        not_null,
        default,
        integer is not None,
        identity,
        generated,
        generation,
        collation,
        tuple(constraints),
        _abridged(node),
    )


def _abridged(node: Node) -> bool:
    return bool(node.storage_name or node.compression or node.fdwoptions)


def _attributes(nodes: list[Node], at: int) -> frozenset[str]:
    """The CONSTR_ATTR_ nodes directly behind a constraint: they belong to it."""
    found = set()
    for node in nodes[at + 1 :]:
        kind = word(node, "contype")
        if not kind.startswith("CONSTR_ATTR_"):
            break
        found.add(kind)
    return frozenset(found)


def _collation(node: Node) -> Name | None:
    return of_parts(node.coll_clause.collname) if node.HasField("coll_clause") else None
