"""Partitioned tables: indexes piece by piece, partitions that come and go without a long lock."""

import re
from typing import Final

from senior_backend.catalog.model import Table
from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop
from senior_backend.operations.tables import (
    AttachPartition,
    CreateTable,
    DetachPartition,
    PartitionBound,
    PartitionKey,
)
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = (
    "attach-partition-scan",
    "detach-partition-not-concurrent",
    "create-partition-of-locks-parent",
    "drop-partition-locks-parent",
)

# What PARTITION OF gives: an identity comes with ATTACH from 17 on, and not at all before.
_LIKE: Final = "INCLUDING ALL EXCLUDING IDENTITY EXCLUDING COMMENTS EXCLUDING STATISTICS"
_RANGE: Final = re.compile(r"FOR VALUES FROM \((.*)\) TO \((.*)\)\Z", re.IGNORECASE | re.DOTALL)
_LIST: Final = re.compile(r"FOR VALUES IN \((.*)\)\Z", re.IGNORECASE | re.DOTALL)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The safe form of what is done to a partitioned table."""
    if hazard.class_ in ("note", "hygiene") or not step.alone_in_statement:
        return None
    operation = step.operation
    if isinstance(operation, AttachPartition):
        return _attach(step, operation)
    if isinstance(operation, DetachPartition):
        return _detach(step, operation)
    if isinstance(operation, CreateTable):
        return _create(step, operation)
    if isinstance(operation, Drop):
        return _drop(step, operation)
    return None


def _attach(step: Step, operation: AttachPartition) -> Remedy:
    parent = step.catalog.table(operation.table)
    default = step.catalog.default_partition(operation.table)
    inside = _condition(parent, operation.bound)
    if inside is None:
        return Remedy(reason="write the bound as a CHECK, NOT VALID, validate it, and attach then")
    phases = []
    child = operation.partition
    phases += _checked(child, names.joined(child.name, None, "bound"), inside)
    drops = [recipes.drop_constraint(child, names.joined(child.name, None, "bound"))]
    if default is not None:
        place = _written(step, operation.table, default)
        name = names.joined(default.name.name, f"not_{child.name}", "check")
        phases += _checked(place, name, _outside(parent, inside))
        drops.append(recipes.drop_constraint(place, name))
    phases.append(
        Phase(
            f"attach_{child.name}",
            (step.statement.sql, *drops),
            (recipes.alter(operation.table, f"DETACH PARTITION {recipes.name(child)}"),),
        )
    )
    return Remedy(
        phases=tuple(phases),
        safe=True,
        apart=True,
        rollback=phases[-1].down,
    )


def _checked(table: Name, name: str, condition: str) -> list[Phase]:
    check = f"ADD CONSTRAINT {quote_identifier(name)} CHECK ({condition}) NOT VALID"
    return [
        Phase(
            f"add_{name}",
            (recipes.alter(table, check),),
            (f"{recipes.alter(table, f'DROP CONSTRAINT IF EXISTS {quote_identifier(name)}')}",),
        ),
        Phase(f"validate_{name}", (recipes.validate(table, name),)),
    ]


def _written(step: Step, parent: Name, table: Table) -> Name:
    """The table's name, with a schema only where it is not that of the parent as written."""
    same = table.name.schema == step.catalog.key(parent).schema
    return Name(parent.schema if same else table.name.schema, table.name.name)


def _condition(parent: Table | None, bound: PartitionBound) -> str | None:
    """The bound of a partition by one column, as a condition that is never NULL."""
    key: PartitionKey | None = parent.partition_by if parent else None
    if key is None or len(key.columns) != 1 or bound.default or parent is None:
        return None
    if key.columns[0] not in parent.columns:
        return None
    column = quote_identifier(key.columns[0])
    if key.strategy == "list" and (found := _LIST.match(bound.sql.strip())):
        if "null" in found[1].lower():
            return None
        return f"{column} IS NOT NULL AND {column} IN ({found[1]})"
    if key.strategy == "range" and (found := _RANGE.match(bound.sql.strip())):
        low, high = (text.strip() for text in found.groups())
        parts = [f"{column} IS NOT NULL"]
        parts += [f"{column} >= {low}"] if low.upper() != "MINVALUE" else []
        parts += [f"{column} < {high}"] if high.upper() != "MAXVALUE" else []
        return " AND ".join(parts)
    return None


