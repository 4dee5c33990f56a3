"""Constraints, on a table and inline on a column."""

from typing import Any

from senior_backend.operations.constraints import Constraint, ConstraintKind
from senior_backend.operations.readers.expressions import expression
from senior_backend.operations.readers.indexes import index_key
from senior_backend.operations.readers.nodes import Node, of_range, strings, word

KINDS: dict[str, ConstraintKind] = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign_key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_PRIMARY": "primary_key",
    "CONSTR_EXCLUSION": "exclude",
    "CONSTR_NOTNULL": "not_null",
}
_ACTIONS = {"c": "cascade", "n": "set null", "d": "set default", "r": "restrict"}


def constraint(
    node: Node, column: str | None = None, attributes: frozenset[str] = frozenset()
) -> Constraint | None:
    """A ``Constraint`` node; None for what is none (DEFAULT, NULL, ...).

    ``column`` is the one on which it stands inline, ``attributes`` the CONSTR_ATTR_ nodes that
    follow it there.
    """
    kind = KINDS.get(word(node, "contype"))
    if kind is None:
        return None
    own = (column,) if column is not None else ()
    deferred = node.initdeferred or "CONSTR_ATTR_DEFERRED" in attributes
    common: dict[str, Any] = {
        "kind": kind,
        "name": node.conname or None,
        "deferrable": node.deferrable or deferred or "CONSTR_ATTR_DEFERRABLE" in attributes,
        "initially_deferred": deferred,
        "abridged": _abridged(node),
    }
    if kind == "check":
        read = expression(node.raw_expr)
        return Constraint(
            columns=read.columns,
            expression=read,
            not_valid=node.skip_validation or _not_enforced(node, attributes),
            not_enforced=_not_enforced(node, attributes),
            no_inherit=node.is_no_inherit,
            **common,
        )
    if kind == "foreign_key":
        return Constraint(
            columns=strings(node.fk_attrs) or own,
            references=of_range(node.pktable),
            referenced_columns=strings(node.pk_attrs),
            on_delete=_ACTIONS.get(node.fk_del_action),
            on_update=_ACTIONS.get(node.fk_upd_action),
            not_valid=node.skip_validation or _not_enforced(node, attributes),
            not_enforced=_not_enforced(node, attributes),
            **common,
        )
    if kind == "not_null":
        return Constraint(
            columns=strings(node.keys) or own,
            not_valid=node.skip_validation,
            no_inherit=node.is_no_inherit,
            **common,
        )
    if kind == "exclude":
        keys = tuple(index_key(pair.list.items[0].index_elem) for pair in node.exclusions)
        return Constraint(
            columns=tuple(key.column for key in keys if key.column),
            keys=keys,
            where=expression(node.where_clause) if node.HasField("where_clause") else None,
            method=node.access_method or "btree",
            include=strings(node.including),
            **common,
        )
    return Constraint(
        columns=strings(node.keys) or own,
        using_index=node.indexname or None,
        nulls_not_distinct=node.nulls_not_distinct,
        include=strings(node.including),
        **common,
    )


def _abridged(node: Node) -> bool:
    return bool(
        node.fk_matchtype == "f"
        or node.fk_del_set_cols
        or node.fk_with_period
        or node.without_overlaps
        or node.options
        or node.indexspace
    )


def _not_enforced(node: Node, attributes: frozenset[str]) -> bool:
    return "CONSTR_ATTR_NOT_ENFORCED" in attributes or not node.is_enforced
