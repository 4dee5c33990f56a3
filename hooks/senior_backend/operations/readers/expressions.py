"""What an expression or a query reads and calls."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from senior_backend.operations.names import ColumnRead, Expression, Name, TypeName
from senior_backend.operations.readers.nodes import (
    Node,
    constant,
    of_parts,
    of_range,
    of_type,
    word,
)
from senior_backend.sql import libpg_query

MOST_LITERALS = 1_000


@dataclass(slots=True)
class Found:
    """What stands in a tree, each in order of its first appearance.

    ``changes`` are the data-modifying statements in it, ``bodies`` of WITH included; ``relations``
    are tables and views, not the names that a WITH defines. ``prefixed`` are the columns with the
    prefix they have, and ``prefixes`` what each prefix may stand for: None for a sub-select.
    """

    relations: dict[Name, None] = field(default_factory=dict)
    functions: dict[Name, None] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    prefixed: dict[tuple[str | None, str], None] = field(default_factory=dict)
    prefixes: dict[str, dict[Name | None, None]] = field(default_factory=dict)
    literals: dict[str, None] = field(default_factory=dict)
    changes: list[Node] = field(default_factory=list)
    for_update: bool = False

    def columns_read(self) -> tuple[ColumnRead, ...]:
        """Its columns with their relations; those of sub-selects are found in the sub-selects."""
        found: dict[ColumnRead, None] = {}
        for prefix, column in self.prefixed:
            for of in self.prefixes.get(prefix or "", {None: None}):
                if of is not None or prefix not in self.prefixes:
                    found[ColumnRead(column, of)] = None
        return tuple(found)


def look(*nodes: Node, with_clause: Node = None) -> Found:
    """What is read and called below some nodes, which see what ``with_clause`` defines."""
    found = Found()
    hidden: frozenset[str] = frozenset()
    defined: list[tuple[Node, frozenset[str]]] = []
    if with_clause is not None:
        defined, hidden = _defined(with_clause, hidden)
    stack = [*defined, *((node, hidden) for node in nodes)][::-1]
    while stack:
        node, hidden = stack.pop()
        name = type(node).__name__
        enter = _ENTER.get(name)
        if enter:
            enter(found, node, hidden)
        inner: list[tuple[Node, frozenset[str]]] = []
        if name in _WITH and node.HasField("with_clause"):
            inner, hidden = _defined(node.with_clause, hidden)
        for descriptor, content in node.ListFields():
            if descriptor.message_type is None or descriptor.name == "with_clause":
                continue
            if descriptor.is_repeated:
                inner += [(item, hidden) for item in content]
            else:
                inner.append((content, hidden))
        stack += reversed(inner)
    return found


def _defined(
    clause: Node, hidden: frozenset[str]
) -> tuple[list[tuple[Node, frozenset[str]]], frozenset[str]]:
    """The queries of WITH, each with the names it does not see as tables; those after it."""
    ctes = [node.common_table_expr for node in clause.ctes]
    if clause.recursive:
        hidden |= {cte.ctename for cte in ctes}
    queries = []
    for cte in ctes:
        queries.append((cte.ctequery, hidden))
        hidden |= {cte.ctename}
    return queries, hidden


def _relation(found: Found, node: Node, hidden: frozenset[str]) -> None:
    name: Name | None = None
    if node.schemaname or node.relname not in hidden:
        name = of_range(node)
        found.relations[name] = None
    found.prefixes.setdefault(node.alias.aliasname or node.relname, {})[name] = None


def _derived(found: Found, node: Node, hidden: frozenset[str]) -> None:
    found.prefixes.setdefault(node.alias.aliasname, {})[None] = None


def _join(found: Found, node: Node, hidden: frozenset[str]) -> None:
    for item in node.using_clause:
        found.columns[item.string.sval] = None
        found.prefixed[None, item.string.sval] = None


def _function(found: Found, node: Node, hidden: frozenset[str]) -> None:
    found.functions[of_function(node)] = None


def _keyword(found: Found, node: Node, hidden: frozenset[str]) -> None:
    name = word(node, "op").removeprefix("SVFOP_").removesuffix("_N").lower()
    found.functions[Name(None, name)] = None


def _column(found: Found, node: Node, hidden: frozenset[str]) -> None:
    last = node.fields[-1]
    name = last.string.sval if last.HasField("string") else "*"
    found.columns[name] = None
    prefix = node.fields[-2].string.sval if len(node.fields) > 1 else None
    if prefix or name != "*":
        found.prefixed[prefix, name] = None


def _select(found: Found, node: Node, hidden: frozenset[str]) -> None:
    """``*`` without a prefix stands for what is in the FROM of its own SELECT."""
    for target in node.target_list:
        fields = target.res_target.val.column_ref.fields
        if len(fields) == 1 and fields[0].HasField("a_star"):
            for prefix in _in_from(node.from_clause):
                found.prefixed[prefix, "*"] = None
            return


def _in_from(items: Iterable[Node]) -> Iterator[str]:
    for item in items:
        form = item.WhichOneof("node")
        content = getattr(item, form)
        if form == "join_expr":
            yield from _in_from((content.larg, content.rarg))
        else:
            yield content.alias.aliasname or (content.relname if form == "range_var" else "")


def _constant(found: Found, node: Node, hidden: frozenset[str]) -> None:
    if node.HasField("sval") and len(found.literals) < MOST_LITERALS:
        found.literals[node.sval.sval] = None


def _change(found: Found, node: Node, hidden: frozenset[str]) -> None:
    found.changes.append(node)


def _locking(found: Found, node: Node, hidden: frozenset[str]) -> None:
    found.for_update = True


_WITH = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_ENTER = {
    "RangeVar": _relation,
    "FuncCall": _function,
    "SQLValueFunction": _keyword,
    "ColumnRef": _column,
    "SelectStmt": _select,
    "RangeSubselect": _derived,
    "RangeFunction": _derived,
    "JoinExpr": _join,
    "A_Const": _constant,
    "InsertStmt": _change,
    "UpdateStmt": _change,
    "DeleteStmt": _change,
    "MergeStmt": _change,
    "LockingClause": _locking,
}


def of_function(call: Node) -> Name:
    """The name of the function that a ``FuncCall`` calls; ``pg_catalog`` is left out."""
    name = of_parts(call.funcname)
    return Name(None, name.name) if name.schema == "pg_catalog" else name


def expression(node: Node) -> Expression:
    """An expression, with its SQL."""
    form = node.WhichOneof("node")
    if form == "a_const":
        return Expression(_literal(node), constant=True)
    found = look(node)
    is_constant = form == "type_cast" and _is_constant(node)
    return Expression(
        libpg_query.deparse_expression(node),
        tuple(found.functions),
        tuple(found.columns),
        is_constant,
        _casts(node),
    )


def _casts(node: Node) -> tuple[TypeName, ...] | None:
    """The types of ``column::a::b``; None for everything else."""
    casts = []
    while node.HasField("type_cast"):
        casts.append(of_type(node.type_cast.type_name))
        node = node.type_cast.arg
    return tuple(reversed(casts)) if node.HasField("column_ref") else None


def _is_constant(node: Node) -> bool:
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return bool(node.HasField("a_const"))


def _literal(node: Node) -> str:
    form = node.a_const.WhichOneof("val")
    text = constant(node.a_const)
    if form == "sval":
        return libpg_query.deparse_expression(node) if "\\" in text else _quoted(text)
    return text if form in ("ival", "boolval") else libpg_query.deparse_expression(node)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def names_in(nodes: Node) -> Iterator[Name]:
    """The relations of a list of ``RangeVar`` nodes."""
    return (of_range(node.range_var) for node in nodes)
