"""CREATE TABLE and what happens to tables outside of ALTER TABLE."""

from collections.abc import Iterable

from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.objects import CreateMaterializedView, RefreshMaterializedView
from senior_backend.operations.operation import Operation
from senior_backend.operations.readers.columns import column
from senior_backend.operations.readers.constraints import constraint
from senior_backend.operations.readers.data import changes
from senior_backend.operations.readers.expressions import look
from senior_backend.operations.readers.nodes import (
    Node,
    Reader,
    cascade,
    is_true,
    of_range,
    options,
    word,
)
from senior_backend.operations.tables import (
    Cluster,
    CreateTable,
    Like,
    LockTable,
    PartitionBound,
    PartitionKey,
    Persistence,
    Truncate,
    Vacuum,
)
from senior_backend.sql.libpg_query import deparse_expression
from senior_backend.sql.script import Statement

_PERSISTENCE: dict[str, Persistence] = {"u": "unlogged", "t": "temporary"}
# CREATE_TABLE_LIKE_ bits (nodes/parsenodes.h, TableLikeOption).
_LIKE = {
    1: "comments",
    2: "compression",
    4: "constraints",
    8: "defaults",
    16: "generated",
    32: "identity",
    64: "indexes",
    128: "statistics",
    256: "storage",
}
_LIKE_ALL = 0x7FFFFFFF
# The numbers that LOCK carries (storage/lockdefs.h).
_MODES = (
    "",
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)


def persistence(relation: Node) -> Persistence:
    """Of a ``RangeVar`` that is created."""
    if relation.schemaname == "pg_temp":
        return "temporary"
    return _PERSISTENCE.get(relation.relpersistence, "permanent")


def create_table(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE TABLE, in all its forms but AS."""
    yield _table(node, foreign=False)


def create_foreign_table(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE FOREIGN TABLE."""
    yield _table(node.base_stmt, foreign=True)


def _table(node: Node, *, foreign: bool) -> CreateTable:
    columns, likes = [], []
    constraints: list[Constraint] = []
    for item in node.table_elts:
        form = item.WhichOneof("node")
        if form == "column_def":
            columns.append(column(item.column_def))
        elif form == "constraint":
            constraints += filter(None, [constraint(item.constraint)])
        elif form == "table_like_clause":
            clause = item.table_like_clause
            likes.append(Like(of_range(clause.relation), _including(clause.options)))
    parents = tuple(of_range(parent.range_var) for parent in node.inh_relations)
    bound = bound_of(node.partbound) if node.HasField("partbound") else None
    return CreateTable(
        table=of_range(node.relation),
        columns=tuple(columns),
        constraints=tuple(constraints),
        persistence=persistence(node.relation),
        if_not_exists=node.if_not_exists,
        partition_by=_partition_key(node.partspec) if node.HasField("partspec") else None,
        partition_of=parents[0] if bound and parents else None,
        bound=bound,
        inherits=() if bound else parents,
        likes=tuple(likes),
        foreign=foreign,
    )


def _including(bits: int) -> frozenset[str]:
    found = {name for bit, name in _LIKE.items() if bits & bit}
    return frozenset(found | {"all"} if bits == _LIKE_ALL else found)


def _partition_key(node: Node) -> PartitionKey:
    elements = [item.partition_elem for item in node.part_params]
    return PartitionKey(
        word(node, "strategy").removeprefix("PARTITION_STRATEGY_").lower(),
        tuple(part.name or deparse_expression(part.expr) for part in elements),
    )


def bound_of(node: Node) -> PartitionBound:
    """A ``PartitionBoundSpec`` as SQL."""
    if node.is_default:
        return PartitionBound("DEFAULT", default=True)
    if node.strategy == "h":
        return PartitionBound(
            f"FOR VALUES WITH (modulus {node.modulus}, remainder {node.remainder})"
        )
    if node.strategy == "l":
        return PartitionBound(f"FOR VALUES IN ({_datums(node.listdatums)})")
    return PartitionBound(
        f"FOR VALUES FROM ({_datums(node.lowerdatums)}) TO ({_datums(node.upperdatums)})"
    )


def _datums(nodes: Node) -> str:
    return ", ".join(map(deparse_expression, nodes))


def create_table_as(node: Node, statement: Statement) -> Iterable[Operation]:
    """CREATE TABLE AS, CREATE MATERIALIZED VIEW; what the query changes comes first."""
    found = look(node.query)
    yield from changes(found)
    name = of_range(node.into.rel)
    if word(node, "objtype") == "OBJECT_MATVIEW":
        yield CreateMaterializedView(
            name=name,
            with_data=not node.into.skip_data,
            if_not_exists=node.if_not_exists,
            reads=tuple(found.relations),
            columns_read=found.columns_read(),
        )
    else:
        yield CreateTable(
            table=name,
            persistence=persistence(node.into.rel),
            if_not_exists=node.if_not_exists,
            as_query=True,
            with_data=not node.into.skip_data,
            reads=tuple(found.relations),
        )


def refresh(node: Node, statement: Statement) -> Iterable[Operation]:
    """REFRESH MATERIALIZED VIEW."""
    yield RefreshMaterializedView(
        name=of_range(node.relation),
        concurrently=node.concurrent,
        with_data=not node.skip_data,
    )


def truncate(node: Node, statement: Statement) -> Iterable[Operation]:
    """TRUNCATE."""
    yield Truncate(
        tables=_tables(node.relations),
        cascade=cascade(node),
        only=_only(node.relations),
        restart_identity=node.restart_seqs,
    )


def lock(node: Node, statement: Statement) -> Iterable[Operation]:
    """LOCK TABLE."""
    yield LockTable(
        tables=_tables(node.relations),
        mode=_MODES[node.mode],
        nowait=node.nowait,
        only=_only(node.relations),
    )


def _tables(nodes: Node) -> tuple[Name, ...]:
    return tuple(of_range(item.range_var) for item in nodes)


def _only(nodes: Node) -> tuple[Name, ...]:
    return tuple(of_range(item.range_var) for item in nodes if not item.range_var.inh)


def vacuum(node: Node, statement: Statement) -> Iterable[Operation]:
    """VACUUM and ANALYZE."""
    yield Vacuum(
        tables=tuple(of_range(item.vacuum_relation.relation) for item in node.rels),
        full=is_true(options(node.options).get("full")),
        analyze_only=not node.is_vacuumcmd,
    )


def cluster(node: Node, statement: Statement) -> Iterable[Operation]:
    """CLUSTER."""
    yield Cluster(table=of_range(node.relation) if node.HasField("relation") else None)


TABLE: dict[str, Reader] = {
    "CreateStmt": create_table,
    "CreateForeignTableStmt": create_foreign_table,
    "CreateTableAsStmt": create_table_as,
    "RefreshMatViewStmt": refresh,
    "TruncateStmt": truncate,
    "LockStmt": lock,
    "VacuumStmt": vacuum,
    "ClusterStmt": cluster,
}
