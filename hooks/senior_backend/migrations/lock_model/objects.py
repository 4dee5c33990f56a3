"""Effects of what happens to everything that is neither table, column, constraint nor index."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from senior_backend.catalog.model import Table
from senior_backend.migrations.lock_model.database import Database
from senior_backend.migrations.lock_model.effect import Effect, Lock
from senior_backend.migrations.lock_model.tables import dropped
from senior_backend.operations.names import Name
from senior_backend.operations.objects import (
    AlterDomain,
    AlterSequence,
    ChangeOwner,
    ChangePublication,
    Comment,
    CreateMaterializedView,
    CreatePolicy,
    CreateRule,
    CreateSequence,
    CreateStatistics,
    CreateTrigger,
    CreateView,
    Drop,
    DropFromTable,
    Grant,
    RefreshMaterializedView,
    Rename,
    SetSchema,
)

_PLAN: Final = "the plan of its query"
_RELATIONS: Final = frozenset({"table", "foreign table", "view", "materialized view", "sequence"})
_PARTS: Final = frozenset({"column", "constraint", "trigger", "policy", "rule"})


def drop(operation: Drop, database: Database) -> Iterator[Effect]:
    """DROP: brief; what depends on it is locked when it goes along or is changed."""
    catalog = database.catalog
    known = catalog.table(operation.name)
    if operation.kind in ("table", "foreign table"):
        yield from dropped(known, operation.name, cascade=operation.cascade, database=database)
    elif operation.kind in _RELATIONS:
        yield from _drop_relation(operation, database)
    elif operation.kind in ("type", "domain") and operation.cascade:
        for table in _users_of_type(operation.name, database):
            yield from database.on_family(table, Lock.ACCESS_EXCLUSIVE)
    elif operation.kind in ("function", "routine") and operation.cascade:
        for fired in catalog.fired_by(operation.name):  # the triggers go with it
            yield database.on(fired.name, Lock.ACCESS_EXCLUSIVE)
    elif operation.kind == "schema" and operation.cascade:
        for key, table_of_schema in list(catalog.tables.items()):
            if key.schema == operation.name.name:
                yield from dropped(table_of_schema, key, cascade=True, database=database)


def _drop_relation(operation: Drop, database: Database) -> Iterator[Effect]:
    yield database.on(operation.name, Lock.ACCESS_EXCLUSIVE)
    if operation.cascade:
        for view in database.views_over(operation.name):
            yield database.on(view, Lock.ACCESS_EXCLUSIVE)


def _users_of_type(name: Name, database: Database) -> list[Name]:
    return list(dict.fromkeys(t.name for t, _ in database.catalog.users_of_domain(name)))


def drop_from_table(operation: DropFromTable, database: Database) -> Iterator[Effect]:
    """DROP TRIGGER, POLICY and RULE: brief."""
    known = database.knows(operation.table)
    if operation.if_exists and known is not None and operation.kind != "rule":
        is_there = operation.name in known.triggers or operation.name in known.policies
        if not is_there:
            return
    yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)
    if operation.kind == "trigger":
        for partition in database.partitions(operation.table):
            yield database.on(partition, Lock.ACCESS_EXCLUSIVE)


def rename(operation: Rename, database: Database) -> Iterator[Effect]:
    """RENAME: brief, but the old name is gone at once."""
    if operation.kind == "index":
        yield Effect(database.label(operation.of), Lock.SHARE_UPDATE_EXCLUSIVE)
    elif operation.kind in ("column", "constraint"):
        yield from database.on_family(operation.of, Lock.ACCESS_EXCLUSIVE)
    elif operation.kind in _RELATIONS | _PARTS:
        yield database.on(operation.of, Lock.ACCESS_EXCLUSIVE)


def set_schema(operation: SetSchema, database: Database) -> Iterator[Effect]:
    """SET SCHEMA: brief, but the old name is gone at once."""
    if operation.kind in _RELATIONS:
        yield database.on(operation.name, Lock.ACCESS_EXCLUSIVE)
    if operation.kind == "table":
        for sequence in database.sequences_of(operation.name):
            yield database.on(sequence, Lock.ACCESS_EXCLUSIVE)


def change_owner(operation: ChangeOwner, database: Database) -> Iterator[Effect]:
    """OWNER TO: brief."""
    if operation.kind in _RELATIONS:
        yield database.on(operation.name, Lock.ACCESS_EXCLUSIVE)
    if operation.kind == "table":
        for sequence in database.sequences_of(operation.name):
            yield database.on(sequence, Lock.ACCESS_EXCLUSIVE)


def create_view(operation: CreateView, database: Database) -> Iterator[Effect]:
    """CREATE VIEW: only a view that it replaces is locked from its readers."""
    if operation.replace and database.catalog.table(operation.name) is not None:
        yield database.on(operation.name, Lock.ACCESS_EXCLUSIVE)
    for read in operation.reads:
        yield database.on(read, Lock.ACCESS_SHARE)


def create_materialized_view(
    operation: CreateMaterializedView, database: Database
) -> Iterator[Effect]:
    """CREATE MATERIALIZED VIEW: its query is run unless WITH NO DATA."""
    if operation.if_not_exists and database.catalog.table(operation.name) is not None:
        return
    yield from _query(operation.reads, operation.with_data, database)


def refresh_materialized_view(
    operation: RefreshMaterializedView, database: Database
) -> Iterator[Effect]:
    """REFRESH: reads of the view wait while its query runs; not so CONCURRENTLY."""
    if operation.concurrently:
        yield database.on(operation.name, Lock.EXCLUSIVE, scan=True)
    elif operation.with_data:
        yield database.on(operation.name, Lock.ACCESS_EXCLUSIVE, rewrite=True)
    else:
        yield database.on(operation.name, Lock.ACCESS_EXCLUSIVE)
    view = database.catalog.table(operation.name)
    if view is not None and operation.with_data:
        yield from _query(view.reads, True, database)


def _query(reads: tuple[Name, ...], runs: bool, database: Database) -> Iterator[Effect]:
    for read in reads:
        if not runs:
            yield database.on(read, Lock.ACCESS_SHARE)
            continue
        for member in database.read_with(read):
            yield database.on(member, Lock.ACCESS_SHARE, scan=None, unknown=_PLAN)


def create_trigger(operation: CreateTrigger, database: Database) -> Iterator[Effect]:
    """CREATE TRIGGER: writes wait for a moment."""
    for member in [operation.table, *database.partitions(operation.table)]:
        yield database.on(member, Lock.SHARE_ROW_EXCLUSIVE)
    if operation.references is not None:
        yield database.on(operation.references, Lock.ACCESS_SHARE)


def _exclusive(operation: CreatePolicy | CreateRule, database: Database) -> Iterator[Effect]:
    yield database.on(operation.table, Lock.ACCESS_EXCLUSIVE)


def alter_domain(operation: AlterDomain, database: Database) -> Iterator[Effect]:
    """ALTER DOMAIN: a new condition is checked in every table that uses the domain."""
    constraint = operation.constraint
    if operation.action == "add constraint":
        checked = constraint is None or not constraint.not_valid
    else:
        checked = operation.action in ("set not null", "validate constraint")
    if not checked:
        return
    for table in _users_of_domain(operation.domain, database):
        yield database.on(table, Lock.SHARE, scan=True)


def _users_of_domain(name: Name, database: Database) -> list[Name]:
    """Tables with a column of the domain, or of a domain over it."""
    catalog = database.catalog
    found = _users_of_type(name, database)
    for domain in catalog.domains.values():
        base = catalog.domain(domain.type)
        if base is not None and base.name == catalog.key(name) and domain.name != base.name:
            found += _users_of_domain(domain.name, database)
    return list(dict.fromkeys(found))


def create_sequence(operation: CreateSequence, database: Database) -> Iterator[Effect]:
    """CREATE SEQUENCE: the owner's table is only looked at."""
    if operation.owned_by is not None:
        yield database.on(operation.owned_by, Lock.ACCESS_SHARE)


