"""Tables, partitions and what happens to a table as a whole."""

from dataclasses import dataclass
from typing import Literal

from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation, operation

Persistence = Literal["permanent", "unlogged", "temporary"]


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """PARTITION BY: ``strategy`` is range, list or hash; expressions stand as their SQL."""

    strategy: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartitionBound:
    """FOR VALUES ... as SQL, or DEFAULT."""

    sql: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """LIKE other INCLUDING ... (``all``, ``constraints``, ``indexes``, ...)."""

    table: Name
    including: frozenset[str] = frozenset()


@operation
class CreateTable(Operation):
    """CREATE TABLE, also PARTITION OF, and CREATE TABLE AS (``reads`` are its source tables)."""

    table: Name
    columns: tuple[ColumnDefinition, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    persistence: Persistence = "permanent"
    if_not_exists: bool = False
    partition_by: PartitionKey | None = None
    partition_of: Name | None = None
    bound: PartitionBound | None = None
    inherits: tuple[Name, ...] = ()
    likes: tuple[Like, ...] = ()
    as_query: bool = False
    reads: tuple[Name, ...] = ()
    with_data: bool = True
    foreign: bool = False


@operation
class TableOperation(Operation):
    """What happens to one table. ``only`` and ``if_exists`` as in ALTER TABLE IF EXISTS ONLY."""

    table: Name
    only: bool = False
    if_exists: bool = False


@operation
class AttachPartition(TableOperation):
    """ALTER TABLE parent ATTACH PARTITION child."""

    partition: Name
    bound: PartitionBound


@operation
class DetachPartition(TableOperation):
    """ALTER TABLE parent DETACH PARTITION child [CONCURRENTLY | FINALIZE]."""

    partition: Name
    concurrently: bool = False
    finalize: bool = False


@operation
class Inherit(TableOperation):
    """INHERIT, or NO INHERIT when ``remove``."""

    parent: Name
    remove: bool = False


@operation
class SetPersistence(TableOperation):
    """SET LOGGED or SET UNLOGGED."""

    persistence: Persistence


@operation
class SetTablespace(TableOperation):
    """SET TABLESPACE of a table or an index (``kind``)."""

    tablespace: str
    kind: Literal["table", "index", "materialized view"] = "table"


@operation
class SetAccessMethod(TableOperation):
    """SET ACCESS METHOD (PostgreSQL 15)."""

    method: str | None


@operation
class SetTableOptions(TableOperation):
    """SET or RESET of storage parameters; ``values`` holds what is set, by name."""

    names: tuple[str, ...]
    values: tuple[tuple[str, str], ...] = ()


@operation
class ClusterOn(TableOperation):
    """CLUSTER ON index / SET WITHOUT CLUSTER: only a mark, nothing is rewritten."""


@operation
class SetTriggers(TableOperation):
    """ENABLE / DISABLE TRIGGER or RULE; ``name`` is None for ALL, or for USER when ``user``."""

    enable: bool
    name: str | None = None
    rule: bool = False
    user: bool = False


@operation
class SetRowSecurity(TableOperation):
    """ENABLE, DISABLE, FORCE, NO FORCE ROW LEVEL SECURITY."""

    action: Literal["enable", "disable", "force", "no force"]


@operation
class SetReplicaIdentity(TableOperation):
    """REPLICA IDENTITY."""

    identity: Literal["default", "full", "nothing", "index"]
    index: str | None = None


@operation
class OtherTableAction(TableOperation):
    """An ALTER TABLE action that no other operation describes; ``action`` is its AT_ name."""

    action: str


@operation
class Truncate(Operation):
    """TRUNCATE; ``only`` are those of its tables that it names with ONLY."""

    tables: tuple[Name, ...]
    cascade: bool = False
    only: tuple[Name, ...] = ()
    restart_identity: bool = False


@operation
class LockTable(Operation):
    """LOCK TABLE; ``mode`` as PostgreSQL names it, such as ACCESS EXCLUSIVE; ``only`` as above."""

    tables: tuple[Name, ...]
    mode: str
    nowait: bool = False
    only: tuple[Name, ...] = ()


@operation
class Vacuum(Operation):
    """VACUUM and ANALYZE (``analyze_only``). No tables: the whole database."""

    tables: tuple[Name, ...] = ()
    full: bool = False
    analyze_only: bool = False


@operation
class Cluster(Operation):
    """CLUSTER; ``table`` is None for every clustered table."""

    table: Name | None = None