def _outside(parent: Table | None, inside: str) -> str:
    """No row of it lies in the bound: what PostgreSQL asks of the DEFAULT partition."""
    return f"NOT ({inside})"


def _detach(step: Step, operation: DetachPartition) -> Remedy:
    text = f"{step.statement.sql.rstrip()} CONCURRENTLY"
    known = step.catalog.tables.get(step.catalog.key(operation.partition))
    back = (
        (
            recipes.alter(
                operation.table,
                f"ATTACH PARTITION {recipes.name(operation.partition)} {known.bound.sql}",
            ),
        )
        if known is not None and known.bound is not None
        else ()
    )
    child = operation.partition
    phases = [Phase(f"detach_{child.name}", (text,), back, transactional=False)]
    parent = step.catalog.table(operation.table)
    key = parent.partition_by.columns if parent is not None and parent.partition_by else ()
    if not key or parent is None or any(column not in parent.columns for column in key):
        reason = f"{child.name} keeps a CHECK constraint that repeats its bound: drop it afterwards"
        return Remedy(phases=tuple(phases), reason=reason, rollback=back)
    only = key[0] if len(key) == 1 else None
    check = names.constraint(step.catalog, step.catalog.key(child), only, "check")
    dropped = recipes.alter(child, f"DROP CONSTRAINT IF EXISTS {quote_identifier(check)}")
    note = "CONCURRENTLY leaves a CHECK that repeats the bound."
    phases.append(Phase(f"drop_{check}", (dropped,), note=note))
    return Remedy(phases=tuple(phases), safe=True, rollback=back)


def _drop(step: Step, operation: Drop) -> Remedy | None:
    """Detached first, which locks the parent for nobody; then it is a table like others."""
    known = step.catalog.table(operation.name)
    if known is None or known.partition_of is None:
        return None
    if step.catalog.default_partition(known.partition_of) is not None:
        return Remedy(reason="beside a DEFAULT partition it cannot be detached CONCURRENTLY")
    parent = step.catalog.tables.get(known.partition_of)
    written = _written(step, operation.name, parent) if parent else known.partition_of
    detach = recipes.alter(written, f"DETACH PARTITION {recipes.name(operation.name)} CONCURRENTLY")
    name = operation.name.name
    phases = (
        Phase(f"detach_{name}", (detach,), transactional=False),
        Phase(f"drop_{name}", (step.statement.sql,)),
    )
    return Remedy(phases=phases, reason=f"the rows of {name} are gone: detach it, drop it later")


def _create(step: Step, operation: CreateTable) -> Remedy | None:
    """A table of its own like the parent, and then attached."""
    parent = operation.partition_of
    if parent is None or operation.bound is None or operation.bound.default:
        return None
    node = step.statement.node
    settings = node.options or node.tablespacename or node.access_method
    if operation.columns or operation.constraints or operation.partition_by or settings:
        return Remedy(reason="create the table on its own, LIKE the parent, and attach it then")
    if operation.if_not_exists or operation.persistence != "permanent":
        return Remedy(reason="create the table on its own, LIKE the parent, and attach it then")
    default = step.catalog.default_partition(parent)
    known = step.catalog.table(parent)
    inside = _condition(known, operation.bound)
    if inside is None:
        return Remedy(reason="create the table on its own, LIKE the parent, and attach it then")
    phases = []
    drops = []
    if default is not None:
        place = _written(step, parent, default)
        name = names.joined(default.name.name, f"not_{operation.table.name}", "check")
        phases += _checked(place, name, _outside(known, inside))
        drops.append(recipes.drop_constraint(place, name))
    own = recipes.name(operation.table)
    attach = recipes.alter(parent, f"ATTACH PARTITION {own} {operation.bound.sql}")
    drop = f"DROP TABLE {own}"
    phases.append(
        Phase(
            f"create_{operation.table.name}",
            (f"CREATE TABLE {own} (LIKE {recipes.name(parent)} {_LIKE})", attach, *drops),
            (drop,),
        )
    )
    return Remedy(phases=tuple(phases), safe=True, apart=True, rollback=(drop,))