def alter_sequence(operation: AlterSequence, database: Database) -> Iterator[Effect]:
    """ALTER SEQUENCE: nextval waits for a moment."""
    yield database.on(operation.name, Lock.SHARE_ROW_EXCLUSIVE)
    if operation.owned_by is not None:
        yield database.on(operation.owned_by, Lock.ACCESS_SHARE)


def create_statistics(operation: CreateStatistics, database: Database) -> Iterator[Effect]:
    """CREATE STATISTICS: reads and writes go on."""
    yield database.on(operation.table, Lock.SHARE_UPDATE_EXCLUSIVE)


def change_publication(operation: ChangePublication, database: Database) -> Iterator[Effect]:
    """CREATE and ALTER PUBLICATION: reads and writes go on."""
    for table in operation.tables:
        members = database.family(table)
        for member in [table] if database.is_partitioned(table) else members:
            yield database.on(member, Lock.SHARE_UPDATE_EXCLUSIVE)


def comment(operation: Comment, database: Database) -> Iterator[Effect]:
    """COMMENT: reads and writes go on."""
    if operation.table is not None:
        part = operation.kind in ("constraint", "trigger", "policy", "rule")
        lock = Lock.ACCESS_SHARE if part else Lock.SHARE_UPDATE_EXCLUSIVE
        yield database.on(operation.table, lock)


def grant(operation: Grant, database: Database) -> Iterator[Effect]:
    """GRANT and REVOKE: since 18 the relations are locked, but nobody waits."""
    if database.major >= 18 and operation.kind in _RELATIONS:
        for name in operation.objects:
            yield database.on(name, Lock.ACCESS_SHARE)


def is_view(table: Table | None) -> bool:
    """Whether the relation is known to be a view, materialized or not."""
    return table is not None and table.kind in ("view", "materialized view")


EFFECTS: Final[Mapping[type, Callable[[Any, Database], Iterator[Effect]]]] = {
    AlterDomain: alter_domain,
    AlterSequence: alter_sequence,
    ChangeOwner: change_owner,
    ChangePublication: change_publication,
    Comment: comment,
    CreateMaterializedView: create_materialized_view,
    CreatePolicy: _exclusive,
    CreateRule: _exclusive,
    CreateSequence: create_sequence,
    CreateStatistics: create_statistics,
    CreateTrigger: create_trigger,
    CreateView: create_view,
    Drop: drop,
    DropFromTable: drop_from_table,
    Grant: grant,
    RefreshMaterializedView: refresh_materialized_view,
    Rename: rename,
    SetSchema: set_schema,
}
